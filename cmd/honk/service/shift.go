package service

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"honk/fleet/ledger"
	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/page"
	github "honk/integrations/github/shift"
	"honk/integrations/shift"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue"
)

// pollEvery is how often what shifts have at the forge is looked at, should a
// webhook have been lost.
const pollEvery = 15 * time.Minute

// fleet makes what drives shifts.
func (b *building) fleet() {
	b.shifts = newShifts(b.cfg, b.log, shiftParts{db: b.db.DB, queue: b.queue, app: b.app, pages: b.pages, tasks: b.forge()})
	b.door.SeenFunc, b.door.MovedFunc = b.shifts.Seen, b.shifts.Moved
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
	b := cfg.Org.Shifts.Budget
	reads := github.New(github.Options{App: p.app, GitURL: cfg.GitHub.GitURL, Log: log})
	return shift.New(shift.Options{
		DB: p.db, Queue: p.queue, Forge: shiftForge{Forge: reads, app: p.app, tasks: p.tasks, pages: p.pages},
		Limits: ledger.Limits{PointsPerMinute: b.MinutePoints, ContentPerMinute: b.MinuteContent, ContentPerHour: b.HourContent, Spacing: b.Spacing},
		Agent:  cfg.LLM.Model, AutoPrompt: cfg.Org.Shifts.AutoPrompt, Timezones: cfg.Org.Shifts.Timezones, Poll: pollEvery, Log: log,
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
	worker := shiftAgent{Agent: crew.Agent, job: j, resumed: t.Request.Resume != "", log: b.log}
	if worker.images, err = b.images(); err != nil {
		return crew, err
	}
	crew.Agent, crew.Once, crew.Proof = worker, worker.programmed(), j.Proof
	return crew, nil
}
