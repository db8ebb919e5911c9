package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Create makes a repository of one commit on the branch main in dir, which
// must not exist, with files by slash-separated path. It is for demonstrations
// and tests.
func Create(ctx context.Context, dir string, files map[string][]byte, message string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("making the repository: %w", err)
	}
	r, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.Main},
	})
	if err != nil {
		return fmt.Errorf("making the repository %q: %w", dir, err)
	}
	tree, err := r.Worktree()
	if err != nil {
		return fmt.Errorf("opening the work tree %q: %w", dir, err)
	}
	for name, content := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the repository: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("making the repository: %w", err)
		}
		if _, err := tree.Add(name); err != nil {
			return fmt.Errorf("adding %q: %w", name, err)
		}
	}
	who := &object.Signature{Name: "honk", Email: "honk@localhost", When: time.Now()}
	if _, err := tree.Commit(message, &git.CommitOptions{Author: who}); err != nil {
		return fmt.Errorf("committing %q: %w", message, err)
	}
	return nil
}
