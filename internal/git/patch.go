package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"honk/internal/git/command"
	"honk/internal/git/tree"
	"honk/internal/task"
)

// patchTime is how long reading a work tree may take.
const patchTime = 2 * time.Minute

// Patch returns how the work tree differs from the base commit. Untracked
// files count unless a .gitignore of the tree names them. What no change may
// hold (links, nested repositories, special files, huge or oddly named files)
// is an error of code invalid that names the path and the remedy. It may be
// called while the sandbox is alive, for a preview.
func (c *Checkout) Patch(ctx context.Context) (task.Patch, error) {
	return c.patch(ctx, c.Dir, c.start)
}

// PatchOf returns how another work tree of the repository, a person's own,
// differs from the base commit. Otherwise it is like Patch.
func (c *Checkout) PatchOf(ctx context.Context, dir string) (task.Patch, error) {
	return c.patch(ctx, dir, nil)
}

func (c *Checkout) patch(ctx context.Context, dir string, start map[string]tree.Stamp) (task.Patch, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patchTime, task.Errorf(task.CodeTimeout,
		"reading the work tree took more than %s; remove what is not needed", patchTime))
	defer cancel()
	c.seq.Lock()
	defer c.seq.Unlock()
	c.turn++
	objects := c.base.storage()
	changed, err := tree.Walk(ctx, dir, c.base.files, start, func(content []byte) error {
		return store(objects, content)
	})
	if err != nil {
		return task.Patch{}, err
	}
	p := task.Patch{Base: c.BaseSHA}
	if len(changed.Edits) == 0 {
		return p, nil
	}
	index := c.base.scratch(c.turn)
	defer os.Remove(index)
	root, err := c.base.commitTree(ctx, index, changed.Edits)
	if err != nil {
		return task.Patch{}, err
	}
	if p.Diff, err = c.base.diff(ctx, root); errors.Is(err, command.ErrTooMuch) {
		return task.Patch{}, task.Errorf(task.CodeInvalid,
			"the change is larger than %d MiB; make it smaller", command.MaxOutput>>20)
	}
	if err != nil {
		return task.Patch{}, err
	}
	if p.Files, err = c.base.changes(ctx, root); err != nil {
		return task.Patch{}, err
	}
	for i := range p.Files {
		p.Files[i].Size = changed.Sizes[p.Files[i].Path]
	}
	return p, nil
}

// commitTree stores the base's tree with the edits made.
func (b *base) commitTree(ctx context.Context, index string, edits []tree.Edit) (string, error) {
	if _, err := b.Run(ctx, command.Command{Index: index, Args: []string{"read-tree", b.sha}}); err != nil {
		return "", err
	}
	if err := b.editIndex(ctx, index, edits); err != nil {
		if command.Complains(err, "Invalid path") {
			err = task.Errorf(task.CodeInvalid, "a name in the change is not allowed by git; rename the file: %w", err)
		}
		return "", err
	}
	return b.writeTree(ctx, index)
}

// storage reads and writes the objects of the trusted directory.
func (b *base) storage() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(b.Dir), cache.NewObjectLRU(4*cache.MiByte), filesystem.Options{})
}

// store writes a blob.
func store(objects *filesystem.Storage, content []byte) error {
	obj := objects.NewEncodedObject()
	obj.SetType(plumbing.BlobObject)
	obj.SetSize(int64(len(content)))
	out, err := obj.Writer()
	if err == nil {
		_, err = out.Write(content)
		err = errors.Join(err, out.Close())
	}
	if err == nil {
		_, err = objects.SetEncodedObject(obj)
	}
	if err != nil {
		return fmt.Errorf("storing a file: %w", err)
	}
	return nil
}
