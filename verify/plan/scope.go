package plan

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// maxEntries is how many directory entries are looked at in all.
	maxEntries = 100_000
	maxDepth   = 8
	// maxManifest is how large a file is read to find what applies.
	maxManifest = 1 << 20
)

// skippedDirs hold other people's code, test data or build results.
var skippedDirs = map[string]bool{
	"vendor": true, "node_modules": true, "testdata": true, "third_party": true,
	"thirdparty": true, "examples": true, "example": true, "fixtures": true,
	"__fixtures__": true, "dist": true, "target": true, "venv": true,
	"bower_components": true, "Pods": true, "__pycache__": true,
}

// scope is a directory of the base tree and the names of its files.
type scope struct {
	dir   string
	base  fs.FS
	files map[string]bool
	dirs  map[string]bool
}

// findScopes lists the directories of a tree, outer ones first, within
// bounds that a hostile tree cannot stretch.
func findScopes(base fs.FS) []scope {
	queue := []string{"."}
	left := maxEntries
	var out []scope
	for len(queue) > 0 && left > 0 {
		dir := queue[0]
		queue = queue[1:]
		s := scope{dir: cleanDir(dir), base: base, files: map[string]bool{}, dirs: map[string]bool{}}
		for _, e := range readDir(base, dir, &left) {
			name := e.Name()
			switch {
			case e.Type().IsRegular():
				s.files[name] = true
			case e.IsDir():
				s.dirs[name] = true
				deep := strings.Count(dir, "/") >= maxDepth
				if !deep && !skippedDirs[name] && !strings.HasPrefix(name, ".") {
					queue = append(queue, path.Join(dir, name))
				}
			}
		}
		if len(s.files) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// readDir reads a directory in pieces, as long as entries are left.
func readDir(base fs.FS, dir string, left *int) []fs.DirEntry {
	f, err := base.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	d, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil
	}
	var out []fs.DirEntry
	for *left > 0 {
		entries, err := d.ReadDir(min(512, *left))
		*left -= len(entries)
		out = append(out, entries...)
		if err != nil || len(entries) == 0 {
			break
		}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out
}

// read returns a file of the scope, "" when it is none.
func (s scope) read(name string) string {
	if !s.files[name] {
		return ""
	}
	f, err := s.base.Open(path.Join(s.dir, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return string(raw)
}

// has returns the first of names that the scope has. A name that begins with
// * is a suffix.
func (s scope) has(names ...string) string {
	for _, name := range names {
		suffix, wild := strings.CutPrefix(name, "*")
		if !wild && s.files[name] {
			return name
		}
		if !wild {
			continue
		}
		var hits []string
		for f := range s.files {
			if strings.HasSuffix(f, suffix) {
				hits = append(hits, f)
			}
		}
		if len(hits) > 0 {
			return slices.Min(hits)
		}
	}
	return ""
}

// contains reports whether one of the files has one of the words.
func (s scope) contains(files []string, words ...string) bool {
	for _, name := range files {
		text := s.read(name)
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
	}
	return false
}

// packageJSON is the part of package.json that matters here.
type packageJSON struct {
	Scripts         map[string]string
	Dependencies    map[string]string
	DevDependencies map[string]string
	Workspaces      any
	PackageManager  string
}

func (s scope) packageJSON() (p packageJSON) {
	// A manifest that does not parse declares nothing; npm will say so.
	_ = json.Unmarshal([]byte(s.read("package.json")), &p)
	return p
}
