package client

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
)

// Review is a submitted review of a pull request.
type Review struct {
	ID int64
	// State is approved, changes_requested, commented, dismissed or pending.
	State       string
	Body        string
	Author      User
	SubmittedAt time.Time
	SHA         string
	URL         string
	Comments    []ReviewComment
}

// ReviewComment is a comment at a line of a pull request's diff.
type ReviewComment struct {
	ID       int64
	ReviewID int64
	// InReplyTo is the comment that opens the thread, 0 for itself.
	InReplyTo int64
	Body      string
	Author    User
	Path      string
	// Line is in the file as the pull request has it, where it stood
	// originally when it is outdated, 0 when the file as a whole is meant.
	Line      int
	DiffHunk  string
	CreatedAt time.Time
	UpdatedAt time.Time
	URL       string
}

func reviewCommentOf(c *github.PullRequestComment) ReviewComment {
	return ReviewComment{
		ID: c.GetID(), ReviewID: c.GetPullRequestReviewID(), InReplyTo: c.GetInReplyTo(),
		Body: c.GetBody(), Author: userOf(c.User), Path: c.GetPath(),
		Line: cmp.Or(c.GetLine(), c.GetOriginalLine()), DiffHunk: c.GetDiffHunk(),
		CreatedAt: c.GetCreatedAt().Time, UpdatedAt: c.GetUpdatedAt().Time, URL: c.GetHTMLURL(),
	}
}

// Review reads a review with its comments.
func (r *Repo) Review(ctx context.Context, number int, id int64) (Review, error) {
	doing, need := fmt.Sprintf("reading a review of #%d", number), "pull_requests: read"
	got, _, err := r.gh.PullRequests.GetReview(ctx, r.owner, r.name, number, id)
	if err != nil {
		return Review{}, r.at.Explain(err, doing, need)
	}
	review := reviewOf(got)
	err = r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		got, resp, err := r.gh.PullRequests.ListReviewComments(ctx, r.owner, r.name, number, id, &page)
		for _, c := range got {
			review.Comments = append(review.Comments, reviewCommentOf(c))
		}
		return resp, err
	})
	if err != nil || !slices.ContainsFunc(review.Comments, func(c ReviewComment) bool { return c.Line == 0 }) {
		return review, err
	}
	return review, r.place(ctx, number, review.Comments)
}

// Reviews lists the reviews of a pull request without their comments, the
// oldest first.
func (r *Repo) Reviews(ctx context.Context, number int) ([]Review, error) {
	var list []Review
	doing, need := fmt.Sprintf("listing the reviews of #%d", number), "pull_requests: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		got, resp, err := r.gh.PullRequests.ListReviews(ctx, r.owner, r.name, number, &page)
		for _, v := range got {
			list = append(list, reviewOf(v))
		}
		return resp, err
	})
	return list, err
}

func reviewOf(v *github.PullRequestReview) Review {
	return Review{
		ID: v.GetID(), State: strings.ToLower(v.GetState()), Body: v.GetBody(), Author: userOf(v.User),
		SubmittedAt: v.GetSubmittedAt().Time, SHA: v.GetCommitID(), URL: v.GetHTMLURL(),
	}
}

// place adds the lines, which GitHub leaves out of a review's comments: they
// stand in the list of the pull request's only.
func (r *Repo) place(ctx context.Context, number int, comments []ReviewComment) error {
	all, err := r.ReviewComments(ctx, number, time.Time{})
	for _, c := range all {
		for i := range comments {
			if comments[i].ID == c.ID {
				comments[i].Line = c.Line
			}
		}
	}
	return err
}

// ReviewComments lists the comments at lines of a pull request that were
// written or edited since a time, oldest first; the zero time lists all.
func (r *Repo) ReviewComments(ctx context.Context, number int, since time.Time) ([]ReviewComment, error) {
	var list []ReviewComment
	opts := &github.PullRequestListCommentsOptions{Sort: "created", Direction: "asc", Since: since.UTC()}
	doing, need := fmt.Sprintf("listing the review comments of #%d", number), "pull_requests: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		opts.ListOptions = page
		got, resp, err := r.gh.PullRequests.ListComments(ctx, r.owner, r.name, number, opts)
		for _, c := range got {
			list = append(list, reviewCommentOf(c))
		}
		return resp, err
	})
	return list, err
}

// ReplyToReviewComment answers in the thread that a comment opened: GitHub
// takes the thread's first comment only.
func (r *Repo) ReplyToReviewComment(ctx context.Context, number int, id int64, body string) (ReviewComment, error) {
	var got github.PullRequestComment
	path := fmt.Sprintf("pulls/%d/comments/%d/replies", number, id)
	err := r.ask(ctx, http.MethodPost, path, map[string]string{"body": body}, &got)
	if err != nil {
		return ReviewComment{}, r.at.Explain(err,
			fmt.Sprintf("answering a review comment of #%d", number), "pull_requests: write")
	}
	return reviewCommentOf(&got), nil
}

// EditReviewComment replaces the text of a comment at a line.
func (r *Repo) EditReviewComment(ctx context.Context, id int64, body string) (ReviewComment, error) {
	got, _, err := r.gh.PullRequests.EditComment(ctx, r.owner, r.name, id, &github.PullRequestComment{Body: &body})
	if err != nil {
		return ReviewComment{}, r.at.Explain(err, "editing a review comment", "pull_requests: write")
	}
	return reviewCommentOf(got), nil
}
