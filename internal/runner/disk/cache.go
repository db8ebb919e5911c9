package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"honk/internal/rmtree"
)

const (
	// maxKeptCaches is how many branches and lockfile states of a repository stay warm.
	maxKeptCaches = 3
	// A cache past these is not worth keeping: it is copied twice per task.
	// What a sparse file claims to hold counts, for that is what its copy
	// takes.
	maxCacheBytes = 3 << 30
	maxCacheFiles = 1_000_000
	maxCacheDepth = 64
)

// Cache keeps build caches warm without trusting anybody: only what a run on
// a base commit wrote is kept, and every sandbox gets a copy of its own.
type Cache struct {
	kept string // what is kept for this branch of the repository and these lockfiles
	lock string
	tmp  string // the private copies of this task
}

// OpenCache opens the cache called key among those of a repository in dir,
// with private copies below scratch. The caller closes it.
func OpenCache(dir, key, scratch string) (*Cache, error) {
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.MkdirAll(scratch, 0o700)); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(scratch, "cache-")
	if err != nil {
		return nil, err
	}
	return &Cache{kept: filepath.Join(dir, key), lock: filepath.Join(dir, "lock"), tmp: tmp}, nil
}

// Private returns a directory with a copy of what is kept, empty when nothing
// is.
func (c *Cache) Private() (string, error) {
	dir, err := os.MkdirTemp(c.tmp, "")
	if err != nil {
		return "", err
	}
	unlock, err := lock(c.lock, syscall.LOCK_SH)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := copyTree(dir, c.kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("copying the build cache: %w", err)
	}
	return dir, nil
}

// Keep makes dir, which a run on the base commit wrote, what later tasks
// start from.
func (c *Cache) Keep(dir string) error {
	if err := worthKeeping(dir); err != nil {
		return err
	}
	// Among the private copies nothing outlives a killed process.
	fresh, err := os.MkdirTemp(c.tmp, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := copyTree(fresh, dir); err != nil {
		return err
	}
	unlock, err := lock(c.lock, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.RemoveAll(c.kept); err != nil {
		return err
	}
	if err := os.Rename(fresh, c.kept); err != nil {
		return err
	}
	return c.evict()
}

// evict removes the oldest caches of the repository.
func (c *Cache) evict() error {
	entries, err := os.ReadDir(filepath.Dir(c.kept))
	if err != nil {
		return err
	}
	var dirs []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() {
			dirs = append(dirs, info)
		}
	}
	slices.SortFunc(dirs, func(x, y fs.FileInfo) int { return y.ModTime().Compare(x.ModTime()) })
	for i := maxKeptCaches; i < len(dirs); i++ {
		err = errors.Join(err, os.RemoveAll(filepath.Join(filepath.Dir(c.kept), dirs[i].Name())))
	}
	return err
}

// Close removes the private copies.
func (c *Cache) Close() error { return rmtree.Remove(c.tmp) }

// worthKeeping refuses a directory whose copy could fill the disk or would
// take for ever.
func worthKeeping(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files, size := 0, int64(0)
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if files++; info.Mode().IsRegular() {
			size += info.Size()
		}
		if size > maxCacheBytes || files > maxCacheFiles || strings.Count(path, "/") > maxCacheDepth {
			return errors.New("it is too large")
		}
		return nil
	})
}

// copyTree copies the regular files and directories of src into dst, with
// their modes and times (build tools compare times). What else lies in src was
// planted there or is of no use in a cache: it is left out.
func copyTree(dst, src string) error {
	from, err := os.OpenRoot(src)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenRoot(dst)
	if err != nil {
		return err
	}
	defer to.Close()
	return fs.WalkDir(from.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path == "." {
				return nil
			}
			return to.Mkdir(path, 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return copyFile(to, from, path)
	})
}

func copyFile(to, from *os.Root, path string) error {
	// The kind was checked by name; O_NONBLOCK keeps a pipe put there since
	// from holding the open.
	src, err := from.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	dst, err := to.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close(), to.Chtimes(path, info.ModTime(), info.ModTime()))
}
