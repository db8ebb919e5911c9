package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"

	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/llm/llmtest"
	"honk/sandbox/bwrap"
)

var (
	//go:embed demo/repo.txtar
	demoRepository []byte
	//go:embed demo/model.yaml
	demoModel []byte
)

// demoPrompt is what the demo asks for.
const demoPrompt = "Fix Split: TestSplitKeepsEveryCent fails because cents get lost. Add a test for amounts that do not divide evenly."

func newDemoCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole loop on this machine with no account and no key",
		Long: `Make a small repository with a real bug and let honk run mend it. The model is
a recording unless HONK_LLM_BASE_URL (with HONK_LLM_MODEL) names a real one;
everything else is real.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), p)
		},
	}
}

func demo(ctx context.Context, p program) (err error) {
	dir, err := os.MkdirTemp("", "honk-demo-")
	if err != nil {
		return err
	}
	env, stop, err := demoEnv(ctx, p, dir)
	if err != nil {
		return err
	}
	// Only the repository stays, for the person to look at.
	defer func() { err = errors.Join(err, stop(), os.RemoveAll(filepath.Join(dir, "data"))) }()
	repo := filepath.Join(dir, "till")
	if err := makeDemoRepository(ctx, repo); err != nil {
		return err
	}
	p.env = env
	fmt.Fprintf(p.stdout, "$ honk run --repo %s --publish branch %q\n", repo, demoPrompt)
	err = runTask(ctx, p, runFlags{repo: repo, publish: "branch", showDiff: true}, demoPrompt)
	fmt.Fprintf(p.stderr, "\nThe repository is in %s: git -C %s log --all --oneline\n", repo, repo)
	return err
}

// demoEnv points honk at the recording, unless a real model is configured.
// The first line that a person reads says which.
func demoEnv(ctx context.Context, p program, dir string) (env map[string]string, stop func() error, err error) {
	if p.env["HONK_LLM_BASE_URL"] != "" {
		cfg, err := config.Load(p.env)
		if err != nil {
			return nil, nil, err
		}
		if err := cfg.LLM.Require(); err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(p.stdout, "The model in this demo is real: %s at %s.\n", p.env["HONK_LLM_MODEL"], p.env["HONK_LLM_BASE_URL"])
		return p.env, func() error { return nil }, nil
	}
	fmt.Fprintln(p.stdout, "The model in this demo is a recording; sandbox, tools, verifiers and checks are real.")
	base, stop, err := serveRecording()
	if err != nil {
		return nil, nil, err
	}
	env = map[string]string{
		"HONK_LLM_BASE_URL": base,
		"HONK_LLM_MODEL":    "recording",
		"HONK_DATA_DIR":     filepath.Join(dir, "data"),
		// This machine's own policy is for real models.
		"HONK_CONFIG": filepath.Join(dir, "honk.yaml"),
	}
	for _, name := range []string{"PATH", "HOME", "USER", "TERM", "HONK_SANDBOX"} {
		env[name] = p.env[name]
	}
	if err := os.WriteFile(env["HONK_CONFIG"], nil, 0o600); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	if err := bwrap.New(bwrap.Options{}).SelfTest(ctx); err != nil && env["HONK_SANDBOX"] == "" {
		fmt.Fprintf(p.stdout, "There is no sandbox on this machine: %v.\nThe recording does only what is written in it, so the demo goes on without one; honk run would not.\n", err)
		env["HONK_SANDBOX"] = "host"
	}
	return env, stop, nil
}

// serveRecording serves the recorded model on a port of this machine.
func serveRecording() (base string, stop func() error, err error) {
	steps, err := llmtest.Parse(demoModel)
	if err != nil {
		return "", nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: llmtest.NewServer(steps...), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop = func() error {
		err := server.Close()
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	}
	return "http://" + listener.Addr().String() + "/v1", stop, nil
}

func makeDemoRepository(ctx context.Context, dir string) error {
	files := map[string][]byte{}
	for _, f := range txtar.Parse(demoRepository).Files {
		files[f.Name] = f.Data
	}
	return git.Create(ctx, dir, files, "Start")
}
