package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"honk/internal/llm/llmtest"
	"honk/internal/postgres/server"
	"honk/sandbox/bwrap"
	"honk/sandbox/guest"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	testscript.Main(m, map[string]func(){"honk": main})
}

// TestScript runs every script in testdata/script against the real binary:
// real git, a real sandbox, and a model that plays a script.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "bwrap":
				return testSandbox() == "bwrap", nil
			case "postgres":
				_, _, err := server.Programs(context.Background(), "/nonexistent")
				return err == nil || os.Getenv("CI") == "true", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"repository": createRepository,
			"model":      startModel,
			"requests":   checkRequests,
			"json":       checkJSON,
			"snapshot":   snapshot,
			"unharmed":   checkSnapshot,
			"listen":     listen,
		},
	})
}

// setupScript gives a script the environment of a person with nothing
// configured but where to keep data.
func setupScript(env *testscript.Env) error {
	env.Setenv("HONK_DATA_DIR", filepath.Join(env.WorkDir, ".data"))
	env.Setenv("HONK_SANDBOX", testSandbox())
	env.Setenv("USER", "ada")
	env.Setenv("CANARY", "canary-4b1d0c6e-of-the-worker")
	env.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	return nil
}

// testSandbox is the sandbox that scripts run in: bwrap, except on a person's
// machine that cannot have one.
func testSandbox() string {
	if err := bwrap.New(bwrap.Options{}).SelfTest(context.Background()); err != nil && os.Getenv("CI") != "true" {
		return "host"
	}
	return "bwrap"
}

// exits is "exits CODE COMMAND ARG...": it runs a command, which must end with
// the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Check(err)
		}
		code = ended.ExitCode()
	}
	if want, err := strconv.Atoi(args[0]); err != nil || code != want {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// createRepository is "repository DIR": it makes a git repository with one
// commit of DIR's files.
func createRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repository DIR")
	}
	dir := ts.MkAbs(args[0])
	for _, argv := range [][]string{
		{"init", "-q", "-b", "main"},
		{"add", "-A"},
		{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", "Start"},
	} {
		cmd := exec.CommandContext(context.Background(), "git", argv...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			ts.Fatalf("git %s: %v\n%s", strings.Join(argv, " "), err, out)
		}
	}
}

// startModel is "model FILE": it serves the script FILE as an
// OpenAI-compatible endpoint and points honk at it.
func startModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: model FILE")
	}
	web := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	ts.Check(err)
	ts.Setenv("MODEL_PORT", port)
	script := os.Expand(ts.ReadFile(args[0]), func(name string) string {
		switch name {
		case "WORK", "PORT", "MODEL_PORT":
			return ts.Getenv(name)
		}
		return "$" + name // the sandbox's shell's
	})
	steps, err := llmtest.Parse([]byte(verdicts(script)))
	ts.Check(err)
	server := llmtest.NewServer(steps...)
	server.Key = "sk-test-5f0a7c31e9d24b68"
	web.Config.Handler = server
	web.Start()
	ts.Defer(web.Close)
	ts.Setenv("HONK_LLM_BASE_URL", web.URL+"/v1")
	ts.Setenv("HONK_LLM_API_KEY", server.Key)
	ts.Setenv("HONK_LLM_MODEL", "scripted")
	endpoints.Store(ts, server)
	ts.Defer(func() { endpoints.Delete(ts) })
}

// verdictWord is VERDICT(answers, evidence) in a script: the judge's ten
// answers, y, n or - (not applicable), with one line of the diff as evidence.
var verdictWord = regexp.MustCompile(`VERDICT\(([yn-]{10}), ([^)]*)\)`)

// verdicts writes the judge's answers out.
func verdicts(script string) string {
	return verdictWord.ReplaceAllStringFunc(script, func(word string) string {
		parts := verdictWord.FindStringSubmatch(word)
		var items []map[string]any
		for i, letter := range parts[1] {
			answer := map[rune]string{'y': "yes", 'n': "no", '-': "na"}[letter]
			items = append(items, map[string]any{
				"id": i + 1, "evidence": []string{parts[2]}, "answer": answer,
				"reason": fmt.Sprintf("the scripted judge says %s to item %d", answer, i+1),
			})
		}
		object, err := json.Marshal(map[string]any{
			"summary": "the scripted judge has spoken", "items": items,
			"request": "ok", "revisions": []string{},
		})
		if err != nil {
			panic(err)
		}
		return string(object)
	})
}

