// Package client is the worker's end of the pipes to the helper in a sandbox.
// Backends differ in how they start and kill it; what it does for them is the
// same.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest/wire"
)

const (
	// startTime bounds the first answer, fileTime that of a file operation,
	// execGrace what a command may take beyond its time limit: SIGTERM's
	// grace, the killing of its children and the last bytes.
	startTime = 15 * time.Second
	fileTime  = 30 * time.Second
	execGrace = 15 * time.Second
)

// Client is the worker's end of a guest. It implements the methods of
// sandbox.Sandbox but for what each backend adds. It believes the guest
// nothing: a guest that breaks the protocol, or does not answer in time, is
// killed and every later call returns a *task.Error of code sandbox.
type Client struct {
	opts    Options
	proc    *child
	expires time.Time
	timer   *time.Timer
	close   sync.Once
	err     error // of Close

	writing sync.Mutex

	mu      sync.Mutex // guards the fields below
	serial  uint64
	pending map[uint64]chan wire.Reply
	broken  error
}

// Options say how to run a guest.
type Options struct {
	Config wire.Config
	// Kill ends the guest and everything in it at once. Without it the
	// guest is asked to end, which kills what it started, and killed if it
	// does not.
	Kill func(*os.Process)
	// Started is called with the new process before it is talked to.
	Started func(*os.Process) error
	// Cleanup frees what the sandbox had, once everything in it is dead.
	Cleanup func() error
	// Hits counts how often the sandbox ran into limits that only the worker
	// can see, by their name in ExecResult.Limit.
	Hits func() map[string]int64
}

// Root returns the work tree's absolute path as commands see it.
func (c *Client) Root() string { return c.opts.Config.Root }

// Close implements sandbox.Sandbox.
func (c *Client) Close() error {
	c.close.Do(func() {
		c.timer.Stop()
		c.fail(sandbox.ErrClosed)
		c.end()
		if c.opts.Cleanup != nil {
			c.err = c.opts.Cleanup()
		}
	})
	return c.err
}

// end kills the guest and waits until it is dead.
func (c *Client) end() {
	_ = c.proc.in.Close()
	if c.opts.Kill != nil {
		c.opts.Kill(c.proc.cmd.Process)
	} else {
		select {
		case <-c.proc.dead:
		case <-time.After(8 * time.Second):
		}
	}
	select {
	case <-c.proc.dead:
	case <-time.After(2 * time.Second):
		_ = c.proc.cmd.Process.Kill()
		<-c.proc.dead
	}
	_ = c.proc.out.Close()
}

// fail ends every call under way, and every later one, with err.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil || errors.Is(err, sandbox.ErrClosed) {
		c.broken = err
	}
	for id, ch := range c.pending {
		delete(c.pending, id)
		close(ch)
	}
}

// abort is fail for a guest that is dead or lies. It reports the error to
// return.
func (c *Client) abort(cause error) error {
	c.fail(task.Errorf(task.CodeSandbox, "the sandbox ended unexpectedly: %w", cause))
	go c.end()
	return c.failure()
}

func (c *Client) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// receive hands replies to those who wait until the guest's end is closed.
func (c *Client) receive() {
	for {
		var rep wire.Reply
		data, err := wire.ReadFrame(c.proc.out, &rep)
		if err != nil {
			if errors.Is(err, io.EOF) {
				<-c.proc.dead
				err = errors.New(c.proc.lastWords())
			}
			_ = c.abort(err)
			return
		}
		rep.Data = data
		c.mu.Lock()
		ch := c.pending[rep.ID]
		delete(c.pending, rep.ID)
		c.mu.Unlock()
		if ch == nil {
			_ = c.abort(fmt.Errorf("reply to an unknown request %d", rep.ID))
			return
		}
		ch <- rep
	}
}

// call sends a request and decodes its answer into out. What the guest refuses
// is in Err of the reply.
func (c *Client) call(ctx context.Context, req wire.Request, in, out any, limit time.Duration) (wire.Reply, error) {
	var err error
	if req.Body, err = json.Marshal(in); err != nil {
		return wire.Reply{}, task.Errorf(task.CodeSandbox, "encoding %s request: %w", req.Op, err)
	}
	id, ch, err := c.enqueue()
	if err != nil {
		return wire.Reply{}, err
	}
	req.ID = id
	if err := c.send(req); err != nil {
		return wire.Reply{}, c.abort(err)
	}
	rep, err := c.await(ctx, req, ch, limit)
	if err != nil || rep.Err != nil || out == nil {
		return rep, err
	}
	if err := json.Unmarshal(rep.Body, out); err != nil {
		return wire.Reply{}, c.abort(fmt.Errorf("decoding %s reply: %w", req.Op, err))
	}
	return rep, nil
}

// await waits for the reply to req, but not for ever.
func (c *Client) await(ctx context.Context, req wire.Request, ch <-chan wire.Reply, limit time.Duration) (wire.Reply, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	cancelled := ctx.Done()
	for {
		select {
		case rep, ok := <-ch:
			switch {
			case !ok:
				return wire.Reply{}, c.failure()
			case ctx.Err() != nil:
				return wire.Reply{}, fmt.Errorf("%s in the sandbox: %w", req.Op, context.Cause(ctx))
			}
			return rep, nil
		case <-cancelled:
			// The answer still comes: the guest ends what it was doing.
			cancelled = nil
			late.Reset(execGrace)
			if err := c.send(wire.Request{ID: req.ID, Op: wire.OpCancel}); err != nil {
				return wire.Reply{}, c.abort(err)
			}
		case <-late.C:
			return wire.Reply{}, c.abort(fmt.Errorf("no answer to %s within %v", req.Op, limit))
		}
	}
}

func (c *Client) enqueue() (uint64, chan wire.Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return 0, nil, c.broken
	}
	if !c.expires.IsZero() && time.Now().After(c.expires) {
		return 0, nil, task.Errorf(task.CodeSandbox, "the sandbox's lifetime of %v is over",
			c.opts.Config.Limits.Lifetime)
	}
	c.serial++
	ch := make(chan wire.Reply, 1)
	c.pending[c.serial] = ch
	return c.serial, ch, nil
}

// send writes a message; a guest that does not read cannot hold the worker.
func (c *Client) send(req wire.Request) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.proc.in.SetWriteDeadline(time.Now().Add(fileTime))
	if err := wire.WriteFrame(c.proc.in, req, req.Data); err != nil {
		return fmt.Errorf("sending %s: %w", req.Op, err)
	}
	return nil
}
