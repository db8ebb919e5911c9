package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"honk/sandbox"
	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

const (
	// termGrace lies between SIGTERM and SIGKILL.
	termGrace = 2 * time.Second
	// drainGrace is for the last bytes in a pipe whose writers are dead.
	drainGrace = time.Second
	// keptFiles is how many whole outputs are kept.
	keptFiles = 8
)

// exec runs one command.
func (s *server) exec(ctx context.Context, cmd sandbox.Command) (sandbox.ExecResult, error) {
	if err := s.disk.err(); err != nil {
		return sandbox.ExecResult{}, err
	}
	dir, err := s.tree.Directory(cmd.Dir)
	if err != nil {
		return sandbox.ExecResult{}, err
	}
	if len(cmd.Args) == 0 {
		return notStarted(127, "no command given"), nil
	}
	env := maps.Clone(s.cfg.Env)
	maps.Copy(env, cmd.Env)
	argv0, err := lookPath(cmd.Args[0], env["PATH"], dir)
	if err != nil {
		return notStarted(127, err.Error()), nil
	}
	return s.run(ctx, job{cmd: cmd, argv0: argv0, dir: dir, env: env})
}

// job is a command that is known to exist.
type job struct {
	cmd   sandbox.Command
	argv0 string
	dir   string
	env   map[string]string
}

func (s *server) run(ctx context.Context, j job) (sandbox.ExecResult, error) {
	began := time.Now()
	outs, err := s.open(j.cmd)
	if err != nil {
		return sandbox.ExecResult{}, err
	}
	defer outs.close()
	s.disk.begin()
	defer s.disk.done()
	proc, err := s.procs.start(j.argv0, j.cmd.Args, &syscall.ProcAttr{
		Dir:   j.dir,
		Env:   environ(j.env),
		Files: outs.files(),
	})
	outs.started()
	if err != nil {
		return notStarted(126, fmt.Sprintf("%s: %v", j.cmd.Args[0], err)), nil
	}
	limit(proc.pid, s.cfg)
	result := s.await(ctx, proc, j.cmd.Timeout, outs)
	if !s.procs.end(proc.tag) {
		return sandbox.ExecResult{}, errors.New("processes of the command survive being killed")
	}
	result.Stdout, result.Stderr = outs.drain()
	if outs.over.Load() {
		result.Limit = "output"
	}
	result.Duration = time.Since(began)
	return result, nil
}

// await waits for the command's own process and ends it when it must.
func (s *server) await(ctx context.Context, proc process, timeout time.Duration, outs *outputs) sandbox.ExecResult {
	var result sandbox.ExecResult
	var expired, hard <-chan time.Time
	if timeout > 0 {
		expired = time.After(timeout)
	}
	over, disk, cancelled := outs.overflow, s.disk.over(), ctx.Done()
	census := s.census()
	defer census.Stop()
	for {
		select {
		case e := <-proc.exited:
			result.ExitCode = exitCode(e.status)
			if result.TimedOut && result.ExitCode == 0 {
				// It ended well when asked to; its work is not done.
				result.ExitCode = 128 + int(unix.SIGTERM)
			}
			if result.Limit == "" && !result.TimedOut {
				result.Limit = limitOf(result.ExitCode)
			}
			return result
		case <-expired:
			expired, result.TimedOut = nil, true
			s.procs.signal(proc.tag, unix.SIGTERM)
			hard = time.After(termGrace)
		case <-cancelled:
			cancelled = nil
			s.procs.signal(proc.tag, unix.SIGTERM)
			hard = time.After(termGrace)
		case <-over:
			over, result.Limit = nil, "output"
			hard = time.After(0)
		case <-disk:
			disk, result.Limit = nil, "disk"
			hard = time.After(0)
		case <-census.C:
			if pids, _ := s.procs.family(); len(pids) > s.cfg.Limits.Processes {
				result.Limit = "processes"
				hard = time.After(0)
			}
		case <-hard:
			// Again and again: a fork may have escaped the last round.
			s.procs.signal(proc.tag, unix.SIGKILL)
			hard = time.After(100 * time.Millisecond)
		}
	}
}

