package githttp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"honk/internal/git/command"
)

// ErrConflict is why two branches cannot be merged by themselves.
var ErrConflict = errors.New("merge conflict")

// Entry is a commit in the history.
type Entry struct {
	SHA, Tree string
	Parents   []string
	Author    Signature
	Committer Signature
	Message   string
}

// Log returns the commits of to that are not in from, the oldest first. An
// empty from means only to itself.
func (r *Repo) Log(ctx context.Context, from, to string) ([]Entry, error) {
	args := []string{
		"log", "-z", "--reverse", "--no-show-signature",
		"--format=%H%x01%T%x01%P%x01%an%x01%ae%x01%at%x01%cn%x01%ce%x01%ct%x01%B",
	}
	if from == "" {
		args = append(args, "-1", to, "--")
	} else {
		args = append(args, from+".."+to, "--")
	}
	out, err := r.git.Run(ctx, command.Command{Args: args})
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for record := range strings.SplitSeq(string(out), "\x00") {
		f := strings.SplitN(record, "\x01", 10)
		if len(f) < 10 {
			continue
		}
		entries = append(entries, Entry{
			SHA: f[0], Tree: f[1], Parents: strings.Fields(f[2]),
			Author:    Signature{Name: f[3], Email: f[4], When: unix(f[5])},
			Committer: Signature{Name: f[6], Email: f[7], When: unix(f[8])},
			Message:   strings.TrimRight(f[9], "\n"),
		})
	}
	return entries, nil
}

func unix(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// MergeBase returns the commit two have in common, or "".
func (r *Repo) MergeBase(ctx context.Context, a, b string) string {
	sha, err := r.git.Line(ctx, "merge-base", a, b)
	if err != nil {
		return ""
	}
	return sha
}

// Contains reports whether a commit is in the history of another.
func (r *Repo) Contains(ctx context.Context, history, commit string) bool {
	_, err := r.git.Line(ctx, "merge-base", "--is-ancestor", commit, history)
	return err == nil
}

// File is a file that differs between two commits.
type File struct {
	Path, Status string // added, removed, modified
	SHA          string
	Additions    int
	Deletions    int
	// Patch holds the hunks, without a header.
	Patch string
}

// emptyTree is the name of the tree without files.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// Files returns the files that differ between two commits; an empty from
// means from nothing. Renames count as one removed and one added file.
func (r *Repo) Files(ctx context.Context, from, to string) ([]File, error) {
	if from == "" {
		from = emptyTree
	}
	out, err := r.git.Run(ctx, command.Command{Args: []string{"diff-tree", "-r", "-z", "--no-renames", from, to, "--"}})
	if err != nil {
		return nil, err
	}
	var files []File
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		meta := strings.Fields(fields[i])
		if len(meta) != 5 {
			return nil, fmt.Errorf("reading the line %q of diff-tree", fields[i])
		}
		f := File{Path: fields[i+1], Status: map[string]string{"A": "added", "D": "removed"}[meta[4]], SHA: meta[3]}
		if f.Status == "" {
			f.Status = "modified"
		}
		if f.Status == "removed" {
			f.SHA = meta[2]
		}
		if f.Patch, err = r.hunks(ctx, from, to, f.Path); err != nil {
			return nil, err
		}
		for line := range strings.Lines(f.Patch) {
			switch line[0] {
			case '+':
				f.Additions++
			case '-':
				f.Deletions++
			}
		}
		files = append(files, f)
	}
	return files, nil
}

// hunks returns a file's diff from its first hunk on.
func (r *Repo) hunks(ctx context.Context, from, to, path string) (string, error) {
	out, err := r.git.Run(ctx, command.Command{Args: []string{
		"diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", from, to, "--", ":(literal)" + path,
	}})
	if err != nil {
		return "", err
	}
	at := strings.Index("\n"+string(out), "\n@@")
	if at < 0 {
		return "", nil
	}
	return strings.TrimSuffix(string(out[at:]), "\n"), nil
}

// Read returns a file's content and object name at a commit. The error is
// fs.ErrNotExist when it has no such file.
func (r *Repo) Read(ctx context.Context, commit, path string) (content []byte, sha string, err error) {
	sha, err = r.git.Line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", commit+":"+path)
	if err != nil {
		return nil, "", fmt.Errorf("reading %q: %w", path, os.ErrNotExist)
	}
	content, err = r.git.Run(ctx, command.Command{Args: []string{"cat-file", "blob", sha}})
	if err != nil {
		return nil, "", fmt.Errorf("reading %q: %w", path, os.ErrNotExist)
	}
	return content, sha, nil
}

// Names lists the files and directories in a directory of a commit, "" for
// its root. Directories end in a slash.
func (r *Repo) Names(ctx context.Context, commit, dir string) ([]string, error) {
	out, err := r.git.Run(ctx, command.Command{Args: []string{"ls-tree", "-z", "--full-tree", commit + ":" + dir}})
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", dir, os.ErrNotExist)
	}
	var names []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		meta, file, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		if strings.Contains(meta, " tree ") {
			file += "/"
		}
		names = append(names, file)
	}
	return names, nil
}

// Merge makes a merge commit of head into base, without moving a ref. The
// error is ErrConflict where they touch the same lines.
func (r *Repo) Merge(ctx context.Context, base, head string, by Signature, message string) (string, error) {
	tree, err := r.git.Line(ctx, "merge-tree", "--write-tree", "--no-messages", base, head)
	if err != nil {
		return "", errors.Join(ErrConflict, err)
	}
	return r.commitTree(ctx, tree, by, message, base, head)
}

// Squash makes one commit on base of what head would bring.
func (r *Repo) Squash(ctx context.Context, base, head string, by Signature, message string) (string, error) {
	tree, err := r.git.Line(ctx, "merge-tree", "--write-tree", "--no-messages", base, head)
	if err != nil {
		return "", errors.Join(ErrConflict, err)
	}
	return r.commitTree(ctx, tree, by, message, base)
}

func (r *Repo) commitTree(ctx context.Context, tree string, by Signature, message string, parents ...string) (string, error) {
	args := []string{"commit-tree", "--no-gpg-sign"}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	when := fmt.Sprintf("%d +0000", by.When.Unix())
	out, err := r.git.Run(ctx, command.Command{
		Args: append(args, tree), Stdin: strings.NewReader(message),
		Env: []string{
			"GIT_AUTHOR_NAME=" + by.Name, "GIT_AUTHOR_EMAIL=" + by.Email, "GIT_AUTHOR_DATE=" + when,
			"GIT_COMMITTER_NAME=" + by.Name, "GIT_COMMITTER_EMAIL=" + by.Email, "GIT_COMMITTER_DATE=" + when,
		},
	})
	return strings.TrimSpace(string(out)), err
}
