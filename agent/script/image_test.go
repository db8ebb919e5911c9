package script_test

import (
	"context"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"honk/agent"
	"honk/agent/script"
	"honk/internal/task"
	"honk/sandbox/bwrap"
	"honk/sandbox/host"
	"honk/sandbox/image"
	"honk/sandbox/image/imagetest"
	"honk/sandbox/sandboxtest"

	"github.com/google/go-cmp/cmp"
)

// fixSource is a program that does what its arguments say, one after another.
const fixSource = `package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

func main() {
	for _, arg := range os.Args[1:] {
		what, rest, _ := strings.Cut(arg, "=")
		switch what {
		case "write":
			name, text, _ := strings.Cut(rest, ":")
			if err := os.WriteFile(os.ExpandEnv(name), []byte(os.ExpandEnv(text)+"\n"), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(9)
			}
		case "huge":
			os.WriteFile(os.Getenv("SHIFT_OUTPUT"), make([]byte, 1<<20), 0o644)
		case "link":
			os.Symlink(rest, os.Getenv("SHIFT_OUTPUT"))
		case "pulse":
			c := exec.Command("/fix", "beat")
			c.Start()
		case "beat":
			for {
				f, _ := os.OpenFile("pulse", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
				f.WriteString("x")
				f.Close()
				time.Sleep(20 * time.Millisecond)
			}
		case "sleep":
			time.Sleep(time.Hour)
		case "forbidden":
			for _, name := range strings.Split(rest, ",") {
				if _, err := os.Stat(name); err == nil {
					fmt.Fprintln(os.Stderr, "sees", name)
					os.Exit(9)
				}
			}
		case "dial":
			if _, err := net.Dial("tcp", rest); err == nil {
				fmt.Fprintln(os.Stderr, "reached", rest)
				os.Exit(9)
			}
		case "env":
			for _, line := range os.Environ() {
				if strings.Contains(line, rest) {
					fmt.Fprintln(os.Stderr, "knows", line)
					os.Exit(9)
				}
			}
		case "say":
			fmt.Println(rest)
		case "blame":
			fmt.Fprintln(os.Stderr, rest)
		case "exit":
			n, _ := strconv.Atoi(rest)
			os.Exit(n)
		}
	}
}
`

// canary is in the environment of the test's process, as a worker's secret is.
const canary = "canary-9d2c1f"

// fixer is an image in a registry of its own, fetched and unpacked.
func fixer(t *testing.T) (b *bundle, img *script.Image) {
	t.Helper()
	backend := bwrap.New(bwrap.Options{Helper: sandboxtest.Helper(t)})
	sandboxtest.Need(t, backend)
	b = setupIn(t, backend)
	b.in.Spec.Label, b.in.Spec.Dir = "test", b.dir
	program, err := os.ReadFile(sandboxtest.Static(t, fixSource))
	if err != nil {
		t.Fatal(err)
	}
	reg := imagetest.New()
	t.Cleanup(reg.Close)
	ref, err := reg.Push("tools/fix", imagetest.Image{Programs: map[string][]byte{"/fix": program}, Env: []string{"MODE=slow", "PATH=/"}})
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := image.New(image.Options{Dir: filepath.Join(t.TempDir(), "images")}).Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unpacked.Close() })
	return b, &script.Image{Backend: backend, RootFS: unpacked.Root, Env: unpacked.Env, Dir: t.TempDir()}
}

