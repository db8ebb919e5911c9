package world

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
	"honk/internal/task"
)

// CreateRepo makes an empty repository; the default branch is main where none
// is given.
func (w *World) CreateRepo(name, branch string, private bool) (*record.Repo, error) {
	owner, short, _ := strings.Cut(name, "/")
	r := &record.Repo{
		ID: w.ID(), Owner: w.AddUser(owner, record.KindOrganization), Name: short, DefaultBranch: cmp.Or(branch, "main"),
		Private: private, CreatedAt: w.Now(), PushedAt: w.Now(), Roles: map[string]string{}, Git: w.RepoFunc(name),
	}
	if _, err := w.Repo(name); err == nil {
		return nil, task.Errorf(task.CodeConflict, "there is a repository %q already", name)
	}
	if err := r.Git.Create(r.DefaultBranch); err != nil {
		return nil, err
	}
	w.Repos = append(w.Repos, r)
	return r, nil
}

// Fork copies a repository to another owner, with its branches.
func (w *World) Fork(ctx context.Context, from *record.Repo, owner string) error {
	r, err := w.CreateRepo(owner+"/"+from.Name, from.DefaultBranch, from.Private)
	if err != nil {
		return err
	}
	return r.Git.Copy(ctx, from.Git)
}

// seed is the first commit of a repository, which others may share.
type seed struct {
	git *githttp.Repo
	sha string
}

// Seed makes the first commit of a repository. Repositories of one owner that
// begin with the same files share it, and its objects: a thousand are made in
// the time of a few.
func (w *World) Seed(ctx context.Context, r *record.Repo, files map[string][]byte) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q", r.Owner.Login, r.DefaultBranch)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, " %q %q", name, files[name])
	}
	key := string(sum.Sum(nil))
	if s, ok := w.seeds[key]; ok {
		if err := r.Git.Borrow(s.git); err != nil {
			return "", err
		}
		return s.sha, r.Git.SetRef(ctx, "refs/heads/"+r.DefaultBranch, s.sha)
	}
	sha, err := r.Git.Commit(ctx, githttp.Commit{
		Branch: r.DefaultBranch, Message: "Initial commit", Files: files,
		Author: githttp.Signature{Name: r.Owner.Login, Email: r.Owner.NoReply(), When: w.Now()},
	})
	if err != nil {
		return "", err
	}
	if w.seeds == nil {
		w.seeds = map[string]seed{}
	}
	w.seeds[key] = seed{r.Git, sha}
	return sha, nil
}

// Archive makes a repository read-only or, with false, ends that.
func (w *World) Archive(by By, r *record.Repo, archived bool) {
	if r.Archived == archived {
		return
	}
	r.Archived = archived
	action := "unarchived"
	if archived {
		action = "archived"
	}
	w.emit(by, r, "repository", action, record.Object{})
}

// Move gives a repository another name, or another owner. By the old one it
// is still found.
func (w *World) Move(by By, r *record.Repo, name string) error {
	if _, err := w.Repo(name); err == nil {
		return task.Errorf(task.CodeConflict, "there is a repository %q already", name)
	}
	if w.Moved == nil {
		w.Moved = map[string]*record.Repo{}
	}
	w.Moved[strings.ToLower(r.FullName())] = r
	owner, short, _ := strings.Cut(name, "/")
	action, changes := "renamed", record.Object{"repository": record.Object{"name": record.Object{"from": r.Name}}}
	if !strings.EqualFold(owner, r.Owner.Login) {
		action, changes = "transferred", record.Object{"owner": record.Object{"from": record.Object{"user": w.Site.User(r.Owner)}}}
	}
	r.Owner, r.Name = w.AddUser(owner, record.KindOrganization), short
	w.emit(by, r, "repository", action, record.Object{"changes": changes})
	return nil
}
