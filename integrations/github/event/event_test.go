package event_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/event"
	"honk/internal/task"
)

const sha = "0123456789012345678901234567890123456789"

// base is what every event about a repository holds.
const base = `{
	"repository": {"id": 5, "name": "api", "full_name": "acme/api", "owner": {"login": "acme"}, "private": true,
		"default_branch": "trunk", "html_url": "https://GitHub.com/acme/api", "clone_url": "https://github.com/acme/api.git"},
	"sender": {"login": "ada", "id": 1, "type": "User"},
	"installation": {"id": 7}
}`

const pull = `{"number": 3, "state": "open", "title": "T", "body": null, "user": {"login": "bo", "id": 2, "type": "User"},
	"html_url": "u", "head": {"ref": "honk/x", "sha": "` + sha + `", "repo": {"full_name": "acme/api"}}}`

// with returns base with more keys; null removes one.
func with(t *testing.T, more string) []byte {
	t.Helper()
	all, add := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(base), &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(more), &add); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, add)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wanted is the Event that base alone makes.
func wanted(name, action string, adapt func(*event.Event)) event.Event {
	e := event.Event{
		Name: name, Action: action, InstallationID: 7,
		Sender: event.User{Login: "ada", ID: 1, Type: "User"},
		Repository: event.Repository{
			Repo: task.Repo{Host: "github.com", Owner: "acme", Name: "api", URL: "https://github.com/acme/api.git"},
			ID:   5, Private: true, DefaultBranch: "trunk",
		},
	}
	adapt(&e)
	return e
}

