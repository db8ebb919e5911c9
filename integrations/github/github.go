// Package github is the door to GitHub: it takes webhooks in, understands what
// people with write access ask for, and answers where they asked.
//
// A webhook is verified, stored and answered; nothing remote happens in it.
// What it asks for is done by a worker, which may do it twice: every outward
// act is either the same when repeated or looked for before it is made.
package github

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/integrations/github/page"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

// trigger is the word that begins a command.
const trigger = "/honk"

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

// Options says what a Door works with. All but what is about shifts
// is required.
type Options struct {
	App   *client.App
	DB    *postgres.DB
	Queue Submitter
	Pages *page.Pages
	// WebhookSecrets are those that webhooks may be signed with.
	WebhookSecrets []config.Secret
	// GitURL is the base URL that repositories are cloned from.
	GitURL string
	// Models are the names that a request may choose from.
	Models []string
	// Floor is the mildest judge that a request may ask for.
	Floor   config.JudgeMode
	Service config.Service
	// ViewFunc gathers what can be told of a task.
	ViewFunc func(ctx context.Context, rec postgres.Record) (runner.View, error)
	// SeenFunc is told that something happened on a branch of a repository,
	// and reports whether that is a shift's. Nil where there are none.
	SeenFunc func(ctx context.Context, repo, branch string) (bool, error)
	// MovedFunc is told that the default branch of a repository has moved. Nil
	// where there are no shifts.
	MovedFunc func(ctx context.Context, repo string) error
	// Manifests is where shifts come from.
	Manifests Manifests
	Log       *slog.Logger
}

// Manifests is the repository that shifts come from. The zero value is none.
type Manifests struct {
	// Repo is owner/name.
	Repo string
	// HandleFunc does what a push or a pull request there asks for, and
	// returns what became of it in a few words.
	HandleFunc func(ctx context.Context, e event.Event) (string, error)
}

// Door is the door to GitHub. It implements http.Handler for webhooks and
// runner.Notifier, and is safe for concurrent use.
type Door struct {
	Options

	reconciling sync.Mutex
	reconciled  time.Time // what came before is known
}

// New returns a Door.
func New(opts Options) *Door { return &Door{Options: opts} }

// Threads are named by the number of their issue or pull request. The thread
// below a review comment adds that comment's number: 12/review/345.
func thread(number int) string { return strconv.Itoa(number) }

func reviewThread(number int, comment int64) string {
	return fmt.Sprintf("%d/review/%d", number, comment)
}

// parseThread returns the number of an issue or pull request, and of a review
// comment, 0 for none.
func parseThread(name string) (number int, comment int64, err error) {
	first, rest, _ := strings.Cut(name, "/review/")
	if number, err = strconv.Atoi(first); err == nil && rest != "" {
		comment, err = strconv.ParseInt(rest, 10, 64)
	}
	if err != nil {
		return 0, 0, task.Errorf(task.CodeInternal, "%q is no thread of GitHub's", name)
	}
	return number, comment, nil
}

// reply owes a thread a message of its own; it is given once per key.
func (d *Door) reply(ctx context.Context, repo task.Repo, thread, key, text string) error {
	return d.Queue.Reply(ctx, task.Notice{
		Source: task.SourceGitHub, Repo: repo, Thread: thread, Text: text,
	}, key)
}
