package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/internal/task"
)

const sha = "0123456789012345678901234567890123456789"

// pages answers a pattern with one item per page and GitHub's Link header.
func (b *bundle) pages(pattern string, wrap string, items ...string) {
	b.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		page := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		if page < len(items) {
			w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=%d>; rel="next"`, b.base, r.URL.Path, page+1))
		}
		fmt.Fprintf(w, wrap, items[page-1])
	})
}

func TestComments_allPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pages("GET /repos/acme/api/issues/3/comments", "[%s]",
		`{"id": 1, "body": "one", "user": {"login": "ada", "id": 5, "type": "User"},
			"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:06Z", "html_url": "u"}`,
		`{"id": 2}`, `{"id": 3}`)
	got, err := b.open(t).Comments(t.Context(), 3, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Comment{{
		ID: 1, Body: "one", Author: client.User{Login: "ada", ID: 5, Type: "User"}, URL: "u",
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), UpdatedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
	}, {ID: 2}, {ID: 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	wantLines(t, b, "GET /repos/acme/api/issues/3/comments?per_page=100",
		"GET /repos/acme/api/issues/3/comments?page=2&per_page=100",
		"GET /repos/acme/api/issues/3/comments?page=3&per_page=100")
}

func TestComments_endless(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mux.HandleFunc("GET /repos/acme/api/issues/3/comments", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=7>; rel="next"`, b.base, r.URL.Path))
		fmt.Fprint(w, `[]`)
	})
	_, err := b.open(t).Comments(t.Context(), 3, time.Time{})
	if task.CodeOf(err) != task.CodeInvalid {
		t.Errorf("Comments() = %v", err)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /repos/acme/api", `{"id": 9, "name": "api", "owner": {"login": "acme"}, "private": true,
		"archived": true, "fork": false, "default_branch": "trunk",
		"html_url": "https://GitHub.example.com/acme/api", "clone_url": "https://github.example.com/acme/api.git"}`)
	got, err := b.open(t).Info(t.Context())
	want := client.Info{
		Repo: task.Repo{
			Host: "github.example.com", Owner: "acme", Name: "api", URL: "https://github.example.com/acme/api.git",
		},
		ID: 9, DefaultBranch: "trunk", Private: true, Archived: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Info() (-want +got), %v:\n%s", err, diff)
	}
}

func TestPermission(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status   int
		body     string
		want     string
		canWrite bool
		code     task.Code
	}{
		"admin":               {200, `{"permission": "admin", "role_name": "admin"}`, "admin", true, ""},
		"maintain":            {200, `{"permission": "write", "role_name": "maintain"}`, "maintain", true, ""},
		"write":               {200, `{"permission": "write", "role_name": "write", "user": {"login": "Ada"}}`, "write", true, ""},
		"own role":            {200, `{"permission": "write", "role_name": "security"}`, "write", true, ""},
		"role named as admin": {200, `{"permission": "read", "role_name": "admin"}`, "read", false, ""},
		"triage":              {200, `{"permission": "read", "role_name": "triage"}`, "triage", false, ""},
		"read":                {200, `{"permission": "read"}`, "read", false, ""},
		"none":                {200, `{"permission": "none"}`, "none", false, ""},
		"unknown word":        {200, `{"permission": "Write"}`, "none", false, ""},
		"nothing":             {200, `{}`, "none", false, ""},
		"somebody else":       {200, `{"permission": "admin", "user": {"login": "eve"}}`, "none", false, ""},
		"no such user":        {404, `{"message": "Not Found"}`, "none", false, ""},
		"no answer":           {500, `{}`, "none", false, task.CodeUnavailable},
		"refused":             {403, `{"message": "no"}`, "none", false, task.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fail("GET /repos/acme/api/collaborators/ada/permission", tt.status, tt.body)
			got, err := b.open(t).Permission(t.Context(), "ada")
			if got != tt.want || client.CanWrite(got) != tt.canWrite || task.CodeOf(err) != tt.code {
				t.Errorf("Permission() = %q, %v; want %q, code %q", got, err, tt.want, tt.code)
			}
		})
	}
	t.Run("no login", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		r := b.open(t)
		for _, login := range []string{"", "..", "ada/../eve", "ada?x"} {
			if got, err := r.Permission(t.Context(), login); got != "none" || err != nil {
				t.Errorf("Permission(%q) = %q, %v", login, got, err)
			}
		}
		wantLines(t, b)
	})
}

func TestPullRequestFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /repos/acme/api/pulls", `[
		{"number": 9, "head": {"ref": "honk/x", "repo": {"full_name": "eve/api"}}, "state": "open"},
		{"number": 8, "head": {"ref": "honk/x-2", "repo": {"full_name": "acme/api"}}, "state": "open"},
		{"number": 5, "head": {"ref": "honk/x", "sha": "s", "repo": {"full_name": "Acme/api"}}, "state": "closed",
			"merged_at": "2026-01-02T03:04:05Z", "html_url": "u"},
		{"number": 4, "head": {"ref": "honk/x", "repo": {"full_name": "acme/api"}}, "state": "closed"}]`)
	r := b.open(t)
	got, found, err := r.PullRequestFor(t.Context(), "honk/x")
	want := task.PullRequest{Number: 5, URL: "u", Branch: "honk/x", HeadSHA: "s", State: task.PullRequestMerged}
	if err != nil || !found {
		t.Fatalf("PullRequestFor() = %v, %v", found, err)
	}
	if diff := cmp.Diff(want, got.Task()); diff != "" {
		t.Errorf("pull request (-want +got):\n%s", diff)
	}
	if _, found, err = r.PullRequestFor(t.Context(), "honk/other"); found || err != nil {
		t.Errorf("PullRequestFor(other) = %v, %v", found, err)
	}
}

func TestRequestReviewers_leavesOutWhoIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fail("POST /repos/acme/api/pulls/3/requested_reviewers", 422,
		`{"message": "Reviews may only be requested from collaborators."}`)
	if err := b.open(t).RequestReviewers(t.Context(), 3, []string{"ada", "eve"}, []string{"core"}); err != nil {
		t.Errorf("RequestReviewers() = %v", err)
	}
	var bodies []string
	for _, c := range b.take() {
		bodies = append(bodies, c.Body)
	}
	want := []string{
		`{"reviewers":["ada","eve"],"team_reviewers":["core"]}`,
		`{"reviewers":["ada"]}`, `{"reviewers":["eve"]}`, `{"team_reviewers":["core"]}`,
	}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fail("POST /repos/acme/api/issues/3/assignees", 422, `{"message": "Validation Failed"}`)
	r := b.open(t)
	if err := r.Assign(t.Context(), 3, "eve"); err != nil {
		t.Errorf("Assign() = %v", err)
	}
	if err := r.DeleteComment(t.Context(), 404); err != nil {
		t.Errorf("DeleteComment() = %v", err)
	}
	if err := r.Unreact(t.Context(), client.Target{Kind: client.TargetIssue, ID: 3}, 404); err != nil {
		t.Errorf("Unreact() = %v", err)
	}
	if _, err := r.React(t.Context(), client.Target{Kind: "moon"}, "eyes"); task.CodeOf(err) != task.CodeInternal {
		t.Errorf("React() = %v", err)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /repos/acme/api/pulls/3/reviews/6", `{"id": 6, "state": "CHANGES_REQUESTED", "body": "no",
		"user": {"login": "ada"}, "submitted_at": "2026-01-02T03:04:05Z", "commit_id": "s", "html_url": "u"}`)
	b.pages("GET /repos/acme/api/pulls/3/reviews/6/comments", "[%s]",
		`{"id": 1, "pull_request_review_id": 6, "path": "a.go", "line": null, "original_line": 4, "diff_hunk": "@@"}`,
		`{"id": 2, "in_reply_to_id": 1, "line": 5, "original_line": 4}`, `{"id": 7}`)
	b.pages("GET /repos/acme/api/pulls/3/comments", "[%s]", `{"id": 9, "line": 1}`, `{"id": 7, "line": 8}`)
	got, err := b.open(t).Review(t.Context(), 3, 6)
	want := client.Review{
		ID: 6, State: "changes_requested", Body: "no", Author: client.User{Login: "ada"}, SHA: "s", URL: "u",
		SubmittedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Comments: []client.ReviewComment{
			{ID: 1, ReviewID: 6, Path: "a.go", Line: 4, DiffHunk: "@@"},
			{ID: 2, InReplyTo: 1, Line: 5},
			{ID: 7, Line: 8},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Review() (-want +got), %v:\n%s", err, diff)
	}
}

func TestBranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /repos/acme/api/git/ref/heads/main", `{"ref": "refs/heads/main", "object": {"sha": "`+sha+`"}}`)
	b.fail("GET /repos/acme/api/git/ref/heads/empty", 409, `{"message": "Git Repository is empty."}`)
	r := b.open(t)
	for name, want := range map[string]string{"main": sha, "empty": "", "other": ""} {
		if got, err := r.Branch(t.Context(), name); got != want || err != nil {
			t.Errorf("Branch(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	b.take()
	for _, name := range []string{"", "..", "a/../b", "a//b", "a/", "-a", "a b", "a?b", "a/./b", strings.Repeat("a", 300)} {
		if _, err := r.Branch(t.Context(), name); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("Branch(%q) = %v, want invalid", name, err)
		}
	}
	wantLines(t, b)
}

func TestFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /repos/acme/api/contents/a", `{"type": "file", "encoding": "base64", "content": "aGVs\nbG8="}`)
	b.reply("GET /repos/acme/api/contents/dir", `[{"type": "file", "name": "x"}]`)
	b.reply("GET /repos/acme/api/contents/link", `{"type": "symlink", "target": "/etc/passwd"}`)
	b.reply("GET /repos/acme/api/contents/big", `{"type": "file", "encoding": "none", "size": 2000000, "content": ""}`)
	r := b.open(t)
	for path, tt := range map[string]struct {
		content string
		found   bool
		code    task.Code
	}{
		"a": {"hello", true, ""}, "dir": {}, "link": {}, "missing": {},
		"big": {"", false, task.CodeInvalid}, "a/../../b": {"", false, task.CodeInvalid},
	} {
		got, found, err := r.File(t.Context(), path, "main")
		if string(got) != tt.content || found != tt.found || task.CodeOf(err) != tt.code {
			t.Errorf("File(%q) = %q, %v, %v", path, got, found, err)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := func(id, hour int, name, conclusion string) string {
		return fmt.Sprintf(`{"id": %d, "name": %q, "status": "completed", "conclusion": %q, "html_url": "u%d",
			"started_at": "2026-01-02T%02d:00:00Z", "app": {"id": 1, "slug": "ci"},
			"output": {"title": "t", "summary": "s", "text": "x", "annotations_count": 20}}`, id, name, conclusion, id, hour)
	}
	b.pages("GET /repos/acme/api/commits/"+sha+"/check-runs", `{"total_count": 4, "check_runs": [%s]}`,
		run(2, 5, "test", "failure")+","+run(4, 3, "lint", "success"), run(3, 4, "test", "success"),
		`{"id": 5, "name": "test", "status": "in_progress", "conclusion": null, "app": {"id": 2, "slug": "other"}}`)
	b.reply("GET /repos/acme/api/check-runs/2/annotations",
		"["+strings.Repeat(`{"path": "a.go", "start_line": 3, "message": "bad"},`, 11)+`{"path": "z"}]`)
	b.pages("GET /repos/acme/api/commits/"+sha+"/status", `{"state": "pending", "statuses": [%s]}`,
		`{"context": "deploy", "state": "error", "target_url": "d", "description": "broke"}`,
		`{"context": "cov", "state": "pending"}, {"context": "docs", "state": "success"}`)
	got, err := b.open(t).Checks(t.Context(), sha)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) < 4 || len(got[len(got)-2].Annotations) != 10 {
		t.Fatalf("Checks() = %+v, want 10 annotations of the failed one", got)
	}
	got[len(got)-2].Annotations = got[len(got)-2].Annotations[:1]
	want := []client.Check{
		{Name: "cov", Source: "status", Status: "in_progress"},
		{Name: "deploy", Source: "status", Status: "completed", Conclusion: "failure", URL: "d", Title: "broke"},
		{Name: "docs", Source: "status", Status: "completed", Conclusion: "success"},
		{
			Name: "lint", Source: "check", App: "ci", Status: "completed", Conclusion: "success",
			URL: "u4", Title: "t", Summary: "s", Text: "x",
		},
		{
			Name: "test", Source: "check", App: "ci", Status: "completed", Conclusion: "failure",
			URL: "u2", Title: "t", Summary: "s", Text: "x",
			Annotations: []client.Annotation{{Path: "a.go", Line: 3, Message: "bad"}},
		},
		{Name: "test", Source: "check", App: "other", Status: "in_progress"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Checks() (-want +got):\n%s", diff)
	}
	if !got[4].Failed() || got[3].Failed() || got[5].Done() {
		t.Errorf("Failed or Done are wrong: %+v", got)
	}
	if _, err := b.open(t).Checks(t.Context(), "main"); task.CodeOf(err) != task.CodeInvalid {
		t.Errorf("Checks(main) = %v", err)
	}
}