func TestParse(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	thePull := event.Subject{
		Number: 3, IsPull: true, State: "open", Title: "T", URL: "u",
		Author: event.User{Login: "bo", ID: 2, Type: "User"},
	}
	head := event.Head{Branch: "honk/x", SHA: sha, Repo: "acme/api"}
	for name, tt := range map[string]struct {
		event, more string
		want        event.Event
	}{
		"comment on an issue": {
			"issue_comment", `{"action": "created", "issue": {"number": 3, "title": "T", "body": "B"},
				"comment": {"id": 9, "node_id": "N", "body": "/honk", "user": {"login": "ada", "id": 1, "type": "User"},
				"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "html_url": "c",
				"performed_via_github_app": {"id": 4, "slug": "bot"}}}`,
			wanted("issue_comment", "created", func(e *event.Event) {
				e.Subject = event.Subject{Number: 3, Title: "T", Body: "B"}
				e.Comment = event.Comment{
					ID: 9, NodeID: "N", Body: "/honk", Author: e.Sender, CreatedAt: at, UpdatedAt: at, URL: "c",
					App: event.App{ID: 4, Slug: "bot"},
				}
			}),
		},
		"comment on a pull request": {
			"issue_comment", `{"action": "created", "issue": {"number": 3, "pull_request": {"url": "x"}},
				"comment": {"id": 9, "user": null, "created_at": "2026-01-02T03:04:05Z"}}`,
			wanted("issue_comment", "created", func(e *event.Event) {
				e.Subject = event.Subject{Number: 3, IsPull: true}
				e.Comment = event.Comment{ID: 9, CreatedAt: at}
			}),
		},
		"labeled": {
			"issues", `{"action": "labeled", "issue": {"number": 3}, "label": {"name": "honk"}}`,
			wanted("issues", "labeled", func(e *event.Event) { e.Subject.Number, e.Label = 3, "honk" }),
		},
		"assigned": {
			"issues", `{"action": "assigned", "issue": {"number": 3}, "assignee": {"login": "x[bot]", "id": 8, "type": "Bot"}}`,
			wanted("issues", "assigned", func(e *event.Event) {
				e.Subject.Number, e.Assignee = 3, event.User{Login: "x[bot]", ID: 8, Type: "Bot"}
			}),
		},
		"review comment": {
			"pull_request_review_comment", `{"action": "created", "pull_request": ` + pull + `,
				"comment": {"id": 9, "body": "b", "created_at": "2026-01-02T03:04:05Z", "path": "a.go", "line": null,
				"original_line": 4, "diff_hunk": "@@", "pull_request_review_id": 6, "in_reply_to_id": 8}}`,
			wanted("pull_request_review_comment", "created", func(e *event.Event) {
				e.Subject, e.Head = thePull, head
				e.Comment = event.Comment{
					ID: 9, Body: "b", CreatedAt: at, Path: "a.go", Line: 4, DiffHunk: "@@", ReviewID: 6, InReplyTo: 8,
				}
			}),
		},
		"review": {
			"pull_request_review", `{"action": "submitted", "pull_request": ` + pull + `, "review": {"id": 6,
				"state": "CHANGES_REQUESTED", "body": null, "submitted_at": "2026-01-02T03:04:05Z", "commit_id": "s"}}`,
			wanted("pull_request_review", "submitted", func(e *event.Event) {
				e.Subject, e.Head = thePull, head
				e.Review = event.Review{ID: 6, State: "changes_requested", SubmittedAt: at, SHA: "s"}
			}),
		},
		"merged, fork deleted": {
			"pull_request", `{"action": "closed", "pull_request": {"number": 3, "merged": true,
				"head": {"ref": "x", "sha": "` + sha + `", "repo": null}}}`,
			wanted("pull_request", "closed", func(e *event.Event) {
				e.Subject = event.Subject{Number: 3, IsPull: true}
				e.Head, e.Merged = event.Head{Branch: "x", SHA: sha}, true
			}),
		},
		"suite": {
			"check_suite", `{"action": "completed", "check_suite": {"head_sha": "` + sha + `", "head_branch": "b",
				"conclusion": "failure", "app": {"id": 4}, "pull_requests": [{"number": 3}]}}`,
			wanted("check_suite", "completed", func(e *event.Event) {
				e.Checks = event.Checks{HeadSHA: sha, HeadBranch: "b", Conclusion: "failure", AppID: 4, Pulls: []int{3}}
			}),
		},
		"run": {
			"check_run", `{"action": "completed", "check_run": {"name": "test", "head_sha": "` + sha + `",
				"conclusion": "success", "app": {"id": 4}, "check_suite": {"head_branch": "b"}}}`,
			wanted("check_run", "completed", func(e *event.Event) {
				e.Checks = event.Checks{Name: "test", HeadSHA: sha, HeadBranch: "b", Conclusion: "success", AppID: 4}
			}),
		},
		"workflow": {
			"workflow_run", `{"action": "completed", "workflow_run": {"name": "CI", "head_sha": "` + sha + `",
				"head_branch": null, "conclusion": "success"}}`,
			wanted("workflow_run", "completed", func(e *event.Event) {
				e.Checks = event.Checks{Name: "CI", HeadSHA: sha, Conclusion: "success"}
			}),
		},
		"push": {
			"push", `{"ref": "refs/heads/a/b", "after": "` + sha + `"}`,
			wanted("push", "", func(e *event.Event) { e.Push = event.Push{Branch: "a/b", SHA: sha} }),
		},
		"push of a tag": {
			"push", `{"ref": "refs/tags/v1", "after": "` + sha + `"}`,
			wanted("push", "", func(e *event.Event) { e.Push = event.Push{SHA: sha} }),
		},
		"branch deleted": {
			"push", `{"ref": "refs/heads/a", "after": "` + strings.Repeat("0", 40) + `", "deleted": true}`,
			wanted("push", "", func(e *event.Event) { e.Push = event.Push{Branch: "a"} }),
		},
		"installed": {
			"installation", `{"action": "created", "repository": null,
				"installation": {"id": 7, "account": {"login": "acme", "id": 3}},
				"repositories": [{"id": 5, "full_name": "acme/api", "private": true}, {"full_name": "../x"}]}`,
			wanted("installation", "created", func(e *event.Event) {
				e.Repository = event.Repository{}
				e.Account = event.User{Login: "acme", ID: 3}
				e.Added = []event.Named{{ID: 5, Owner: "acme", Name: "api", Private: true}}
			}),
		},
		"uninstalled": {
			"installation", `{"action": "deleted", "repository": null, "repositories": [{"full_name": "acme/api"}]}`,
			wanted("installation", "deleted", func(e *event.Event) {
				e.Repository = event.Repository{}
				e.Removed = []event.Named{{Owner: "acme", Name: "api"}}
			}),
		},
		"repositories": {
			"installation_repositories", `{"action": "added", "repository": null,
				"repositories_added": [{"full_name": "acme/a"}], "repositories_removed": [{"full_name": "acme/b"}]}`,
			wanted("installation_repositories", "added", func(e *event.Event) {
				e.Repository = event.Repository{}
				e.Added = []event.Named{{Owner: "acme", Name: "a"}}
				e.Removed = []event.Named{{Owner: "acme", Name: "b"}}
			}),
		},
		"ping": {"ping", `{"zen": "x", "hook_id": 1}`, wanted("ping", "", func(*event.Event) {})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := event.Parse(tt.event, with(t, tt.more))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	const ok = `"action": "created", "issue": {"number": 3}, "comment": {"id": 9, "created_at": "2026-01-02T03:04:05Z"}`
	repo := func(change string) string {
		return `{` + ok + `, "repository": {"id": 5, "name": "api", "owner": {"login": "acme"},
			"html_url": "https://github.com/acme/api", "clone_url": "https://github.com/acme/api.git", ` + change + `}}`
	}
	for name, tt := range map[string]struct{ event, more string }{
		"unknown event":      {"star", `{` + ok + `}`},
		"unwanted action":    {"issue_comment", `{"action": "edited"}`},
		"no repository":      {"issue_comment", `{` + ok + `, "repository": null}`},
		"no sender":          {"issue_comment", `{` + ok + `, "sender": null}`},
		"sender without ID":  {"issue_comment", `{` + ok + `, "sender": {"login": "ada"}}`},
		"no issue":           {"issue_comment", `{` + ok + `, "issue": null}`},
		"no number":          {"issue_comment", `{` + ok + `, "issue": {"number": 0}}`},
		"no comment":         {"issue_comment", `{` + ok + `, "comment": null}`},
		"comment's time":     {"issue_comment", `{` + ok + `, "comment": {"id": 9}}`},
		"owner is a path":    {"issue_comment", repo(`"owner": {"login": ".."}`)},
		"name is a path":     {"issue_comment", repo(`"name": "a/b"`)},
		"no owner":           {"issue_comment", repo(`"owner": null`)},
		"address runs":       {"issue_comment", repo(`"clone_url": "ext::sh -c x"`)},
		"address has a user": {"issue_comment", repo(`"clone_url": "https://a:b@github.com/acme/api.git"`)},
		"no page":            {"issue_comment", repo(`"html_url": ""`)},
		"no label":           {"issues", `{"action": "labeled", "issue": {"number": 3}}`},
		"no assignee":        {"issues", `{"action": "assigned", "issue": {"number": 3}}`},
		"no head":            {"pull_request", `{"action": "closed", "pull_request": {"number": 3}}`},
		"head is no commit": {"pull_request", `{"action": "closed", "pull_request": {"number": 3,
			"head": {"ref": "x", "sha": "--upload-pack=x"}}}`},
		"no review":         {"pull_request_review", `{"action": "submitted", "pull_request": ` + pull + `}`},
		"push of nothing":   {"push", `{"ref": "refs/heads/a", "after": "HEAD"}`},
		"no suite":          {"check_suite", `{"action": "completed"}`},
		"run of no commit":  {"check_run", `{"action": "completed", "check_run": {"head_sha": "HEAD"}}`},
		"no installation":   {"installation", `{"action": "created", "installation": null}`},
		"number as text":    {"issue_comment", `{` + ok + `, "issue": {"number": "3"}}`},
		"number too large":  {"issue_comment", `{` + ok + `, "issue": {"number": 1e300}}`},
		"nobody's app":      {"installation", `{"action": "created", "sender": null}`},
		"review's own head": {"pull_request_review_comment", `{"action": "created", "pull_request": null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := event.Parse(tt.event, with(t, tt.more))
			if task.CodeOf(err) != task.CodeInvalid {
				t.Errorf("Parse() = %+v, %v; want invalid", got, err)
			}
		})
	}
	for _, raw := range []string{"", "null", "[]", "{", `"x"`, strings.Repeat("[", 1<<20), strings.Repeat(" ", event.MaxPayload+1)} {
		if _, err := event.Parse("issue_comment", []byte(raw)); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("Parse(%.10q) = %v, want invalid", raw, err)
		}
	}
}

func TestParse_longHunk(t *testing.T) {
	t.Parallel()
	hunk := strings.Repeat("+é line\\n", 10_000) + "+last"
	got, err := event.Parse("pull_request_review_comment", with(t, `{"action": "created", "pull_request": `+pull+`,
		"comment": {"id": 9, "created_at": "2026-01-02T03:04:05Z", "diff_hunk": "`+hunk+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if h := got.Comment.DiffHunk; len(h) > 16<<10 || !strings.HasPrefix(h, "+é line\n") || !strings.HasSuffix(h, "\n+last") {
		t.Errorf("hunk of %d bytes: %.20q", len(h), h)
	}
}

func TestAction(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"action": "created"}`:                               "created",
		`{"x": {"action": "no", "y": [1]}, "action": "yes"} `: "yes",
		`{"action": "first", "x": `:                           "first",
		`{"action": 3}`:                                       "",
		`{"x": {"action": "no"}}`:                             "",
		`["action", "no"]`:                                    "",
		`"action"`:                                            "",
		``:                                                    "",
		`{`:                                                   "",
	} {
		if got := event.Action([]byte(raw)); got != want {
			t.Errorf("Action(%s) = %q, want %q", raw, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"issue_comment", "issues", "pull_request", "check_run", "installation", "push", "ping"} {
		f.Add(name, []byte(base))
	}
	f.Add("issue_comment", []byte(`{"action": "created", "issue": {"number": 3}, "comment": {"id": 9}}`))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		e, err := event.Parse(name, raw)
		if err != nil {
			return
		}
		if !event.Wanted(e.Name, e.Action) {
			t.Errorf("Parse() lets %s %q through", e.Name, e.Action)
		}
		if r := e.Repository; r.ID != 0 && (r.Host == "" || strings.ContainsAny(r.Owner+r.Name, "/ ")) {
			t.Errorf("Parse() = %+v", r)
		}
	})
}
