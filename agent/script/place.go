package script

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"honk/agent"
	"honk/internal/task"
	"honk/sandbox"
)

const (
	// pieceSize is how much of a script one argument carries: encoded it stays
	// below the 128 KiB that Linux allows, and it is a multiple of three, so
	// that encoded pieces can be joined.
	pieceSize = 90 << 10
	// piecesPerCall is how many arguments one command carries, far below the
	// 2 MiB that Linux allows them together.
	piecesPerCall = 4
	// placeTime bounds each of the commands around the script.
	placeTime = time.Minute
)

// room is where a program runs that makes the change.
type room struct {
	sandbox sandbox.Sandbox
	args    []string
	// outputs is where it sees $SHIFT_OUTPUT.
	outputs string
	// leaveFunc ends all that lives in the room, readFunc then reads the
	// outputs, and freeFunc frees what is left.
	leaveFunc, freeFunc func() error
	readFunc            func(ctx context.Context) (out json.RawMessage, problem string, err error)
}

// enter makes the room: the task's own sandbox for a script.
func (a *Agent) enter(ctx context.Context, in agent.Input) (*room, error) {
	if a.opts.Image != nil {
		return a.enterImage(ctx, in)
	}
	at, err := place(ctx, in.Sandbox, a.opts.Script)
	if err != nil {
		return nil, fmt.Errorf("putting the script into the sandbox: %w", err)
	}
	nothing := func() error { return nil }
	return &room{
		sandbox: in.Sandbox, args: append(slices.Clone(a.interpreter), at.script), outputs: at.outputs,
		leaveFunc: nothing, freeFunc: nothing,
		readFunc: func(ctx context.Context) (json.RawMessage, string, error) {
			return readShell(ctx, in.Sandbox, at.outputs)
		},
	}, nil
}

// paths are where a sandbox sees what belongs to a script.
type paths struct{ script, outputs string }

// place puts a script into a new directory among the sandbox's temporary
// files. It travels as arguments, for there is no better way: commands have no
// standard input, mounts are fixed when the sandbox starts, and the sandbox
// writes files in the work tree only, where an end between writing and moving
// would make the script part of the change. Encoded, every byte survives.
func place(ctx context.Context, sb sandbox.Sandbox, script []byte) (paths, error) {
	dir, err := shell(ctx, sb, `umask 077; d="${TMPDIR:-/tmp}/$1" && mkdir "$d" && printf %s "$d"`, "honk-"+rand.Text())
	if err != nil {
		return paths{}, err
	}
	at := paths{script: dir + "/script", outputs: dir + "/outputs.json"}
	var pieces []string
	for piece := range slices.Chunk(script, pieceSize) {
		pieces = append(pieces, base64.StdEncoding.EncodeToString(piece))
	}
	for args := range slices.Chunk(pieces, piecesPerCall) {
		args = append([]string{at.script}, args...)
		if _, err := shell(ctx, sb, `f=$1; shift; printf %s "$@" | base64 -d >>"$f"`, args...); err != nil {
			return paths{}, err
		}
	}
	return at, nil
}

// shell runs a command of ours and returns what it prints.
func shell(ctx context.Context, sb sandbox.Sandbox, text string, args ...string) (string, error) {
	res, err := sb.Exec(ctx, sandbox.Command{
		Args: append([]string{"/bin/sh", "-c", text, "sh"}, args...), Timeout: placeTime,
	})
	if err != nil {
		return "", err
	}
	if res.ExitCode != 0 || res.Limit != "" {
		return "", task.Errorf(task.CodeSandbox, "the sandbox cannot take a script: %w",
			fmt.Errorf("exit status %d: %s", res.ExitCode, lastLine(res.Stderr)))
	}
	return string(res.Stdout.Bytes()), nil
}
