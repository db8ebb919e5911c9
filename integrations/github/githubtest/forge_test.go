package githubtest_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/githubtest"
)

func TestApp_jwt(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	now := time.Now().Unix()
	with := func(key string, value any) string {
		claims := b.claims()
		claims[key] = value
		return b.jwt(claims)
	}
	for name, tt := range map[string]struct {
		token string
		want  int
	}{
		"good":             {b.jwt(b.claims()), 200},
		"number as issuer": {with("iss", b.AppID()), 200},
		"drift":            {with("iat", now+30), 200},
		"another issuer":   {with("iss", "7"), 401},
		"from the future":  {with("iat", now+120), 401},
		"expired":          {with("exp", now-120), 401},
		"lives too long":   {with("exp", now+900), 401},
		"another key":      {sign(t, other, b.claims()), 401},
		"no token":         {"", 401},
		"rubbish":          {"ey.x.y", 401},
	} {
		if a := b.callWith(tt.token, "GET", "/app", nil); a.status != tt.want {
			t.Errorf("%s: got %d %v", name, a.status, a.object["message"])
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := setup(t, githubtest.Options{NowFunc: func() time.Time { return now }})
	in := b.as(map[string]any{"repositories": []string{"api"}, "permissions": map[string]string{"issues": "write"}})
	if !strings.HasPrefix(in.token, "ghs_") || strings.Count(in.token, ".") != 2 || len(in.token) < 200 {
		t.Errorf("got %q", in.token)
	}
	in.want(200, "GET", "/repos/acme/api", nil)
	in.want(404, "GET", "/repos/acme/secret", nil)
	in.want(404, "GET", "/repos/acme/none", nil)
	in.want(403, "GET", "/repos/acme/api/pulls", nil)
	in.want(401, "GET", "/app", nil)
	if a := b.call("GET", "/repos/acme/api", nil); a.status != 403 {
		t.Errorf("the App itself: got %d", a.status)
	}
	id := b.want(200, "GET", "/repos/acme/api/installation", nil).object["id"]
	path := fmt.Sprintf("/app/installations/%.0f/access_tokens", id)
	b.want(422, "POST", path, map[string]any{"permissions": map[string]string{"workflows": "write"}})
	b.want(422, "POST", path, map[string]any{"repositories": []string{"none"}})
	b.Suspend("acme", true)
	in.want(403, "GET", "/repos/acme/api", nil)
	b.want(403, "POST", path, nil)
	b.Suspend("acme", false)
	in.want(204, "DELETE", "/installation/token", nil)
	in.want(401, "GET", "/repos/acme/api", nil)
	want := []githubtest.Token{{
		Permissions: githubtest.Permissions{"issues": "write", "metadata": "read"}, Repos: []string{"acme/api"},
		CreatedAt: now.UTC().Truncate(time.Second), ExpiresAt: now.UTC().Truncate(time.Second).Add(time.Hour), Revoked: true,
	}}
	if diff := cmp.Diff(want, b.Tokens()); diff != "" {
		t.Error(diff)
	}
	late := b.as(nil)
	now = now.Add(time.Hour)
	late.want(401, "GET", "/repos/acme/api", nil)
	for _, r := range b.Requests() {
		if strings.Contains(fmt.Sprintf("%+v", r.Query+r.Path+r.As), "ghs_") {
			t.Errorf("a token in the record: %+v", r)
		}
	}
}

// A token for pull requests alone comments on those, and on no issue.
func TestPermission_thread(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	_, err := b.OpenIssue("bob", "acme/api", "x", "")
	must(t, err)
	_, err = b.Commit(t.Context(), githubtest.Change{Repo: "acme/api", Branch: "side", Login: "ada", Files: map[string]string{"x": "1"}})
	must(t, err)
	_, err = b.OpenPull(t.Context(), "ada", "acme/api", githubtest.NewPull{Title: "x", Head: "side"})
	must(t, err)
	in := b.as(map[string]any{"permissions": map[string]string{"pull_requests": "write"}})
	body := map[string]any{"body": "hello"}
	in.want(403, "POST", "/repos/acme/api/issues/1/comments", body)
	in.want(201, "POST", "/repos/acme/api/issues/2/comments", body)
	read := b.as(map[string]any{"permissions": map[string]string{"pull_requests": "read"}})
	read.want(403, "POST", "/repos/acme/api/issues/2/comments", body)
	for login, want := range map[string]string{"ada": "write", "bob": "read", "acme": "admin", "eve": ""} {
		a := read.call("GET", "/repos/acme/api/collaborators/"+login+"/permission", nil)
		if got, _ := a.object["permission"].(string); got != want {
			t.Errorf("%s: got %q %d", login, got, a.status)
		}
	}
	must(t, b.Archive("acme/api", true))
	in.want(403, "POST", "/repos/acme/api/issues/2/comments", body)
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	n, err := b.OpenIssue("bob", "acme/api", "x", "")
	must(t, err)
	for i := range 5 {
		_, err := b.Comment(githubtest.At{Login: "bob", Repo: "acme/api", Number: n}, fmt.Sprint(i))
		must(t, err)
	}
	in := b.as(nil)
	var got []string
	next := "/repos/acme/api/issues/1/comments?per_page=2"
	for pages := 0; next != "" && pages < 9; pages++ {
		a := in.want(200, "GET", next, nil)
		for _, c := range a.list {
			got = append(got, c["body"].(string))
		}
		next = nextPage(a)
	}
	if strings.Join(got, "") != "01234" {
		t.Errorf("got %v", got)
	}
	b.events()
	count := 0
	next = "/app/hook/deliveries?per_page=2"
	for pages := 0; next != "" && pages < 9; pages++ {
		a := b.want(200, "GET", next, nil)
		count += len(a.list)
		next = nextPage(a)
	}
	if count != len(b.Deliveries()) || count < 6 {
		t.Errorf("got %d of %d deliveries", count, len(b.Deliveries()))
	}
}

func nextPage(a answer) string {
	for link := range strings.SplitSeq(a.header.Get("Link"), ", ") {
		if url, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
			return url[1:]
		}
	}
	return ""
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{Repeat: 3})
	n, err := b.OpenIssue("bob", "acme/api", "x", "")
	must(t, err)
	_, err = b.Comment(githubtest.At{Login: "ada", Repo: "acme/api", Number: n}, "/honk go")
	must(t, err)
	in := b.as(nil)
	in.want(201, "POST", "/repos/acme/api/issues/1/comments", map[string]any{"body": "ok"})
	want := []string{"installation/created", "issues/opened", "issue_comment/created", "issue_comment/created"}
	want = slices.Concat(slices.Repeat(want[:1], 3), slices.Repeat(want[1:2], 3), slices.Repeat(want[2:3], 6))
	if diff := cmp.Diff(want, b.events()); diff != "" {
		t.Error(diff)
	}
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	last := b.inbox.hooks[len(b.inbox.hooks)-1]
	if last.header.Get("X-Hub-Signature-256") != githubtest.Sign(secret, last.body) {
		t.Error("the signature is wrong")
	}
	if !strings.HasPrefix(last.header.Get("User-Agent"), "GitHub-Hookshot/") ||
		last.header.Get("X-GitHub-Hook-Installation-Target-ID") != fmt.Sprint(b.AppID()) {
		t.Errorf("got %v", last.header)
	}
	sender, _ := last.payload["sender"].(map[string]any)
	if sender["login"] != "honk[bot]" || sender["type"] != "Bot" {
		t.Errorf("got %v", sender)
	}
}

