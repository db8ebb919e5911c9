package gitops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"honk/fleet/manifest"
	"honk/fleet/strict"
	"honk/integrations/github/client"
	"honk/internal/task"
)

const (
	// maxManifests is how many files one look takes for manifests.
	maxManifests = 200
	// maxDepth is how far below its manifest a named file may lie, as for
	// honk shift apply.
	maxDepth = 3
	// maxBytes is how much is read of one snapshot before it is too much.
	maxBytes = 16 << 20
)

// ours matches a document that means to be a shift.
var ours = regexp.MustCompile(`(?m)^[ \t]{0,2}\{?[ \t]*["']?(?:kind["']?\s*:\s*["']?Shift\b|apiVersion["']?\s*:\s*["']?honk/)`)

// snapshot is what the repository holds at one commit.
type snapshot struct {
	talk *client.Repo
	sha  string
	// files are those of the watched directory that may be read.
	files map[string]client.Entry
	// left is how many bytes may still be read.
	left int
}

// document is a manifest of a snapshot.
type document struct {
	File

	// name and digest are empty where they cannot be told.
	name, digest string
	// names are the files it names, there or not, by their full paths.
	names []string
	// wrong says why it cannot be read at all.
	wrong error
}

// at lists what the repository holds at a commit.
func (d *Door) at(ctx context.Context, talk *client.Repo, sha string) (*snapshot, error) {
	all, truncated, err := talk.Tree(ctx, sha)
	if err != nil {
		return nil, err
	}
	if truncated {
		return nil, task.Errorf(task.CodeInvalid, "%s has more files than GitHub lists; keep manifests in a repository of their own", d.Repo)
	}
	s := &snapshot{talk: talk, sha: sha, files: map[string]client.Entry{}, left: maxBytes}
	for _, e := range all {
		if d.watched(e.Path) {
			s.files[e.Path] = e
		}
	}
	return s, nil
}

// watched reports whether a file may be a manifest, or beside one.
func (d *Door) watched(name string) bool {
	return strings.HasPrefix(name, d.Dir) && !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.")
}

// candidate reports whether a file may be a manifest.
func candidate(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// candidates are the files that may be manifests, by path.
func (s *snapshot) candidates() (names []string) {
	for name := range s.files {
		if candidate(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// read reads a manifest and the files that it names; nil where the file is no
// manifest.
func (s *snapshot) read(ctx context.Context, name string) (*document, error) {
	doc := &document{File: File{Name: name, Files: map[string][]byte{}}}
	if size := s.files[name].Size; size > strict.MaxSize {
		doc.wrong = task.Errorf(task.CodeInvalid, "%s:1: has %d bytes; at most %d are read; split it", name, size, strict.MaxSize)
		return doc, nil
	}
	data, found, err := s.file(ctx, name)
	if err != nil {
		return nil, err
	}
	if !found || !ours.Match(data) {
		return nil, nil //nolint:nilnil // it is no manifest, and nothing went wrong
	}
	doc.Data = data
	var failed error
	m, report := manifest.Read(name, data, manifest.Options{Read: func(file string) ([]byte, error) {
		got, err := s.beside(ctx, doc, file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
		return got, err
	}})
	if failed != nil {
		return nil, failed
	}
	if !report.Failed("metadata.name") {
		doc.name = m.Metadata.Name
	}
	doc.digest = m.Digest
	return doc, nil
}

// file reads a file, as long as all that was read is not too much.
func (s *snapshot) file(ctx context.Context, name string) (data []byte, found bool, err error) {
	if s.left -= s.files[name].Size; s.left < 0 {
		return nil, false, task.Errorf(task.CodeInvalid, "%s is one of files of more than %d MiB together; split the change, or move what is no manifest", name, maxBytes>>20)
	}
	return s.talk.File(ctx, name, s.sha)
}

// beside reads a file that a manifest names.
func (s *snapshot) beside(ctx context.Context, doc *document, file string) ([]byte, error) {
	full := path.Join(path.Dir(doc.Name), file)
	doc.names = append(doc.names, full)
	e, ok := s.files[full]
	switch {
	case !ok, strings.Count(file, "/") > maxDepth:
		return nil, fs.ErrNotExist
	case e.Size > strict.MaxSize:
		// Whoever reads the manifest is told so by what stands for it.
		doc.Files[file] = make([]byte, strict.MaxSize+1)
		return doc.Files[file], nil
	}
	data, found, err := s.file(ctx, full)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading a file beside %s: %w", doc.Name, err)
	case !found:
		return nil, fs.ErrNotExist
	}
	doc.Files[file] = data
	return data, nil
}

// print is the same while a manifest and the files it names are.
func (s *snapshot) print(name string, names []string) string {
	sum := sha256.New()
	for _, one := range append([]string{name}, names...) {
		fmt.Fprintf(sum, "%s\x00%s\x00", one, s.files[one].SHA)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// problem is what is wrong with one manifest, a line each.
type problem struct {
	path string
	said []string
	// names are the files it names.
	names []string
}

// mendable takes apart an error of which people can mend every part.
func mendable(err error) (said []string, ok bool) {
	if many, is := err.(interface{ Unwrap() []error }); is {
		for _, one := range many.Unwrap() {
			more, ok := mendable(one)
			if !ok {
				return nil, false
			}
			said = append(said, more...)
		}
		return said, true
	}
	known, is := errors.AsType[*task.Error](err)
	if !is {
		return nil, false
	}
	switch known.Code {
	case task.CodeInvalid, task.CodeNotFound, task.CodeForbidden, task.CodeConflict, task.CodeBudget:
		return []string{known.Message}, true
	case task.CodeRateLimited, task.CodeTimeout, task.CodeSandbox, task.CodeUnavailable, task.CodeCancelled,
		task.CodeInternal, task.CodeStuck:
	}
	return nil, false
}
