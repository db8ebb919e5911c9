package bwrap

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"honk/internal/rmtree"
	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest/wire"
)

// prepared is what a sandbox needs on the host's side.
type prepared struct {
	spec    sandbox.Spec
	limits  sandbox.Limits
	mounts  []sandbox.Mount // with absolute guest paths
	helper  string
	scratch string
	lock    *os.File // of scratch, as long as the sandbox lives
	group   *cgroup
	points  []string // mount points made in the work tree, deepest last
}

// prepare makes the private directories, mount points and the cgroup. On an
// error nothing is left.
func (b *Backend) prepare(spec sandbox.Spec) (*prepared, error) {
	p := &prepared{spec: spec, limits: spec.Limits.WithDefaults()}
	if err := p.fill(b); err != nil {
		return nil, errors.Join(err, p.cleanup())
	}
	return p, nil
}

func (p *prepared) fill(b *Backend) error {
	var err error
	if err := p.choose(b.opts.Helper); err != nil {
		return err
	}
	if p.spec.Dir, err = filepath.Abs(p.spec.Dir); err != nil {
		return fmt.Errorf("finding the work tree: %w", err)
	}
	if p.scratch, err = os.MkdirTemp(b.opts.Scratch, scratchPrefix); err != nil {
		return err
	}
	if p.lock, err = lock(p.scratch); err != nil {
		return err
	}
	for _, dir := range []string{"home", "output", "tmp", "etc"} {
		if err := os.Mkdir(filepath.Join(p.scratch, dir), 0o700); err != nil {
			return err
		}
	}
	for name, text := range madeUp {
		if err := os.WriteFile(filepath.Join(p.scratch, "etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	mounts := p.spec.Mounts
	if p.spec.RootFS == "" {
		mounts = slices.Concat(b.opts.Tools.Mounts, mounts)
	}
	for _, m := range mounts {
		if err := p.mount(m); err != nil {
			return fmt.Errorf("mounting %q: %w", m.Guest, err)
		}
	}
	p.group = newCgroup(filepath.Base(p.scratch), p.limits)
	return nil
}

// choose finds the helper, and sees to it that it can run in an image, which
// need not have a single library.
func (p *prepared) choose(helper string) (err error) {
	if p.helper = helper; helper == "" {
		if p.helper, err = os.Executable(); err != nil {
			return fmt.Errorf("finding this program: %w", err)
		}
	}
	if p.spec.RootFS == "" {
		return nil
	}
	if p.spec.RootFS, err = filepath.Abs(p.spec.RootFS); err != nil {
		return fmt.Errorf("finding the image: %w", err)
	}
	file, err := elf.Open(p.helper)
	if err != nil {
		return fmt.Errorf("reading the helper %q: %w", p.helper, err)
	}
	defer func() { _ = file.Close() }()
	if slices.ContainsFunc(file.Progs, func(part *elf.Prog) bool { return part.Type == elf.PT_INTERP }) {
		return task.Errorf(task.CodeSandbox, "this honk needs the machine's libraries and cannot start in an image; build it with CGO_ENABLED=0")
	}
	return nil
}

// mount makes the mount point of m if it lies in the work tree. Bubblewrap
// would make it too, but it follows symlinks on the way, and the work tree is
// a stranger's.
func (p *prepared) mount(m sandbox.Mount) error {
	stat, err := os.Stat(m.Host)
	if err != nil {
		return err
	}
	if m.Host, err = filepath.Abs(m.Host); err != nil {
		return err
	}
	if path.IsAbs(m.Guest) {
		p.mounts = append(p.mounts, m)
		return nil
	}
	if !filepath.IsLocal(m.Guest) || path.Clean(m.Guest) == "." {
		return errors.New("is not below the work tree")
	}
	root, err := os.OpenRoot(p.spec.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := p.point(root, path.Clean(m.Guest), stat.IsDir()); err != nil {
		return err
	}
	m.Guest = path.Join(guestRoot, m.Guest)
	p.mounts = append(p.mounts, m)
	return nil
}

// point makes the file or directory at name, and what is missing above it.
func (p *prepared) point(root *os.Root, name string, dir bool) error {
	if parent := path.Dir(name); parent != "." {
		if err := p.point(root, parent, true); err != nil {
			return err
		}
	}
	stat, err := root.Lstat(name)
	switch {
	case err == nil && stat.IsDir() == dir && (dir || stat.Mode().IsRegular()):
		return nil
	case err == nil:
		return fmt.Errorf("%q in the work tree is in the way", name)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case dir:
		err = root.Mkdir(name, 0o755)
	default:
		err = root.WriteFile(name, nil, 0o644)
	}
	if err == nil {
		p.points = append(p.points, name)
	}
	return err
}

func (p *prepared) config(env map[string]string) wire.Config {
	cfg := wire.Config{
		Root:      guestRoot,
		Keep:      guestOutput,
		Env:       env,
		Measured:  []string{guestRoot, p.home(), guestOutput},
		Limits:    p.limits,
		Contained: p.group != nil,
	}
	for _, m := range p.mounts {
		if m.Writable {
			cfg.Measured = append(cfg.Measured, m.Guest)
		}
	}
	return cfg
}

// cleanup frees everything; every process of the sandbox is dead.
func (p *prepared) cleanup() error {
	var errs []error
	if p.group != nil {
		errs = append(errs, p.group.remove())
	}
	if root, err := os.OpenRoot(p.spec.Dir); err == nil {
		for _, name := range slices.Backward(p.points) {
			// Not empty any more: then it is the repository's.
			_ = root.Remove(name)
		}
		_ = root.Close()
	}
	if p.scratch != "" {
		errs = append(errs, rmtree.Remove(p.scratch))
	}
	if p.lock != nil {
		errs = append(errs, p.lock.Close())
	}
	return errors.Join(errs...)
}
