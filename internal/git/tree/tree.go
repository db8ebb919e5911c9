// Package tree knows the files of a commit, and reads what became of them in a
// hostile work tree.
package tree

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Git's file modes.
const (
	ModeTree    = 0o040000
	ModeFile    = 0o100644
	ModeExec    = 0o100755
	ModeSymlink = 0o120000
	ModeGitlink = 0o160000
)

// racy is the age a file must have before its time stamps prove anything: the
// kernel stamps with a coarse clock, so a write in the same tick leaves none.
const racy = 20 * time.Millisecond

// Entry is a file of a commit.
type Entry struct {
	// Mode is git's.
	Mode uint32
	// SHA names the content.
	SHA string
}

// Edit sets a path of a tree; the zero Entry removes it.
type Edit struct {
	Path string
	Entry
}

// Stamp is a file of the work tree as it was filled: what the file system
// says of it, and what it holds. The change time cannot be set by anybody, so
// a file with the same stamp has the same content.
type Stamp struct {
	Entry
	stat stat
}

type stat struct {
	size, ino    int64
	mtime, ctime syscall.Timespec
	mode         fs.FileMode
}

func statOf(info fs.FileInfo) stat {
	s := stat{size: info.Size(), mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ino, s.mtime, s.ctime = int64(sys.Ino), sys.Mtim, sys.Ctim
	}
	return s
}

// Snapshot remembers what the file system says of every file just written.
// Nobody else can reach the tree yet.
func Snapshot(dir string, files map[string]Entry) (map[string]Stamp, error) {
	start := make(map[string]Stamp, len(files))
	for path, e := range files {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, fmt.Errorf("checking the new work tree: %w", err)
		}
		start[path] = Stamp{e, statOf(info)}
	}
	limit := syscall.NsecToTimespec(time.Now().Add(-racy).UnixNano())
	for path, s := range start {
		if later(s.stat.ctime, limit) {
			s.stat.ino = -1 // matches nothing: hash the file when asked
			start[path] = s
		}
	}
	return start, nil
}

func later(a, b syscall.Timespec) bool {
	return a.Sec > b.Sec || a.Sec == b.Sec && a.Nsec > b.Nsec
}