// census ticks when processes must be counted: without a cgroup there is only
// RLIMIT_NPROC, and the kernel does not hold root to it.
func (s *server) census() *time.Ticker {
	if s.cfg.Contained {
		return time.NewTicker(time.Hour)
	}
	return time.NewTicker(100 * time.Millisecond)
}

// limitOf names the limit whose signal ended a process, or the last process
// of a shell.
func limitOf(code int) string {
	switch code {
	case 128 + int(unix.SIGXCPU):
		return "cpu"
	case 128 + int(unix.SIGXFSZ):
		return "file_size"
	default:
		return ""
	}
}

func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

func notStarted(code int, text string) sandbox.ExecResult {
	return sandbox.ExecResult{ExitCode: code, Stderr: sandbox.Output{Head: []byte(text + "\n")}}
}

// lookPath finds a program in path, the sandbox's own.
func lookPath(name, path, dir string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s: no such file", name)
		}
		return name, nil
	}
	for _, d := range filepath.SplitList(path) {
		file := filepath.Join(d, name)
		stat, err := os.Stat(file)
		if err == nil && stat.Mode().IsRegular() && stat.Mode().Perm()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: command not found", name)
}

func environ(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}

// outputs are the pipes of one command.
type outputs struct {
	null     *os.File
	pipes    []*pipe // standard output, then standard error unless merged
	over     atomic.Bool
	overflow chan struct{}
	budget   atomic.Int64
}

// pipe is read into a stream until its last writer is gone.
type pipe struct {
	r, w   *os.File
	stream *stream
	done   chan struct{}
}

func (s *server) open(cmd sandbox.Command) (*outputs, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	o := &outputs{null: null, overflow: make(chan struct{})}
	o.budget.Store(s.cfg.Limits.Output)
	size := cmd.MaxOutput
	if size <= 0 {
		size = wire.MaxOutput
	}
	var keep func() *os.File
	if cmd.Keep {
		keep = s.keepFile
	}
	n := 2
	if cmd.Merge {
		n = 1
	}
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			o.close()
			return nil, err
		}
		p := &pipe{r: r, w: w, stream: newStream(min(size, wire.MaxData/4), keep), done: make(chan struct{})}
		o.pipes = append(o.pipes, p)
	}
	return o, nil
}

func (o *outputs) files() []uintptr {
	last := o.pipes[len(o.pipes)-1]
	return []uintptr{o.null.Fd(), o.pipes[0].w.Fd(), last.w.Fd()}
}

// started closes the command's ends and begins to read.
func (o *outputs) started() {
	for _, p := range o.pipes {
		_ = p.w.Close()
		go func() {
			defer close(p.done)
			o.copy(p)
		}()
	}
}

// copy reads a pipe; past the budget it discards, so that a command that is
// about to be killed does not fill memory.
func (o *outputs) copy(p *pipe) {
	buf := make([]byte, 32<<10)
	for {
		n, err := p.r.Read(buf)
		if n > 0 && o.budget.Add(-int64(n)) >= 0 {
			_, _ = p.stream.Write(buf[:n])
		} else if n > 0 && !o.over.Swap(true) {
			close(o.overflow)
		}
		if err != nil {
			return
		}
	}
}

// drain waits for the last bytes and returns what was captured.
func (o *outputs) drain() (stdout, stderr sandbox.Output) {
	streams := make([]sandbox.Output, 2)
	for i, p := range o.pipes {
		_ = p.r.SetReadDeadline(time.Now().Add(drainGrace))
		<-p.done
		streams[i] = p.stream.output()
	}
	return streams[0], streams[1]
}

func (o *outputs) close() {
	_ = o.null.Close()
	for _, p := range o.pipes {
		_ = p.r.Close()
		_ = p.w.Close()
	}
}

// keepFile makes a file for a whole output and removes the oldest.
func (s *server) keepFile() *os.File {
	f, err := os.CreateTemp(s.cfg.Keep, "output-*.txt")
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, f.Name())
	if len(s.kept) > keptFiles {
		_ = os.Remove(s.kept[0])
		s.kept = s.kept[1:]
	}
	return f
}
