// Package doctor looks at everything Honk works with and says of each in a
// line whether it is well, else what to do about it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"honk/cmd/honk/parts"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/secret"
	"honk/internal/task"
)

// patience bounds one check: what does not answer for so long is not well.
const patience = time.Minute

// Options are what the doctor has of the outside world.
type Options struct {
	Env map[string]string
	// Out is where the lines go.
	Out io.Writer
	Log *slog.Logger
}

// note says what is missing without being an ailment.
type note string

func (n note) Error() string { return string(n) }

// check is one thing to look at. checkFunc returns what is well, an error that
// names the remedy, or a note.
type check struct {
	name      string
	checkFunc func(ctx context.Context) (string, error)
}

// house is what is looked at.
type house struct {
	opts Options
	cfg  *config.Config
	out  io.Writer
	ill  bool
}

// Run makes all checks and reports whether all is well.
func Run(ctx context.Context, opts Options) (well bool, err error) {
	cfg, err := config.Load(opts.Env)
	h := &house{opts: opts, cfg: cfg, out: opts.Out}
	h.look(ctx, check{"configuration", func(context.Context) (string, error) { return "read", err }})
	if err != nil {
		return false, nil
	}
	for _, c := range []check{
		{"data directory", func(context.Context) (string, error) { return parts.DataDir(cfg) }},
		{"git", h.git},
		{"sandbox", h.sandbox},
		{"model", h.model},
		{"database", h.database},
	} {
		h.look(ctx, c)
	}
	h.github(ctx)
	h.slack(ctx)
	return !h.ill, ctx.Err()
}

// look makes a check and prints its line.
func (h *house) look(ctx context.Context, c check) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it took too long"))
	defer cancel()
	mark := "✓"
	text, err := c.checkFunc(ctx)
	switch remark, isNote := errors.AsType[note](err); {
	case err == nil:
	case isNote:
		mark, text = "–", string(remark)
	default:
		h.ill = true
		mark, text = "✗", err.Error()
	}
	// The words of others may be in it.
	text = secret.Clean(strings.TrimRight(text, "\n"), 4000)
	fmt.Fprintf(h.out, "%s %s: %s\n", mark, c.name, strings.ReplaceAll(text, "\n", "\n         "))
}

func (h *house) git(context.Context) (string, error) {
	_, err := git.New(git.Options{Dir: h.cfg.DataDir, Log: h.opts.Log})
	return "found, new enough", err
}

func (h *house) sandbox(ctx context.Context) (string, error) {
	backend, err := parts.Backend(h.opts.Env, io.Discard, h.cfg, "")
	if err != nil {
		return "", err
	}
	if err := backend.SelfTest(ctx); err != nil {
		return "", inContainer(err)
	}
	if !backend.Isolates() {
		return "", note("host: no isolation at all; use bwrap for anything you did not write")
	}
	return backend.Name() + ": no escape probe got out", nil
}

// inContainer adds what a container has to be started with.
func inContainer(err error) error {
	for _, sign := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, statErr := os.Stat(sign); statErr == nil {
			return fmt.Errorf("%w\nthis is a container: start it with --security-opt seccomp=deploy/seccomp.json "+
				"--security-opt apparmor=unconfined --security-opt systempaths=unconfined, as docker-compose.yml does; "+
				"where the machine itself restricts user namespaces (Ubuntu 23.10 and newer), set there "+
				"kernel.apparmor_restrict_unprivileged_userns=0", err)
		}
	}
	return err
}

func (h *house) model(ctx context.Context) (string, error) {
	if err := h.cfg.LLM.Require(); err != nil {
		return "", err
	}
	client, err := parts.NewClient(h.cfg, h.cfg.LLM.Model, h.opts.Log)
	if err != nil {
		return "", err
	}
	if err := client.Probe(ctx); err != nil {
		return "", task.Errorf(task.CodeUnavailable, "%s at %s: %w", h.cfg.LLM.Model, h.cfg.LLM.BaseURL, err)
	}
	return h.cfg.LLM.Model + " at " + h.cfg.LLM.BaseURL + " answers and calls tools", nil
}
