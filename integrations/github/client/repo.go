package client

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

const (
	// perPage is GitHub's most.
	perPage = 100
	// maxPages bounds what one question may take; no issue has more than
	// 2,500 comments.
	maxPages = 100
)

// Info is what Honk needs to know of a repository.
type Info struct {
	task.Repo
	ID            int64
	DefaultBranch string
	Private       bool
	Archived      bool
	Fork          bool
}

// Info reads the repository's own facts; its URL is where git clones from.
func (r *Repo) Info(ctx context.Context) (Info, error) {
	got, _, err := r.gh.Repositories.Get(ctx, r.owner, r.name)
	if err != nil {
		return Info{}, r.at.Explain(err, "reading the repository", "metadata: read")
	}
	info := Info{
		Repo: task.Repo{
			Host: r.host, Owner: got.GetOwner().GetLogin(), Name: got.GetName(), URL: got.GetCloneURL(),
		},
		ID: got.GetID(), DefaultBranch: got.GetDefaultBranch(),
		Private: got.GetPrivate(), Archived: got.GetArchived(), Fork: got.GetFork(),
	}
	if u, err := url.Parse(got.GetHTMLURL()); err == nil && u.Host != "" {
		info.Host = strings.ToLower(u.Host)
	}
	return info, nil
}

var branchPattern = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9/_.#+,@-]{0,243}$`)

// checkBranch refuses a name that could mean another path of the API.
func checkBranch(name string) error {
	if !branchPattern.MatchString(name) || strings.Contains(name, "..") || strings.Contains(name, "//") ||
		strings.Contains(name, "/./") || strings.HasSuffix(name, "/") || strings.HasSuffix(name, "/.") {
		return task.Errorf(task.CodeInvalid, "%q is not a usable branch name", name)
	}
	return nil
}

// Branch returns the commit at a branch's head, "" when there is no such
// branch.
func (r *Repo) Branch(ctx context.Context, name string) (string, error) {
	if err := checkBranch(name); err != nil {
		return "", err
	}
	ref, _, err := r.gh.Git.GetRef(ctx, r.owner, r.name, "heads/"+name)
	err = r.at.Explain(err, "reading the branch "+name, "contents: read")
	switch task.CodeOf(err) {
	case "":
		if ref.GetRef() != "refs/heads/"+name {
			return "", nil
		}
		return ref.GetObject().GetSHA(), nil
	case task.CodeNotFound, task.CodeConflict: // conflict: an empty repository
		return "", nil
	default:
		return "", err
	}
}

// File returns a file as it is at ref, and whether there is one. Files over
// 1 MB are an error.
func (r *Repo) File(ctx context.Context, path, ref string) (content []byte, found bool, err error) {
	doing, need := fmt.Sprintf("reading the file %q", path), "contents: read"
	opts := &github.RepositoryContentGetOptions{Ref: ref}
	file, _, _, err := r.gh.Repositories.GetContents(ctx, r.owner, r.name, path, opts)
	err = r.at.Explain(err, doing, need)
	switch {
	case task.CodeOf(err) == task.CodeNotFound:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case file == nil || file.GetType() != "file": // a directory, link or submodule
		return nil, false, nil
	case file.GetEncoding() == "none":
		return nil, false, task.Errorf(task.CodeInvalid, "%q in %s is larger than 1 MB", path, r)
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, false, fmt.Errorf("decoding %q of %s: %w", path, r, err)
	}
	return []byte(text), true, nil
}

// ask is for what go-github does not cover as we need it. The path is below
// the repository's and escaped by the caller.
func (r *Repo) ask(ctx context.Context, method, path string, body, out any) error {
	req, err := r.gh.NewRequest(method, fmt.Sprintf("repos/%s/%s/%s", r.owner, r.name, path), body)
	if err != nil {
		return fmt.Errorf("asking %s: %w", r, err)
	}
	_, err = r.gh.Do(ctx, req, out)
	return err
}

// pages calls get for every page, which returns GitHub's answer as it is.
func (r *Repo) pages(doing, need string, get func(page github.ListOptions) (*github.Response, error)) error {
	page := github.ListOptions{PerPage: perPage}
	for range maxPages {
		resp, err := get(page)
		if err != nil {
			return r.at.Explain(err, doing, need)
		}
		if resp.NextPage == 0 {
			return nil
		}
		page.Page = resp.NextPage
	}
	return task.Errorf(task.CodeInvalid, "%s in %s: GitHub has more than %d pages of it", doing, r, maxPages)
}
