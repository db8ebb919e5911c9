package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// Merge merges a pull request whose head is at sha, by merge, squash or
// rebase, and returns the commit on the base. The error's code is conflict
// when GitHub does not merge it as it is now.
func (r *Repo) Merge(ctx context.Context, number int, sha, method string) (string, error) {
	if !shaPattern.MatchString(sha) {
		return "", task.Errorf(task.CodeInvalid, "%q is not a commit's full name", sha)
	}
	got, _, err := r.gh.PullRequests.Merge(ctx, r.owner, r.name, number, "",
		&github.PullRequestOptions{SHA: sha, MergeMethod: method})
	if err != nil {
		return "", r.at.Explain(err, fmt.Sprintf("merging pull request #%d", number), "contents: write")
	}
	return got.GetSHA(), nil
}

// ClosePullRequest closes a pull request without merging it.
func (r *Repo) ClosePullRequest(ctx context.Context, number int) (PullRequest, error) {
	closed := "closed"
	got, _, err := r.gh.PullRequests.Edit(ctx, r.owner, r.name, number, &github.PullRequest{State: &closed})
	if err != nil {
		return PullRequest{}, r.at.Explain(err, fmt.Sprintf("closing pull request #%d", number), "pull_requests: write")
	}
	return pullOf(got), nil
}

// DeleteBranch deletes a branch. One that is gone already is no error.
func (r *Repo) DeleteBranch(ctx context.Context, name string) error {
	if err := checkBranch(name); err != nil {
		return err
	}
	_, err := r.gh.Git.DeleteRef(ctx, r.owner, r.name, "heads/"+name)
	err = r.at.Explain(err, "deleting the branch "+name, "contents: write")
	if err != nil && strings.Contains(err.Error(), "Reference does not exist") {
		return nil
	}
	return gone(err)
}

// limitWait is how long to wait where an answer to a mutation does not say.
const limitWait = time.Minute

// ready is the only way to end a draft: the REST API has none.
const ready = `mutation($id: ID!) {
	markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } }
}`

// MarkReady makes a draft ready for review. It takes, which GitHub does not
// document, also the permission contents: write.
func (r *Repo) MarkReady(ctx context.Context, pr PullRequest) error {
	doing := fmt.Sprintf("marking pull request #%d as ready", pr.Number)
	// https://api.github.com/graphql, but https://host/api/graphql.
	path := "graphql"
	if strings.HasSuffix(r.gh.BaseURL.Path, "/api/v3/") {
		path = "../graphql"
	}
	req, err := r.gh.NewRequest(http.MethodPost, path, map[string]any{
		"query": ready, "variables": map[string]string{"id": pr.node},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var got struct {
		Errors []struct{ Type, Message string }
	}
	if _, err = r.gh.Do(ctx, req, &got); err != nil {
		return r.at.Explain(err, doing, "contents: write, pull_requests: write")
	}
	if len(got.Errors) == 0 {
		return nil
	}
	code := map[string]task.Code{
		"FORBIDDEN": task.CodeForbidden, "NOT_FOUND": task.CodeNotFound, "RATE_LIMITED": task.CodeRateLimited,
		"UNPROCESSABLE": task.CodeConflict,
	}[got.Errors[0].Type]
	if code == "" {
		code = task.CodeUnavailable
	}
	out := task.Errorf(code, "GitHub refuses %s in %s: %s", doing, r, oneLine(got.Errors[0].Message))
	if code == task.CodeRateLimited {
		out.After = limitWait
	}
	return out
}

func oneLine(text string) string {
	return strings.ToValidUTF8(strings.Join(strings.Fields(text[:min(len(text), 300)]), " "), "")
}
