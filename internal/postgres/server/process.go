package server

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a program of PostgreSQL's that we started.
type process struct {
	cmd  *exec.Cmd
	pid  int
	dead chan struct{}
}

// environment is all that PostgreSQL sees of ours.
func environment() []string { return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"} }

// launch starts a program as the cluster's user. It gets a session of its own,
// so that a Ctrl-C meant for Honk does not stop the database under its feet,
// and is told to shut down when Honk dies. The kernel counts the death of the
// thread that started it, and Go ends threads as it likes: this one is held
// until the program has ended.
func (c *cluster) launch(ctx context.Context, argv []string, output *os.File) (*process, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "/", environment()
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGINT}
	if c.user != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.user.uid, Gid: c.user.gid}
		cmd.ExtraFiles = []*os.File{c.file} // becomes handedDown
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	p := &process{cmd: cmd, dead: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // state tells
			close(p.dead)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// state says how a dead process ended.
func (p *process) state() string { return p.cmd.ProcessState.String() }

// stop ends the process: first in the way that keeps the next start short,
// which may take limit. It reports whether that was enough.
func (p *process) stop(limit time.Duration) bool {
	for _, try := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{{syscall.SIGINT, limit}, {syscall.SIGQUIT, immediateLimit}, {syscall.SIGKILL, immediateLimit}} {
		_ = p.cmd.Process.Signal(try.signal)
		select {
		case <-p.dead:
			return try.signal == syscall.SIGINT
		case <-time.After(try.limit):
		}
	}
	return false
}
