package script_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"honk/agent"
	"honk/agent/script"
	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/host"

	"github.com/google/go-cmp/cmp"
)

func TestRun_ends(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script  string
		exit    agent.Exit
		reason  string
		summary string
		changed []string
	}{
		"changed":       {"echo new > a.txt; echo mended", agent.ExitDone, "", "mended", []string{"a.txt"}},
		"silent":        {"echo new > a.txt", agent.ExitDone, "", "The script changed 1 files.", []string{"a.txt"}},
		"clean":         {"true", agent.ExitNoChange, "", "The script found nothing to change.", nil},
		"skip":          {"echo looked; echo 'no pom.xml' >&2; exit 20", agent.ExitNoChange, "skip: no pom.xml", "looked", nil},
		"skip silently": {"exit 20", agent.ExitNoChange, "skip: the script gives no reason", "skip: the script gives no reason", nil},
		"person":        {"echo 'two versions' >&2; exit 21", agent.ExitBlocked, "needs a person: two versions", "needs a person: two versions", nil},
		"failed": {
			"echo new > a.txt; echo first >&2; printf '10%%\\r20%%\\r\\033[31mno \\342\\200\\256go.mod\\033[0m\\r\\n\\n  \\n' >&2; exit 3",
			agent.ExitFailed, "no go.mod", "no go.mod",
			[]string{"a.txt"},
		},
		"failed silently": {"exit 3", agent.ExitFailed, "the script ended with exit status 3 and gives no reason", "the script ended with exit status 3 and gives no reason", nil},
		"signal":          {"echo oh >&2; kill -9 $$", agent.ExitFailed, "the script ended with exit status 137 (killed): oh", "the script ended with exit status 137 (killed): oh", nil},
		"no interpreter":  {"#!/usr/bin/no-such-thing", agent.ExitFailed, "/usr/bin/no-such-thing: no such file", "/usr/bin/no-such-thing: no such file", nil},
		"interpreter":     {"#! /usr/bin/env   bash \nx=(1 2); echo ${x[1]} > a.txt", agent.ExitDone, "", "The script changed 1 files.", []string{"a.txt"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			res := b.run(t, script.Options{Script: []byte(tt.script)})
			if res.Usage.TotalTime <= 0 {
				t.Error("the run took no time")
			}
			res.Usage.TotalTime = 0
			want := agent.Result{Exit: tt.exit, Reason: tt.reason, Summary: tt.summary}
			if diff := cmp.Diff(want, res); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.changed, b.changed(t)); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
			if len(b.events) != 1 || b.events[0].IsError != (tt.exit == agent.ExitFailed) {
				t.Errorf("got events %+v", b.events)
			}
		})
	}
}

// Where nothing is isolated a script does the same, and leaves nothing behind.
func TestRun_host(t *testing.T) {
	t.Parallel()
	scratch := t.TempDir()
	b := setupIn(t, host.New(host.Options{Scratch: scratch}))
	res := b.run(t, script.Options{Dir: "unit", Script: []byte("#!/bin/bash\nset -eo pipefail\necho new > b.txt\necho '{}' > \"$SHIFT_OUTPUT\"")})
	if got := b.changed(t); res.Exit != agent.ExitDone || string(res.Outputs) != "{}" || !slices.Equal(got, []string{"unit/b.txt"}) {
		t.Errorf("got %s: %s, outputs %s, changed %v", res.Exit, res.Reason, res.Outputs, got)
	}
	if err := b.sb.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestRun_reasonIsCapped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	res := b.run(t, script.Options{Script: []byte("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1")})
	if n := len(res.Reason); res.Exit != agent.ExitFailed || n < 300 || n > 400 {
		t.Errorf("got %s with a reason of %d bytes", res.Exit, n)
	}
}

