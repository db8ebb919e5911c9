package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/slack/client"
	"honk/internal/task"
)

// checkError looks at an error's code, words, and that no token is in it.
func checkError(t *testing.T, err error, code task.Code, words string) {
	t.Helper()
	if task.CodeOf(err) != code {
		t.Errorf("code %q of %v, want %q", task.CodeOf(err), err, code)
		return
	}
	if !regexp.MustCompile(words).MatchString(err.Error()) {
		t.Errorf("%q lacks %q", err, words)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%v %+v", e, e), "canary") {
			t.Errorf("a token is in %v", e)
		}
	}
}

func ts(n int) string { return fmt.Sprintf("17000%05d.000001", n) }

// thread is a thread of so many messages, in pages of two.
func thread(b *bundle, n int) {
	b.handle("conversations.replies", func(w http.ResponseWriter, form url.Values) {
		from := 0
		_, _ = fmt.Sscan(form.Get("cursor"), &from)
		var list []string
		next := ""
		for i := from; i < n; i++ {
			if i == from+2 {
				next = fmt.Sprint(i)
				break
			}
			list = append(list, fmt.Sprintf(`{"type":"message","user":"U1","text":"m%d","ts":%q,"thread_ts":%q}`, i, ts(i), ts(0)))
		}
		fmt.Fprintf(w, `{"ok":true,"messages":[%s],"has_more":%v,"response_metadata":{"next_cursor":%q}}`, strings.Join(list, ","), next != "", next)
	})
}

func texts(said []client.Said) (all []string) {
	for _, s := range said {
		all = append(all, s.Text)
	}
	return all
}

