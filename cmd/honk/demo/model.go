package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"honk/internal/config"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
	"honk/sandbox/bwrap"
)

// policy is the demonstration's honk.yaml. This machine's own is for real
// models, and of it only what is said of them counts.
type policy struct {
	Models  map[string]config.Model `yaml:"models,omitempty"`
	Limits  *config.Limits          `yaml:"limits,omitempty"`
	Service any                     `yaml:"service"`
}

// environment returns the service's environment without the forge's part, and
// its honk.yaml. Nothing of the person's own Honk gets in but the model, when
// a real one is configured, and the sandbox. The first lines that a person
// reads say what is real.
func (s *stage) environment(ctx context.Context) (env map[string]string, org []byte, err error) {
	env = maps.Clone(s.opts.Env)
	maps.DeleteFunc(env, func(name, _ string) bool {
		return strings.HasPrefix(name, "HONK_") || strings.HasPrefix(name, "OPENAI_")
	})
	env["HONK_DATA_DIR"] = filepath.Join(s.dir, "data")
	env["HONK_CONFIG"] = filepath.Join(s.dir, "data", "honk.yaml")
	env["HONK_LISTEN"] = "127.0.0.1:0"
	env["HONK_SANDBOX"] = s.opts.Env["HONK_SANDBOX"]
	own := policy{Service: map[string]string{"edit_every": "200ms", "grace": "1s"}}
	if s.opts.Env["HONK_LLM_BASE_URL"] != "" {
		err = s.realModel(env, &own)
	} else {
		err = s.recordedModel(ctx, env)
	}
	if err != nil {
		return nil, nil, err
	}
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	org, err = yaml.Marshal(own)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the demo's honk.yaml: %w", err)
	}
	return env, org, nil
}

// realModel takes over the configured model, and the limits that it has.
func (s *stage) realModel(env map[string]string, own *policy) error {
	cfg, err := config.Load(s.opts.Env)
	if err != nil {
		return err
	}
	if err := cfg.LLM.Require(); err != nil {
		return err
	}
	env["HONK_LLM_BASE_URL"], env["HONK_LLM_MODEL"] = cfg.LLM.BaseURL, cfg.LLM.Model
	env["HONK_LLM_API_KEY"], env["HONK_JUDGE_MODEL"] = cfg.LLM.APIKey.Reveal(), cfg.LLM.JudgeModel
	own.Models, own.Limits = cfg.Org.Models, &cfg.Org.Limits
	fmt.Fprintf(s.opts.Out, "The model in this demo is real, %s at %s; the forge is a stand-in for GitHub on\n"+
		"this machine. Service, database, git, sandbox, tools, verifiers and checks are real.\n\n", cfg.LLM.Model, cfg.LLM.BaseURL)
	return nil
}

// recordedModel serves the recording. It does only what is written in it, so
// a machine without a sandbox is none to be turned away.
func (s *stage) recordedModel(ctx context.Context, env map[string]string) (err error) {
	fmt.Fprint(s.opts.Out, "The model in this demo is a recording, and the forge is a stand-in for GitHub on\n"+
		"this machine. Service, database, git, sandbox, tools, verifiers and checks are real.\n\n")
	if env["HONK_LLM_BASE_URL"], err = s.serveRecording(ctx); err != nil {
		return err
	}
	env["HONK_LLM_MODEL"] = "recording"
	if env["HONK_SANDBOX"] != "" {
		return nil
	}
	err = bwrap.New(bwrap.Options{}).SelfTest(ctx)
	if err != nil && task.CodeOf(err) != task.CodeCancelled && ctx.Err() == nil {
		fmt.Fprintf(s.opts.Out, "There is no sandbox on this machine: %v.\n"+
			"The recording does only what is written in it, so the demo goes on without one;\n"+
			"honk run and honk serve would not.\n\n", err)
		env["HONK_SANDBOX"] = "host"
	}
	return ctx.Err()
}

// serveRecording serves the recorded model on a port of this machine.
func (s *stage) serveRecording(ctx context.Context) (base string, err error) {
	steps, err := llmtest.Parse(recording)
	if err != nil {
		return "", err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serving the recorded model: %w", err)
	}
	server := &http.Server{Handler: llmtest.NewServer(steps...), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.closers = append(s.closers, func() error {
		err := server.Close()
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	})
	return "http://" + listener.Addr().String() + "/v1", nil
}
