package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"honk/internal/git/command"
	"honk/internal/git/origin"
	"honk/internal/git/tree"
	"honk/internal/task"
)

// Signature names who made a commit.
type Signature struct {
	Name, Email string
}

// Publish is a change on its way to a repository.
type Publish struct {
	// Source is where the branch goes. It must hold the base commit.
	Source Source
	// Base is the commit the patch applies to, in full.
	Base string
	// Branch is the branch's name without refs/heads/: a new one, unless Onto
	// says that it is there already, with Base as its head.
	Branch string
	Onto   bool
	// Over is a commit of ours that the branch is at, and whose place the new
	// one takes; empty when the branch is new or Onto.
	Over  string
	Patch task.Patch
	// Message is the whole commit message.
	Message           string
	Author, Committer Signature
	When              time.Time
}

// Publish applies the patch to a fresh trusted clone of the base commit, makes
// one commit and creates one branch at the source, or moves one to the commit
// from the base or from what it replaces: no other ref, no work tree, index or configuration there
// is touched, and nothing of a local repository is executed. When the branch
// is at the same tree on the same base already, its head is returned; when it
// is anywhere else the error's code is conflict. Number, URL and State of the
// result are left to the forge.
func (g *Git) Publish(ctx context.Context, p Publish) (pr task.PullRequest, err error) {
	if err := p.check(); err != nil {
		return pr, err
	}
	b, err := g.openBase(ctx, p.Source, p.Base)
	if err != nil {
		return pr, err
	}
	defer func() { err = errors.Join(err, b.remove()) }()
	if p.Source.Local() {
		// A push, on the other hand, needs the mirror's history.
		if err := errors.Join(b.link(ctx), b.detach()); err != nil {
			return pr, err
		}
	}
	tree, err := b.judgedTree(ctx, p.Patch)
	if err != nil {
		return pr, err
	}
	dest, err := g.origin.Destination(p.Source, b.Repo)
	if err != nil {
		return pr, err
	}
	defer dest.CloseFunc()
	ref := "refs/heads/" + p.Branch
	head, err := dest.HeadFunc(ctx, ref)
	if err != nil {
		return pr, err
	}
	from := p.Over
	if p.Onto {
		from = p.Base
	}
	if head != from {
		if err := p.isAt(ctx, dest.Repo, head, tree); err != nil {
			return pr, err
		}
		return task.PullRequest{Branch: p.Branch, HeadSHA: head}, nil
	}
	if head, err = b.commit(tree, p); err != nil {
		return pr, err
	}
	if err := dest.SetFunc(ctx, ref, from, head); err != nil {
		// The answer may be what got lost. Git repeats a push by itself then,
		// and is told that the branch is there.
		at, lookErr := dest.HeadFunc(ctx, ref)
		if lookErr != nil {
			// Nobody knows: that comes first, for it is worth another try.
			return pr, errors.Join(lookErr, err)
		}
		if at != head {
			return pr, err
		}
	}
	return task.PullRequest{Branch: p.Branch, HeadSHA: head}, nil
}

// check refuses what could be read as something else by git or by people.
func (p Publish) check() error {
	if err := ValidRef(p.Branch); err != nil {
		return err
	}
	switch {
	case !shaPattern.MatchString(p.Base):
		return task.Errorf(task.CodeInvalid, "the base %q is not a full commit name", p.Base)
	case p.Patch.Base != p.Base:
		return task.Errorf(task.CodeConflict, "the patch is for commit %.12s, not for %.12s", p.Patch.Base, p.Base)
	case p.Patch.Empty() || len(p.Patch.Diff) == 0:
		return task.Errorf(task.CodeInvalid, "the patch is empty; there is nothing to publish")
	case strings.TrimSpace(p.Message) == "" || strings.ContainsRune(p.Message, 0):
		return task.Errorf(task.CodeInvalid, "the commit message is empty or holds a NUL")
	}
	for _, s := range []Signature{p.Author, p.Committer} {
		for _, text := range []string{s.Name, s.Email} {
			if text == "" || strings.ContainsAny(text, "<>") || strings.ContainsFunc(text, tree.Invisible) {
				return task.Errorf(task.CodeInvalid, "%q cannot stand in the author line of a commit", text)
			}
		}
	}
	return nil
}

// judgedTree applies a patch and makes sure that the result shows exactly the
// diff that was judged.
func (b *base) judgedTree(ctx context.Context, p task.Patch) (string, error) {
	index := b.scratch(0)
	if _, err := b.apply(ctx, index, p, nil); err != nil {
		return "", err
	}
	tree, err := b.writeTree(ctx, index)
	if err != nil {
		return "", err
	}
	diff, err := b.diff(ctx, tree)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(diff, p.Diff) {
		return "", task.Errorf(task.CodeConflict, "the applied patch is not the change that was judged; run the task again")
	}
	return tree, nil
}

// commit makes the commit object, with go-git: no hook, no editor, no signing
// program.
func (b *base) commit(tree string, p Publish) (string, error) {
	sign := func(s Signature) object.Signature {
		return object.Signature{Name: s.Name, Email: s.Email, When: p.When}
	}
	commit := object.Commit{
		Author: sign(p.Author), Committer: sign(p.Committer),
		Message:      strings.TrimRight(p.Message, "\n") + "\n",
		TreeHash:     plumbing.NewHash(tree),
		ParentHashes: []plumbing.Hash{plumbing.NewHash(p.Base)},
	}
	objects := b.storage()
	obj := objects.NewEncodedObject()
	if err := commit.Encode(obj); err != nil {
		return "", fmt.Errorf("encoding the commit: %w", err)
	}
	hash, err := objects.SetEncodedObject(obj)
	if err != nil {
		return "", fmt.Errorf("storing the commit: %w", err)
	}
	return hash.String(), nil
}

// isAt accepts a branch that is not where it is expected only if it is what
// we would publish: an earlier try got so far.
func (p Publish) isAt(ctx context.Context, dest command.Repo, head, tree string) error {
	if head == "" {
		return task.Errorf(task.CodeConflict, "somebody deleted the branch %q in between; ask for a new one", p.Branch)
	}
	got, err := dest.Line(ctx, "log", "-1", "--no-show-signature", "--format=%T %P", head, "--")
	if err == nil && got == tree+" "+p.Base {
		return nil
	}
	if p.Onto || p.Over != "" {
		return origin.Moved("refs/heads/" + p.Branch)
	}
	return task.Errorf(task.CodeConflict,
		"the branch %q exists already with other content; delete it or choose another name", p.Branch)
}
