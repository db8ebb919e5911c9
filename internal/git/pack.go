package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"honk/internal/git/command"
	"honk/internal/git/tree"
)

const (
	// keptBases is how many base commits of a repository keep their packs.
	keptBases = 4
	// maxPacks is how many packs a base may consist of before it is packed
	// anew.
	maxPacks = 8
)

// link puts packs with the base commit's objects into the trusted git
// directory, making them first when the cache does not have them.
func (b *base) link(ctx context.Context) error {
	if ok, err := b.linkFrom(b.cache); ok || err != nil {
		return err
	}
	parent := filepath.Dir(b.cache)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("keeping the base pack: %w", err)
	}
	// In the task's directory nothing outlives a killed process.
	fresh, err := os.MkdirTemp(b.root, "new-")
	if err != nil {
		return fmt.Errorf("keeping the base pack: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := b.pack(ctx, fresh); err != nil {
		return err
	}
	if ok, err := b.linkFrom(fresh); !ok {
		return errors.Join(errors.New("packing the base commit left no pack"), err)
	}
	evict(parent)
	// Somebody else may have been quicker; theirs is as good.
	_ = os.Rename(fresh, b.cache)
	return nil
}

// pack fills dir with the packs of the base commit. Most of its objects are
// in the packs of the base before: those are linked, and only what is new is
// packed.
func (b *base) pack(ctx context.Context, dir string) error {
	need, err := b.objects(ctx)
	if err != nil {
		return err
	}
	if have := b.previous(ctx, need); have != nil {
		for _, pack := range have {
			if err := os.Link(pack, filepath.Join(dir, filepath.Base(pack))); err != nil {
				return fmt.Errorf("keeping the base pack: %w", err)
			}
		}
	}
	if len(need) == 0 {
		return nil
	}
	// A searched-for delta would cost more time than it saves; the ones the
	// source has are taken over.
	_, err = b.Run(ctx, command.Command{
		Args:  []string{"pack-objects", "--quiet", "--window=0", "--delta-base-offset", filepath.Join(dir, "pack")},
		Stdin: strings.NewReader(strings.Join(slices.Sorted(maps.Keys(need)), "\n") + "\n"),
	})
	return b.incomplete(err)
}

// objects are the names of all objects of the base commit.
func (b *base) objects(ctx context.Context) (map[string]bool, error) {
	root, err := b.Line(ctx, "rev-parse", b.sha+"^{tree}")
	if err != nil {
		return nil, b.incomplete(err)
	}
	need := map[string]bool{b.sha: true, root: true}
	for _, sha := range b.trees {
		need[sha] = true
	}
	for _, e := range b.files {
		if e.Mode != tree.ModeGitlink {
			need[e.SHA] = true
		}
	}
	return need, nil
}

// previous returns the pack files of the latest base, if they hold most of
// what is needed and little else, and takes what they hold out of need.
func (b *base) previous(ctx context.Context, need map[string]bool) (files []string) {
	bases := byAge(filepath.Dir(b.cache))
	if len(bases) == 0 {
		return nil
	}
	packs, _ := filepath.Glob(filepath.Join(bases[0], "pack-*.pack"))
	if len(packs) == 0 || len(packs) >= maxPacks {
		return nil
	}
	var held, used []string
	for _, pack := range packs {
		index := strings.TrimSuffix(pack, ".pack") + ".idx"
		names, err := b.showIndex(ctx, index)
		if err != nil {
			return nil
		}
		held, files = append(held, names...), append(files, pack, index)
	}
	for _, sha := range held {
		if need[sha] {
			used = append(used, sha)
		}
	}
	if 2*len(used) < len(need) || 4*len(used) < 3*len(held) {
		return nil
	}
	for _, sha := range used {
		delete(need, sha)
	}
	return files
}

func (b *base) showIndex(ctx context.Context, index string) (names []string, err error) {
	f, err := os.Open(index)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := b.Run(ctx, command.Command{Args: []string{"show-index"}, Stdin: f})
	for line := range strings.Lines(string(out)) {
		if field := strings.Fields(line); len(field) > 1 {
			names = append(names, field[1])
		}
	}
	return names, err
}

// linkFrom links the pack files of dir into the trusted git directory. Both
// are out of every sandbox's reach and git never writes to a finished pack.
func (b *base) linkFrom(dir string) (ok bool, err error) {
	for _, suffix := range []string{"pack", "idx"} { // the index makes a pack count
		found, err := filepath.Glob(filepath.Join(dir, "pack-*."+suffix))
		if err != nil || len(found) == 0 {
			return false, err
		}
		for _, file := range found {
			err = os.Link(file, filepath.Join(b.Dir, "objects", "pack", filepath.Base(file)))
			if errors.Is(err, os.ErrNotExist) {
				return false, nil
			}
			if err != nil && !errors.Is(err, os.ErrExist) {
				return false, fmt.Errorf("linking the base pack: %w", err)
			}
		}
	}
	return true, nil
}

// evict removes the oldest packs of a repository. What tasks have linked
// stays with them.
func evict(parent string) {
	bases := byAge(parent)
	for _, dir := range bases[min(keptBases, len(bases)):] {
		_ = os.RemoveAll(dir)
	}
}

// byAge lists the kept bases of a repository, the youngest first.
func byAge(parent string) []string {
	dirs, _ := filepath.Glob(filepath.Join(parent, "[0-9a-f]*"))
	age := func(dir string) time.Duration {
		info, err := os.Stat(dir)
		if err != nil {
			return 0
		}
		return time.Since(info.ModTime())
	}
	slices.SortFunc(dirs, func(x, y string) int { return cmp.Compare(age(x), age(y)) })
	return dirs
}
