package git

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"honk/internal/git/command"
	"honk/internal/git/tree"
	"honk/internal/task"
)

// editIndex changes an index without a work tree. Removals come first, so
// that a file may take the place of a directory and the other way round.
func (b *base) editIndex(ctx context.Context, index string, edits []tree.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	slices.SortStableFunc(edits, func(x, y tree.Edit) int { return int(min(x.Mode, 1)) - int(min(y.Mode, 1)) })
	var lines bytes.Buffer
	for _, e := range edits {
		sha := e.SHA
		if e.Mode == 0 {
			sha = strings.Repeat("0", 40)
		}
		fmt.Fprintf(&lines, "%s %s\t%s\x00", strconv.FormatUint(uint64(e.Mode), 8), sha, e.Path)
	}
	_, err := b.Run(ctx, command.Command{
		Index: index, Stdin: &lines,
		Args: []string{"update-index", "-z", "--index-info"},
	})
	return err
}

// applyDiff applies a patch to an index. The patch is hostile: what it asks
// for is looked at before anything is made of the index, by listIndex.
func (b *base) applyDiff(ctx context.Context, index string, p task.Patch) error {
	_, err := b.Run(ctx, command.Command{
		Index: index, Stdin: bytes.NewReader(p.Diff),
		Args: []string{"apply", "--cached", "--whitespace=nowarn", "-"},
	})
	if command.Complains(err, "patch", "index", "error:") {
		return task.Errorf(task.CodeConflict, "the patch does not apply to %.12s: %w", b.sha, err)
	}
	return err
}

// listIndex returns the files of an index, and refuses one that holds links
// the base does not have.
func (b *base) listIndex(ctx context.Context, index string) (map[string]tree.Entry, error) {
	out, err := b.Run(ctx, command.Command{Index: index, Args: []string{"ls-files", "--stage", "-z"}})
	if err != nil {
		return nil, err
	}
	files := map[string]tree.Entry{}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		meta, path, ok := strings.Cut(string(line), "\t")
		field := strings.Fields(meta)
		if !ok || len(field) != 3 {
			continue
		}
		mode, err := strconv.ParseUint(field[0], 8, 32)
		if err != nil {
			return nil, fmt.Errorf("reading an Index: %w", err)
		}
		e := tree.Entry{Mode: uint32(mode), SHA: field[1]}
		if e.Mode != tree.ModeFile && e.Mode != tree.ModeExec && b.files[path] != e {
			return nil, tree.Refuse(path, "the patch makes it a link, which is not allowed")
		}
		if b.files[path] == (tree.Entry{}) {
			if reason := tree.BadName(path); reason != "" {
				return nil, tree.Refuse(path, reason)
			}
		}
		files[path] = e
	}
	return files, nil
}

// writeTree stores the tree of an index.
func (b *base) writeTree(ctx context.Context, index string) (string, error) {
	out, err := b.Run(ctx, command.Command{Index: index, Args: []string{"write-tree"}})
	return strings.TrimSpace(string(out)), err
}

// diff compares the base commit with a tree, never with a work tree.
func (b *base) diff(ctx context.Context, tree string) ([]byte, error) {
	return b.Run(ctx, command.Command{Args: []string{
		"diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", "--no-color",
		"--no-ext-diff", "--no-textconv", "--ignore-submodules=all",
		"--src-prefix=a/", "--dst-prefix=b/", b.sha + "^{tree}", tree,
	}})
}

// changes lists what diff shows.
func (b *base) changes(ctx context.Context, tree string) ([]task.FileChange, error) {
	out, err := b.Run(ctx, command.Command{Args: []string{
		"diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames",
		"--no-ext-diff", "--no-textconv", "--ignore-submodules=all", b.sha + "^{tree}", tree,
	}})
	if err != nil {
		return nil, err
	}
	files := map[string]*task.FileChange{}
	for fields := strings.Split(string(out), "\x00"); len(fields) > 1; {
		if raw, ok := strings.CutPrefix(fields[0], ":"); ok {
			files[fields[1]] = change(fields[1], strings.Fields(raw))
			fields = fields[2:]
			continue
		}
		if n := strings.SplitN(fields[0], "\t", 3); len(n) == 3 && files[n[2]] != nil {
			f := files[n[2]]
			f.Binary = n[0] == "-"
			added, _ := strconv.Atoi(n[0])
			removed, _ := strconv.Atoi(n[1])
			// A change of type is a deletion and an addition.
			f.Added, f.Removed = f.Added+added, f.Removed+removed
		}
		fields = fields[1:]
	}
	list := make([]task.FileChange, 0, len(files))
	for _, f := range files {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(x, y task.FileChange) int { return strings.Compare(x.Path, y.Path) })
	return list, nil
}

// change reads "oldmode newmode oldsha newsha status".
func change(path string, field []string) *task.FileChange {
	f := &task.FileChange{Path: path, Kind: task.ChangeModified}
	if len(field) == 5 {
		f.OldMode, f.NewMode = modeOf(field[0]), modeOf(field[1])
	}
	switch {
	case f.OldMode == 0:
		f.Kind = task.ChangeAdded
	case f.NewMode == 0:
		f.Kind = task.ChangeDeleted
	}
	return f
}

func modeOf(octal string) uint32 {
	mode, _ := strconv.ParseUint(octal, 8, 32)
	return uint32(mode)
}

// scratch names an index file of its own for one operation.
func (b *base) scratch(n int) string {
	return filepath.Join(b.Dir, "index."+strconv.Itoa(n))
}
