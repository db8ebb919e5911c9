package client_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
)

// What each method sends. Answers are as empty as the method bears.
func TestRequests(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	comment := client.Target{Kind: client.TargetComment, ID: 11}
	line := client.Target{Kind: client.TargetReviewComment, ID: 12}
	issue := client.Target{Kind: client.TargetIssue, ID: 3}
	title := "new title"
	for name, tt := range map[string]struct {
		do    func(context.Context, *client.Repo) error
		reply string
		want  call
	}{
		"info": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.Info(ctx); return err },
			`{}`,
			call{"GET /repos/acme/api", ""},
		},
		"permission": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.Permission(ctx, "ci[bot]"); return err },
			`{}`,
			call{"GET /repos/acme/api/collaborators/ci%5Bbot%5D/permission", ""},
		},
		"issue": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.Issue(ctx, 3); return err },
			`{}`,
			call{"GET /repos/acme/api/issues/3", ""},
		},
		"comments": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.Comments(ctx, 3, since); return err },
			`[]`,
			call{"GET /repos/acme/api/issues/3/comments?per_page=100&since=2026-03-04T05%3A06%3A07Z", ""},
		},
		"comment": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.Comment(ctx, 11); return err },
			`{}`,
			call{"GET /repos/acme/api/issues/comments/11", ""},
		},
		"create comment": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.CreateComment(ctx, 3, "<hi>"); return err },
			`{}`,
			call{"POST /repos/acme/api/issues/3/comments", `{"body": "<hi>"}`},
		},
		"edit comment": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.EditComment(ctx, 11, "hi"); return err },
			`{}`,
			call{"PATCH /repos/acme/api/issues/comments/11", `{"body": "hi"}`},
		},
		"delete comment": {
			func(ctx context.Context, r *client.Repo) error { return r.DeleteComment(ctx, 11) },
			``,
			call{"DELETE /repos/acme/api/issues/comments/11", ""},
		},
		"react to an issue": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.React(ctx, issue, "eyes"); return err },
			`{}`,
			call{"POST /repos/acme/api/issues/3/reactions", `{"content": "eyes"}`},
		},
		"react to a comment": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.React(ctx, comment, "eyes"); return err },
			`{}`,
			call{"POST /repos/acme/api/issues/comments/11/reactions", `{"content": "eyes"}`},
		},
		"react to a line": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.React(ctx, line, "eyes"); return err },
			`{}`,
			call{"POST /repos/acme/api/pulls/comments/12/reactions", `{"content": "eyes"}`},
		},
		"unreact to an issue": {
			func(ctx context.Context, r *client.Repo) error { return r.Unreact(ctx, issue, 9) },
			``,
			call{"DELETE /repos/acme/api/issues/3/reactions/9", ""},
		},
		"unreact to a comment": {
			func(ctx context.Context, r *client.Repo) error { return r.Unreact(ctx, comment, 9) },
			``,
			call{"DELETE /repos/acme/api/issues/comments/11/reactions/9", ""},
		},
		"unreact to a line": {
			func(ctx context.Context, r *client.Repo) error { return r.Unreact(ctx, line, 9) },
			``,
			call{"DELETE /repos/acme/api/pulls/comments/12/reactions/9", ""},
		},
		"assign": {
			func(ctx context.Context, r *client.Repo) error { return r.Assign(ctx, 3, "ada") },
			`{}`,
			call{"POST /repos/acme/api/issues/3/assignees", `{"assignees": ["ada"]}`},
		},
		"pull request": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.PullRequest(ctx, 3); return err },
			`{}`,
			call{"GET /repos/acme/api/pulls/3", ""},
		},
		"pull request of a branch": {
			func(ctx context.Context, r *client.Repo) error {
				_, _, err := r.PullRequestFor(ctx, "honk/01J-x")
				return err
			},
			`[]`,
			call{"GET /repos/acme/api/pulls?direction=desc&head=acme%3Ahonk%2F01J-x&per_page=100&sort=created&state=all", ""},
		},
		"open pull request": {
			func(ctx context.Context, r *client.Repo) error {
				_, err := r.CreatePullRequest(ctx, client.NewPullRequest{
					Title: "fix: x", Body: "why", Branch: "honk/01J-x", Base: "main", Draft: true,
				})
				return err
			},
			`{}`,
			call{"POST /repos/acme/api/pulls", `{"title": "fix: x", "body": "why", "head": "honk/01J-x",
				"base": "main", "draft": true, "maintainer_can_modify": true}`},
		},
		"edit title": {
			func(ctx context.Context, r *client.Repo) error {
				_, err := r.EditPullRequest(ctx, 3, &title, nil)
				return err
			},
			`{}`,
			call{"PATCH /repos/acme/api/pulls/3", `{"title": "new title"}`},
		},
		"edit body": {
			func(ctx context.Context, r *client.Repo) error {
				_, err := r.EditPullRequest(ctx, 3, nil, &title)
				return err
			},
			`{}`,
			call{"PATCH /repos/acme/api/pulls/3", `{"body": "new title"}`},
		},
		"reviewers": {
			func(ctx context.Context, r *client.Repo) error {
				return r.RequestReviewers(ctx, 3, []string{"ada"}, []string{"core"})
			},
			`{}`,
			call{"POST /repos/acme/api/pulls/3/requested_reviewers", `{"reviewers": ["ada"], "team_reviewers": ["core"]}`},
		},
		"review comments": {
			func(ctx context.Context, r *client.Repo) error {
				_, err := r.ReviewComments(ctx, 3, time.Time{})
				return err
			},
			`[]`,
			call{"GET /repos/acme/api/pulls/3/comments?direction=asc&per_page=100&sort=created", ""},
		},
		"answer review comment": {
			func(ctx context.Context, r *client.Repo) error {
				_, err := r.ReplyToReviewComment(ctx, 3, 12, "done")
				return err
			},
			`{}`,
			call{"POST /repos/acme/api/pulls/3/comments/12/replies", `{"body": "done"}`},
		},
		"edit review comment": {
			func(ctx context.Context, r *client.Repo) error {
				_, err := r.EditReviewComment(ctx, 12, "hi")
				return err
			},
			`{}`,
			call{"PATCH /repos/acme/api/pulls/comments/12", `{"body": "hi"}`},
		},
		"branch": {
			func(ctx context.Context, r *client.Repo) error { _, err := r.Branch(ctx, "a/b#c"); return err },
			`{}`,
			call{"GET /repos/acme/api/git/ref/heads/a/b%23c", ""},
		},
		"file": {
			func(ctx context.Context, r *client.Repo) error {
				_, _, err := r.File(ctx, ".github/CODEOWNERS", "main")
				return err
			},
			`{}`,
			call{"GET /repos/acme/api/contents/.github/CODEOWNERS?ref=main", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
				if tt.reply == "" {
					w.WriteHeader(http.StatusNoContent)
				}
				_, _ = w.Write([]byte(tt.reply))
			})
			r := b.open(t)
			if err := tt.do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			calls := b.take()
			if len(calls) != 1 {
				t.Fatalf("requests: %v", calls)
			}
			if diff := cmp.Diff(tt.want.Line, calls[0].Line); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			sameJSON(t, tt.want.Body, calls[0].Body)
			if got := b.auth[calls[0].Line]; got != "Bearer "+rawToken {
				t.Errorf("sent with %q", got)
			}
		})
	}
}
