package grammar_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"honk/internal/grammar"
	"honk/internal/task"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestParse(t *testing.T) {
	t.Parallel()
	ask := func(prompt string) grammar.Command { return grammar.Command{Verb: grammar.VerbTask, Prompt: prompt} }
	for in, want := range map[string]grammar.Command{
		"":                           {Verb: grammar.VerbHelp},
		" \r\n":                      {Verb: grammar.VerbHelp},
		" judge:off ":                {Verb: grammar.VerbHelp},
		" fix it ":                   ask("fix it"),
		"\nfix it\r\n\r\n> q\r\n":    ask("fix it\n\n> q"),
		" retry":                     {Verb: grammar.VerbRetry},
		" Cancel.":                   {Verb: grammar.VerbCancel},
		" status?":                   {Verb: grammar.VerbStatus},
		" help":                      {Verb: grammar.VerbHelp},
		" cancel the subscription":   ask("cancel the subscription"),
		" retry the request 5 times": ask("retry the request 5 times"),
		" retry model:x by default":  ask("retry model:x by default"),
		" status: says 500":          ask("status: says 500"),
		" help\n\nme":                ask("help\n\nme"),
		" fix: the bug":              ask("fix: the bug"),
		" note: x":                   ask("note: x"),
		" TODO: x":                   ask("TODO: x"),
		" todo:x":                    ask("todo:x"),
		" https://x.test/base:y":     ask("https://x.test/base:y"),
		" node:20 is old":            ask("node:20 is old"),
		" bash: command not found":   ask("bash: command not found"),
		" ci:x or:y":                 ask("ci:x or:y"),
		" 12:30 is noon":             ask("12:30 is noon"),
		" say judge:off":             ask("say judge:off"),
		" a\x00b\xff":                ask("ab\uFFFD"),
		"\nbase:v1.x/y\n model:qwen/qwen3:free judge:Veto PR:none\nfix\nit": {
			Verb: grammar.VerbTask, Prompt: "fix\nit", Base: "v1.x/y",
			Options: task.Options{Model: "qwen/qwen3:free", Judge: "veto", PullRequest: "none"},
		},
		" retry base:main judge:advise": {
			Verb: grammar.VerbRetry, Base: "main", Options: task.Options{Judge: "advise"},
		},
		" model:m retry pr:ready": {
			Verb: grammar.VerbRetry, Options: task.Options{Model: "m", PullRequest: "ready"},
		},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			got, err := grammar.Parse(in, grammar.Rules{})
			if err != nil {
				t.Fatalf("Parse(%q): %v", in, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", in, diff)
			}
		})
	}
}

func TestParse_repo(t *testing.T) {
	t.Parallel()
	got, err := grammar.Parse(" repo:acme/api.v2 fix", grammar.Rules{Repo: true})
	want := grammar.Command{Verb: grammar.VerbTask, Prompt: "fix", Repo: "acme/api.v2"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Parse: %v (-want +got):\n%s", err, diff)
	}
}

