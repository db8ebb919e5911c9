package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"honk/agent"
	"honk/internal/rmtree"
	"honk/sandbox"
)

// Image is what a command runs in.
type Image struct {
	// Backend starts the sandboxes.
	Backend sandbox.Backend
	// RootFS is the unpacked image, see sandbox.Spec.
	RootFS string
	// Env is the environment: the image's and the shift's, but for what this
	// package adds.
	Env map[string]string
	// Dir is where the directory for the outputs is made.
	Dir string
}

const (
	// guestOutputs is where the directory for the outputs is inside, and
	// outputsFile the file in it.
	guestOutputs = "/run/shift"
	outputsFile  = "outputs.json"
	// margin is what a sandbox lives longer than its command may run.
	margin = time.Minute
)

// enterImage starts a sandbox whose / is the image, over the work tree of the
// task's own sandbox, which does nothing meanwhile. Mounts and environment of
// that one are not the image's to see.
func (a *Agent) enterImage(ctx context.Context, in agent.Input) (*room, error) {
	img := a.opts.Image
	dir, err := os.MkdirTemp(img.Dir, "outputs-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the outputs: %w", err)
	}
	limits := in.Spec.Limits.WithDefaults()
	limits.Lifetime = max(limits.Lifetime, a.opts.Timeout+margin)
	sb, err := img.Backend.Start(ctx, sandbox.Spec{
		Label: in.Spec.Label, Dir: in.Spec.Dir, RootFS: img.RootFS, Env: img.Env, Limits: limits,
		Mounts: []sandbox.Mount{{Host: dir, Guest: guestOutputs, Writable: true}},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the image: %w", err), rmtree.Remove(dir))
	}
	return &room{
		sandbox: sb, args: a.opts.Command, outputs: path.Join(guestOutputs, outputsFile),
		leaveFunc: sb.Close,
		readFunc: func(ctx context.Context) (json.RawMessage, string, error) {
			return img.read(ctx, in.Spec.Label, dir)
		},
		freeFunc: func() error { return errors.Join(sb.Close(), rmtree.Remove(dir)) },
	}, nil
}

// read reads the outputs from inside of a sandbox of their own: an image need
// not have a program to read them with, and nobody opens on the host what a
// stranger has written.
func (i *Image) read(ctx context.Context, label, dir string) (out json.RawMessage, problem string, err error) {
	sb, err := i.Backend.Start(ctx, sandbox.Spec{Label: label, Dir: dir})
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, sb.Close()) }()
	file, err := sb.Read(ctx, outputsFile, maxOutputs+1)
	if bad, ok := errors.AsType[*sandbox.PathError](err); ok {
		return nil, bad.Reason, nil
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", nil
	case err != nil:
		return nil, "", err
	}
	return checked(file.Data)
}
