package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"honk/cmd/honk/parts"
	"honk/integrations/github"
	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/page"
	"honk/integrations/shift"
	"honk/integrations/slack"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/postgres/people"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/queue"
	"honk/queue/budget"
	"honk/queue/view"
	"honk/sandbox"
)

const (
	// reconcileEvery is how often missed webhooks are looked for, tidyEvery
	// how often the tokens of killed processes are.
	reconcileEvery = 10 * time.Minute
	tidyEvery      = 30 * time.Second
)

// building is what Run puts together, in the order of its making.
type building struct {
	cfg     *config.Config
	log     *slog.Logger
	name    string
	backend sandbox.Backend
	secrets *secret.Scanner
	tasks   *runner.Tasks
	git     *git.Git
	db      *database
	queue   *queue.Queue
	tokens  *forge.Tokens
	app     *client.App
	pages   *page.Pages
	door    *github.Door
	worker  *queue.Worker
	shifts  *shift.Door

	// slack, people and what follows are set where Slack is configured, link
	// where people can prove who they are.
	slack   *slack.Door
	people  people.Store
	link    http.Handler
	linkKey []byte
}

// workerName names this process among all that ever work.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:8]))
}

// ground makes what lies on this machine. It refuses to work when the sandbox
// is not tight.
func (b *building) ground(ctx context.Context, opts Options) (err error) {
	if b.secrets, err = parts.Scanner(b.cfg); err != nil {
		return err
	}
	if b.backend, err = parts.Backend(opts.Env, opts.Warn, b.cfg, ""); err != nil {
		return err
	}
	if err := b.backend.SelfTest(ctx); err != nil {
		return task.Errorf(task.CodeInvalid, "%w", err) // the machine is set up wrongly
	}
	if _, err := parts.DataDir(b.cfg); err != nil {
		return err
	}
	if b.tasks, err = runner.OpenTasks(b.cfg.DataDir); err != nil {
		return err
	}
	b.git, err = git.New(git.Options{Dir: b.cfg.DataDir, TasksDir: b.tasks.Dir(), Log: b.log})
	return err
}

// house makes what speaks to others.
func (b *building) house() (err error) {
	if b.queue, err = queue.New(b.db.DB, b.log); err != nil {
		return err
	}
	key := []byte(b.cfg.GitHub.PrivateKey.Reveal())
	b.tokens = &forge.Tokens{DB: b.db.DB, Worker: b.name, Key: key}
	b.app, err = client.New(client.Options{
		AppID: b.cfg.GitHub.AppID, PrivateKey: key, APIURL: b.cfg.GitHub.APIURL, Log: b.log,
		KeepFunc: b.tokens.Keep, ForgetFunc: b.tokens.Forget,
	})
	if err != nil {
		return err
	}
	b.pages, err = page.New(page.Options{
		PublicURL: b.cfg.PublicURL, Secrets: b.secrets, Sandbox: b.backend.Name() + ", no network",
		Model: b.cfg.LLM.Model, Judge: parts.JudgeMode(b.cfg, ""), CapUSD: b.cfg.Org.Limits.CostUSD,
	})
	if err != nil {
		return err
	}
	b.door = github.New(github.Options{
		App: b.app, DB: b.db.DB, Queue: b.queue, Pages: b.pages,
		WebhookSecrets: []config.Secret{b.cfg.GitHub.WebhookSecret, b.cfg.GitHub.WebhookSecretPrevious},
		GitURL:         b.cfg.GitHub.GitURL,
		Models:         slices.Sorted(maps.Keys(b.cfg.Org.Models)),
		Floor:          b.cfg.Org.Judge.Floor, Service: b.cfg.Org.Service,
		ViewFunc: b.view, Log: b.log,
	})
	if err := b.chat(); err != nil {
		return err
	}
	b.fleet()
	return b.hire()
}

// view gathers what people can be told of a task.
func (b *building) view(ctx context.Context, rec postgres.Record) (runner.View, error) {
	return view.Of(ctx, b.db.DB, rec)
}

