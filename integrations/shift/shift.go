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

	"honk/fleet"
	"honk/integrations/shift/act"
	"honk/integrations/shift/keep"
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

// Options says what a Door works with. All but AutoPrompt are required.
type Options struct {
	DB    *postgres.DB
	Queue Submitter
	Forge Forge
	// Agent names the model and the version of the agent.
	Agent string
	// AutoPrompt are the prompt shifts that may merge by themselves.
	AutoPrompt []string
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

	mu sync.Mutex
	// looked is when a row was last looked at, at the forge.
	looked map[fleet.Key]time.Time
}

// New returns a Door.
func New(opts Options) *Door {
	return &Door{
		Options: opts, Keep: keep.New(opts.DB, opts.Agent, opts.AutoPrompt), looked: map[fleet.Key]time.Time{},
	}
}

// actor acts at the forge.
func (d *Door) actor() *act.Actor {
	return &act.Actor{DB: d.DB, Forge: d.Forge, ReplayFunc: d.replay, Log: d.Log}
}
