package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"honk/cmd/honk/service"
	"honk/integrations/github/githubtest"
	"honk/internal/config"
	"honk/internal/postgres/server"
	"honk/internal/task"
)

// running is the service in this process.
type running struct {
	logFile string
	done    chan struct{}
	err     error // after done
}

// ended says why the service is no longer there.
func (r *running) ended() error {
	return cmp.Or(r.err, errors.New("the service ended"))
}

// set sets the stage: model, forge, service.
func (s *stage) set(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "honk-demo-"); err != nil {
		return fmt.Errorf("making the demo's directory: %w", err)
	}
	env, org, err := s.environment(ctx)
	if err != nil {
		return err
	}
	if err := s.requirePostgres(ctx); err != nil {
		return err
	}
	if err := s.openForge(ctx); err != nil {
		return err
	}
	env["HONK_GITHUB_APP_ID"] = strconv.FormatInt(s.forge.AppID(), 10)
	env["HONK_GITHUB_PRIVATE_KEY"] = string(s.forge.PrivateKey())
	env["HONK_GITHUB_API_URL"] = strings.TrimSuffix(s.forge.APIURL(), "/")
	env["HONK_GITHUB_GIT_URL"] = strings.TrimSuffix(s.forge.GitURL(), "/")
	if err := errors.Join(os.Mkdir(env["HONK_DATA_DIR"], 0o700), os.WriteFile(env["HONK_CONFIG"], org, 0o600)); err != nil {
		return fmt.Errorf("writing the demo's honk.yaml: %w", err)
	}
	return s.serve(ctx, env)
}

// requirePostgres says at once that there is none. Another database, which the
// service would take as well, is not for a demonstration to write to.
func (s *stage) requirePostgres(ctx context.Context) error {
	_, _, err := server.Programs(ctx, filepath.Join(s.dir, "data", "postgres"))
	if err == nil || ctx.Err() != nil {
		return err
	}
	reason, _, _ := strings.Cut(err.Error(), " or set HONK_DATABASE_URL")
	return task.Errorf(task.CodeInvalid, "the demo starts a private database, but %s", strings.TrimRight(reason, ", "))
}

// openForge opens the stand-in for GitHub, with a repository that the App is
// installed for and a person who may write to it.
func (s *stage) openForge(ctx context.Context) (err error) {
	s.webhookSecret = rand.Text()
	s.forge, err = githubtest.New(githubtest.Options{Dir: filepath.Join(s.dir, "forge"), WebhookSecret: s.webhookSecret})
	if err != nil {
		return err
	}
	if err := s.forge.Start(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, s.forge.Close)
	files := map[string]string{}
	for _, f := range txtar.Parse(repository).Files {
		files[f.Name] = string(f.Data)
	}
	if _, err := s.forge.CreateRepo(ctx, githubtest.NewRepo{Name: repoName, Files: files}); err != nil {
		return err
	}
	s.forge.AddUser(asker)
	if err := s.forge.SetPermission(repoName, asker, "write"); err != nil {
		return err
	}
	if _, err := s.forge.Install(owner); err != nil {
		return err
	}
	s.say("forge", "%s, a stand-in for GitHub: repository %s, the App is installed", s.forge.URL(), repoName)
	return nil
}

// serve starts the service and returns when it takes webhooks.
func (s *stage) serve(ctx context.Context, env map[string]string) error {
	env["HONK_GITHUB_WEBHOOK_SECRET"] = s.webhookSecret
	s.service = &running{logFile: filepath.Join(s.dir, "service.log"), done: make(chan struct{})}
	log, err := os.OpenFile(s.service.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	work, stop := context.WithCancel(ctx)
	ready := make(chan string, 1)
	go func() {
		defer close(s.service.done)
		s.service.err = service.Run(work, service.Options{
			Env: env, Need: config.Need{Webhooks: true, AnySandbox: true}, Warn: log,
			Log: slog.New(slog.NewTextHandler(log, nil)), ReadyFunc: func(addr string) { ready <- addr },
		})
	}()
	s.closers = append(s.closers, func() error {
		defer log.Close()
		select {
		case <-s.service.done:
			// Whoever waited for it has said why.
			stop()
			return nil
		default:
		}
		stop()
		<-s.service.done
		return s.service.err
	})
	var addr string
	select {
	case addr = <-ready:
	case <-s.service.done:
		return s.service.ended()
	}
	s.forge.SetWebhookURL("http://" + addr + "/webhooks/github")
	cfg, err := config.Load(env)
	if err != nil {
		return err
	}
	if s.db, err = service.Open(ctx, cfg); err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { s.db.Close(); return nil })
	s.say("honk", "http://%s, honk serve with a private PostgreSQL", addr)
	return nil
}
