// Package tree reads, writes and searches the files of a work tree for the
// helper in a sandbox. Nothing it does leaves the tree, follows a symlink out,
// waits for a pipe, or goes on for ever in a tree that is made to be endless.
package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"honk/sandbox"
)

// Tree is a directory and all below it. It is safe for concurrent use.
type Tree struct {
	dir   string
	root  *os.Root
	files sync.Mutex // makes Write's compare and swap one step
}

// Open returns the tree at dir.
func Open(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the work tree: %w", err)
	}
	return &Tree{dir: dir, root: root}, nil
}

// Directory returns the absolute path of a directory of the tree.
func (t *Tree) Directory(dir string) (string, error) {
	dir, err := clean(dir)
	if err != nil {
		return "", err
	}
	stat, err := t.root.Stat(dir)
	if err != nil {
		return "", refuse(dir, err)
	}
	if !stat.IsDir() {
		return "", &sandbox.PathError{Path: dir, Reason: "is not a directory"}
	}
	return filepath.Join(t.dir, dir), nil
}
