package service_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"honk/integrations/slack/slacktest"
	"honk/internal/postgres"
	"honk/sandbox/bwrap"
)

// canary is a secret of the worker's environment that is good for nothing but
// to be found where it must not be.
const canary = "canary-4b1d0c6e-of-the-worker"

// TestScript plays every script in testdata/script: people at a local forge,
// the real program, its database, a real sandbox, and a model by script.
//
// A script's model is its model.yaml, its organisation's file honk.yaml. See
// acts, works and wants for the commands.
func TestScript(t *testing.T) {
	if testing.Short() {
		t.Skip("each story runs a service for half a minute")
	}
	t.Parallel()
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for _, list := range []map[string]command{acts, works, wants, chats, fleets, shiftActs, manifestActs, imageActs} {
		for name, c := range list {
			cmds[name] = c.play(name)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds:                cmds,
	})
}

// scene is a stage with what a script has put on it.
type scene struct {
	*stage
	*testscript.TestScript

	// slack is there once a script has asked for a workspace.
	slack     *slacktest.Slack
	neg       bool
	processes map[string]*process
	databases map[string]*postgres.DB
}

type sceneKey struct{}

// setUp sets the stage of a script.
func setUp(env *testscript.Env) error {
	t := env.T().(testing.TB)
	requireSandbox(t)
	model, err := os.ReadFile(filepath.Join(env.WorkDir, "model.yaml"))
	if os.IsNotExist(err) {
		model, err = []byte("steps: [{text: the model of this script says nothing}]"), nil
	}
	if err != nil {
		return err
	}
	s := &scene{
		stage: newStage(t, string(model)), processes: map[string]*process{}, databases: map[string]*postgres.DB{},
	}
	if org, err := os.ReadFile(filepath.Join(env.WorkDir, "honk.yaml")); err == nil {
		if err := os.WriteFile(s.env["HONK_CONFIG"], org, 0o600); err != nil {
			return err
		}
	}
	path, err := binary()
	if err != nil {
		return err
	}
	s.env["PATH"] = filepath.Dir(path) + string(filepath.ListSeparator) + s.env["PATH"]
	s.env["CANARY"] = canary
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env.Setenv(name, s.env[name])
	}
	env.Values[sceneKey{}] = s
	return nil
}

// tight tells whether this machine can have a sandbox.
var tight = sync.OnceValue(func() error {
	return bwrap.New(bwrap.Options{}).SelfTest(context.Background())
})

// requireSandbox skips a test on a machine that cannot have a sandbox, but
// never in CI.
func requireSandbox(t testing.TB) {
	t.Helper()
	err := tight()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("the sandbox: %v", err)
	default:
		t.Skipf("the sandbox: %v", err)
	}
}

// command is a command of scripts.
type command struct {
	usage string
	// least and most are how many arguments it takes.
	least, most int
	// not says that it can be negated.
	not bool
	run func(s *scene, args []string) error
}

// play makes a command of testscript's.
func (c command) play(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg && !c.not || len(args) < c.least || len(args) > c.most {
			ts.Fatalf("usage: %s %s", name, c.usage)
		}
		s := ts.Value(sceneKey{}).(*scene)
		s.TestScript, s.neg = ts, neg
		for i, arg := range args {
			if file, ok := strings.CutPrefix(arg, "@"); ok && !strings.HasPrefix(file, "honk") {
				args[i] = strings.TrimSuffix(ts.ReadFile(file), "\n") // @FILE is what the file holds
			}
		}
		if err := c.run(s, args); err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
	}
}

// place is where in a repository something is: owner/name/2 is an issue or
// pull request, owner/name@main a branch, owner/name/2:path and
// owner/name@main:path are files.
type place struct {
	repo, branch, path string
	number             int
}

func (s *scene) place(text string) (p place, err error) {
	text, p.path, _ = strings.Cut(text, ":")
	if repo, branch, ok := strings.Cut(text, "@"); ok {
		p.repo, p.branch = repo, branch
		return p, nil
	}
	parts := strings.SplitN(text, "/", 3)
	if len(parts) < 3 {
		p.repo = text
		return p, nil
	}
	p.repo = parts[0] + "/" + parts[1]
	if p.number, err = strconv.Atoi(parts[2]); err != nil {
		return p, err
	}
	pulls, err := s.forge.Pulls(p.repo)
	for _, pull := range pulls {
		if pull.Number == p.number {
			p.branch = pull.Head
		}
	}
	return p, err
}