// hire makes the worker.
func (b *building) hire() (err error) {
	s := b.cfg.Org.Service
	host, _, _ := strings.Cut(b.name, "-")
	doors := map[task.Source]queue.Door{
		task.SourceGitHub: {HandleFunc: b.door.Handle, Notifier: b.door, EditEvery: s.EditEvery},
		task.SourceShift:  {HandleFunc: b.shifts.Handle, Notifier: b.shifts},
	}
	chores := []queue.Chore{
		{Name: "reconcile", Every: reconcileEvery, AtStart: true, RunFunc: b.door.Reconcile},
		{Name: "tidy", Every: tidyEvery, AtStart: true, RunFunc: b.tidy},
	}
	chores = append(chores, b.manifests()...)
	if b.slack != nil {
		doors[task.SourceSlack] = queue.Door{
			HandleFunc: b.slack.Handle, Notifier: b.slack, EditEvery: b.cfg.Org.Slack.EditEvery,
		}
		chores = append(chores, queue.Chore{Name: "reconcile-slack", Every: reconcileEvery, AtStart: true, RunFunc: b.slack.Reconcile})
	}
	b.worker, err = queue.NewWorker(queue.WorkerOptions{
		DB: b.db.DB, Name: b.name, Host: host, RunFunc: b.newRunner().Run,
		Doors: doors,
		Tasks: s.Tasks, Room: postgres.Room{All: s.AllTasks, Repo: s.RepositoryTasks},
		Grace: s.Grace,
		Retention: postgres.Retention{
			Deliveries: s.Retention.Deliveries, Events: s.Retention.Events, Patches: s.Retention.Patches,
		},
		Chores: chores,
		Log:    b.log,
	})
	return err
}

func (b *building) newRunner() *runner.Runner {
	org := b.cfg.Org
	return runner.New(runner.Options{
		Forge: held{b.forge()}, Git: b.git, Backend: b.backend, Recorder: queue.Recorder{Queue: b.queue}, CrewFunc: b.crew,
		Publish: true, JudgeMode: parts.JudgeMode(b.cfg, ""), JudgeFloor: judge.Mode(org.Judge.Floor),
		Policy: parts.Policy(b.cfg), Secrets: b.secrets, Sandbox: parts.SandboxSpec(b.cfg),
		VerifyFunc: org.VerifyFor, InboxFunc: b.db.TakeNotes,
		Dir: b.cfg.DataDir, TasksDir: b.tasks.Dir(), Log: b.log,
	})
}

// crew engages agent and judge of a task.
func (b *building) crew(t task.Task) (runner.Crew, error) {
	if t.Request.Source == task.SourceShift {
		return b.shiftCrew(t)
	}
	return b.modelCrew(*b.cfg, t)
}

// modelCrew engages agent and judge on what a task and its day have left.
func (b *building) modelCrew(cfg config.Config, t task.Task) (runner.Crew, error) {
	if m := t.Request.Options.Model; m != "" {
		cfg.LLM.Model = m
	}
	spent, err := budget.Spent(context.Background(), b.db.DB, t.ID)
	if err != nil {
		return runner.Crew{}, err
	}
	l, day := cfg.Org.Limits, cfg.Org.Service.Budget
	return parts.NewCrew(&cfg, parts.Pay{
		Limits: l, Spent: spent.USD,
		Ledger: budget.Ledger(b.db.DB, t, budget.Caps{
			Task:    llm.Amount{USD: l.CostUSD, Tokens: l.Tokens},
			RepoDay: llm.Amount{USD: day.RepositoryDayUSD, Tokens: day.RepositoryDayTokens},
			Day:     llm.Amount{USD: day.DayUSD, Tokens: day.DayTokens},
		}),
		NoticeFunc: func(text string) { b.log.Info("task waits", "task_id", t.ID, "reason", text) },
	}, b.log)
}

// tidy revokes the tokens of killed processes.
func (b *building) tidy(ctx context.Context) error {
	lost, err := b.tokens.Lost(ctx)
	if err != nil {
		return err
	}
	for id, raw := range lost {
		if revokeErr := b.app.Revoke(ctx, raw); revokeErr != nil {
			err = errors.Join(err, revokeErr)
			continue
		}
		err = errors.Join(err, b.db.ForgetToken(ctx, id))
	}
	return err
}

// close takes down what was put up, in reverse.
func (b *building) close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if b.app != nil {
		err = errors.Join(err, b.app.Close(ctx))
	}
	if b.db != nil {
		err = errors.Join(err, b.db.close())
	}
	if b.tasks != nil {
		err = errors.Join(err, b.tasks.Close())
	}
	return err
}
