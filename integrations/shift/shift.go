// Package shift makes fleet shifts run: it looks at their targets, applies
// manifests, lets rows act as the pure core in fleet decides, and takes in
// what becomes of it from the queue, the forge and people.
//
// What a row is about to do is stored in the row before it is done, and the
// result after; whoever is killed in between leaves an act that is done again
// and finds what is there.
package shift

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"honk/fleet/ledger"
	"honk/integrations/shift/act"
	"honk/integrations/shift/board"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/look"
	"honk/integrations/shift/order"
	"honk/integrations/shift/see"
	"honk/internal/postgres"
	"honk/internal/task"
)

// Submitter is the queue, as far as shifts need it.
type Submitter interface {
	// Submit accepts a request if the conditions hold in its transaction.
	Submit(ctx context.Context, req task.Request, when ...func(context.Context, *postgres.Tx) (bool, error)) (task.Task, bool, error)
	// Receive stores a delivery once, to be handled by a worker.
	Receive(ctx context.Context, d task.Delivery) (bool, error)
}

// Forge is where the repositories are, as far as shifts need it.
type Forge interface {
	look.Forge
	act.Forge
	see.Forge
}

// Options says what a Door works with. All but AutoPrompt and Timezones
// are required.
type Options struct {
	DB    *postgres.DB
	Queue Submitter
	Forge Forge
	// Agent names the model and the version of the agent.
	Agent string
	// AutoPrompt are the prompt shifts that may merge by themselves.
	AutoPrompt []string
	// Timezones are where owners work; the others are in UTC.
	Timezones map[string]string
	// Limits are what the forge allows.
	Limits ledger.Limits
	// Poll is how often what is out at the forge is looked at, should a
	// webhook have been lost.
	Poll time.Duration
	Log  *slog.Logger
}

// Door drives shifts. It implements runner.Notifier for their tasks, and is
// safe for concurrent use.
type Door struct {
	Options

	// Keep is where shifts are remembered.
	Keep *keep.Store
	// Orders is what people want of shifts.
	Orders order.Orders

	// woken says that a row may act sooner than the next tick.
	woken chan struct{}

	mu sync.Mutex
	// board is what the last tick remembers, nil when it must look anew.
	board *board.Board
}

// New returns a Door.
func New(opts Options) *Door {
	d := &Door{
		Options: opts, woken: make(chan struct{}, 1),
		Keep: keep.New(keep.Options{DB: opts.DB, Agent: opts.Agent, AutoPrompt: opts.AutoPrompt, Limits: opts.Limits}),
	}
	d.Orders = order.Orders{Keep: d.Keep, StepFunc: d.step, WakeFunc: d.wake, Log: opts.Log}
	return d
}

// zone is where an owner works, nil where that is not known.
func (d *Door) zone(owner string) *time.Location {
	zone, err := time.LoadLocation(d.Timezones[owner])
	if err != nil {
		return nil
	}
	return zone
}

// actor acts at the forge.
func (d *Door) actor() *act.Actor {
	return &act.Actor{DB: d.DB, Forge: d.Forge, ProveFunc: d.prove, FreshFunc: d.fresh, Log: d.Log}
}
