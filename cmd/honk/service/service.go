// Package service builds and runs the processes of the service: honk serve
// and honk work.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"

	"honk/internal/config"
	"honk/internal/task"
	"honk/internal/web"
)

// Options says what a process does.
type Options struct {
	// Env is the environment.
	Env  map[string]string
	Need config.Need
	// Warn is where a person at the terminal reads warnings.
	Warn io.Writer
	Log  *slog.Logger
	// ReadyFunc is called with the address of the server, "" where there is
	// none, once the process takes work. May be nil.
	ReadyFunc func(addr string)
}

// Run works until ctx ends, and then in order: no webhook is taken in any
// more, running tasks get their grace time or are handed back, tokens are
// revoked, the database is closed.
func Run(ctx context.Context, opts Options) (err error) {
	cfg, err := config.LoadService(opts.Env, opts.Need)
	if err != nil {
		return err
	}
	b := &building{cfg: cfg, log: opts.Log, name: workerName()}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.ground(ctx, opts); err != nil {
		return err
	}
	if b.db, err = openDatabase(ctx, cfg, opts.Log); err != nil {
		return err
	}
	if err := b.house(); err != nil {
		return err
	}
	var listener net.Listener
	if opts.Need.Webhooks {
		// Before the worker starts: a taken port costs no task its attempt.
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen); err != nil {
			return task.Errorf(task.CodeInvalid, "%w; set HONK_LISTEN to a free address", err)
		}
		defer listener.Close()
	}
	return b.run(ctx, listener, opts)
}

func (b *building) run(ctx context.Context, listener net.Listener, opts Options) error {
	if err := b.worker.Start(ctx); err != nil {
		return err
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all errgroup.Group
	addr := ""
	if listener != nil {
		addr = listener.Addr().String()
		all.Go(func() error {
			err := web.Serve(work, listener, web.Handler(web.Options{
				Webhooks: b.webhooks(), Link: b.link, ReadyFunc: b.db.Ping, Log: b.log,
			}), b.log)
			stop(err)
			return err
		})
	}
	if listener != nil && b.slack != nil && b.cfg.Slack.AppToken != "" {
		all.Go(func() error { b.listen(work); return nil })
	}
	all.Go(func() error { b.shifts.Run(work); return nil })
	all.Go(func() error {
		select {
		case <-b.db.died():
			err := fmt.Errorf("the private database ended: %w", b.db.private.Err())
			stop(err)
			return err
		case <-work.Done():
			return nil
		}
	})
	b.log.InfoContext(ctx, "working", "worker", b.name, "listen", addr, "tasks", b.cfg.Org.Service.Tasks)
	if opts.ReadyFunc != nil {
		opts.ReadyFunc(addr)
	}
	<-work.Done()
	b.log.InfoContext(ctx, "stopping", "grace", b.cfg.Org.Service.Grace.String())
	// ctx has ended: the grace time is the worker's own.
	err := all.Wait()
	return errors.Join(err, b.worker.Stop(context.WithoutCancel(ctx)))
}
