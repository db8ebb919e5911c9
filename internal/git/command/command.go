// Package command runs the git command with an environment and flags under
// which nothing that a repository says is executed. Nobody else in Honk starts
// git.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	// MaxOutput caps what a command may print, in bytes.
	MaxOutput = 64 << 20
	// maxStderr caps the complaint kept for the error.
	maxStderr = 4 << 10
	// waitDelay is how long a dead command's children may hold its pipes.
	waitDelay = 2 * time.Second
)

// userinfo finds the credentials of a URL.
var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]*@`)

// Repo is a git directory of ours: its config file is one that New wrote.
type Repo struct {
	// Binary is the git command's path.
	Binary string
	// Dir is the git directory.
	Dir string
}

// Command is one run of git.
type Command struct {
	Args  []string
	Stdin io.Reader
	// Worktree and Index are for the commands that need them.
	Worktree, Index string
	// Env is added to the fixed environment, for this process only.
	Env []string
	// Secret must not appear in an error.
	Secret string
}

// flags precede every subcommand. What is set here beats any config file.
func flags() []string {
	settings := []string{
		"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null",
		"core.excludesFile=/dev/null", "core.autocrlf=false", "core.symlinks=true",
		"safe.bareRepository=explicit", "protocol.file.allow=never", "submodule.recurse=false",
		"core.commitGraph=false", "diff.ignoreSubmodules=all", "credential.helper=", "http.followRedirects=false",
		"gc.auto=0", "maintenance.auto=false", "checkout.workers=0", "pack.writeReverseIndex=false",
		"push.negotiate=true",
	}
	out := make([]string, 0, 2*len(settings))
	for _, s := range settings {
		out = append(out, "-c", s)
	}
	return out
}

// environment is all that a git process sees of the world.
func (r Repo) environment() []string {
	return []string{
		"PATH=" + filepath.Dir(r.Binary) + ":/usr/local/bin:/usr/bin:/bin",
		"HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "GIT_LFS_SKIP_SMUDGE=1",
	}
}

// Run executes git and returns what it printed. The error holds its scrubbed
// complaint.
func (r Repo) Run(ctx context.Context, c Command) ([]byte, error) {
	args := flags()
	if r.Dir != "" {
		args = append(args, "--git-dir="+r.Dir)
	}
	if c.Worktree != "" {
		args = append(args, "--work-tree="+c.Worktree)
	}
	cmd := exec.CommandContext(ctx, r.Binary, append(args, c.Args...)...)
	cmd.Env = append(r.environment(), "GIT_ALLOW_PROTOCOL=https")
	if c.Index != "" {
		cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+c.Index)
	}
	cmd.Env = append(cmd.Env, c.Env...) // the last of equal names counts
	cmd.Dir = "/"
	if c.Worktree != "" {
		cmd.Dir = c.Worktree
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	stdout, stderr := &capped{max: MaxOutput}, &capped{max: maxStderr, cut: true}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, stdout, stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case stdout.over:
		err = ErrTooMuch // git only says that nobody reads on
	}
	if err != nil {
		return nil, &runError{name: c.Args[0], complaint: scrub(stderr.buf.String(), c.Secret), cause: err}
	}
	return stdout.buf.Bytes(), nil
}

// Line runs a command that prints one line.
func (r Repo) Line(ctx context.Context, args ...string) (string, error) {
	out, err := r.Run(ctx, Command{Args: args})
	return strings.TrimSpace(string(out)), err
}

// runError is a git command that did not do its work.
type runError struct {
	name, complaint string
	cause           error
}

func (e *runError) Error() string {
	if e.complaint == "" {
		return fmt.Sprintf("running git %s: %v", e.name, e.cause)
	}
	return fmt.Sprintf("running git %s: %s: %v", e.name, e.complaint, e.cause)
}

func (e *runError) Unwrap() error { return e.cause }

// Complains reports whether err is a git command whose complaint holds one of
// the texts. Messages are stable under LC_ALL=C.
func Complains(err error, texts ...string) bool {
	var e *runError
	if !errors.As(err, &e) {
		return false
	}
	for _, text := range texts {
		if strings.Contains(e.complaint, text) {
			return true
		}
	}
	return false
}

// scrub makes a complaint fit for a log: one line, no credentials, nothing
// that drives a terminal. Parts of it are the remote server's words.
func scrub(text, secret string) string {
	text = userinfo.ReplaceAllString(text, "$1")
	if secret != "" {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	text = strings.Join(strings.Fields(text), " ")
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// ErrTooMuch is why a command with more than MaxOutput bytes of output fails.
var ErrTooMuch = errors.New("too much output")

// capped keeps the first max bytes. Past them it fails, so that the process
// ends, or with cut swallows the rest. The buffer is no part of its methods:
// one that reads by itself would know no cap.
type capped struct {
	buf  bytes.Buffer
	max  int
	cut  bool
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.max - c.buf.Len()
	if len(p) <= room {
		return c.buf.Write(p)
	}
	c.buf.Write(p[:max(room, 0)])
	if c.cut {
		return len(p), nil
	}
	c.over = true
	return 0, ErrTooMuch
}
