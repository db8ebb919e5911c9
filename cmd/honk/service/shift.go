package service

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"honk/agent"
	"honk/agent/script"
	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/page"
	github "honk/integrations/github/shift"
	"honk/integrations/shift"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/queue"
	"honk/sandbox"
)

const (
	// tickEvery is how often shifts go on, pollEvery how often what they have
	// at the forge is looked at, should a webhook have been lost.
	tickEvery = 2 * time.Second
	pollEvery = 5 * time.Minute
)

// fleet makes what drives shifts.
func (b *building) fleet() {
	b.shifts = newShifts(b.cfg, b.log, shiftParts{db: b.db.DB, queue: b.queue, app: b.app, pages: b.pages, tasks: b.forge()})
	b.door.SeenFunc = b.shifts.Seen
}

// forge is GitHub as the runner sees it.
func (b *building) forge() *forge.Forge {
	return forge.New(forge.Options{
		App: b.app, Git: b.git, Pages: b.pages, GitURL: b.cfg.GitHub.GitURL,
		PullRequest: b.cfg.Org.Service.PullRequest, Log: b.log,
	})
}

// shiftParts is what shifts are driven with.
type shiftParts struct {
	db    *postgres.DB
	queue *queue.Queue
	app   *client.App
	pages *page.Pages
	// tasks pushes and may be nil for a command that only looks.
	tasks *forge.Forge
}

func newShifts(cfg *config.Config, log *slog.Logger, p shiftParts) *shift.Door {
	reads := github.New(github.Options{App: p.app, GitURL: cfg.GitHub.GitURL, Log: log})
	return shift.New(shift.Options{
		DB: p.db, Queue: p.queue, Forge: shiftForge{Forge: reads, app: p.app, tasks: p.tasks, pages: p.pages},
		Agent: cfg.LLM.Model, Poll: pollEvery, Log: log,
	})
}

// OpenShifts returns the service's shifts for one command of the operator's.
// done revokes the tokens that are left, and closes the database.
func OpenShifts(ctx context.Context, cfg *config.Config, log *slog.Logger) (d *shift.Door, done func(), err error) {
	if cfg.GitHub.AppID == 0 {
		return nil, nil, task.Errorf(task.CodeInvalid, "shifts need a GitHub App: set HONK_GITHUB_APP_ID and HONK_GITHUB_PRIVATE_KEY_FILE")
	}
	app, err := client.New(client.Options{
		AppID: cfg.GitHub.AppID, PrivateKey: []byte(cfg.GitHub.PrivateKey.Reveal()), APIURL: cfg.GitHub.APIURL, Log: log,
	})
	if err != nil {
		return nil, nil, err
	}
	db, err := Open(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	q, err := queue.New(db, log)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return newShifts(cfg, log, shiftParts{db: db, queue: q, app: app}), func() {
		if err := app.Close(context.WithoutCancel(ctx)); err != nil {
			log.WarnContext(ctx, "tokens not revoked", "error", err)
		}
		db.Close()
	}, nil
}

// held keeps the change of a shift's task: it goes out once the shift gives
// leave.
type held struct{ *forge.Forge }

// Publish implements runner.Forge.
func (h held) Publish(ctx context.Context, p runner.Publication) (task.PullRequest, error) {
	if p.Task.Request.Source == task.SourceShift {
		return task.PullRequest{Branch: p.Branch}, nil
	}
	return h.Forge.Publish(ctx, p)
}

// shiftCrew engages who makes the change of a shift's task.
func (b *building) shiftCrew(t task.Task) (runner.Crew, error) {
	j, err := b.shifts.Job(context.Background(), t)
	if err != nil {
		return runner.Crew{}, err
	}
	cfg := *b.cfg
	l := &cfg.Org.Limits
	l.Steps, l.Time = cmp.Or(j.Limits.MaxSteps, l.Steps), cmp.Or(j.Limits.Timeout, l.Time)
	l.CostUSD = cmp.Or(j.Limits.CostPerTarget, l.CostUSD)
	crew, err := b.modelCrew(cfg, t)
	if err != nil {
		return crew, err
	}
	worker := shiftAgent{Agent: crew.Agent, job: j, log: b.log}
	crew.Agent, crew.Once = worker, len(j.Script) > 0
	return crew, nil
}

// shiftAgent makes the change of a shift's task: by its script, or by the
// agent that it wraps.
type shiftAgent struct {
	runner.Agent
	job shift.Job
	log *slog.Logger
}

// firstTime bounds each of the commands that come first.
const firstTime = 2 * time.Minute

// Run implements runner.Agent.
func (a shiftAgent) Run(ctx context.Context, in agent.Input) (agent.Result, error) {
	for _, args := range a.job.First {
		res, err := in.Sandbox.Exec(ctx, sandbox.Command{Args: args, Dir: a.job.Dir, Timeout: firstTime})
		if err != nil {
			return agent.Result{Exit: agent.ExitFailed, Reason: err.Error()}, err
		}
		if res.ExitCode != 0 {
			reason := "skip: " + secret.Clean(args[0], 80) + " does not end with 0"
			return agent.Result{Exit: agent.ExitNoChange, Reason: reason, Summary: reason}, nil
		}
	}
	if len(a.job.Script) == 0 {
		return a.Agent.Run(ctx, in)
	}
	patch, err := in.DiffFunc(ctx)
	if err != nil {
		return agent.Result{Exit: agent.ExitFailed, Reason: err.Error()}, err
	}
	a.job.Env["SHIFT_BASE_SHA"] = patch.Base
	made, err := script.New(script.Options{Script: a.job.Script, Env: a.job.Env, Dir: a.job.Dir, Timeout: a.job.Timeout, Log: a.log})
	if err != nil {
		return agent.Result{Exit: agent.ExitFailed, Reason: err.Error()}, err
	}
	return made.Run(ctx, in)
}
