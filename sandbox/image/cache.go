package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"honk/internal/rmtree"
	"honk/internal/task"

	"golang.org/x/sys/unix"
)

const (
	// making begins the names of directories that are not images yet, or not
	// any more; kept begins those of images.
	making, kept = "new-", "sha256-"
	// rootDir and aboutFile are what is in the directory of an image.
	rootDir, aboutFile = "root", "image.json"
	// lockEvery is how often a lock that somebody holds is tried again.
	lockEvery = 100 * time.Millisecond
	// lockedBy is the age by which a directory that is being made is locked.
	lockedBy = time.Minute
)

// about is what is remembered of an image beside its files.
type about struct {
	Env     map[string]string `json:"env"`
	Command []string          `json:"command"`
}

// Open returns the image that ref names by its digest, fetched and unpacked
// unless it is here. The caller closes it. An error's code is invalid where the
// image cannot be had as it was asked for, and unavailable where the registry
// may answer another time.
func (s *Store) Open(ctx context.Context, ref string) (*Image, error) {
	name, err := parse(ref)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("preparing the images: %w", err)
	}
	place := s.place(strings.Replace(name.DigestStr(), ":", "-", 1))
	if img, err := s.find(place); img != nil || err != nil {
		return img, err
	}
	// One fetches, the others wait for it.
	guard, err := lock(ctx, place+".lock")
	if err != nil {
		return nil, err
	}
	defer func() { _ = guard.Close() }()
	if img, err := s.find(place); img != nil || err != nil {
		return img, err
	}
	s.sweep(ctx)
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Timeout,
		task.Errorf(task.CodeUnavailable, "the image %s could not be fetched within %s", ref, s.opts.Timeout))
	defer cancel()
	if err := s.make(ctx, name, place); err != nil {
		return nil, err
	}
	img, err := s.find(place)
	if img == nil && err == nil {
		err = fmt.Errorf("opening image %q: it vanished", ref)
	}
	return img, err
}

// find returns the image in a directory, nil when there is none.
func (s *Store) find(place string) (*Image, error) {
	held, err := os.Open(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening an image: %w", err)
	}
	img, err := hold(held, place)
	if img == nil || err != nil {
		_ = held.Close()
	}
	return img, err
}

// hold keeps the image from being removed, which may be happening: then there
// is none.
func hold(held *os.File, place string) (*Image, error) {
	if err := unix.Flock(int(held.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return nil, nil //nolint:nilerr // Somebody is removing it.
	}
	was, err := held.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening an image: %w", err)
	}
	if is, err := os.Lstat(place); err != nil || !os.SameFile(was, is) {
		return nil, nil //nolint:nilerr // Somebody has removed it.
	}
	raw, err := os.ReadFile(filepath.Join(place, aboutFile))
	if err != nil {
		return nil, fmt.Errorf("opening an image: %w", err)
	}
	var a about
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("opening an image: %w", err)
	}
	now := time.Now()
	if err := os.Chtimes(place, now, now); err != nil {
		return nil, fmt.Errorf("opening an image: %w", err)
	}
	return &Image{Root: filepath.Join(place, rootDir), Env: a.Env, Command: a.Command, held: held}, nil
}

// publish makes what was made in dir the image at place, at once.
func publish(dir, place string, a about) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, aboutFile), raw, 0o600); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	// An image that is there must be whole, even after the power has failed.
	if err := errors.Join(unix.Syncfs(int(f.Fd())), f.Close()); err != nil {
		return err
	}
	return os.Rename(dir, place)
}

// lock takes the lock of a file, which the kernel gives back when the process
// dies, however it dies.
func lock(ctx context.Context, file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking an image: %w", err)
	}
	tick := time.NewTicker(lockEvery)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("locking an image: %w", err), f.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for an image: %w", context.Cause(ctx)), f.Close())
		}
	}
}

// sweep removes images that nobody has used for long and what processes that
// were killed have left. It is no harm if it does not get to the end.
func (s *Store) sweep(ctx context.Context) {
	entries, err := os.ReadDir(s.opts.Dir)
	for _, e := range entries {
		old := s.opts.Keep
		switch {
		case strings.HasPrefix(e.Name(), making):
			old = lockedBy
		case !strings.HasPrefix(e.Name(), kept) || !e.IsDir():
			continue
		}
		if info, statErr := e.Info(); statErr == nil && time.Since(info.ModTime()) >= old {
			err = errors.Join(err, remove(filepath.Join(s.opts.Dir, e.Name())))
		}
	}
	if err != nil {
		s.opts.Log.WarnContext(ctx, "images not swept", "error", err)
	}
}

// remove removes a directory that nobody holds.
func remove(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil
	}
	// Under another name at once, so that nobody finds half of it.
	if base := filepath.Base(dir); strings.HasPrefix(base, kept) {
		gone := filepath.Join(filepath.Dir(dir), making+base)
		if err := os.Rename(dir, gone); err != nil {
			return err
		}
		dir = gone
	}
	return rmtree.Remove(dir)
}
