// Package guest is the helper inside every sandbox: the program itself,
// started again on the far side of the boundary, where it reads, writes and
// searches files and runs commands for the worker that holds its pipes.
//
// Main is the helper, Client the worker's end of the pipes. The client treats
// the helper as hostile, since the code that runs beside it may have turned
// it: every reply is capped, checked and waited for with a time limit.
package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"honk/sandbox"

	"golang.org/x/sys/unix"
)

// Marker is the first argument of a process that is to become a guest. No
// person types it.
const Marker = "@honk-sandbox-guest"

// maxFileRequests are answered at the same time; commands mostly wait.
const maxFileRequests = 16

// Config is what a guest is told when it starts.
type Config struct {
	// Root is the work tree as commands see it.
	Root string
	// Keep is a directory outside the work tree for kept output.
	Keep string
	// Env is the whole environment of commands.
	Env map[string]string
	// Measured are the directories whose growth Limits.Disk caps.
	Measured []string
	Limits   sandbox.Limits
	// Contained says that a cgroup caps memory and processes, so that the
	// guest need not.
	Contained bool
	// Shared says that the user of the commands runs other programs too, so
	// that a limit on its processes would count those.
	Shared bool
}

// Main turns the process into a guest that serves until the worker hangs up,
// and then exits, if the process was started as one; else it returns false at
// once. The program's main and the TestMain of every package that starts
// sandboxes call it before anything else:
//
//	if guest.Main() {
//		return
//	}
func Main() bool {
	if len(os.Args) < 2 || os.Args[1] != Marker {
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
	cfg   Config
	root  *os.Root
	procs *processes
	disk  *disk
	out   sync.Mutex // guards replies
	w     io.Writer
	files sync.Mutex // makes Write's compare and swap one step

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
		var req request
		if req.Data, err = readFrame(r, &req); err != nil {
			break
		}
		if req.Op == opCancel {
			s.cancel(req.ID)
			continue
		}
		reqCtx, cancel := context.WithCancel(ctx)
		s.register(req.ID, cancel)
		running.Go(func() {
			defer s.cancel(req.ID)
			if req.Op != opExec {
				slots <- struct{}{}
				defer func() { <-slots }()
			}
			s.answer(reqCtx, req)
		})
	}
	stop()
	s.procs.killAll()
	running.Wait()
	if err == io.EOF {
		return nil
	}
	return err
}

// handshake reads the configuration and answers it.
func (s *server) handshake(r io.Reader) error {
	var req request
	if _, err := readFrame(r, &req); err != nil {
		return fmt.Errorf("reading the start message: %w", err)
	}
	err := json.Unmarshal(req.Body, &s.cfg)
	if err == nil {
		err = s.setUp()
	}
	if err != nil {
		_ = writeFrame(s.w, reply{ID: req.ID, Err: toWire(err)}, nil)
		return err
	}
	return writeFrame(s.w, reply{ID: req.ID}, nil)
}

func (s *server) setUp() error {
	root, err := os.OpenRoot(s.cfg.Root)
	if err != nil {
		return fmt.Errorf("opening the work tree: %w", err)
	}
	s.root = root
	if err := setLimits(s.cfg); err != nil {
		return err
	}
	reserveThreads()
	s.procs = newProcesses()
	s.disk = newDisk(s.cfg.Measured, s.cfg.Limits.Disk)
	return nil
}

func (s *server) answer(ctx context.Context, req request) {
	rep, err := s.do(ctx, req)
	rep.ID = req.ID
	if err != nil {
		rep.Err = toWire(err)
	}
	s.out.Lock()
	defer s.out.Unlock()
	if err := writeFrame(s.w, rep, rep.Data); err != nil {
		_ = writeFrame(s.w, reply{ID: req.ID, Err: toWire(err)}, nil)
	}
}

func (s *server) do(ctx context.Context, req request) (reply, error) {
	switch req.Op {
	case opExec:
		return handle(ctx, req, s.exec)
	case opRead:
		// The content travels beside the JSON.
		var data []byte
		rep, err := handle(ctx, req, func(ctx context.Context, in readRequest) (sandbox.File, error) {
			f, err := s.read(ctx, in)
			data, f.Data = f.Data, nil
			return f, err
		})
		rep.Data = data
		return rep, err
	case opWrite:
		return handle(ctx, req, func(ctx context.Context, in sandbox.Write) (sandbox.File, error) {
			in.Data = req.Data
			return s.write(ctx, in)
		})
	case opSearch:
		return handle(ctx, req, s.search)
	case opList:
		return handle(ctx, req, s.list)
	case opProbe:
		return handle(ctx, req, probe)
	default:
		return reply{}, fmt.Errorf("unknown operation %q", req.Op)
	}
}

func handle[In, Out any](ctx context.Context, req request, f func(context.Context, In) (Out, error)) (reply, error) {
	var in In
	if err := json.Unmarshal(req.Body, &in); err != nil {
		return reply{}, fmt.Errorf("decoding %s request: %w", req.Op, err)
	}
	out, err := f(ctx, in)
	if err != nil {
		return reply{}, err
	}
	body, err := json.Marshal(out)
	return reply{Body: body}, err
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
