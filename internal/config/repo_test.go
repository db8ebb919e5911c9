package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/config"
	"honk/internal/task"
)

func TestParseRepo(t *testing.T) {
	t.Parallel()
	got, err := config.ParseRepo([]byte(`---
verify:
  - {name: unit, kind: test, run: "go test ./...", timeout: 5m}
  - run: |
      make lint
shifts: off
judge: {mode: veto}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.RepoFile{
		Verify: []config.Verify{
			{Name: "unit", Kind: "test", Run: "go test ./...", Timeout: 5 * time.Minute},
			{Name: "make lint", Kind: "test", Run: "make lint\n", Timeout: 10 * time.Minute},
		},
		Shifts: config.ShiftsOff,
		Judge:  config.RepoJudge{Mode: config.JudgeVeto},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseRepo (-want +got):\n%s", diff)
	}
}

func TestParseRepo_empty(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "\n", "# nothing\n", "---\n"} {
		got, err := config.ParseRepo([]byte(in))
		if diff := cmp.Diff(config.RepoFile{}, got); err != nil || diff != "" {
			t.Errorf("ParseRepo(%q): %v\n%s", in, err, diff)
		}
	}
}

func TestParseRepo_refused(t *testing.T) {
	t.Parallel()
	bomb := "verify: &a [{run: x}]\n" + strings.Repeat("x: [*a, *a, *a]\n", 9)
	tests := map[string]struct{ in, want string }{
		"organisation key": {"policy: {}", `.honk.yaml:1: unknown key "policy"`},
		"milder judge":     {"judge: {mode: off}", `.honk.yaml: judge.mode "off" cannot be asked for`},
		"shifts":           {"shifts: maybe", `.honk.yaml: shifts "maybe" is unknown`},
		"bomb":             {bomb, ".honk.yaml:1: anchors and aliases are not allowed"},
		"too large":        {"# " + strings.Repeat("x", 64<<10), ".honk.yaml has 65538 bytes"},
		"deep flow":        {"verify: " + strings.Repeat("[", 30_000), ".honk.yaml:1: nested deeper than 16"},
		"deep block":       {strings.Repeat("- ", 30_000), ".honk.yaml:1: nested deeper than 16"},
		"twice":            {"verify: [{run: a}, {run: a}]", `name "a" is there twice`},
		"name":             {"verify: [{run: a, name: \"x\\e[2J\"}]", `is not one short line`},
		"long name":        {"verify: [{run: " + strings.Repeat("a", 201) + "}]", `is not one short line`},
		"kind":             {"verify: [{run: a, kind: e2e}]", `kind "e2e" is unknown`},
		"dir":              {"verify: [{run: a, dir: ../b}]", `dir "../b" leaves the repository`},
		"timeout":          {"verify: [{run: a, timeout: 2h}]", "timeout 2h0m0s is too long"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := config.ParseRepo([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want it to hold %q", err, tt.want)
			}
			if got := task.CodeOf(err); got != task.CodeInvalid {
				t.Errorf("code %q, want invalid", got)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestJudgeMode_stricter(t *testing.T) {
	t.Parallel()
	tests := []struct{ a, b, want config.JudgeMode }{
		{config.JudgeOff, config.JudgeVeto, config.JudgeVeto},
		{config.JudgeVeto, config.JudgeAdvise, config.JudgeVeto},
		{config.JudgeAdvise, "", config.JudgeAdvise},
		{"", config.JudgeOff, config.JudgeOff},
	}
	for _, tt := range tests {
		if got := tt.a.Stricter(tt.b); got != tt.want {
			t.Errorf("%q.Stricter(%q) = %q, want %q", tt.a, tt.b, got, tt.want)
		}
	}
}

func FuzzParseRepo(f *testing.F) {
	for _, seed := range []string{
		"", "verify: [{run: make, timeout: 2d}]", "shifts: off\njudge: {mode: veto}",
		"verify:\n  - run: |\n      a\n      b\n", "a: &x [*x]", "- - - -", "{{{{", "? : -", "!!x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := config.ParseRepo(data)
		if err != nil {
			if task.CodeOf(err) != task.CodeInvalid {
				t.Errorf("code %q, want invalid: %v", task.CodeOf(err), err)
			}
			return
		}
		for _, v := range file.Verify {
			if strings.TrimSpace(v.Run) == "" || v.Timeout <= 0 || v.Timeout > time.Hour {
				t.Errorf("accepted %+v", v)
			}
		}
	})
}
