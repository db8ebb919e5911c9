// Package host runs commands on this machine as they are, without isolation:
// the sandbox for tests, and for people who trust the code they work on. A
// command can read every file, reach every network and leave things behind
// that its user can. The service refuses it.
//
// Time limits, output caps and the death of every child process hold as in
// other backends, memory and process limits per process only.
package host

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"honk/internal/rmtree"
	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest/client"
	"honk/sandbox/guest/wire"
)

// Options configure a Backend; the zero value works.
type Options struct {
	// Tools is put in front of BasePath and into the environment.
	Tools sandbox.Tools
	// Scratch is where private directories are made; empty means the
	// system's temporary directory.
	Scratch string
}

// Backend starts sandboxes that isolate nothing.
type Backend struct {
	opts Options
}

// New returns a Backend.
func New(opts Options) *Backend { return &Backend{opts: opts} }

// Name implements sandbox.Backend.
func (b *Backend) Name() string { return "host" }

// Isolates implements sandbox.Backend.
func (b *Backend) Isolates() bool { return false }

// Start implements sandbox.Backend. The work tree is spec.Dir in place. A
// mount relative to it appears as a symlink, removed by Close; the others are
// expected to lie where they are wanted, so Host must equal Guest.
func (b *Backend) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if spec.RootFS != "" {
		return nil, task.Errorf(task.CodeSandbox, "the host sandbox cannot run an image: use --sandbox bwrap")
	}
	root, err := filepath.Abs(spec.Dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, task.Errorf(task.CodeSandbox, "finding the work tree: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, task.Errorf(task.CodeSandbox, "finding this program: %w", err)
	}
	scratch, err := os.MkdirTemp(b.opts.Scratch, "honk-host-")
	if err != nil {
		return nil, task.Errorf(task.CodeSandbox, "making a private directory: %w", err)
	}
	made, err := link(root, spec.Mounts)
	cleanup := func() error {
		errs := []error{rmtree.Remove(scratch)}
		for _, name := range slices.Backward(made) {
			// A directory that is not empty any more is the repository's.
			_ = os.Remove(name)
		}
		return errors.Join(errs...)
	}
	if err != nil {
		_ = cleanup()
		return nil, err
	}
	cfg, err := b.config(root, scratch, spec)
	if err != nil {
		_ = cleanup()
		return nil, err
	}
	// The guest outlives ctx: it ends when its pipe closes.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, wire.Marker, spec.Label)
	cmd.Dir = root
	cmd.Env = []string{}
	return started(client.Start(ctx, cmd, client.Options{Config: cfg, Cleanup: cleanup}))
}

// started keeps a nil client from becoming a Sandbox that is not nil.
func started(c *client.Client, err error) (sandbox.Sandbox, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (b *Backend) config(root, scratch string, spec sandbox.Spec) (wire.Config, error) {
	cfg := wire.Config{
		Root:     root,
		Keep:     filepath.Join(scratch, "output"),
		Env:      sandbox.BaseEnv(),
		Measured: []string{root, scratch},
		Limits:   spec.Limits.WithDefaults(),
		Shared:   true,
	}
	cfg.Env["PATH"] = strings.Join(append(slices.Clip(b.opts.Tools.Path),
		sandbox.BasePath), ":")
	cfg.Env["HOME"] = filepath.Join(scratch, "home")
	cfg.Env["TMPDIR"] = filepath.Join(scratch, "tmp")
	for _, dir := range []string{cfg.Keep, cfg.Env["HOME"], cfg.Env["TMPDIR"]} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return cfg, task.Errorf(task.CodeSandbox, "making a private directory: %w", err)
		}
	}
	maps.Copy(cfg.Env, b.opts.Tools.Env)
	maps.Copy(cfg.Env, spec.Env)
	for _, m := range spec.Mounts {
		if m.Writable {
			cfg.Measured = append(cfg.Measured, m.Host)
		}
	}
	return cfg, nil
}

// link makes the symlinks for mounts. It returns what it made, with an error
// too.
func link(root string, mounts []sandbox.Mount) ([]string, error) {
	var made []string
	for _, m := range mounts {
		if filepath.IsAbs(m.Guest) {
			if filepath.Clean(m.Guest) != filepath.Clean(m.Host) {
				return made, task.Errorf(task.CodeSandbox,
					"the host sandbox cannot show %q at %q: use --sandbox bwrap", m.Host, m.Guest)
			}
			continue
		}
		if !filepath.IsLocal(m.Guest) {
			return made, task.Errorf(task.CodeSandbox, "mount point %q leaves the work tree", m.Guest)
		}
		at := root
		for dir := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(m.Guest)), "/") {
			at = filepath.Join(at, dir)
			if os.Mkdir(at, 0o755) == nil {
				made = append(made, at)
			}
		}
		at = filepath.Join(root, m.Guest)
		if err := os.Symlink(m.Host, at); err != nil {
			return made, task.Errorf(task.CodeSandbox, "mounting %q: %w", m.Guest, err)
		}
		made = append(made, at)
	}
	return made, nil
}

// SelfTest implements sandbox.Backend. There is no boundary to test, only
// that the helper starts.
func (b *Backend) SelfTest(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.opts.Scratch, "honk-test-")
	if err != nil {
		return task.Errorf(task.CodeSandbox, "making a private directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	sb, err := b.Start(ctx, sandbox.Spec{Label: "self-test", Dir: dir})
	if err != nil {
		return err
	}
	return sb.Close()
}
