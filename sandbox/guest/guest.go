// Package guest is the helper inside every sandbox: the program itself,
// started again on the far side of the boundary, where it reads, writes and
// searches files and runs commands for the worker that holds its pipes.
//
// The worker's side is package client, what they say to each other package
// wire. The worker treats the helper as hostile, since the code that runs
// beside it may have turned it.
package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"honk/sandbox"
	"honk/sandbox/guest/tree"
	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

// maxFileRequests are answered at the same time; commands mostly wait.
const maxFileRequests = 16

// Main turns the process into a guest that serves until the worker hangs up,
// and then exits, if the process was started as one; else it returns false at
// once. The program's main and the TestMain of every package that starts
// sandboxes call it before anything else:
//
//	if guest.Main() {
//		return
//	}
func Main() bool {
	if len(os.Args) < 2 || os.Args[1] != wire.Marker {
		return false
	}
	// Siblings run under the same user: without this they could trace the
	// guest or write to its memory.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox helper:", err)
	}
	// Without the exit hooks of the program this is not: the race detector's
	// alone would hold up Close for a second.
	syscall.Exit(0)
	return true
}

// server answers the requests of one client.
type server struct {
	cfg   wire.Config
	tree  *tree.Tree
	procs *processes
	disk  *disk
	out   sync.Mutex // guards replies
	w     io.Writer

	mu      sync.Mutex
	cancels map[uint64]context.CancelFunc
	kept    []string
}

// serve answers requests until r ends; then every process it started dies.
func serve(r io.Reader, w io.Writer) error {
	s := &server{w: w, cancels: map[uint64]context.CancelFunc{}}
	if err := s.handshake(r); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go s.disk.watch(ctx)
	var running sync.WaitGroup
	slots := make(chan struct{}, maxFileRequests)
	var err error
	for {
		var req wire.Request
		if req.Data, err = wire.ReadFrame(r, &req); err != nil {
			break
		}
		if req.Op == wire.OpCancel {
			s.cancel(req.ID)
			continue
		}
		reqCtx, cancel := context.WithCancel(ctx)
		s.register(req.ID, cancel)
		running.Go(func() {
			defer s.cancel(req.ID)
			if req.Op != wire.OpExec {
				slots <- struct{}{}
				defer func() { <-slots }()
			}
			s.answer(reqCtx, req)
		})
	}
	stop()
	s.procs.killAll()
	running.Wait()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// handshake reads the configuration and answers it.
func (s *server) handshake(r io.Reader) error {
	var req wire.Request
	if _, err := wire.ReadFrame(r, &req); err != nil {
		return fmt.Errorf("reading the start message: %w", err)
	}
	err := json.Unmarshal(req.Body, &s.cfg)
	if err == nil {
		err = s.setUp()
	}
	if err != nil {
		_ = wire.WriteFrame(s.w, wire.Reply{ID: req.ID, Err: wire.ToError(err)}, nil)
		return err
	}
	return wire.WriteFrame(s.w, wire.Reply{ID: req.ID}, nil)
}

func (s *server) setUp() error {
	var err error
	if s.tree, err = tree.Open(s.cfg.Root); err != nil {
		return err
	}
	if err := setLimits(s.cfg); err != nil {
		return err
	}
	reserveThreads()
	s.procs = newProcesses()
	s.disk = newDisk(s.cfg.Measured, s.cfg.Limits.Disk)
	return nil
}

func (s *server) answer(ctx context.Context, req wire.Request) {
	rep, err := s.do(ctx, req)
	rep.ID = req.ID
	if err != nil {
		rep.Err = wire.ToError(err)
	}
	s.out.Lock()
	defer s.out.Unlock()
	if err := wire.WriteFrame(s.w, rep, rep.Data); err != nil {
		_ = wire.WriteFrame(s.w, wire.Reply{ID: req.ID, Err: wire.ToError(err)}, nil)
	}
}

func (s *server) do(ctx context.Context, req wire.Request) (wire.Reply, error) {
	switch req.Op {
	case wire.OpExec:
		return handle(ctx, req, s.exec)
	case wire.OpRead:
		// The content travels beside the JSON.
		var data []byte
		rep, err := handle(ctx, req, func(ctx context.Context, in wire.ReadRequest) (sandbox.File, error) {
			f, err := s.tree.Read(ctx, in)
			data, f.Data = f.Data, nil
			return f, err
		})
		rep.Data = data
		return rep, err
	case wire.OpWrite:
		return handle(ctx, req, func(ctx context.Context, in sandbox.Write) (sandbox.File, error) {
			if err := s.disk.err(); err != nil {
				return sandbox.File{}, err
			}
			in.Data = req.Data
			return s.tree.Write(ctx, in)
		})
	case wire.OpSearch:
		return handle(ctx, req, s.tree.Search)
	case wire.OpList:
		return handle(ctx, req, s.tree.List)
	case wire.OpProbe:
		return handle(ctx, req, probe)
	default:
		return wire.Reply{}, fmt.Errorf("unknown operation %q", req.Op)
	}
}

func handle[In, Out any](ctx context.Context, req wire.Request, f func(context.Context, In) (Out, error)) (wire.Reply, error) {
	var in In
	if err := json.Unmarshal(req.Body, &in); err != nil {
		return wire.Reply{}, fmt.Errorf("decoding %s request: %w", req.Op, err)
	}
	out, err := f(ctx, in)
	if err != nil {
		return wire.Reply{}, err
	}
	body, err := json.Marshal(out)
	return wire.Reply{Body: body}, err
}

func (s *server) register(id uint64, cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels[id] = cancel
}

func (s *server) cancel(id uint64) {
	s.mu.Lock()
	cancel := s.cancels[id]
	delete(s.cancels, id)
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
