package githttp

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"honk/internal/git/command"
	"honk/internal/task"
)

// Repo is a bare repository of ours.
type Repo struct {
	git command.Repo
}

func open(binary, dir string) *Repo {
	return &Repo{git: command.Repo{Binary: binary, Dir: dir}}
}

func (r *Repo) exists() bool {
	_, err := os.Stat(filepath.Join(r.git.Dir, "HEAD"))
	return err == nil
}

// Create makes the repository, empty, with the default branch.
func (r *Repo) Create(branch string) error {
	if r.exists() {
		return task.Errorf(task.CodeConflict, "the repository %q exists already", filepath.Base(r.git.Dir))
	}
	if _, err := command.New(r.git.Binary, r.git.Dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.git.Dir, "HEAD"), []byte("ref: refs/heads/"+branch+"\n"), 0o600); err != nil {
		return fmt.Errorf("naming the default branch: %w", err)
	}
	return nil
}

// Refs returns all refs with the object each points to.
func (r *Repo) Refs(ctx context.Context) (map[string]string, error) {
	out, err := r.git.Line(ctx, "for-each-ref", "--format=%(refname) %(objectname)")
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(out) {
		ref, sha, _ := strings.Cut(strings.TrimSpace(line), " ")
		refs[ref] = sha
	}
	return refs, nil
}

// SetRef points a ref at a commit; an empty one deletes the ref.
func (r *Repo) SetRef(ctx context.Context, ref, sha string) error {
	args := []string{"update-ref", ref, sha}
	if sha == "" {
		args = []string{"update-ref", "-d", ref}
	}
	_, err := r.git.Line(ctx, args...)
	return err
}

// Resolve returns the commit that a branch, tag or object name stands for, or
// "" when there is none.
func (r *Repo) Resolve(ctx context.Context, rev string) string {
	if strings.HasPrefix(rev, "-") {
		return ""
	}
	for _, full := range []string{"refs/heads/" + rev, "refs/tags/" + rev, rev} {
		sha, err := r.git.Line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", full+"^{commit}")
		if err == nil {
			return sha
		}
	}
	return ""
}

// Signature is who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit is a change that a person makes.
type Commit struct {
	Branch  string
	Author  Signature
	Message string
	// Files by slash-separated path; nil content removes the file.
	Files map[string][]byte
	// From is where a branch starts that does not exist yet; empty means
	// from nothing.
	From string
}

// Commit puts one commit on a branch, which it creates when there is none,
// and returns its name.
func (r *Repo) Commit(ctx context.Context, c Commit) (string, error) {
	ref := "refs/heads/" + c.Branch
	var in bytes.Buffer
	who := fmt.Sprintf("%s <%s> %d +0000", c.Author.Name, c.Author.Email, c.Author.When.Unix())
	fmt.Fprintf(&in, "commit %s\nauthor %s\ncommitter %s\n", ref, who, who)
	fmt.Fprintf(&in, "data %d\n%s\n", len(c.Message), c.Message)
	from := r.Resolve(ctx, ref)
	if from == "" && c.From != "" {
		if from = r.Resolve(ctx, c.From); from == "" {
			return "", task.Errorf(task.CodeNotFound, "there is no branch or commit %q to start from", c.From)
		}
	}
	if from != "" {
		fmt.Fprintf(&in, "from %s\n", from)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		if strings.ContainsAny(path, "\n\"") || path == "" {
			return "", task.Errorf(task.CodeInvalid, "%q is no path", path)
		}
		content := c.Files[path]
		if content == nil {
			fmt.Fprintf(&in, "D %s\n", path)
			continue
		}
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	if _, err := r.git.Run(ctx, command.Command{
		Args: []string{"fast-import", "--quiet", "--date-format=raw"}, Stdin: &in,
	}); err != nil {
		return "", err
	}
	return r.git.Line(ctx, "rev-parse", ref)
}

// Borrow makes the objects of another repository, a fork, readable here.
func (r *Repo) Borrow(from *Repo) error {
	objects := filepath.Join(from.git.Dir, "objects")
	path := filepath.Join(r.git.Dir, "objects", "info", "alternates")
	list, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading where objects come from: %w", err)
	}
	if slices.Contains(strings.Split(string(list), "\n"), objects) {
		return nil
	}
	if err := os.WriteFile(path, append(list, objects+"\n"...), 0o600); err != nil {
		return fmt.Errorf("noting where objects come from: %w", err)
	}
	return nil
}

// Copy gives the repository the branches of another one.
func (r *Repo) Copy(ctx context.Context, from *Repo) error {
	if err := r.Borrow(from); err != nil {
		return err
	}
	refs, err := from.Refs(ctx)
	if err != nil {
		return err
	}
	for ref, sha := range refs {
		if !strings.HasPrefix(ref, "refs/heads/") {
			continue
		}
		if err := r.SetRef(ctx, ref, sha); err != nil {
			return err
		}
	}
	return nil
}
