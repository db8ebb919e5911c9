package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"honk/internal/git"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/sandbox"
)

// localHost is the Host of repositories that are a path of this machine.
const localHost = "local"

// ownerName is owner/name at GitHub.
var ownerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)

// notHTTP is an address that git knows and Honk does not fetch from: of ssh,
// of a file, of a transport helper.
var notHTTP = regexp.MustCompile(`^(?:[^/]+@[^/]+:|[a-z][a-z+]*::?//|[a-z]+::)`)

// repo finds what --repo means: a path of this machine, a URL, or owner/name
// at GitHub. A path wins, as it does for git.
func (h *house) repo(ctx context.Context, arg string) (task.Repo, error) {
	if u, err := url.Parse(arg); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return remoteRepo(u)
	}
	info, err := h.git.Resolve(ctx, arg)
	if err == nil {
		return task.Repo{Host: localHost, Name: filepath.Base(info.Top), URL: info.Top}, nil
	}
	if notHTTP.MatchString(arg) && task.CodeOf(err) == task.CodeNotFound {
		return task.Repo{}, task.Errorf(task.CodeInvalid, "%q is neither a path nor an https URL; give one of them, or owner/name", arg)
	}
	if ownerName.MatchString(arg) && task.CodeOf(err) == task.CodeNotFound {
		u, err := url.Parse(strings.TrimSuffix(h.cfg.GitHub.GitURL, "/") + "/" + arg + ".git")
		if err != nil {
			return task.Repo{}, err
		}
		repo, err := remoteRepo(u)
		repo.Owner, repo.Name, _ = strings.Cut(arg, "/") // the base URL may have a path
		return repo, err
	}
	return task.Repo{}, err
}

// warnDirty says what is not part of the task.
func (h *house) warnDirty(ctx context.Context, repo task.Repo) {
	if repo.Host != localHost {
		return
	}
	if info, err := h.git.Resolve(ctx, repo.URL); err == nil && info.Dirty {
		h.progress.Notice("the work tree has uncommitted changes; the base is the commit, they are left alone")
	}
}

func remoteRepo(u *url.URL) (task.Repo, error) {
	if u.User != nil {
		return task.Repo{}, task.Errorf(task.CodeInvalid, "the repository URL holds a user name or password; leave it out")
	}
	path := strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	owner, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		owner, name = path[:i], path[i+1:]
	}
	if name == "" {
		return task.Repo{}, task.Errorf(task.CodeInvalid, "the URL %s names no repository", u)
	}
	return task.Repo{Host: u.Host, Owner: owner, Name: name, URL: u.String()}, nil
}

// installed shows the dependencies that are installed in a repository of this
// machine (node_modules, .venv) to sandboxes, read-only: there is no network
// in there to install them again.
func installed(repo task.Repo, dirs []string) []sandbox.Mount {
	if repo.Host != localHost {
		return nil
	}
	var mounts []sandbox.Mount
	for _, dir := range dirs {
		at := filepath.Join(repo.URL, filepath.FromSlash(dir))
		if info, err := os.Lstat(at); err == nil && info.IsDir() {
			mounts = append(mounts, sandbox.Mount{Host: at, Guest: dir})
		}
	}
	return mounts
}

// localForge is the forge of the command line: repositories of this machine,
// or read-only ones at a URL.
type localForge struct {
	git *git.Git
}

// Checkout implements runner.Forge.
func (f *localForge) Checkout(ctx context.Context, t task.Task, ref string) (*git.Checkout, error) {
	c, err := f.git.Checkout(ctx, git.Source{Repo: t.Request.Repo}, ref)
	if task.CodeOf(err) == task.CodeUnavailable {
		// To a person at the terminal an address that does not answer is a
		// wrong one; unavailable is the model.
		return nil, task.Errorf(task.CodeNotFound, "%w", err)
	}
	return c, err
}

// Publish implements runner.Forge: it leaves a branch in the repository.
func (f *localForge) Publish(ctx context.Context, p runner.Publication) (task.PullRequest, error) {
	author := git.Signature{Name: "honk", Email: "honk@localhost"}
	return f.git.Publish(ctx, git.Publish{
		Source: git.Source{Repo: p.Task.Request.Repo}, Base: p.Patch.Base, Patch: p.Patch,
		Branch: p.Branch, Onto: p.Onto, Message: p.Message,
		Author: author, Committer: author, When: time.Now(),
	})
}
