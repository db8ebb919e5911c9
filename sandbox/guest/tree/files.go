package tree

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"honk/sandbox"
	"honk/sandbox/guest/wire"
)

const (
	maxPath = 1024
	// maxHashed is the largest file Read accepts: it reads all of it.
	maxHashed = 64 << 20
)

// clean returns p in its shortest form, or why it is refused.
func clean(p string) (string, error) {
	no := func(reason string) (string, error) {
		return "", &sandbox.PathError{Path: wire.CutText(p, 200), Reason: reason}
	}
	switch {
	case len(p) > maxPath:
		return no(fmt.Sprintf("is longer than %d bytes", maxPath))
	case strings.ContainsRune(p, 0):
		return no("holds a NUL byte")
	case path.IsAbs(p):
		return no("is absolute; paths are relative to the repository root")
	}
	p = path.Clean(p)
	if p == ".." || strings.HasPrefix(p, "../") {
		return no("leaves the repository")
	}
	return p, nil
}

// refuse makes of an error of the operating system about a path what the
// asker can mend. What does not exist stays fs.ErrNotExist.
func refuse(p string, err error) error {
	reason := err
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathErr.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO), errors.Is(err, syscall.EMFILE):
		return err
	default:
		// os.Root's words for a path that gets out are its own.
		return &sandbox.PathError{Path: p, Reason: strings.Replace(reason.Error(),
			"path escapes from parent", "leads out of the repository", 1)}
	}
}

// openRegular opens a regular file for reading and never waits for one that
// is something else.
func (t *Tree) openRegular(p string) (*os.File, fs.FileInfo, error) {
	stat, err := t.root.Lstat(p)
	if err != nil {
		return nil, nil, refuse(p, err)
	}
	if err := regular(p, stat); err != nil {
		return nil, nil, err
	}
	f, err := t.root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, refuse(p, err)
	}
	// What was opened may not be what was looked at.
	if stat, err = f.Stat(); err == nil {
		err = regular(p, stat)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, stat, nil
}

func regular(p string, stat fs.FileInfo) error {
	switch mode := stat.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return &sandbox.PathError{Path: p, Reason: "is a directory"}
	case mode&fs.ModeSymlink != 0:
		return &sandbox.PathError{Path: p, Reason: "is a symbolic link; name the file it points to"}
	default:
		return &sandbox.PathError{Path: p, Reason: "is not a regular file"}
	}
}

// Read returns a file.
func (t *Tree) Read(_ context.Context, req wire.ReadRequest) (sandbox.File, error) {
	p, err := clean(req.Path)
	if err != nil {
		return sandbox.File{}, err
	}
	f, stat, err := t.openRegular(p)
	if err != nil {
		return sandbox.File{}, err
	}
	defer func() { _ = f.Close() }()
	if stat.Size() > maxHashed {
		return sandbox.File{}, &sandbox.PathError{Path: p, Reason: fmt.Sprintf(
			"has %d MiB, more than the %d MiB that can be read", stat.Size()>>20, maxHashed>>20)}
	}
	hash := sha256.New()
	whole := io.TeeReader(io.LimitReader(f, maxHashed), hash)
	data, err := io.ReadAll(io.LimitReader(whole, min(max(req.Max, 0), wire.MaxData)))
	if err != nil {
		return sandbox.File{}, refuse(p, err)
	}
	rest, err := io.Copy(io.Discard, whole)
	if err != nil {
		return sandbox.File{}, refuse(p, err)
	}
	return sandbox.File{
		Path: req.Path,
		Data: data,
		Size: int64(len(data)) + rest,
		Mode: uint32(stat.Mode().Perm()),
		Hash: hex.EncodeToString(hash.Sum(nil)),
	}, nil
}

// Write replaces or creates a file. The file it returns has no Data.
func (t *Tree) Write(ctx context.Context, w sandbox.Write) (sandbox.File, error) {
	p, err := clean(w.Path)
	if err != nil {
		return sandbox.File{}, err
	}
	if p == "." || strings.HasSuffix(w.Path, "/") {
		return sandbox.File{}, &sandbox.PathError{Path: w.Path, Reason: "is a directory"}
	}
	t.files.Lock()
	defer t.files.Unlock()
	mode, err := t.expect(ctx, p, w.IfHash)
	if err != nil {
		return sandbox.File{}, err
	}
	if err := t.replace(p, w.Data, mode); err != nil {
		return sandbox.File{}, err
	}
	sum := sha256.Sum256(w.Data)
	return sandbox.File{
		Path: w.Path,
		Size: int64(len(w.Data)),
		Mode: uint32(mode),
		Hash: hex.EncodeToString(sum[:]),
	}, nil
}

// expect checks that p is as the asker believes and returns the mode to write.
func (t *Tree) expect(ctx context.Context, p, ifHash string) (fs.FileMode, error) {
	stat, err := t.root.Lstat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if ifHash != "" && ifHash != sandbox.AnyHash {
			return 0, sandbox.ErrChanged
		}
		return 0o644, nil
	case err != nil:
		return 0, refuse(p, err)
	}
	if err := regular(p, stat); err != nil {
		return 0, err
	}
	if ifHash == sandbox.AnyHash {
		return stat.Mode().Perm(), nil
	}
	if ifHash == "" {
		return 0, sandbox.ErrChanged
	}
	now, err := t.Read(ctx, wire.ReadRequest{Path: p})
	if err != nil {
		return 0, err
	}
	if now.Hash != ifHash {
		return 0, sandbox.ErrChanged
	}
	return stat.Mode().Perm(), nil
}

// replace puts data at p in one step.
func (t *Tree) replace(p string, data []byte, mode fs.FileMode) error {
	dir := path.Dir(p)
	if err := t.root.MkdirAll(dir, 0o755); err != nil {
		return refuse(p, err)
	}
	temp := path.Join(dir, ".honk-"+rand.Text())
	f, err := t.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return refuse(p, err)
	}
	_, err = f.Write(data)
	if chmodErr := f.Chmod(mode); err == nil {
		err = chmodErr
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = t.root.Rename(temp, p)
	}
	if err != nil {
		_ = t.root.Remove(temp)
		return refuse(p, err)
	}
	return nil
}