func TestWebhooks_lost(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	b.events()
	b.DropDeliveries(1)
	_, err := b.OpenIssue("bob", "acme/api", "lost", "")
	must(t, err)
	if got := b.events(); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	failed := b.want(200, "GET", "/app/hook/deliveries", nil).list[0]
	if failed["event"] != "issues" || failed["status"] == "OK" {
		t.Errorf("got %v", failed)
	}
	b.want(202, "POST", fmt.Sprintf("/app/hook/deliveries/%.0f/attempts", failed["id"]), nil)
	if got := b.events(); len(got) != 2 || got[1] != "issues/opened" {
		t.Errorf("got %v", got)
	}
	again := b.want(200, "GET", "/app/hook/deliveries", nil).list[0]
	if again["guid"] != failed["guid"] || again["redelivery"] != true || again["status_code"] != 202.0 {
		t.Errorf("got %v", again)
	}
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	b.events()
	status, err := b.Deliver(t.Context(), githubtest.Forgery{
		Event: "issues", GUID: "g", Payload: []byte(`{"action":"x"}`), Headers: map[string]string{"X-Hub-Signature-256": ""},
	})
	if err != nil || status != http.StatusAccepted {
		t.Fatalf("got %d, %v", status, err)
	}
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	last := b.inbox.hooks[len(b.inbox.hooks)-1]
	if last.header.Get("X-GitHub-Delivery") != "g" || last.header.Get("X-Hub-Signature-256") != "" {
		t.Errorf("got %v", last.header)
	}
}

