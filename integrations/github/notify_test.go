package github_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/internal/runner"
	"honk/internal/task"
)

// post is a message that is owed in a thread, and how its task stands.
func (b *bundle) post(number int) (task.Notice, runner.View) {
	n := task.Notice{
		Source: task.SourceGitHub, Thread: strconv.Itoa(number), Kind: task.NoticeTask, TaskID: "01J8ZZZZZZZZZZZZ",
		Repo: task.Repo{Host: "forge", Owner: "acme", Name: "api"}, CreatedAt: time.Now(),
	}
	return n, runner.View{Task: task.Task{ID: n.TaskID, Status: task.StatusRunning, CreatedAt: n.CreatedAt}}
}

func (b *bundle) notify(n task.Notice, v runner.View) string {
	b.Helper()
	id, err := b.door.Notify(b.Context(), n, v)
	b.must(err)
	return id
}

// wantComments compares how many comments stand, and looks for a text in the
// last.
func (b *bundle) wantComments(number, want int, text string) {
	b.Helper()
	list, err := b.forge.Comments(repoName, number)
	b.must(err)
	if len(list) != want {
		b.Fatalf("there are %d comments, want %d: %+v", len(list), want, list)
	}
	if want > 0 && !strings.Contains(list[want-1].Body, text) {
		b.Errorf("the last comment does not say %q: %s", text, list[want-1].Body)
	}
}

func failed(elapsed time.Duration) func(v runner.View) runner.View {
	return func(v runner.View) runner.View {
		v.Task.Status, v.Elapsed = task.StatusFailed, elapsed
		v.Result = &runner.Result{Outcome: task.Outcome{Status: task.StatusFailed, Err: task.Errorf(task.CodeUnavailable, "the model is away")}}
		return v
	}
}

// A try that dies before or after the forge has done what it was asked leaves
// one message in the end.
func TestNotify_lostAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method string
		old    bool // there is a message already
		gone   bool // which somebody has deleted
		long   bool // the task took so long that its end is posted anew
	}{
		"first":             {method: http.MethodPost},
		"edit":              {method: http.MethodPatch, old: true},
		"deleted":           {method: http.MethodPost, old: true, gone: true},
		"posted anew":       {method: http.MethodPost, old: true, long: true},
		"old one to go":     {method: http.MethodDelete, old: true, long: true},
		"anew, old is gone": {method: http.MethodPost, old: true, gone: true, long: true},
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after %t", name, after), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				number := b.issue("ada", "Slow", "")
				n, v := b.post(number)
				if tt.old {
					n.MessageID = b.notify(n, v)
				}
				if tt.gone {
					id, err := strconv.ParseInt(n.MessageID, 10, 64)
					b.must(err)
					b.must(b.forge.DeleteComment("ada", repoName, id))
				}
				elapsed := time.Second
				if tt.long {
					elapsed = time.Hour
				}
				v = failed(elapsed)(v)
				b.forge.Fault(func(r *http.Request) *githubtest.Fault {
					if r.Method == tt.method && strings.Contains(r.URL.Path, "/comments") {
						return githubtest.BadGateway(after)
					}
					return nil
				})
				if _, err := b.door.Notify(t.Context(), n, v); task.CodeOf(err) != task.CodeUnavailable {
					t.Fatalf("with the forge away: %v", err)
				}
				b.forge.Fault(nil)
				n.Tried = true
				id := b.notify(n, v)
				b.wantComments(number, 1, "The model is away")
				if list, _ := b.forge.Comments(repoName, number); strconv.FormatInt(list[0].ID, 10) != id {
					t.Errorf("the message is %d, not %s", list[0].ID, id)
				}
			})
		}
	}
}

// A message is told from one that somebody else has written like it.
func TestNotify_forged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.issue("ada", "Slow", "")
	n, v := b.post(number)
	_, err := b.forge.Comment(b.at("mallory", number), "<!-- honk:task "+string(n.TaskID)+" -->\nAll is well.")
	b.must(err)
	n.Tried = true
	b.notify(n, failed(time.Second)(v))
	b.wantComments(number, 2, "The model is away")
}

func TestNotify_gone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.issue("ada", "Slow", "")
	n, v := b.post(number)
	b.must(b.forge.Archive(repoName, true))
	if _, err := b.door.Notify(t.Context(), n, v); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("archived: %v", err)
	}
	b.must(b.forge.Archive(repoName, false))
	b.forge.Suspend("acme", true)
	if _, err := b.door.Notify(t.Context(), n, v); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("suspended: %v", err)
	}
	b.forge.Suspend("acme", false)
	b.notify(n, v)
	b.forge.Uninstall("acme")
	if _, err := b.door.Notify(t.Context(), n, v); err == nil {
		t.Error("uninstalled: no error")
	}
}

// Every thread of a review that a task took up gets one answer, however often
// its end is told.
func TestNotify_answers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pr, _ := b.ours()
	line, err := b.forge.CommentLine(t.Context(), b.at("ada", pr.Number), githubtest.Line{Path: "README.md", Line: 3, Body: "Why?"})
	b.must(err)
	n, v := b.post(pr.Number)
	thread := fmt.Sprintf("%d/review/%d", pr.Number, line)
	v.Task.Request = task.Request{Repo: n.Repo, Origin: task.Origin{Answers: []string{thread}}}
	v = failed(time.Second)(v)
	n.MessageID = b.notify(n, v)
	b.notify(n, v)
	texts := b.replies()
	if len(texts) != 1 || !strings.Contains(texts[0], "Honk broke") {
		t.Fatalf("got the answers %q", texts)
	}
	answer := task.Notice{
		Source: n.Source, Repo: n.Repo, Thread: thread, Kind: task.NoticeReply, Text: texts[0], CreatedAt: n.CreatedAt,
	}
	_, err = b.forge.Reply(b.at("mallory", pr.Number), line, texts[0])
	b.must(err)
	answer.Tried = true
	for range 2 {
		b.notify(answer, runner.View{})
	}
	lines, err := b.forge.Lines(repoName, pr.Number)
	b.must(err)
	ours := 0
	for _, l := range lines {
		if l.ReplyTo == line && l.Login == b.forge.BotLogin() {
			ours++
		}
	}
	if ours != 1 {
		t.Errorf("it is answered %d times", ours)
	}
}
