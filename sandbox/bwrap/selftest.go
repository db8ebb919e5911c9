package bwrap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest/client"
	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

// SelfTest implements sandbox.Backend. It plants files and listeners outside
// a sandbox and tries to reach them from inside: the host's files, its
// processes, its network, and life after Close.
func (b *Backend) SelfTest(ctx context.Context) error {
	t, err := b.newTrial(ctx)
	if err != nil {
		return task.Errorf(task.CodeSandbox, "preparing the sandbox test: %w", err)
	}
	defer t.close()
	sb, err := b.Start(ctx, sandbox.Spec{Label: "self-test", Dir: t.work})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	result, err := sb.(*client.Client).Probe(ctx, t.probes())
	if err != nil {
		return err
	}
	if len(result.Escapes) > 0 {
		return task.Errorf(task.CodeSandbox, "the sandbox does not hold: %s worked inside; "+
			"no task may run on this machine", result.Escapes[0])
	}
	return t.daemon(ctx, sb)
}

// trial is what lies around a sandbox under test.
type trial struct {
	dir      string
	work     string
	file     string
	created  string
	tcp      net.Listener
	abstract net.Listener
	pulse    *os.File // a pipe the daemon holds open as long as it lives
}

func (b *Backend) newTrial(ctx context.Context) (*trial, error) {
	dir, err := os.MkdirTemp(b.opts.Scratch, "honk-self-test-")
	if err != nil {
		return nil, err
	}
	t := &trial{
		dir:     dir,
		work:    filepath.Join(dir, "work"),
		file:    filepath.Join(dir, "canary"),
		created: filepath.Join(dir, "created"),
	}
	fifo := filepath.Join(t.work, "pulse")
	var listen net.ListenConfig
	steps := []func() error{
		func() error { return os.Mkdir(t.work, 0o700) },
		func() error { return os.WriteFile(t.file, []byte(rand.Text()), 0o644) },
		func() error { return unix.Mkfifo(fifo, 0o600) },
		func() (err error) {
			t.pulse, err = os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
			return err
		},
		func() (err error) {
			t.tcp, err = listen.Listen(ctx, "tcp", "127.0.0.1:0")
			return err
		},
		func() (err error) {
			t.abstract, err = listen.Listen(ctx, "unix", "@"+filepath.Base(dir))
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

func (t *trial) close() {
	if t.pulse != nil {
		_ = t.pulse.Close()
	}
	for _, l := range []net.Listener{t.tcp, t.abstract} {
		if l != nil {
			_ = l.Close()
		}
	}
	_ = os.RemoveAll(t.dir)
}

func (t *trial) probes() wire.ProbeRequest {
	home, _ := os.UserHomeDir()
	read := []string{
		"/etc/shadow", "/etc/ssh", "/root/.ssh", t.file,
		"/proc/1/root" + t.file, "/var/run/docker.sock", "/sys/kernel", "/var/lib", "/boot",
	}
	if home != "" {
		read = append(read, filepath.Join(home, ".ssh"), filepath.Join(home, ".netrc"), filepath.Join(home, ".config"))
	}
	return wire.ProbeRequest{
		Read: read,
		Write: []string{
			"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/etc/passwd",
			"/usr/bin/env", guestHelper,
		},
		Create: []string{t.created, "/created", "/usr/created", "/etc/created", "/dev/created"},
		Dial: []string{
			"tcp", t.tcp.Addr().String(),
			"unix", t.abstract.Addr().String(),
			"unix", "/var/run/docker.sock",
			"unix", "/run/docker.sock",
			// Connecting a UDP socket sends nothing: it works if and only if
			// there is a route. The metadata service's addresses, and one
			// that is for documentation only.
			"udp", "169.254.169.254:80",
			"udp", "[fd00:ec2::254]:80",
			"udp", "192.0.2.1:443",
			"udp", "[2001:db8::1]:443",
		},
	}
}

// daemon leaves a process behind that left its session, and looks whether it
// is dead when the command is over.
func (t *trial) daemon(ctx context.Context, sb sandbox.Sandbox) error {
	result, err := sb.Exec(ctx, sandbox.Command{
		Args: []string{"/bin/sh", "-c", "exec 9>pulse; echo up >&9; " +
			"(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' &) >/dev/null 2>&1"},
		Timeout: 5 * time.Second,
	})
	if err != nil {
		return err
	}
	_ = t.pulse.SetReadDeadline(time.Now().Add(2 * time.Second))
	words, err := io.ReadAll(t.pulse)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return task.Errorf(task.CodeSandbox, "the sandbox does not hold: a process outlived its command")
	case err != nil:
		return task.Errorf(task.CodeSandbox, "testing the sandbox: %w", err)
	case len(words) == 0:
		return task.Errorf(task.CodeSandbox, "testing the sandbox: %w",
			fmt.Errorf("the test's process did not start: exit %d: %s", result.ExitCode, result.Stderr.Bytes()))
	}
	return nil
}
