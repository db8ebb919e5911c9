// Package script makes a change with a program instead of a model: the
// deterministic transform of a shift, as an agent that the runner can work
// with. The program is a script, which runs in the task's sandbox, or a
// command of an image, which runs in a sandbox of its own whose / is the image.
//
// It runs once, in the checkout at the base commit. Exit status 0 says that it has finished, and the diff decides what that
// means; 20 that the repository is to be skipped; 21 that a person is needed;
// any other that it failed. The last line of its standard error is the reason.
// What it says beyond that, it writes as a JSON object to $SHIFT_OUTPUT.
package script

import (
	"bytes"
	"cmp"
	"log/slog"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"honk/internal/task"
)

const (
	// MaxScript is how large a script may be, in bytes.
	MaxScript = 1 << 20
	// DefaultTimeout is how long a script may run where nobody says.
	DefaultTimeout = 15 * time.Minute
	// maxLine caps the line that names the interpreter, as Linux does.
	maxLine = 255
	// maxValue caps the value of a variable, in bytes.
	maxValue = 32 << 10
)

// outputVar tells the script where to write its outputs.
const outputVar = "SHIFT_OUTPUT"

// variable matches the names of Options.Env.
var variable = regexp.MustCompile(`^SHIFT_(REPO|UNIT|BASE_SHA|PARAM_[A-Z0-9_]{1,64})$`)

// Options is what an Agent is made with.
type Options struct {
	// Script is required unless there is an Image. Its first line says what
	// runs it, as in #!/usr/bin/env python3, else /bin/sh does.
	Script []byte
	// Image is what Command runs in, in place of a script.
	Image   *Image
	Command []string
	// Env holds SHIFT_REPO, SHIFT_UNIT, SHIFT_BASE_SHA and SHIFT_PARAM_*;
	// other names are refused.
	Env map[string]string
	// Dir is where the script runs: the unit's directory, relative to the
	// root of the repository, which it is when empty.
	Dir string
	// Timeout ends the script and all that it has started; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	Log     *slog.Logger
}

// Agent runs a script or a command on a checkout. It is safe for concurrent
// use.
type Agent struct {
	opts Options
	// interpreter is the command in front of the script's path.
	interpreter []string
	// kind is what its event is called, noun what people are told of.
	kind, noun string
}

// New returns an Agent. An error is for the author of the shift.
func New(opts Options) (*Agent, error) {
	a := &Agent{kind: "script", noun: "script"}
	if opts.Image != nil {
		a.kind, a.noun = "container", "command"
	}
	if err := a.check(opts); err != nil {
		return nil, err
	}
	if opts.Image == nil {
		var err error
		if a.interpreter, err = interpreter(opts.Script); err != nil {
			return nil, err
		}
	}
	opts.Env, opts.Command = maps.Clone(opts.Env), slices.Clone(opts.Command)
	opts.Script = bytes.Clone(opts.Script)
	opts.Timeout = cmp.Or(opts.Timeout, DefaultTimeout)
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	a.opts = opts
	return a, nil
}

func (a *Agent) check(opts Options) error {
	switch n := len(opts.Script); {
	case opts.Image != nil && len(opts.Command) == 0:
		return task.Errorf(task.CodeInvalid, "neither the shift nor its image says which command to run; add spec.transform.container.command")
	case opts.Image == nil && n == 0:
		return task.Errorf(task.CodeInvalid, "the script is empty")
	case n > MaxScript:
		return task.Errorf(task.CodeInvalid, "the script has %d bytes, at most %d are possible", n, MaxScript)
	case opts.Timeout < 0:
		return task.Errorf(task.CodeInvalid, "the %s's timeout cannot be %s", a.noun, opts.Timeout)
	}
	if dir := opts.Dir; dir != "" && !filepath.IsLocal(dir) || strings.ContainsRune(dir, 0) {
		return task.Errorf(task.CodeInvalid, "the directory %q does not lie in the repository", dir)
	}
	for _, name := range slices.Sorted(maps.Keys(opts.Env)) {
		if !variable.MatchString(name) {
			return task.Errorf(task.CodeInvalid, "a %s cannot be given the variable %q; "+
				"there are SHIFT_REPO, SHIFT_UNIT, SHIFT_BASE_SHA and SHIFT_PARAM_ with capitals, digits and _", a.noun, name)
		}
		if v := opts.Env[name]; len(v) > maxValue || strings.ContainsRune(v, 0) {
			return task.Errorf(task.CodeInvalid, "the value of %s has more than %d bytes or holds a NUL", name, maxValue)
		}
	}
	return nil
}

// interpreter returns the command that runs a script. Its first line is read
// here rather than by the kernel, so that a temporary directory from which
// nothing may be executed does no harm.
func interpreter(script []byte) ([]string, error) {
	line, _, _ := bytes.Cut(script, []byte("\n"))
	line, named := bytes.CutPrefix(line, []byte("#!"))
	if !named {
		return []string{"/bin/sh"}, nil
	}
	text := strings.Trim(string(line), " \t")
	program, arg := text, ""
	if at := strings.IndexAny(text, " \t"); at >= 0 {
		program, arg = text[:at], strings.Trim(text[at:], " \t")
	}
	switch {
	case len(line) > maxLine:
		return nil, task.Errorf(task.CodeInvalid, "the script's first line is longer than %d bytes", maxLine)
	case strings.ContainsAny(text, "\r\x00"):
		return nil, task.Errorf(task.CodeInvalid, "the script's first line ends as on Windows or holds a NUL; save it with plain line ends")
	case !path.IsAbs(program):
		return nil, task.Errorf(task.CodeInvalid, "the script's first line names %q, which is no absolute path; "+
			"write #!/usr/bin/env in front of it", program)
	case arg == "":
		return []string{program}, nil
	}
	// All that follows is one argument, as it is to the kernel.
	return []string{program, arg}, nil
}
