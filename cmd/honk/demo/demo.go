// Package demo shows a whole task on one machine, without an account and
// without a key: the service with its private database, a stand-in for GitHub
// on the loopback, and a recorded model. What is no stand-in is real: the
// signed webhook, the queue, git, the sandbox, the tools, the verifiers and
// the checks.
package demo

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/githubtest"
	"honk/internal/postgres"
	"honk/internal/rmtree"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
)

var (
	//go:embed repo.txtar
	repository []byte
	//go:embed model.yaml
	recording []byte
)

// Who asks whom for what.
const (
	asker    = "ada"
	owner    = "acme"
	repoName = owner + "/till"
	title    = "Splitting an amount loses cents"
	report   = "Three people share 10.00, and the shares add up to 9.99. TestSplitKeepsEveryCent says so too."
	prompt   = "Fix Split: TestSplitKeepsEveryCent fails because cents get lost. Add a test for amounts that do not divide evenly."
)

// Options are what the demonstration has of the outside world.
type Options struct {
	// Env is the environment. Of Honk's variables only those of the model
	// and HONK_SANDBOX count.
	Env map[string]string
	// Out is where the demonstration is shown.
	Out io.Writer
}

// stage is a running demonstration.
type stage struct {
	opts    Options
	dir     string
	started time.Time
	forge   *githubtest.Forge
	service *running
	db      *postgres.DB
	issue   int
	// webhookSecret is shared by forge and service.
	webhookSecret string
	// unhappy says that the task was not delivered.
	unhappy bool
	// closers run in reverse.
	closers []func() error
}

// Run shows a task from the comment that asks for it to the pull request, and
// returns how it ended. When ctx ends, so does everything that was started.
func Run(ctx context.Context, opts Options) (end task.Outcome, err error) {
	s := &stage{opts: opts, started: time.Now()}
	defer func() { err = s.end(ctx, err) }()
	if err := s.set(ctx); err != nil {
		return end, err
	}
	id, err := s.ask(ctx)
	if err != nil {
		return end, err
	}
	rec, err := s.follow(ctx, id)
	if err != nil {
		return end, err
	}
	var res runner.Result
	if err := json.Unmarshal(rec.Result, &res); err != nil {
		return end, fmt.Errorf("reading how the task ended: %w", err)
	}
	s.unhappy = res.Status != task.StatusDelivered
	return res.Outcome, s.tell(ctx, id, res)
}

// ask does what a person does at the forge, and returns the task that comes of
// it.
func (s *stage) ask(ctx context.Context) (task.ID, error) {
	var err error
	if s.issue, err = s.forge.OpenIssue(asker, repoName, title, report); err != nil {
		return "", err
	}
	s.say("@"+asker, "opens issue #%d: %s", s.issue, title)
	if _, err := s.forge.Comment(githubtest.At{Login: asker, Repo: repoName, Number: s.issue}, "/honk "+prompt); err != nil {
		return "", err
	}
	s.say("@"+asker, "comments: /honk %s", prompt)
	if err := s.forge.WaitDeliveries(ctx); err != nil {
		return "", err
	}
	for _, d := range s.forge.Deliveries() {
		if d.Event == "issue_comment" && d.Action == "created" {
			s.say("webhook", "%s, signed, to POST /webhooks/github: answered %d in %d ms", d.Event, d.Status, d.Took.Milliseconds())
			if d.Status/100 != 2 {
				return "", fmt.Errorf("the webhook was answered %d %s", d.Status, secret.Clean(d.Answer, 200))
			}
			break
		}
	}
	return s.accepted(ctx)
}

// accepted waits for the task.
func (s *stage) accepted(ctx context.Context) (id task.ID, err error) {
	err = s.await(ctx, func() (bool, error) {
		records, err := s.db.Tasks(ctx, "", 1)
		if err != nil || len(records) == 0 {
			return false, err
		}
		id = records[0].ID
		return true, nil
	})
	if err == nil {
		s.say("task", "%s, accepted: @%s may write to %s", id, asker, repoName)
	}
	return id, err
}

// poll is how often is looked for what has happened.
const poll = 50 * time.Millisecond

// await calls done until it returns true, as long as the service runs.
func (s *stage) await(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.service.done:
			return s.service.ended()
		case <-tick.C:
		}
	}
}

// say prints a line: when, who, what. The words may be the model's.
func (s *stage) say(who, format string, args ...any) {
	text := strings.Join(strings.Fields(secret.Clean(fmt.Sprintf(format, args...), 400)), " ")
	fmt.Fprintf(s.opts.Out, "%6.1fs  %-8s  %s\n", time.Since(s.started).Seconds(), who, text)
}

// end stops everything, and removes all but what was named to the person.
func (s *stage) end(ctx context.Context, err error) error {
	for _, c := range slices.Backward(s.closers) {
		err = errors.Join(err, c())
	}
	switch {
	case s.dir == "":
		return err
	case ctx.Err() != nil:
		// Whatever broke first, the interrupt is the reason.
		return errors.Join(context.Cause(ctx), rmtree.Remove(s.dir))
	case s.service == nil:
		return errors.Join(err, rmtree.Remove(s.dir))
	}
	err = errors.Join(err, rmtree.Remove(filepath.Join(s.dir, "data")))
	if err != nil || s.unhappy {
		fmt.Fprintf(s.opts.Out, "\nWhat the service did is in its log: %s\n", s.service.logFile)
	}
	return err
}