func TestParse_refused(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" jugde:off fix":     `"jugde:off" is no option; write judge:off|advise|veto`,
		" jdg:off fix":       `"jdg:off" is no option; write judge:off|advise|veto`,
		" judge:of fix":      `"judge:of" cannot be used; write judge:off|advise|veto`,
		" mdoel:x fix":       `"mdoel:x" is no option; write model:NAME`,
		" mdl:x fix":         `"mdl:x" is no option; write model:NAME`,
		" bsae:x fix":        `"bsae:x" is no option; write base:BRANCH`,
		" pt:draft fix":      `"pt:draft" is no option; write pr:draft|ready|none`,
		" pr:drafty fix":     `"pr:drafty" cannot be used; write pr:draft|ready|none`,
		" model: fix":        `"model:" has no value; write model:NAME`,
		" base: main":        `"base:" has no value; write base:BRANCH`,
		" model:-x fix":      `"model:-x" cannot be used`,
		" base:-x fix":       `"base:-x" cannot be used`,
		" base:a..b fix":     `cannot be used`,
		" base:a//b fix":     `cannot be used`,
		" base:a/ fix":       `cannot be used`,
		" base:a. fix":       `cannot be used`,
		" base:a.lock fix":   `cannot be used`,
		" base:.a fix":       `cannot be used`,
		" base:a@{1} fix":    `cannot be used`,
		" base:@ fix":        `cannot be used`,
		" base:a:b fix":      `cannot be used`,
		" base:ä fix":        `cannot be used`,
		" pr:none pr:none x": `pr: is given twice; keep one`,
		" base:a base:b":     `base: is given twice; keep one`,
		" repo:a/b fix":      `"repo:a/b" does not go here`,
		" cancel judge:off":  `cancel takes no options; leave out "judge:off"`,
		" pr:none status":    `status takes no options; leave out "pr:none"`,
		" help jugde:off":    `help takes no options; leave out "jugde:off"`,
		" retry jugde:off":   `"jugde:off" is no option`,
		" base:" + strings.Repeat("a", 251) + " x": `aaa…" cannot be used`,
		strings.Repeat("a b ", 50<<10):             "the request is 200 KiB long, at most 160 are read",
	} {
		t.Run(in[:min(len(in), 20)], func(t *testing.T) {
			t.Parallel()
			got, err := grammar.Parse(in, grammar.Rules{})
			if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), want) {
				t.Fatalf("Parse(%q) = %+v, %v, want %q", in, got, err, want)
			}
			if diff := cmp.Diff(grammar.Command{}, got); diff != "" {
				t.Errorf("something would run:\n%s", diff)
			}
		})
	}
}

func TestParse_repoRefused(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"repo:acme x", "repo:a/.. x", "repo:a/b/c x", "repo:-a/b x", "repo:../b x", "rpo:a/b x"} {
		if got, err := grammar.Parse(in, grammar.Rules{Repo: true}); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("Parse(%q) = %+v, %v, want it refused", in, got, err)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for file, got := range map[string]string{
		"github.txt": grammar.Help("/honk", grammar.Rules{}),
		"slack.txt":  grammar.Help("@honk", grammar.Rules{Repo: true}),
	} {
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(" base:main judge:off fix it", false)
	f.Add(" retry model:x", true)
	f.Add("\r\ncancel pr:none", false)
	f.Add(" jugde:off \x00\xff", true)
	f.Fuzz(func(t *testing.T, in string, repo bool) {
		got, err := grammar.Parse(in, grammar.Rules{Repo: repo})
		if err != nil {
			var e *task.Error
			if !errors.As(err, &e) || e.Code != task.CodeInvalid || strings.ContainsAny(e.Message, "\n\x00\x1b") {
				t.Errorf("Parse(%q): %q is not for people", in, err)
			}
			if got != (grammar.Command{}) {
				t.Errorf("Parse(%q) = %+v beside an error", in, got)
			}
			return
		}
		if (got.Verb == grammar.VerbTask) != (got.Prompt != "") || got.Verb == "" {
			t.Errorf("Parse(%q) = %+v", in, got)
		}
		if !utf8.ValidString(got.Prompt) || strings.Contains(got.Prompt, "\x00") || len(got.Prompt) > grammar.MaxPrompt {
			t.Errorf("Parse(%q) let %q through", in, got.Prompt)
		}
		if strings.HasPrefix(got.Base, "-") || strings.Contains(got.Base, "..") || got.Repo != "" && !repo {
			t.Errorf("Parse(%q) = %+v", in, got)
		}
		plain := got.Base == "" && got.Repo == "" && got.Options == task.Options{}
		if got.Verb != grammar.VerbTask && got.Verb != grammar.VerbRetry && !plain {
			t.Errorf("Parse(%q) gave %s options", in, got.Verb)
		}
	})
}