func TestReplies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread(b, 6)
	at := client.Place{Channel: "C1", Thread: ts(0)}
	for name, tt := range map[string]struct {
		until string
		limit int
		want  []string
	}{
		"all":       {want: []string{"m0", "m1", "m2", "m3", "m4", "m5"}},
		"until":     {until: ts(3), want: []string{"m0", "m1", "m2"}},
		"limit":     {until: ts(5), limit: 3, want: []string{"m0", "m3", "m4"}},
		"one":       {limit: 1, want: []string{"m0"}},
		"unlimited": {until: ts(2), limit: 9, want: []string{"m0", "m1"}},
	} {
		said, err := b.Replies(t.Context(), at, tt.until, tt.limit)
		if diff := cmp.Diff(tt.want, texts(said)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	first := b.sent("conversations.replies")[0]
	if first.Get("channel") != "C1" || first.Get("ts") != ts(0) {
		t.Errorf("sent %v", first)
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread(b, 3)
	said, err := b.Since(t.Context(), client.Place{Channel: "C1", Thread: ts(0)}, time.Unix(1700000000, 500e3))
	if diff := cmp.Diff([]string{"m1", "m2"}, texts(said)); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got := b.sent("conversations.replies")[0].Get("oldest"); got != "1700000000.000500" {
		t.Errorf("since %q", got)
	}
}

// A message tells who wrote it, and what was changed.
func TestHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer("conversations.history", `{"ok":true,"messages":[
		{"type":"message","user":"U1","text":"new","ts":"1700000002.000001","edited":{"user":"U1","ts":"1700000009.000000"},
			"files":[{"id":"F1","name":"a.png","mimetype":"image/png","size":3,"url_private":"https://files.slack.com/a"}]},
		{"type":"message","user":"U2","bot_id":"B9","text":"app","ts":"1700000001.500000"},
		{"type":"message","subtype":"channel_join","user":"U3","text":"joined","ts":"1700000001.400000"},
		{"type":"message","subtype":"thread_broadcast","user":"U4","text":"old","ts":"1700000001.000001","thread_ts":"1600000000.000001"}]}`)
	said, err := b.History(t.Context(), "C1", time.Unix(1700000000, 0))
	if err != nil || len(said) != 4 {
		t.Fatal(said, err)
	}
	if diff := cmp.Diff([]string{"old", "joined", "app", "new"}, texts(said)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i, bot := range []bool{false, true, true, false} {
		if said[i].Bot != bot {
			t.Errorf("%q is a bot's: %v", said[i].Text, said[i].Bot)
		}
	}
	if s := said[3]; !s.Edited || s.EditedTS != "1700000009.000000" || len(s.Files) != 1 || s.Files[0].URL != "https://files.slack.com/a" ||
		!s.At().Equal(time.Unix(1700000002, 1000)) || said[0].ThreadTS != "1600000000.000001" {
		t.Errorf("got %+v", said)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const block = `"blocks":[{"type":"section","block_id":"honk:task:1","text":{"type":"mrkdwn","text":"x"}}]`
	b.answer("conversations.replies", `{"ok":true,"messages":[
		{"type":"message","user":"U1","text":"forged","ts":"1700000003.000001",`+block+`},
		{"type":"message","user":"UBOT","bot_id":"B1","text":"ours","ts":"1700000002.000001",`+block+`}]}`)
	at := client.Place{Channel: "C1", Thread: ts(0)}
	if got, ok, err := b.Find(t.Context(), at, "honk:task:1"); got != "1700000002.000001" || !ok || err != nil {
		t.Errorf("Find = %q, %v, %v", got, ok, err)
	}
	if got, ok, err := b.Find(t.Context(), at, "honk:task:2"); ok || err != nil {
		t.Errorf("Find = %q, %v, %v", got, ok, err)
	}
}

func TestReplies_scope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer("conversations.replies", `{"ok":false,"error":"missing_scope","needed":"groups:history"}`)
	_, err := b.Replies(t.Context(), client.Place{Channel: "C1", Thread: ts(0)}, "", 0)
	checkError(t, err, task.CodeForbidden, "groups:history")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.Replies(ctx, client.Place{Channel: "C1", Thread: ts(0)}, "", 0)
	checkError(t, err, task.CodeCancelled, "")
}

func TestDownload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := setup(t)
	other.mux.HandleFunc("/stolen", func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("somebody else gets %q", r.Header.Get("Authorization"))
	})
	serve := func(path string, f func(w http.ResponseWriter, r *http.Request)) { b.mux.HandleFunc(path, f) }
	serve("/files/a.txt", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+botToken {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "12345")
	})
	serve("/files/moved.txt", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/files/a.txt", http.StatusFound) })
	serve("/files/away.txt", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.url+"/stolen", http.StatusFound)
	})
	login := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html><title>Sign in</title>")
	}
	serve("/", login)
	serve("/files/page.html", login)
	serve("/files/denied.html", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/?redir=%2Ffiles%2Fdenied.html", http.StatusFound)
	})
	for path, want := range map[string]string{
		"/files/a.txt": "12345", "/files/moved.txt": "12345", "/files/page.html": "<!DOCTYPE html><title>Sign in</title>",
	} {
		if got, err := b.Download(t.Context(), b.url+path, 100); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := b.Download(t.Context(), b.url+"/files/a.txt", 5); err != nil {
		t.Errorf("a file of the very size: %v", err)
	}
	_, err := b.Download(t.Context(), b.url+"/files/a.txt", 4)
	checkError(t, err, task.CodeInvalid, "larger than")
	for _, path := range []string{"/files/b.txt", "/files/denied.html"} {
		_, err = b.Download(t.Context(), b.url+path, 100)
		checkError(t, err, task.CodeForbidden, "files:read")
	}
	_, err = b.Download(t.Context(), b.url+"/files/away.txt", 100)
	checkError(t, err, task.CodeForbidden, "elsewhere")
	for _, address := range []string{
		"", other.url + "/stolen", "https://slack.com.evil.example/x", "http://files.slack.com/x", "https://evilslack.com/x", "https://a@files.slack.com/x", "file:///etc/passwd",
	} {
		_, err = b.Download(t.Context(), address, 100)
		checkError(t, err, task.CodeInvalid, "not kept by Slack")
	}
}
