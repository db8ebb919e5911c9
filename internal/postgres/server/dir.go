package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"honk/internal/task"
)

const (
	lockName = "lock"
	logName  = "postgres.log"
	// maxLog is the size from which a start empties the log.
	maxLog = 1 << 20
	// maxTail and tailLines cap what an error quotes of it.
	maxTail   = 2 << 10
	tailLines = 5
	// maxSocketDir leaves room for the socket's name in the 107 bytes that
	// the kernel allows.
	maxSocketDir = 107 - len("/.s.PGSQL."+port+".lock")
)

// lockDir makes this process the only one that uses a directory, until the
// file is closed or the process ends. The file says who it is.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, task.Errorf(task.CodeInvalid,
			"locking the database's directory: %w; set HONK_DATA_DIR to a directory that may be written to", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %q: %w", f.Name(), err)
		}
		owner, _ := io.ReadAll(io.LimitReader(f, 16))
		return nil, task.Errorf(task.CodeConflict, "the database in %q is used by another honk (process %s); "+
			"stop it, use another HONK_DATA_DIR, or give both one HONK_DATABASE_URL", dir, strings.TrimSpace(string(owner)))
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %q: %w", f.Name(), err), f.Close())
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %q: %w", f.Name(), err), f.Close())
	}
	return f, nil
}

// socketDir makes the directory of the socket: below dir where that is short
// enough and the server's user gets there, else a place that is known to be,
// under a name that is the same at each start.
func socketDir(dir string, as *account) (string, error) {
	sum := sha256.Sum256([]byte(dir))
	name := "honk-postgres-" + hex.EncodeToString(sum[:6])
	places := []string{filepath.Join(dir, "socket"), filepath.Join(os.TempDir(), name), filepath.Join("/tmp", name)}
	if as != nil {
		places = []string{filepath.Join("/run", name), filepath.Join("/tmp", name)}
	}
	var errs error
	for _, place := range places {
		if len(place) > maxSocketDir {
			continue
		}
		err := claim(place, as)
		if err == nil {
			return place, nil
		}
		errs = errors.Join(errs, err)
	}
	return "", fmt.Errorf("making a directory for the database's socket: %w", errs)
}

// claim makes a directory that only root and the server's user can enter.
// What is there already must be theirs: others may write to /tmp too.
func claim(dir string, as *account) error {
	want := account{uint32(os.Geteuid()), uint32(os.Getegid())}
	if as != nil {
		want = *as
	}
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return os.Lchown(dir, int(want.uid), int(want.gid))
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || ownerOf(info).uid != want.uid || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%q is there and not ours; remove it", dir)
	}
	return nil
}

// logFile is what PostgreSQL prints.
type logFile struct {
	*os.File
	start int64 // of what this start adds
}

// openLog opens a directory's log, emptied when it has grown.
func openLog(dir string) (*logFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, logName), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database's log: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxLog {
		err = f.Truncate(0)
		return &logFile{File: f}, err
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database's log: %w", err), f.Close())
	}
	return &logFile{File: f, start: info.Size()}, nil
}

func (l *logFile) close() { _ = l.Close() }

// tail returns the last lines since the start in one.
func (l *logFile) tail() string {
	info, err := l.Stat()
	if err != nil {
		return "(unreadable)"
	}
	from := max(l.start, info.Size()-maxTail)
	text, err := io.ReadAll(io.NewSectionReader(l, from, maxTail))
	if err != nil || len(text) == 0 {
		return "(nothing)"
	}
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(text), "")), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], " | ")
}
