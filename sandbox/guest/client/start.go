package client

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"honk/internal/task"
	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

// Start runs cmd, which must become a guest, and returns the client for it.
// On an error nothing is left running and Cleanup has been called. It closes
// cmd.ExtraFiles.
func Start(ctx context.Context, cmd *exec.Cmd, opts Options) (*Client, error) {
	proc, err := launch(cmd)
	if err != nil {
		if opts.Cleanup != nil {
			_ = opts.Cleanup()
		}
		return nil, task.Errorf(task.CodeSandbox, "starting the sandbox: %w", err)
	}
	c := &Client{
		opts:    opts,
		proc:    proc,
		pending: map[uint64]chan wire.Reply{},
	}
	lifetime := opts.Config.Limits.Lifetime
	c.timer = time.AfterFunc(lifetime+execGrace, func() {
		_ = c.abort(errors.New("its lifetime is over"))
	})
	if opts.Started != nil {
		if err := opts.Started(cmd.Process); err != nil {
			_ = c.Close()
			return nil, task.Errorf(task.CodeSandbox, "starting the sandbox: %w (%s)", err, proc.lastWords())
		}
	}
	go c.receive()
	if rep, err := c.call(ctx, wire.Request{Op: wire.OpStart}, opts.Config, nil, startTime); rep.Err != nil || err != nil {
		if rep.Err != nil {
			err = wire.FromError(wire.OpStart, "", rep.Err)
		}
		_ = c.Close()
		return nil, err
	}
	c.expires = time.Now().Add(lifetime)
	return c, nil
}

// child is the guest's process as the worker holds it.
type child struct {
	cmd  *exec.Cmd
	in   *os.File // to the guest
	out  *os.File // from the guest
	err  *capped
	dead chan struct{} // closed once it has been waited for
}

// launch starts cmd with pipes. It is started and waited for on a thread of
// its own: the kernel ties a child's death signal to the thread that made it,
// and Go ends threads as it likes.
func launch(cmd *exec.Cmd) (*child, error) {
	closeOnExec()
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		_, _ = theirIn.Close(), in.Close()
		return nil, err
	}
	c := &child{cmd: cmd, in: in, out: out, err: &capped{}, dead: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirIn, theirOut, c.err
	cmd.WaitDelay = time.Second
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		for _, f := range append(cmd.ExtraFiles, theirIn, theirOut) {
			_ = f.Close()
		}
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(c.dead)
		}
	}()
	if err := <-started; err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	return c, nil
}

// closeOnExec keeps files that whoever started the worker left open to it from
// reaching the sandbox. Go's own never do.
func closeOnExec() {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
		}
	}
}

// lastWords says how a dead child ended.
func (c *child) lastWords() string {
	text := strings.TrimSpace(c.err.String())
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return strings.TrimPrefix(c.cmd.ProcessState.String()+": "+wire.CutText(text, 300), ": ")
}

// capped keeps the first bytes written to it.
type capped struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(p[:min(len(p), max(0, 8<<10-c.buf.Len()))])
	return len(p), nil
}

func (c *capped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}