// A script that runs out of time leaves nothing alive, whatever it did to get
// away, and is not believed though it ends as if it had been skipped.
func TestRun_timeout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	res := b.run(t, script.Options{Timeout: time.Second, Script: []byte(`
trap 'exit 20' TERM
setsid sh -c 'trap "" TERM HUP; while :; do echo x >> pulse; sleep 0.05; done' </dev/null >/dev/null 2>&1 &
echo waiting >&2
sleep 60 & wait`)})
	if res.Exit != agent.ExitFailed || !strings.HasPrefix(res.Reason, "the script ran out of time after ") || !strings.HasSuffix(res.Reason, ": waiting") {
		t.Errorf("got %s: %s", res.Exit, res.Reason)
	}
	size := func() int64 {
		stat, err := os.Stat(filepath.Join(b.dir, "pulse"))
		if err != nil {
			t.Fatal(err)
		}
		return stat.Size()
	}
	was := size()
	ran, err := b.sb.Exec(t.Context(), sandbox.Command{Args: []string{"sleep", "0.5"}})
	if err != nil || ran.ExitCode != 0 {
		t.Fatal(ran, err)
	}
	if now := size(); now != was {
		t.Errorf("a child lives on: %d bytes, then %d", was, now)
	}
	if e := b.events[0]; !e.IsError || !strings.Contains(e.Title, "out of time") || e.Took < time.Second {
		t.Errorf("got event %+v", e)
	}
}

func TestRun_output(t *testing.T) {
	t.Parallel()
	t.Run("binary", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		res := b.run(t, script.Options{Script: []byte(`printf 'one\0\377\033]0;title\007two\n'; printf '\0\001\n' >&2`)})
		if res.Exit != agent.ExitNoChange || res.Summary != "one\ufffdtwo" {
			t.Errorf("got %s: %q", res.Exit, res.Summary)
		}
		if got := b.events[0].Output; got != "one\ufffdtwo" {
			t.Errorf("the event holds %q", got)
		}
	})
	t.Run("5 MB", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		res := b.run(t, script.Options{Script: []byte("seq 1 700000; seq 1 100000 >&2; echo new > a.txt")})
		if res.Exit != agent.ExitDone || res.Summary != "700000" {
			t.Errorf("got %s: %q", res.Exit, res.Summary)
		}
		e := b.events[0]
		if n := len(e.Output); n < 8<<10 || n > 20<<10 || !strings.HasPrefix(e.Output, "[") || !strings.Contains(e.Output, "bytes omitted]") {
			t.Errorf("the event holds %d bytes: %.60q", n, e.Output)
		}
		if e.Title != "script  exit 0" || e.Took <= 0 || !strings.HasSuffix(e.Output, "\n100000") {
			t.Errorf("got event %q, %s, …%q", e.Title, e.Took, e.Output[len(e.Output)-20:])
		}
	})
	t.Run("too much", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		res := b.run(t, script.Options{Script: []byte("cat /dev/zero")})
		if res.Exit != agent.ExitFailed || res.Reason != "the script ran into the sandbox's limit on output" {
			t.Errorf("got %s: %q", res.Exit, res.Reason)
		}
	})
}

// Every byte of a script arrives, and no byte of it gets into the change.
func TestRun_binaryScript(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"one piece": 1000, "all pieces": script.MaxScript} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			text := []byte("base64 -w0 \"$0\" > copy\nexit 0\n")
			for i := 0; len(text) < size; i++ {
				text = append(text, byte(i*i>>3))
			}
			res := b.run(t, script.Options{Script: text})
			if res.Exit != agent.ExitDone {
				t.Fatalf("got %s: %s", res.Exit, res.Reason)
			}
			raw, err := os.ReadFile(filepath.Join(b.dir, "copy"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := base64.StdEncoding.DecodeString(string(raw))
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes arrived of %d, error %v", len(got), len(text), err)
			}
			if got := b.changed(t); !slices.Equal(got, []string{"copy"}) {
				t.Errorf("the change holds %v", got)
			}
		})
	}
}

