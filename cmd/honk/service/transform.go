package service

import (
	"context"
	"errors"
	"maps"
	"path/filepath"

	"honk/agent"
	"honk/agent/script"
	"honk/internal/config/registry"
	"honk/sandbox"
	"honk/sandbox/image"
)

// images is what containers of shifts are made of.
type images struct {
	*image.Store
	backend sandbox.Backend
	// dir is this process's own, cleaned up after it.
	dir string
}

// images are kept beside the mirrors.
func (b *building) images() (images, error) {
	known, err := registry.Parse(b.cfg.Registry.Config.Reveal())
	if err != nil {
		return images{}, err
	}
	logins := map[string]image.Login{}
	for host, login := range known {
		logins[host] = image.Login(login)
	}
	store := image.New(image.Options{Dir: filepath.Join(b.cfg.DataDir, "images"), Logins: logins, Log: b.log})
	return images{Store: store, backend: b.backend, dir: b.tasks.Dir()}, nil
}

// transform lets the program make the change in a directory.
func (a shiftAgent) transform(ctx context.Context, in agent.Input, dir string) (res agent.Result, err error) {
	env := maps.Clone(a.job.Env)
	env["SHIFT_BASE_SHA"], env["SHIFT_UNIT"] = in.Base, dir
	opts := script.Options{Script: a.job.Script, Env: env, Dir: dir, Timeout: a.job.Timeout, Log: a.log}
	if c := a.job.Container; c != nil {
		var img *image.Image
		if img, err = a.images.Open(ctx, c.Image); err != nil {
			return res, err
		}
		defer func() { err = errors.Join(err, img.Close()) }()
		opts.Image = &script.Image{Backend: a.images.backend, RootFS: img.Root, Env: maps.Clone(img.Env), Dir: a.images.dir}
		maps.Copy(opts.Image.Env, c.Env)
		if opts.Command = c.Command; len(c.Command) == 0 {
			opts.Command = img.Command
		}
	}
	made, err := script.New(opts)
	if err != nil {
		return res, err
	}
	return made.Run(ctx, in)
}