func TestRun_image(t *testing.T) {
	b, img := fixer(t)
	t.Setenv("HONK_TEST_CANARY", canary)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	const wrong = "what the command wrote to $SHIFT_OUTPUT "
	failed := func(reason string) agent.Result {
		return agent.Result{Exit: agent.ExitFailed, Reason: reason, Summary: reason}
	}
	tests := map[string]struct {
		args    []string
		want    agent.Result
		changed []string
	}{
		"changed":     {[]string{"write=a.txt:new", "say=mended"}, agent.Result{Exit: agent.ExitDone, Summary: "mended"}, []string{"a.txt"}},
		"clean":       {[]string{"write=/tmp/x:1"}, agent.Result{Exit: agent.ExitNoChange, Summary: "The command found nothing to change."}, nil},
		"environment": {[]string{"write=a.txt:$SHIFT_REPO $SHIFT_PARAM_TO $MODE $HOME"}, agent.Result{Exit: agent.ExitDone, Summary: "The command changed 1 files."}, []string{"a.txt"}},
		"outputs":     {[]string{"write=a.txt:new", `write=$SHIFT_OUTPUT:{"n": 1}`}, agent.Result{Exit: agent.ExitDone, Summary: "The command changed 1 files.", Outputs: []byte(`{"n":1}`)}, []string{"a.txt"}},
		"skip":        {[]string{"say=looked", "blame=no pom.xml", "exit=20"}, agent.Result{Exit: agent.ExitNoChange, Reason: "skip: no pom.xml", Summary: "looked"}, nil},
		"person":      {[]string{"blame=two versions", "exit=21"}, agent.Result{Exit: agent.ExitBlocked, Reason: "needs a person: two versions", Summary: "needs a person: two versions"}, nil},
		"failed":      {[]string{"blame=no go.mod", "exit=1"}, failed("no go.mod"), nil},
		"silent":      {[]string{"exit=1"}, failed("the command ended with exit status 1 and gives no reason"), nil},
		"no object":   {[]string{"write=$SHIFT_OUTPUT:nonsense"}, failed(wrong + "is not JSON: invalid character 'o' in literal null (expecting 'u')"), nil},
		"huge":        {[]string{"huge"}, failed(wrong + "is larger than 64 KiB"), nil},
		"link":        {[]string{"link=/etc/passwd"}, failed(wrong + "is a symbolic link; name the file it points to"), nil},
		"alone": {[]string{
			"forbidden=/usr,/bin,/lib,/lib64,/etc/passwd,/cache,/home,/root,/var," + b.dir + "," + img.RootFS + "," + img.Dir,
			"dial=" + l.Addr().String(), "env=" + canary, "say=alone",
		}, agent.Result{Exit: agent.ExitNoChange, Summary: "alone"}, nil},
		"read only": {[]string{"write=/fix:x"}, failed("open /fix: read-only file system"), nil},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		b.git(t.Context(), t, "checkout", "-q", ".")
		b.events = nil
		res := b.run(t, script.Options{
			Image: img, Command: append([]string{"fix"}, tt.args...),
			Env: map[string]string{"SHIFT_REPO": "acme/api", "SHIFT_PARAM_TO": "1.26"},
		})
		if res.Usage.TotalTime <= 0 {
			t.Errorf("%s: the run took no time", name)
		}
		res.Usage.TotalTime = 0
		if diff := cmp.Diff(tt.want, res); diff != "" {
			t.Errorf("%s: result (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.changed, b.changed(t)); diff != "" {
			t.Errorf("%s: changed (-want +got):\n%s", name, diff)
		}
		if len(b.events) != 1 || b.events[0].Tool != "container" || b.events[0].IsError != (res.Exit == agent.ExitFailed && !strings.HasPrefix(res.Reason, wrong)) {
			t.Errorf("%s: got events %+v", name, b.events)
		}
		if name == "environment" {
			if text, err := os.ReadFile(filepath.Join(b.dir, "a.txt")); err != nil || string(text) != "acme/api 1.26 slow /run/home\n" {
				t.Errorf("the command saw %q, %v", text, err)
			}
		}
	}
	if left, err := os.ReadDir(img.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The same command on the same base makes the same patch.
func TestRun_imageAgain(t *testing.T) {
	t.Parallel()
	b, img := fixer(t)
	var diffs []string
	for range 2 {
		b.git(t.Context(), t, "checkout", "-q", ".")
		res := b.run(t, script.Options{Image: img, Command: []string{"/fix", "write=b.txt:new", "write=../a.txt:new"}, Dir: "unit"})
		if res.Exit != agent.ExitDone {
			t.Fatalf("got %s: %s", res.Exit, res.Reason)
		}
		diffs = append(diffs, b.git(t.Context(), t, "diff"))
	}
	if diffs[0] != diffs[1] || strings.Count(diffs[0], "+new") != 2 {
		t.Errorf("got %q, then %q", diffs[0], diffs[1])
	}
}

// A command that runs out of time leaves nothing alive, and a cancelled one
// neither.
func TestRun_imageEnds(t *testing.T) {
	t.Parallel()
	b, img := fixer(t)
	still := func() {
		t.Helper()
		size := func() int64 {
			stat, err := os.Stat(filepath.Join(b.dir, "pulse"))
			if err != nil {
				t.Fatal(err)
			}
			return stat.Size()
		}
		was := size()
		tick := time.NewTimer(300 * time.Millisecond)
		defer tick.Stop()
		<-tick.C
		if now := size(); now != was {
			t.Errorf("a child lives on: %d bytes, then %d", was, now)
		}
	}
	opts := script.Options{Image: img, Command: []string{"/fix", "pulse", "blame=waiting", "sleep"}, Timeout: time.Second}
	res := b.run(t, opts)
	if res.Exit != agent.ExitFailed || !strings.HasPrefix(res.Reason, "the command ran out of time after ") || !strings.HasSuffix(res.Reason, ": waiting") {
		t.Errorf("got %s: %s", res.Exit, res.Reason)
	}
	still()

	opts.Timeout = time.Hour
	a, err := script.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.dir, "pulse")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(b.dir, "pulse")); err == nil {
				cancel()
			}
		}
	}()
	if res, err := a.Run(ctx, b.in); err != nil || res.Exit != agent.ExitCancelled {
		t.Errorf("got %s, error %v", res.Exit, err)
	}
	still()
	if left, err := os.ReadDir(img.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRun_imageOnHost(t *testing.T) {
	t.Parallel()
	b := setupIn(t, host.New(host.Options{}))
	b.in.Spec.Dir = b.dir
	a, err := script.New(script.Options{Image: &script.Image{Backend: host.New(host.Options{}), RootFS: t.TempDir(), Dir: t.TempDir()}, Command: []string{"/fix"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Run(t.Context(), b.in); task.CodeOf(err) != task.CodeSandbox || !strings.Contains(err.Error(), "--sandbox bwrap") {
		t.Errorf("got %v", err)
	}
}

func TestNew_imageWithoutCommand(t *testing.T) {
	t.Parallel()
	if _, err := script.New(script.Options{Image: &script.Image{}}); task.CodeOf(err) != task.CodeInvalid {
		t.Errorf("got %v", err)
	}
}