func TestRun_environment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opts := script.Options{Dir: "unit", Env: map[string]string{
		"SHIFT_REPO": "acme/api", "SHIFT_UNIT": "unit", "SHIFT_BASE_SHA": "abc", "SHIFT_PARAM_TO": "1.26 $(id)\n'",
	}, Script: []byte(`printf '%s|' "$SHIFT_REPO" "$SHIFT_UNIT" "$SHIFT_BASE_SHA" "$SHIFT_PARAM_TO" > env; ls >> env
case $SHIFT_OUTPUT in "$TMPDIR"/*) ;; *) exit 9;; esac`)}
	if res := b.run(t, opts); res.Exit != agent.ExitDone {
		t.Fatalf("got %s: %s", res.Exit, res.Reason)
	}
	got, err := os.ReadFile(filepath.Join(b.dir, "unit", "env"))
	if want := "acme/api|unit|abc|1.26 $(id)\n'|b.txt\nenv\n"; err != nil || string(got) != want {
		t.Errorf("the script saw %q, want %q (error %v)", got, want, err)
	}
}

func TestRun_directory(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"nowhere": `the directory "nowhere" cannot be worked in: it does not exist`,
		"a.txt":   `the directory "a.txt" cannot be worked in: is not a directory`,
		"out":     `the directory "out" cannot be worked in: leads out of the repository`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if err := os.Symlink("/tmp", filepath.Join(b.dir, "out")); err != nil {
				t.Fatal(err)
			}
			res := b.run(t, script.Options{Dir: name, Script: []byte("true")})
			if res.Exit != agent.ExitFailed || res.Reason != want {
				t.Errorf("got %s: %q, want %q", res.Exit, res.Reason, want)
			}
		})
	}
}

func TestRun_breaks(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := map[string]func(*bundle){
		"event": func(b *bundle) {
			b.in.RecordFunc = func(context.Context, task.EventKind, int, any) error { return boom }
		},
		"diff": func(b *bundle) {
			b.in.DiffFunc = func(context.Context) (task.Patch, error) { return task.Patch{}, boom }
		},
	}
	for name, mend := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			mend(b)
			a, err := script.New(script.Options{Script: []byte("true")})
			if err != nil {
				t.Fatal(err)
			}
			if res, err := a.Run(t.Context(), b.in); !errors.Is(err, boom) || res.Exit != agent.ExitFailed {
				t.Errorf("got %s, error %v", res.Exit, err)
			}
		})
	}
}

func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, err := script.New(script.Options{Script: []byte("echo x > started; sleep 60")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(b.dir, "started")); err == nil {
				cancel()
			}
		}
	}()
	began := time.Now()
	res, err := a.Run(ctx, b.in)
	if err != nil || res.Exit != agent.ExitCancelled || time.Since(began) > 30*time.Second {
		t.Errorf("got %s, error %v, after %s", res.Exit, err, time.Since(began))
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	tests := map[string]script.Options{
		"empty":       {},
		"large":       {Script: make([]byte, script.MaxScript+1)},
		"timeout":     {Script: []byte("true"), Timeout: -1},
		"outside":     {Script: []byte("true"), Dir: "../x"},
		"absolute":    {Script: []byte("true"), Dir: "/etc"},
		"name":        {Script: []byte("true"), Env: map[string]string{"PATH": "/x"}},
		"ours":        {Script: []byte("true"), Env: map[string]string{"SHIFT_OUTPUT": "/x"}},
		"lower":       {Script: []byte("true"), Env: map[string]string{"SHIFT_PARAM_to": "x"}},
		"assignment":  {Script: []byte("true"), Env: map[string]string{"SHIFT_PARAM_A=B": "x"}},
		"value":       {Script: []byte("true"), Env: map[string]string{"SHIFT_REPO": "a\x00b"}},
		"long value":  {Script: []byte("true"), Env: map[string]string{"SHIFT_REPO": strings.Repeat("x", 33<<10)}},
		"windows":     {Script: []byte("#!/bin/sh\r\ntrue\r\n")},
		"relative":    {Script: []byte("#!python3\n")},
		"nobody":      {Script: []byte("#!\ntrue")},
		"endless":     {Script: []byte("#!/bin/" + strings.Repeat("x", 300))},
		"NUL in line": {Script: []byte("#!/bin/sh\x00\n")},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := script.New(opts); task.CodeOf(err) != task.CodeInvalid {
				t.Errorf("got %v", err)
			}
		})
	}
}
