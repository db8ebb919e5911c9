package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// Entry is a plain file of a commit.
type Entry struct {
	Path, SHA string
	Size      int
}

// Tree lists the plain files of a commit: neither links nor submodules. GitHub
// cuts the list of a very large repository short, and says so.
func (r *Repo) Tree(ctx context.Context, sha string) (files []Entry, truncated bool, err error) {
	if !shaPattern.MatchString(sha) {
		return nil, false, task.Errorf(task.CodeInvalid, "%q is not a commit's full name", sha)
	}
	got, _, err := r.gh.Git.GetTree(ctx, r.owner, r.name, sha, true)
	if err != nil {
		return nil, false, r.at.Explain(err, "listing the files of "+sha, "contents: read")
	}
	for _, e := range got.Entries {
		if e.GetType() == "blob" && e.GetMode() != "120000" {
			files = append(files, Entry{e.GetPath(), e.GetSHA(), e.GetSize()})
		}
	}
	return files, got.GetTruncated(), nil
}

// Paths lists the plain files of a commit by their paths, as Tree does.
func (r *Repo) Paths(ctx context.Context, sha string) (paths []string, truncated bool, err error) {
	files, truncated, err := r.Tree(ctx, sha)
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths, truncated, err
}

// Required lists the checks without which GitHub merges nothing into a
// branch, by the branch's protection and by rules.
func (r *Repo) Required(ctx context.Context, branch string) ([]string, error) {
	if err := checkBranch(branch); err != nil {
		return nil, err
	}
	var protected struct {
		Protection struct {
			Checks struct {
				Contexts []string `json:"contexts"`
			} `json:"required_status_checks"`
		} `json:"protection"`
	}
	doing := "reading what the branch " + branch + " requires"
	err := r.ask(ctx, http.MethodGet, "branches/"+url.PathEscape(branch), nil, &protected)
	if err != nil {
		return nil, r.at.Explain(err, doing, "contents: read")
	}
	names := protected.Protection.Checks.Contexts
	err = r.pages(doing, "metadata: read", func(page github.ListOptions) (*github.Response, error) {
		path := fmt.Sprintf("repos/%s/%s/rules/branches/%s?per_page=%d&page=%d",
			r.owner, r.name, url.PathEscape(branch), page.PerPage, max(page.Page, 1))
		req, err := r.gh.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		var rules []struct {
			Parameters struct {
				Checks []struct {
					Context string `json:"context"`
				} `json:"required_status_checks"`
			} `json:"parameters"`
		}
		resp, err := r.gh.Do(ctx, req, &rules)
		for _, rule := range rules {
			for _, c := range rule.Parameters.Checks {
				names = append(names, c.Context)
			}
		}
		return resp, err
	})
	if task.CodeOf(err) == task.CodeNotFound { // an older server without rules
		err = nil
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// Changed lists the files that a pull request changes, with the names from
// before it. GitHub tells of the first 3,000.
func (r *Repo) Changed(ctx context.Context, number int) ([]string, error) {
	var list []string
	doing, need := fmt.Sprintf("listing the files of #%d", number), "pull_requests: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		got, resp, err := r.gh.PullRequests.ListFiles(ctx, r.owner, r.name, number, &page)
		for _, f := range got {
			list = append(list, f.GetFilename())
			if old := f.GetPreviousFilename(); old != "" {
				list = append(list, old)
			}
		}
		return resp, err
	})
	return list, err
}

// Commit is a commit of a pull request with the accounts behind it, which are
// empty where GitHub knows none.
type Commit struct {
	SHA                         string
	Author, Committer           User
	AuthorEmail, CommitterEmail string
}

// Commits lists the commits of a pull request, the oldest first: the first 250
// of them.
func (r *Repo) Commits(ctx context.Context, number int) ([]Commit, error) {
	var list []Commit
	doing, need := fmt.Sprintf("listing the commits of #%d", number), "pull_requests: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		got, resp, err := r.gh.PullRequests.ListCommits(ctx, r.owner, r.name, number, &page)
		for _, c := range got {
			list = append(list, Commit{
				SHA: c.GetSHA(), Author: userOf(c.Author), Committer: userOf(c.Committer),
				AuthorEmail:    c.GetCommit().GetAuthor().GetEmail(),
				CommitterEmail: c.GetCommit().GetCommitter().GetEmail(),
			})
		}
		return resp, err
	})
	return list, err
}
