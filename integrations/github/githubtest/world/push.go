package world

import (
	"context"
	"strings"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
)

// none is how git and GitHub write that there is no commit.
const none = "0000000000000000000000000000000000000000"

// Pushed tells what became of refs that moved, whoever moved them.
func (w *World) Pushed(ctx context.Context, by By, r *record.Repo, changes []githttp.Change) error {
	r.PushedAt = w.Now()
	for _, c := range changes {
		kind, name, ok := refKind(c.Ref)
		if !ok {
			continue
		}
		if err := w.emitPush(ctx, by, r, c); err != nil {
			return err
		}
		about := record.Object{"ref": name, "ref_type": kind, "pusher_type": "user"}
		switch {
		case c.Old == "":
			about["master_branch"], about["description"] = r.DefaultBranch, nil
			w.emit(by, r, "create", "", about)
		case c.New == "":
			w.emit(by, r, "delete", "", about)
		}
		if kind == "branch" {
			if err := w.follow(ctx, by, r, name, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// Force puts one commit on the default branch in place of what a branch had.
func (w *World) Force(ctx context.Context, by By, r *record.Repo, branch string, files map[string][]byte) error {
	const aside = "force-aside"
	ref := "refs/heads/" + branch
	old := r.Git.Resolve(ctx, ref)
	sha, err := r.Git.Commit(ctx, githttp.Commit{
		Branch: aside, From: r.DefaultBranch, Message: "Replace " + branch, Files: files, Author: w.signature(by.User),
	})
	if err != nil {
		return err
	}
	if err := r.Git.SetRef(ctx, "refs/heads/"+aside, ""); err != nil {
		return err
	}
	if err := r.Git.SetRef(ctx, ref, sha); err != nil {
		return err
	}
	return w.Pushed(ctx, by, r, []githttp.Change{{Ref: ref, Old: old, New: sha}})
}

func refKind(ref string) (kind, name string, ok bool) {
	if name, ok = strings.CutPrefix(ref, "refs/heads/"); ok {
		return "branch", name, true
	}
	name, ok = strings.CutPrefix(ref, "refs/tags/")
	return "tag", name, ok
}

// follow lets the pull requests of a branch follow it. Those whose branch is
// deleted close.
func (w *World) follow(ctx context.Context, by By, from *record.Repo, branch string, c githttp.Change) error {
	for _, r := range w.Repos {
		for _, i := range r.Pulls() {
			p := i.Pull
			own := p.From == nil && r == from || p.From == from
			switch {
			case i.State != "open":
			case own && p.Head == branch && c.New == "":
				if err := w.setState(by, r, i, "closed", nil); err != nil {
					return err
				}
			case own && p.Head == branch:
				p.HeadSHA, p.BaseSHA = c.New, r.Git.Resolve(ctx, "refs/heads/"+p.Base)
				if p.From != nil {
					if err := r.Git.Borrow(from.Git); err != nil {
						return err
					}
				}
				if err := w.measure(ctx, r, p); err != nil {
					return err
				}
				w.touch(by, r, i, "synchronize", record.Object{"before": c.Old, "after": c.New})
			case r == from && p.Base == branch && c.New != "":
				if err := w.measure(ctx, r, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (w *World) emitPush(ctx context.Context, by By, r *record.Repo, c githttp.Change) error {
	commits := []record.Object{}
	var head any
	if c.New != "" {
		log, err := r.Git.Log(ctx, c.Old, c.New)
		if err != nil {
			return err
		}
		for _, entry := range log {
			parent := ""
			if len(entry.Parents) > 0 {
				parent = entry.Parents[0]
			}
			files, err := r.Git.Files(ctx, parent, entry.SHA)
			if err != nil {
				return err
			}
			commit := w.Site.PushCommit(r, entry, files)
			commits, head = append(commits, commit), commit
		}
	}
	forced := c.Old != "" && c.New != "" && !r.Git.Contains(ctx, c.New, c.Old)
	before, after := c.Old, c.New
	if before == "" {
		before = none
	}
	if after == "" {
		after = none
	}
	w.emit(by, r, "push", "", record.Object{
		"ref": c.Ref, "before": before, "after": after, "created": c.Old == "", "deleted": c.New == "", "forced": forced,
		"base_ref": nil, "compare": w.Site.Page("/%s/compare/%.12s...%.12s", r.FullName(), before, after),
		"commits": commits, "head_commit": head, "pusher": record.Object{"name": by.User.Login, "email": by.User.NoReply()},
	})
	return nil
}
