package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// BaseFiles returns the paths of the base commit's files, sorted. Submodules
// are left out.
func (c *Checkout) BaseFiles(context.Context) ([]string, error) {
	paths := make([]string, 0, len(c.base.files))
	for p, e := range c.base.files {
		if e.mode != modeGitlink {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// BaseFS returns the files of the base commit. They are read from objects, so
// nothing that happens to the work tree shows. Symbolic links are not
// followed: reading one gives its target. It also is an fs.ReadDirFS,
// fs.ReadFileFS and fs.StatFS, and safe for concurrent use.
func (c *Checkout) BaseFS() fs.FS {
	c.read.Do(func() { c.tree = newBaseFS(c.base) })
	return c.tree
}

// baseFS is the tree of a commit as an fs.FS.
type baseFS struct {
	files map[string]entry
	dirs  map[string][]string // the names in each directory, sorted
	mu    sync.Mutex          // the storage is not safe for concurrent use
	store *filesystem.Storage
}

func newBaseFS(b *base) *baseFS {
	f := &baseFS{files: b.files, dirs: map[string][]string{".": nil}, store: b.storage()}
	for p := range b.files {
		for child := p; child != "."; {
			dir := path.Dir(child)
			_, known := f.dirs[dir]
			f.dirs[dir] = append(f.dirs[dir], path.Base(child))
			if known {
				break
			}
			child = dir
		}
	}
	for _, names := range f.dirs {
		slices.Sort(names)
	}
	return f
}

func (f *baseFS) Open(name string) (fs.File, error) {
	info, err := f.info("open", name)
	if err != nil {
		return nil, err
	}
	file := &baseFile{info: info, Reader: bytes.NewReader(nil)}
	if info.IsDir() {
		file.entries, err = f.ReadDir(name)
		return file, err
	}
	content, err := f.ReadFile(name)
	file.Reader = bytes.NewReader(content)
	return file, err
}

func (f *baseFS) Stat(name string) (fs.FileInfo, error) {
	return f.info("stat", name)
}

func (f *baseFS) ReadFile(name string) ([]byte, error) {
	info, err := f.info("read", name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	blob, err := object.GetBlob(f.store, plumbing.NewHash(f.files[name].sha))
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base commit: %w", name, err)
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base commit: %w", name, err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (f *baseFS) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := f.info("readdir", name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	entries := make([]fs.DirEntry, 0, len(f.dirs[name]))
	for _, child := range f.dirs[name] {
		info, err := f.info("readdir", path.Join(name, child))
		if err != nil {
			return nil, err
		}
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	return entries, nil
}

func (f *baseFS) info(op, name string) (*baseInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	info := &baseInfo{name: path.Base(name)}
	e, isFile := f.files[name]
	if _, isDir := f.dirs[name]; isDir || e.mode == modeGitlink {
		info.mode = fs.ModeDir | 0o755 // a submodule is an empty directory
		return info, nil
	}
	if !isFile {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	switch e.mode {
	case modeSymlink:
		info.mode = fs.ModeSymlink | 0o777
	default:
		info.mode = fs.FileMode(e.mode & 0o777)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size, err := f.store.EncodedObjectSize(plumbing.NewHash(e.sha))
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base commit: %w", name, err)
	}
	info.size = size
	return info, nil
}

// baseInfo describes a file of the base commit; it has no time.
type baseInfo struct {
	name string
	mode fs.FileMode
	size int64
}

func (i *baseInfo) Name() string       { return i.name }
func (i *baseInfo) Size() int64        { return i.size }
func (i *baseInfo) Mode() fs.FileMode  { return i.mode }
func (i *baseInfo) ModTime() time.Time { return time.Time{} }
func (i *baseInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *baseInfo) Sys() any           { return nil }

// baseFile is an open file or directory.
type baseFile struct {
	*bytes.Reader
	info    *baseInfo
	entries []fs.DirEntry
}

func (f *baseFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *baseFile) Close() error               { return nil }

func (f *baseFile) Read(p []byte) (int, error) {
	if f.info.IsDir() {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
	}
	return f.Reader.Read(p)
}

func (f *baseFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: f.info.name, Err: fs.ErrInvalid}
	}
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	some := f.entries[:n]
	f.entries = f.entries[n:]
	return some, nil
}

var (
	_ fs.ReadDirFS  = (*baseFS)(nil)
	_ fs.ReadFileFS = (*baseFS)(nil)
	_ fs.StatFS     = (*baseFS)(nil)
)