func TestGit(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	in := b.as(map[string]any{"repositories": []string{"api"}, "permissions": map[string]string{"contents": "write", "pull_requests": "write"}})
	dir := t.TempDir()
	clone := filepath.Join(dir, "c")
	run := func(args ...string) string {
		t.Helper()
		out, err := git(t.Context(), clone, args...)
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return out
	}
	if out, err := git(t.Context(), dir, "clone", "-q", in.remote(), "c"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := git(t.Context(), dir, "clone", strings.Replace(in.remote(), "acme/api", "acme/secret", 1), "d"); err == nil {
		t.Errorf("cloned what the token is not for: %s", out)
	}
	must(t, os.WriteFile(filepath.Join(clone, "x.go"), []byte("package x\n"), 0o644))
	run("add", "-A")
	run("commit", "-q", "-m", "feat: x")
	run("push", "-q", "origin", "HEAD:refs/heads/honk/x")
	head := run("rev-parse", "HEAD")
	in.want(200, "GET", "/repos/acme/api/git/ref/heads/honk/x", nil)
	in.want(200, "GET", "/repos/acme/api/branches/honk%2Fx", nil)
	if a := b.as(nil).want(200, "GET", "/repos/acme/api/commits/honk/x/check-runs", nil); a.object["total_count"] != 0.0 {
		t.Errorf("got %v", a.object)
	}
	in.want(200, "GET", "/repos/acme/api/commits/honk/x", nil)
	in.want(403, "GET", "/repos/acme/api/commits/honk/x/status", nil)
	in.want(201, "POST", "/repos/acme/api/pulls", map[string]any{"title": "x", "head": "acme:honk/x", "base": "main"})
	dup := in.want(422, "POST", "/repos/acme/api/pulls", map[string]any{"title": "x", "head": "honk/x", "base": "main"})
	if got := fmt.Sprint(dup.object["errors"]); !strings.Contains(got, "A pull request already exists for acme:honk/x.") {
		t.Errorf("got %s", got)
	}
	run("commit", "-q", "--allow-empty", "-m", "more")
	run("push", "-q", "origin", "HEAD:refs/heads/honk/x")
	pulls, err := b.Pulls("acme/api")
	must(t, err)
	if len(pulls) != 1 || pulls[0].HeadSHA == head || pulls[0].Commits != 2 || pulls[0].Login != "honk[bot]" {
		t.Errorf("got %+v", pulls)
	}
	must(t, os.MkdirAll(filepath.Join(clone, ".github/workflows"), 0o755))
	must(t, os.WriteFile(filepath.Join(clone, ".github/workflows/ci.yml"), []byte("on: push\n"), 0o644))
	run("add", "-A")
	run("commit", "-q", "-m", "ci")
	if out, err := git(t.Context(), clone, "push", "origin", "HEAD:refs/heads/ci"); err == nil ||
		!strings.Contains(out, "without `workflows` permission") {
		t.Errorf("got %v %s", err, out)
	}
	branches, err := b.Branches(t.Context(), "acme/api")
	if err != nil || len(branches) != 2 {
		t.Errorf("got %v, %v", branches, err)
	}
	in.want(204, "DELETE", "/repos/acme/api/git/refs/heads/honk/x", nil)
	want := []string{"installation/created", "push", "pull_request/opened", "push", "pull_request/synchronize", "push", "pull_request/closed"}
	if diff := cmp.Diff(want, b.events()); diff != "" {
		t.Error(diff)
	}
	in.want(204, "DELETE", "/installation/token", nil)
	if out, err := git(t.Context(), clone, "fetch"); err == nil {
		t.Errorf("fetched with a token that has ended: %s", out)
	}
}

// A pull request from a fork shows the fork as its head.
func TestFork(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	must(t, b.Fork(t.Context(), "acme/api", "eve"))
	_, err := b.Commit(t.Context(), githubtest.Change{Repo: "eve/api", Branch: "evil", Login: "eve", Files: map[string]string{"x": "1\n"}})
	must(t, err)
	n, err := b.OpenPull(t.Context(), "eve", "acme/api", githubtest.NewPull{Title: "x", Head: "evil", Fork: "eve/api"})
	must(t, err)
	in := b.as(nil)
	pull := in.want(200, "GET", fmt.Sprintf("/repos/acme/api/pulls/%d", n), nil)
	head, _ := pull.object["head"].(map[string]any)
	repo, _ := head["repo"].(map[string]any)
	if head["label"] != "eve:evil" || repo["full_name"] != "eve/api" || pull.object["commits"] != 1.0 {
		t.Errorf("got %v %v", head["label"], pull.object["commits"])
	}
}

func TestFault(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	_, err := b.OpenIssue("bob", "acme/api", "x", "")
	must(t, err)
	in := b.as(nil)
	path := "/repos/acme/api/issues/1/comments"
	with := func(f *githubtest.Fault) { b.Fault(func(*http.Request) *githubtest.Fault { return f }) }
	body := map[string]any{"body": "hi"}

	with(githubtest.BadGateway(false))
	in.want(502, "POST", path, body)
	with(githubtest.SecondaryLimit(time.Minute))
	if a := in.want(403, "POST", path, body); a.header.Get("Retry-After") != "60" {
		t.Errorf("got %v", a.header)
	}
	with(githubtest.PrimaryLimit(time.Minute))
	if a := in.want(403, "POST", path, body); a.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("got %v", a.header)
	}
	comments := func() int {
		list, err := b.Comments("acme/api", 1)
		must(t, err)
		return len(list)
	}
	if n := comments(); n != 0 {
		t.Errorf("got %d comments", n)
	}
	with(githubtest.Slow(time.Millisecond))
	if a := in.want(201, "POST", path, body); a.header.Get("X-RateLimit-Remaining") == "" {
		t.Errorf("got %v", a.header)
	}
	for n, after := range []bool{false, true} {
		with(githubtest.Dropped(after))
		req, err := http.NewRequestWithContext(t.Context(), "POST", b.APIURL()+path[1:], strings.NewReader(`{"body":"x"}`))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+in.token)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			t.Error("there was an answer")
		}
		if got := comments(); got != 1+n {
			t.Errorf("after %v: got %d comments", after, got)
		}
	}
	b.Fault(nil)
	in.want(200, "GET", path, nil)
}

// Whoever hangs up in the middle of a request does not keep the forge from
// ending what it began: half a pull request is none of GitHub's.
func TestServe_hungUp(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	_, err := b.Commit(t.Context(), githubtest.Change{
		Repo: "acme/api", Branch: "topic", Login: "ada", Files: map[string]string{"a.txt": "a\n"},
	})
	must(t, err)
	b = b.as(nil)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	req := httptest.NewRequestWithContext(gone, http.MethodPost, "/api/v3/repos/acme/api/pulls",
		strings.NewReader(`{"title": "Add a", "head": "topic", "base": "main"}`))
	req.Header.Set("Authorization", "Bearer "+b.token)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, req)
	pulls, err := b.Pulls("acme/api")
	must(t, err)
	if w.Code != http.StatusCreated || len(pulls) != 1 || pulls[0].Files != 1 {
		t.Errorf("answer %d, pull requests %+v; want one of one file", w.Code, pulls)
	}
}
