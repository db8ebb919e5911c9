package verify_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"honk/internal/task"
	"honk/verify"
)

// configured runs commands of kind test in a fresh sandbox.
func configured(t *testing.T, opts verify.Options, commands ...string) []verify.Result {
	t.Helper()
	var list []verify.Command
	for i, run := range commands {
		list = append(list, verify.Command{Name: fmt.Sprint(i), Run: run})
	}
	dir := t.TempDir()
	report, err := verify.Run(t.Context(), newSandbox(t, dir), verify.Detect(os.DirFS(dir), list), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report.Results
}

func TestRun_ends(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, run string
		opts      verify.Options
		status    verify.Status
		reason    string
	}{
		{"missing tool", "no-such-tool-here --x", verify.Options{}, verify.Broken, "no-such-tool-here is not installed in the sandbox"},
		{"unnamed missing tool", "exit 127", verify.Options{}, verify.Broken, "a program is not installed"},
		{"not executable", "exit 126", verify.Options{}, verify.Broken, "a program cannot be run"},
		{"killed", "kill -9 $$", verify.Options{}, verify.Broken, "killed by signal 9"},
		{"no host", "echo 'curl: (6) Could not resolve host: registry.npmjs.org'; exit 6", verify.Options{}, verify.Broken, "host registry.npmjs.org cannot be reached"},
		{"no host after tests", "printf 'not ok 1 - a\\n1..1\\nCould not resolve host: x.org\\n'; exit 1", verify.Options{}, verify.Fail, ""},
		{"no host beside tests", "printf 'ok 1 - a\\n1..1\\nCould not resolve host: x.org\\n'; exit 1", verify.Options{}, verify.Fail, "perhaps because host x.org cannot be reached"},
		{"hangs", "echo begun; sleep 100", verify.Options{Timeout: time.Second}, verify.Timeout, "took longer than 1s"},
		{"fails", "exit 3", verify.Options{}, verify.Fail, ""},
		{"zero tests", "echo 1..0", verify.Options{}, verify.Skipped, "no tests ran"},
		{"unknown", "true", verify.Options{}, verify.Pass, "it cannot be told how many tests ran"},
		{"escape", `printf '\033[31mok 1 - \a\033]0;x\007a\033[0m\n1..1\n'`, verify.Options{}, verify.Pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := configured(t, tt.opts, tt.run)[0]
			if res.Status != tt.status || !strings.Contains(res.Reason, tt.reason) || tt.reason == "" && res.Reason != "" {
				t.Errorf("got %s %q, want %s %q\n%s", res.Status, res.Reason, tt.status, tt.reason, res.Output)
			}
		})
	}
}

// TestRun_large counts tests whose names do not fit into what a command
// returns at once, and bounds what is shown of them.
func TestRun_large(t *testing.T) {
	t.Parallel()
	res := configured(t, verify.Options{},
		`for i in $(seq 60000); do echo "ok $i - a test with a long name, number $i"; done; echo "not ok 60001 - last"; echo 1..60001; exit 1`)[0]
	if res.Status != verify.Fail || res.TestsRun != 60001 || len(res.Passed) != 60000 || len(res.Findings) != 1 {
		t.Errorf("got %s, %d tests, %d passed, %d findings", res.Status, res.TestsRun, len(res.Passed), len(res.Findings))
	}
	if len(res.Output) > 3000 {
		t.Errorf("%d bytes of output", len(res.Output))
	}
}

func TestRun_total(t *testing.T) {
	t.Parallel()
	got := configured(t, verify.Options{Total: time.Second}, "sleep 100", "echo ok")
	if got[0].Status != verify.Timeout || got[1].Status != verify.Timeout || !strings.HasPrefix(got[1].Reason, "not started") {
		t.Errorf("got %+v", got)
	}
}

func TestRun_only(t *testing.T) {
	t.Parallel()
	var started []string
	got := configured(t, verify.Options{Only: []string{"1"}, ProgressFunc: func(v verify.Verifier, r *verify.Result) {
		if r == nil {
			started = append(started, v.Name)
		}
	}}, "exit 1", "echo ok")
	if len(got) != 1 || got[0].Name != "1" || len(started) != 1 {
		t.Errorf("got %+v, started %q", got, started)
	}
	_, err := verify.Run(t.Context(), nil, nil, verify.Options{Only: []string{"x"}})
	if task.CodeOf(err) != task.CodeInvalid {
		t.Errorf("got error %v", err)
	}
}

func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sb := newSandbox(t, dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	plan := verify.Detect(os.DirFS(dir), []verify.Command{{Run: "sleep 100"}})
	_, err := verify.Run(ctx, sb, plan, verify.Options{ProgressFunc: func(verify.Verifier, *verify.Result) { cancel(why) }})
	if err == nil {
		t.Error("no error")
	}
}

func TestRun_directoryGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plan := verify.Detect(os.DirFS(dir), []verify.Command{{Run: "true", Dir: "gone"}})
	report, err := verify.Run(t.Context(), newSandbox(t, dir), plan, verify.Options{})
	if err != nil || report.Results[0].Status != verify.Broken || report.Results[0].Reason != `directory "gone" is gone` {
		t.Errorf("got %+v, %v", report, err)
	}
}

// TestRun_focus runs the tests of a large module's changed package, and of
// what depends on it, before all others.
func TestRun_focus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.21\n"))
	for i := range 24 {
		code := fmt.Sprintf("package p%d\n", i)
		if i == 1 {
			code += "\nimport _ \"m/p0\"\n"
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("p%d/p.go", i)), []byte(code))
		test := fmt.Sprintf("package p%d\n\nimport \"testing\"\n\nfunc TestP(t *testing.T) {}\n", i)
		if i == 0 {
			test = strings.Replace(test, "{}", "{ t.Error(1) }", 1)
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("p%d/p_test.go", i)), []byte(test))
	}
	plan := verify.Detect(os.DirFS(dir), nil)
	for _, tt := range []struct {
		opts    verify.Options
		run     int
		partial bool
	}{
		{verify.Options{Changed: []string{"p0/p.go"}}, 2, true},
		{verify.Options{Changed: []string{"p0/p.go"}, All: true}, 24, false},
		{verify.Options{Changed: []string{"p5/p.go"}}, 24, false},
		{verify.Options{Changed: []string{"go.mod"}}, 24, false},
	} {
		tt.opts.Only = []string{"go test"}
		report, err := verify.Run(t.Context(), newSandbox(t, dir), plan, tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		res := report.Results[0]
		if res.Status != verify.Fail || res.TestsRun != tt.run || res.Partial != tt.partial {
			t.Errorf("%+v: got %s, %d tests, partial %v", tt.opts, res.Status, res.TestsRun, res.Partial)
		}
	}
}
