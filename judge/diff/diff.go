// Package diff reads a patch as its checks and its judge need it: files, hunks
// and numbered lines, and what the language of a file makes of them.
package diff

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"honk/internal/task"
)

// Line is one line of a diff. Op is '+', '-' or ' '; Num is its number on the
// new side, on the old side for a removed line.
type Line struct {
	Op   byte
	Num  int
	Old  int
	Text string
}

// File is one changed file of a patch.
type File struct {
	task.FileChange
	// Hunks are the hunks' lines, in order.
	Hunks [][]Line
	// Lang is the file's language, nil when it is none that is known.
	Lang *Language
	raw  *gitdiff.File
}

// Patch returns the Patch that a bare git diff stands for, for judging a
// diff that no checkout of Honk's produced. Sizes are unknown and stay 0.
func Patch(diff []byte) (task.Patch, error) {
	files, err := parse(diff)
	if err != nil {
		return task.Patch{}, err
	}
	p := task.Patch{Diff: diff}
	for _, f := range files {
		p.Files = append(p.Files, f.FileChange)
	}
	if p.Empty() {
		return task.Patch{}, fmt.Errorf("reading diff: it changes no file; give the output of git diff")
	}
	return p, nil
}

// Read parses the diff of p and holds it against the list of files, so
// that nothing is judged that is not delivered and the reverse.
func Read(p task.Patch) ([]*File, error) {
	files, err := parse(p.Diff)
	if err != nil {
		return nil, err
	}
	listed := map[string]task.FileChange{}
	for _, c := range p.Files {
		listed[c.Path] = c
	}
	for _, f := range files {
		c, ok := listed[f.Path]
		if !ok {
			return nil, fmt.Errorf("reading diff: it changes %q, which the patch does not list", f.Path)
		}
		delete(listed, f.Path)
		c.Binary = c.Binary || f.Binary
		f.FileChange = c
	}
	for name := range listed {
		return nil, fmt.Errorf("reading diff: it does not hold %q, which the patch lists", name)
	}
	return files, nil
}

func parse(diff []byte) ([]*File, error) {
	parsed, _, err := gitdiff.Parse(bytes.NewReader(diff))
	if err != nil {
		return nil, fmt.Errorf("reading diff: %w", err)
	}
	byPath := map[string]*File{}
	var files []*File
	add := func(f *File) error {
		if byPath[f.Path] != nil {
			return fmt.Errorf("reading diff: %q occurs twice", f.Path)
		}
		byPath[f.Path] = f
		f.Lang = languageOf(f.Path)
		files = append(files, f)
		return nil
	}
	for _, d := range parsed {
		// A rename is a deletion and an addition, like in task.Patch.
		if d.IsRename {
			if err := add(&File{FileChange: task.FileChange{Path: clean(d.OldName), Kind: task.ChangeDeleted, OldMode: uint32(d.OldMode)}, raw: d}); err != nil {
				return nil, err
			}
		}
		if err := add(newFile(d)); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b *File) int { return cmp.Compare(a.Path, b.Path) })
	return files, nil
}

func clean(name string) string { return path.Clean(strings.ReplaceAll(name, "\x00", "\uFFFD")) }

func newFile(d *gitdiff.File) *File {
	f := &File{raw: d, FileChange: task.FileChange{
		Path: clean(cmp.Or(d.NewName, d.OldName)), Kind: task.ChangeModified,
		OldMode: uint32(d.OldMode), NewMode: uint32(d.NewMode), Binary: d.IsBinary,
	}}
	switch {
	case d.IsDelete:
		f.Kind = task.ChangeDeleted
	case d.IsNew || d.IsRename || d.IsCopy:
		f.Kind = task.ChangeAdded
	}
	if f.Kind == task.ChangeModified {
		f.NewMode = cmp.Or(f.NewMode, f.OldMode)
	}
	for _, t := range d.TextFragments {
		var hunk []Line
		before, after := int(t.OldPosition), int(t.NewPosition)
		for _, l := range t.Lines {
			out := Line{Num: after, Old: before, Text: strings.TrimSuffix(l.Line, "\n")}
			switch l.Op {
			case gitdiff.OpAdd:
				out.Op, out.Old = '+', 0
				after++
				f.Added++
			case gitdiff.OpDelete:
				out.Op, out.Num = '-', before
				before++
				f.Removed++
			default:
				out.Op = ' '
				before++
				after++
			}
			hunk = append(hunk, out)
		}
		f.Hunks = append(f.Hunks, hunk)
	}
	return f
}

// Lines returns the file's lines of the given kind: '+' or '-'.
func (f *File) Lines(op byte) []Line {
	var out []Line
	for _, h := range f.Hunks {
		for _, l := range h {
			if l.Op == op {
				out = append(out, l)
			}
		}
	}
	return out
}

// After applies the file's hunks to its content on the base.
func (f *File) After(base []byte) ([]byte, error) {
	if f.raw.IsRename && f.Kind == task.ChangeDeleted {
		return nil, nil
	}
	var b bytes.Buffer
	if err := gitdiff.Apply(&b, bytes.NewReader(base), f.raw); err != nil {
		return nil, fmt.Errorf("applying the change of %q to the base: %w", f.Path, err)
	}
	return b.Bytes(), nil
}

// Cites reports whether line n lies inside a hunk, on either side. A change
// without hunks (binary, mode) is cited as line 0.
func (f *File) Cites(n int) bool {
	if len(f.Hunks) == 0 {
		return n == 0
	}
	for _, h := range f.Hunks {
		for _, l := range h {
			if l.Num == n || l.Op == ' ' && l.Old == n {
				return true
			}
		}
	}
	return false
}

// Renamed reports whether the diff says that the file was moved.
func (f *File) Renamed() bool { return f.raw.IsRename }

// Side returns what the hunks show of the file before ('-') or after ('+')
// the change.
func (f *File) Side(op byte) []byte {
	var b bytes.Buffer
	for _, h := range f.Hunks {
		for _, l := range h {
			if l.Op == op || l.Op == ' ' {
				b.WriteString(l.Text + "\n")
			}
		}
	}
	return b.Bytes()
}

// LineOf returns the first added line that holds text, 0 when there is none.
func (f *File) LineOf(text string) int {
	for _, l := range f.Lines('+') {
		if text != "" && strings.Contains(l.Text, text) {
			return l.Num
		}
	}
	return 0
}
