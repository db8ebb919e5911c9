// Package slack is the door to Slack: it takes in what people say to Honk
// there, finds out who they are at the forge and which repository they mean,
// and answers in the thread where they asked.
//
// What Slack sends is verified, stored and acknowledged; nothing remote
// happens in between. What it asks for is done by a worker, which may do it
// twice: every outward act is either the same when repeated or looked for
// before it is made.
package slack

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/integrations/slack/missed"
	"honk/integrations/slack/page"
	"honk/integrations/slack/route"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/postgres/people"
	"honk/internal/runner"
	"honk/internal/task"
)

// Submitter is the queue, as far as the door needs it.
type Submitter interface {
	// Submit accepts a request if the conditions hold in its transaction.
	// The same delivery again is the same task.
	Submit(ctx context.Context, req task.Request, when ...func(context.Context, *postgres.Tx) (bool, error)) (task.Task, bool, error)
	// Receive stores a delivery once, to be handled by a worker.
	Receive(ctx context.Context, d task.Delivery) (bool, error)
	// Reply owes a thread a message, once per key.
	Reply(ctx context.Context, n task.Notice, key string) error
}

// Forge is where the repositories are, as far as the door needs it.
type Forge interface {
	// Repos returns the repositories that Honk works in, those last pushed
	// to first.
	Repos(ctx context.Context) ([]task.Listing, error)
	// Rights returns what an account may do in a repository.
	Rights(ctx context.Context, repo task.Repo, login string) (task.Rights, error)
	// Subject returns an issue or pull request as a person sees it.
	Subject(ctx context.Context, repo task.Repo, number int) (string, error)
	// File returns a file at a ref, the default branch where it is empty, and
	// whether there is one.
	File(ctx context.Context, repo task.Repo, ref, path string) (string, bool, error)
}

// Options says what a Door works with. All but GuessFunc and InviteFunc are
// required.
type Options struct {
	Slack  *client.Client
	DB     *postgres.DB
	People people.Store
	Queue  Submitter
	Forge  Forge
	Pages  *page.Pages
	// SigningSecrets are those that requests may be signed with.
	SigningSecrets []config.Secret
	// GitHost is the host in links to repositories.
	GitHost string
	// Models are the names that a request may choose from.
	Models []string
	// Floor is the mildest judge that a request may ask for.
	Floor config.JudgeMode
	Rules config.SlackRules
	// ViewFunc gathers what can be told of a task.
	ViewFunc func(ctx context.Context, rec postgres.Record) (runner.View, error)
	// GuessFunc asks a model which of some repositories a request means, and
	// why; "" when it does not know. Nil where no model is to be asked.
	GuessFunc func(ctx context.Context, prompt string, among route.Catalogue) (repo, reason string, err error)
	// InviteFunc returns the address at which somebody proves who they are at
	// the forge. Nil where that is not set up.
	InviteFunc func(ctx context.Context, team, account, name string) (string, error)
	Log        *slog.Logger
}

// Door is the door to Slack. It implements http.Handler for what Slack sends
// and runner.Notifier, and is safe for concurrent use.
type Door struct {
	Options
	seeker missed.Seeker
}

// New returns a Door.
func New(opts Options) *Door {
	d := &Door{Options: opts}
	d.seeker = missed.Seeker{Slack: opts.Slack, People: opts.People, TakeFunc: d.take}
	return d
}

// Reconcile looks for mentions that Slack could not tell of.
func (d *Door) Reconcile(ctx context.Context) error { return d.seeker.Seek(ctx) }

// spot is a message, or a thread, by its team and channel. Written out it is
// the name of both in our tables.
type spot struct{ team, channel, ts string }

func (s spot) String() string { return s.team + "/" + s.channel + "/" + s.ts }

// place is where a spot's thread is, for the client.
func (s spot) place() client.Place { return client.Place{Channel: s.channel, Thread: s.ts} }

func parseSpot(name string) (spot, error) {
	p := strings.Split(name, "/")
	if len(p) != 3 {
		return spot{}, task.Errorf(task.CodeInternal, "%q is no thread of Slack's", name)
	}
	return spot{p[0], p[1], p[2]}, nil
}

// threadOf is the thread in which an event happens, or that it begins.
func threadOf(e event.Event) spot {
	ts := e.ThreadTS
	if ts == "" {
		ts = e.TS
	}
	return spot{e.TeamID, e.Channel, ts}
}

func isMissing(err error) bool { return errors.Is(err, postgres.ErrNotFound) }

// ignoreMissing is err, unless it says that a row is not there.
func ignoreMissing(err error) error {
	if isMissing(err) {
		return nil
	}
	return err
}
