package tree

import (
	"bytes"
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

// FS is the tree of a commit as an fs.FS, read from objects. Symbolic links are
// not followed: reading one gives its target. It is safe for concurrent use.
type FS struct {
	files map[string]Entry
	dirs  map[string][]string // the names in each directory, sorted
	mu    sync.Mutex          // the storage is not safe for concurrent use
	store *filesystem.Storage
}

// NewFS returns the tree that holds files, by path.
func NewFS(files map[string]Entry, store *filesystem.Storage) *FS {
	f := &FS{files: files, dirs: map[string][]string{".": nil}, store: store}
	for p := range files {
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

// Open opens a file or directory.
func (f *FS) Open(name string) (fs.File, error) {
	info, err := f.info("open", name)
	if err != nil {
		return nil, err
	}
	file := &treeFile{info: info, Reader: bytes.NewReader(nil)}
	if info.IsDir() {
		file.entries, err = f.ReadDir(name)
		return file, err
	}
	content, err := f.ReadFile(name)
	file.Reader = bytes.NewReader(content)
	return file, err
}

// Stat describes a file or directory.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	return f.info("stat", name)
}

// ReadFile returns the content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	info, err := f.info("read", name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	blob, err := object.GetBlob(f.store, plumbing.NewHash(f.files[name].SHA))
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

// ReadDir lists a directory.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
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

func (f *FS) info(op, name string) (*treeInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	info := &treeInfo{name: path.Base(name)}
	e, isFile := f.files[name]
	if _, isDir := f.dirs[name]; isDir || e.Mode == ModeGitlink {
		info.mode = fs.ModeDir | 0o755 // a submodule is an empty directory
		return info, nil
	}
	if !isFile {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	switch e.Mode {
	case ModeSymlink:
		info.mode = fs.ModeSymlink | 0o777
	default:
		info.mode = fs.FileMode(e.Mode & 0o777)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size, err := f.store.EncodedObjectSize(plumbing.NewHash(e.SHA))
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base commit: %w", name, err)
	}
	info.size = size
	return info, nil
}

// treeInfo describes a file of a commit; it has no time.
type treeInfo struct {
	name string
	mode fs.FileMode
	size int64
}

func (i *treeInfo) Name() string       { return i.name }
func (i *treeInfo) Size() int64        { return i.size }
func (i *treeInfo) Mode() fs.FileMode  { return i.mode }
func (i *treeInfo) ModTime() time.Time { return time.Time{} }
func (i *treeInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *treeInfo) Sys() any           { return nil }

// treeFile is an open file or directory.
type treeFile struct {
	*bytes.Reader
	info    *treeInfo
	entries []fs.DirEntry
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *treeFile) Close() error               { return nil }

func (f *treeFile) Read(p []byte) (int, error) {
	if f.info.IsDir() {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
	}
	return f.Reader.Read(p)
}

func (f *treeFile) ReadDir(n int) ([]fs.DirEntry, error) {
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
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
)
