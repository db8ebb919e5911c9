package githubtest

import (
	"context"
	"time"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
	"honk/internal/git/githttp"
	"honk/internal/task"
)

// AddUser makes a person's account, or returns the number of the one there is.
func (f *Forge) AddUser(login string) int64 {
	f.world.Lock()
	defer f.world.Unlock()
	return f.world.AddUser(login, record.KindUser).ID
}

// AddBot makes the account of another App; its login should end in [bot].
func (f *Forge) AddBot(login string) int64 {
	f.world.Lock()
	defer f.world.Unlock()
	return f.world.AddUser(login, record.KindBot).ID
}

// NewRepo is a repository to be made.
type NewRepo struct {
	// Name is owner/name. An unknown owner becomes an organisation.
	Name    string
	Private bool
	// Branch is the default one, main where empty.
	Branch string
	Files  map[string]string

	Language string
	Topics   []string
	// CreatedAt is now where it is zero.
	CreatedAt time.Time
}

// CreateRepo makes a repository of one commit, and returns that. Those of one
// owner with the same files share it.
func (f *Forge) CreateRepo(ctx context.Context, n NewRepo) (sha string, err error) {
	f.world.Lock()
	defer f.world.Unlock()
	r, err := f.world.CreateRepo(n.Name, n.Branch, n.Private)
	if err != nil {
		return "", err
	}
	r.Language, r.Topics = n.Language, n.Topics
	if !n.CreatedAt.IsZero() {
		r.CreatedAt = n.CreatedAt
	}
	return f.world.Seed(ctx, r, raw(n.Files))
}

// raw turns texts into bytes.
func raw(files map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for name, content := range files {
		out[name] = []byte(content)
	}
	return out
}

// Install gives the App to an owner, for the named repositories (without the
// owner) or, with none, for all. Installing anew changes what there is.
func (f *Forge) Install(owner string, names ...string) (id int64, err error) {
	f.world.Lock()
	defer f.world.Unlock()
	account := f.world.AddUser(owner, record.KindOrganization)
	var repos []*record.Repo
	for _, name := range names {
		r, err := f.world.Repo(owner + "/" + name)
		if err != nil {
			return 0, err
		}
		repos = append(repos, r)
	}
	return f.world.Install(account, repos).ID, nil
}

// Uninstall takes the App away from an owner.
func (f *Forge) Uninstall(owner string) {
	f.installed(owner, func(i *record.Installation) {
		f.tokens.Revoke(i)
		f.world.Uninstall(i)
	})
}

// Suspend stops the App at an owner or, with false, lets it go on.
func (f *Forge) Suspend(owner string, stop bool) {
	f.installed(owner, func(i *record.Installation) {
		i.SuspendedAt, i.SuspendedBy = time.Time{}, nil
		if stop {
			i.SuspendedAt, i.SuspendedBy = f.world.Now(), i.Account
		}
	})
}

// SetInstallationPermissions changes what the App may do at an owner, where
// nobody has accepted what it asks for.
func (f *Forge) SetInstallationPermissions(owner string, p Permissions) {
	f.installed(owner, func(i *record.Installation) { i.Permissions = p })
}

func (f *Forge) installed(owner string, do func(*record.Installation)) {
	f.world.Lock()
	defer f.world.Unlock()
	for _, i := range f.world.Installations {
		if i.Account.Login == owner {
			do(i)
			return
		}
	}
}

// SetPermission makes a person a collaborator: admin, maintain, write, triage
// or read; none takes all away.
func (f *Forge) SetPermission(repo, login, role string) error {
	return f.repo(login, repo, func(_ world.By, r *record.Repo) error {
		if role == "none" && !r.Private {
			delete(r.Roles, login)
			return nil
		}
		r.Roles[login] = role
		return nil
	})
}

// Archive makes a repository read-only.
func (f *Forge) Archive(repo string, archived bool) error {
	return f.repo("", repo, func(by world.By, r *record.Repo) error {
		f.world.Archive(by, r, archived)
		return nil
	})
}

// repo does something in a repository as a person. A login nobody has yet
// becomes an account.
func (f *Forge) repo(login, repo string, do func(world.By, *record.Repo) error) error {
	f.world.Lock()
	defer f.world.Unlock()
	r, err := f.world.Repo(repo)
	if err != nil {
		return err
	}
	by := world.By{User: r.Owner}
	if login != "" {
		by.User = f.world.AddUser(login, record.KindUser)
	}
	return do(by, r)
}

// At is a thread: an issue or pull request, and who does something there.
type At struct {
	Login, Repo string
	Number      int
}

// issue does something to an issue or pull request as a person.
func (f *Forge) issue(at At, do func(world.By, *record.Repo, *record.Issue) error) error {
	return f.repo(at.Login, at.Repo, func(by world.By, r *record.Repo) error {
		i := r.Issue(at.Number)
		if i == nil {
			return task.Errorf(task.CodeNotFound, "%s has no issue %d", at.Repo, at.Number)
		}
		return do(by, r, i)
	})
}

// Change is a commit a person pushes.
type Change struct {
	Repo, Branch, Login string
	Message             string
	Files               map[string]string
	// Remove names files to remove.
	Remove []string
	// From is where a new branch starts, the default branch where empty.
	From string
}

// Commit pushes a commit as a person, and returns it.
func (f *Forge) Commit(ctx context.Context, c Change) (sha string, err error) {
	err = f.repo(c.Login, c.Repo, func(by world.By, r *record.Repo) error {
		ref := "refs/heads/" + c.Branch
		old := r.Git.Resolve(ctx, ref)
		files := raw(c.Files)
		for _, name := range c.Remove {
			files[name] = nil
		}
		if c.From == "" {
			c.From = r.DefaultBranch
		}
		if c.Message == "" {
			c.Message = "Change " + c.Branch
		}
		sha, err = r.Git.Commit(ctx, githttp.Commit{
			Branch: c.Branch, From: c.From, Message: c.Message, Files: files,
			Author: githttp.Signature{Name: by.User.Login, Email: by.User.NoReply(), When: f.world.Now()},
		})
		if err != nil {
			return err
		}
		return f.world.Pushed(ctx, by, r, []githttp.Change{{Ref: ref, Old: old, New: sha}})
	})
	return sha, err
}

// Force replaces, as a person, what a branch has by one commit.
func (f *Forge) Force(ctx context.Context, c Change) error {
	return f.repo(c.Login, c.Repo, func(by world.By, r *record.Repo) error {
		return f.world.Force(ctx, by, r, c.Branch, raw(c.Files))
	})
}

// DeleteBranch deletes a branch as a person.
func (f *Forge) DeleteBranch(ctx context.Context, login, repo, branch string) error {
	return f.repo(login, repo, func(by world.By, r *record.Repo) error {
		ref := "refs/heads/" + branch
		old := r.Git.Resolve(ctx, ref)
		if old == "" {
			return task.Errorf(task.CodeNotFound, "%s has no branch %q", repo, branch)
		}
		if err := r.Git.SetRef(ctx, ref, ""); err != nil {
			return err
		}
		return f.world.Pushed(ctx, by, r, []githttp.Change{{Ref: ref, Old: old}})
	})
}

// Fork copies a repository to another owner, who needs no installation.
func (f *Forge) Fork(ctx context.Context, repo, owner string) error {
	return f.repo(owner, repo, func(_ world.By, r *record.Repo) error { return f.world.Fork(ctx, r, owner) })
}
