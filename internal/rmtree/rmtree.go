// Package rmtree removes directories that a stranger filled, who may have
// nested them without end or forbidden them to their owner.
package rmtree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
)

// batch is how many names of a directory are looked at together.
const batch = 1024

// Remove removes dir and all below it; nothing being there is no error. Unlike
// os.RemoveAll it opens no file per level, and no mode stops the owner. Nobody
// else may write to the tree any more.
func Remove(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.IsDir() {
		err = empty(dir)
	}
	if err = errors.Join(err, os.Remove(dir)); err != nil {
		return fmt.Errorf("removing %q: %w", dir, err)
	}
	return nil
}

// empty removes what is in dir. A directory in it is not entered beyond its
// own entries: those that are directories move up and wait for their turn.
func empty(dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	moved := 0
	for {
		entries, err := read(root)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			err := root.Remove(e.Name())
			if err != nil && e.IsDir() {
				err = errors.Join(flatten(root, e.Name(), &moved), root.Remove(e.Name()))
			}
			if err != nil {
				return err
			}
		}
	}
}

// flatten removes what is in the directory name of root, but for directories,
// which it moves to root.
func flatten(root *os.Root, name string, moved *int) error {
	if err := root.Chmod(name, 0o700); err != nil {
		return err
	}
	sub, err := root.OpenRoot(name)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close() }()
	for {
		entries, err := read(sub)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			err := sub.Remove(e.Name())
			if err != nil && e.IsDir() {
				err = errors.Join(sub.Chmod(e.Name(), 0o700), up(root, path.Join(name, e.Name()), moved))
			}
			if err != nil {
				return err
			}
		}
	}
}

// up moves a directory to a name in root that is free.
func up(root *os.Root, name string, moved *int) error {
	for {
		*moved++
		fresh := "moved-" + strconv.Itoa(*moved)
		if _, err := root.Lstat(fresh); errors.Is(err, fs.ErrNotExist) {
			return root.Rename(name, fresh)
		}
	}
}

// read returns some entries of a directory, none when it is empty.
func read(root *os.Root) ([]fs.DirEntry, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	entries, err := f.ReadDir(batch)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return entries, err
}
