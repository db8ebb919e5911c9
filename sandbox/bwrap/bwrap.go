// Package bwrap runs sandboxes with bubblewrap: no daemon, no image, the
// machine's own tools read-only, and nothing else of the machine visible.
//
// Inside there are namespaces of its own for processes, network (empty),
// mounts, users, host name and IPC, no capabilities, a system call filter,
// and one helper (package guest) that is process 1: when it dies, the kernel
// kills all others. A cgroup, where one can be had, caps memory and processes
// of the sandbox as a whole; resource limits always hold per process.
//
// Everything dies with the worker, even one that is killed.
package bwrap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest/client"
	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

// Options configure a Backend; the zero value works.
type Options struct {
	// Program is bubblewrap; empty means bwrap in the default PATH.
	Program string
	// Tools are shown beside /usr, see sandbox.DetectTools.
	Tools sandbox.Tools
	// Scratch is where private directories are made; empty means the
	// system's temporary directory.
	Scratch string
	// Helper is the program that calls guest.Main inside; empty means this
	// one. In an image it must need no libraries.
	Helper string
}

// Backend starts bubblewrap sandboxes.
type Backend struct {
	opts   Options
	detect func() (features, error)
	filter func() ([]byte, error)
	broom  broom
}

// New returns a Backend. What is missing on this machine is said by SelfTest
// and Start.
func New(opts Options) *Backend {
	b := &Backend{opts: opts, filter: sync.OnceValues(filter)}
	b.detect = sync.OnceValues(func() (features, error) { return detect(opts.Program) })
	return b
}

// Name implements sandbox.Backend.
func (b *Backend) Name() string { return "bwrap" }

// Isolates implements sandbox.Backend.
func (b *Backend) Isolates() bool { return true }

// File descriptors of bubblewrap, in the order of exec.Cmd.ExtraFiles.
const (
	argsFD = iota + 3
	seccompFD
	infoFD
	blockFD
)

// Start implements sandbox.Backend.
func (b *Backend) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	f, err := b.detect()
	if err != nil {
		return nil, err
	}
	b.broom.sweep(b.opts.Scratch)
	p, err := b.prepare(spec)
	if err != nil {
		return nil, task.Errorf(task.CodeSandbox, "preparing the sandbox: %w", err)
	}
	gate, files, err := b.files(p.args(f))
	if err != nil {
		_ = p.cleanup()
		return nil, task.Errorf(task.CodeSandbox, "preparing the sandbox: %w", err)
	}
	// The sandbox outlives ctx; Close ends it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), f.program, "--args", fmt.Sprint(argsFD),
		"--", guestHelper, wire.Marker, spec.Label)
	// Empty, since bubblewrap's own environment can be read from inside.
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.ExtraFiles = files
	opts := client.Options{
		Config:  p.config(b.environ(p)),
		Cleanup: func() error { return errors.Join(gate.release(), p.cleanup()) },
		Started: func(*os.Process) error { return gate.open(p.group) },
		Kill:    gate.kill,
	}
	if p.group != nil {
		opts.Hits = p.group.hits
	}
	c, err := client.Start(ctx, cmd, opts)
	gate.close()
	if err != nil {
		return nil, remedy(err)
	}
	return c, nil
}

// files makes what bubblewrap reads its options and its filter from, and the
// gate it waits at.
func (b *Backend) files(args []string) (*gate, []*os.File, error) {
	program, err := b.filter()
	if err != nil {
		return nil, nil, err
	}
	options, err := memFile("options", []byte(strings.Join(args, "\x00")+"\x00"))
	if err != nil {
		return nil, nil, err
	}
	seccomp, err := memFile("filter", program)
	if err != nil {
		return nil, nil, errors.Join(err, options.Close())
	}
	info, infoW, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, options.Close(), seccomp.Close())
	}
	blockR, block, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, options.Close(), seccomp.Close(), info.Close(), infoW.Close())
	}
	return &gate{info: info, block: block, pidfd: -1},
		[]*os.File{options, seccomp, infoW, blockR}, nil
}

// gate holds the first process of a sandbox before it runs anything, until it
// is in its cgroup, and kills it in the end.
type gate struct {
	info  *os.File
	block *os.File

	mu    sync.Mutex
	pidfd int // of process 1 inside, -1 before it exists
}

// open lets the sandbox run.
func (g *gate) open(group *cgroup) error {
	_ = g.info.SetReadDeadline(time.Now().Add(10 * time.Second))
	var info struct {
		Child int `json:"child-pid"`
	}
	var text bytes.Buffer
	// One JSON object, then bubblewrap closes its end.
	if _, err := io.Copy(&text, io.LimitReader(g.info, 4096)); err != nil {
		return fmt.Errorf("waiting for bubblewrap: %w", err)
	}
	if err := json.Unmarshal(text.Bytes(), &info); err != nil || info.Child <= 1 {
		return errors.New("bubblewrap ended early")
	}
	fd, err := unix.PidfdOpen(info.Child, 0)
	if err != nil {
		return fmt.Errorf("holding on to process 1 of the sandbox: %w", err)
	}
	g.mu.Lock()
	g.pidfd = fd
	g.mu.Unlock()
	if group != nil {
		if err := group.add(info.Child); err != nil {
			return err
		}
	}
	if _, err := g.block.WriteString("\n"); err != nil {
		return fmt.Errorf("letting the sandbox run: %w", err)
	}
	return nil
}

// kill ends process 1, with which the kernel ends every other process of the
// namespace. Bubblewrap itself waits for it, so that when bubblewrap is gone
// nothing of the sandbox is left.
func (g *gate) kill(bubblewrap *os.Process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pidfd < 0 {
		_ = bubblewrap.Kill()
		return
	}
	_ = unix.PidfdSendSignal(g.pidfd, unix.SIGKILL, nil, 0)
}

// release lets go of process 1, which is dead.
func (g *gate) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pidfd < 0 {
		return nil
	}
	fd := g.pidfd
	g.pidfd = -1
	return unix.Close(fd)
}

// close frees what was needed for the start.
func (g *gate) close() {
	_, _ = g.info.Close(), g.block.Close()
}