// endpoints are the running endpoints by script, which run in parallel.
var endpoints sync.Map

// checkRequests is "[!] requests REGEXP" or "requests = N": whether any
// request to the model matched, and how many there were.
func checkRequests(ts *testscript.TestScript, neg bool, args []string) {
	running, ok := endpoints.Load(ts)
	if !ok {
		ts.Fatalf("no model is running")
	}
	server := running.(*llmtest.Server)
	if len(args) == 2 && args[0] == "=" {
		if got := strconv.Itoa(len(server.Bodies())); (got == args[1]) == neg {
			ts.Fatalf("the model got %s requests", got)
		}
		return
	}
	if len(args) != 1 {
		ts.Fatalf("usage: [!] requests REGEXP, requests = N")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	found := false
	for _, body := range server.Bodies() {
		found = found || re.Match(body)
	}
	if found == neg {
		ts.Fatalf("a request that matches %q: %t", args[0], found)
	}
}

// checkJSON is "[!] json PATH REGEXP": standard output is exactly one JSON
// object, whose value at the dotted PATH, written as JSON, matches.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] json PATH REGEXP")
	}
	var value any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &value); err != nil {
		ts.Fatalf("standard output is not one JSON value: %v\n%s", err, ts.ReadFile("stdout"))
	}
	for key := range strings.SplitSeq(args[0], ".") {
		switch v := value.(type) {
		case map[string]any:
			got, ok := v[key]
			if !ok {
				ts.Fatalf("no %q in %s", key, args[0])
			}
			value = got
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(v) {
				ts.Fatalf("no %q in %s, which has %d entries", key, args[0], len(v))
			}
			value = v[i]
		default:
			ts.Fatalf("%q of %s is no object", key, args[0])
		}
	}
	text, err := json.Marshal(value)
	ts.Check(err)
	ok, err := regexp.Match(args[1], text)
	ts.Check(err)
	if ok == neg {
		ts.Fatalf("%s is %s", args[0], text)
	}
}

// snapshot is "snapshot DIR": it remembers every file of DIR but git's
// objects, which only grow.
func snapshot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: snapshot DIR")
	}
	ts.Setenv("SNAPSHOT_"+filepath.Base(args[0]), listing(ts, args[0], ""))
}

// checkSnapshot is "unharmed DIR [EXCEPT]": nothing has changed since the
// snapshot, paths that match EXCEPT apart.
func checkSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: unharmed DIR [EXCEPT]")
	}
	except := ""
	if len(args) == 2 {
		except = args[1]
	}
	want, got := ts.Getenv("SNAPSHOT_"+filepath.Base(args[0])), listing(ts, args[0], except)
	if got != want {
		ts.Fatalf("%s has changed:\nbefore:\n%s\nafter:\n%s", args[0], want, got)
	}
}

func listing(ts *testscript.TestScript, dir, except string) string {
	var b strings.Builder
	root := ts.MkAbs(dir)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || strings.Contains(rel, ".git/objects/") {
			return err
		}
		if except != "" && regexp.MustCompile(except).MatchString(rel) {
			return nil
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %q\n", rel, data)
		return err
	})
	ts.Check(err)
	return b.String()
}

// listen is "listen": it opens a port of this machine, named in PORT, that
// ends the test when anybody connects.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: listen")
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	hit := make(chan struct{}, 1)
	server := &http.Server{
		ReadHeaderTimeout: 1,
		ConnState: func(net.Conn, http.ConnState) {
			select {
			case hit <- struct{}{}:
			default:
			}
		},
	}
	go func() { _ = server.Serve(l) }()
	ts.Setenv("PORT", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Defer(func() {
		_ = server.Close()
		if len(hit) > 0 {
			ts.Fatalf("somebody reached the port from inside the sandbox")
		}
	})
}
