package ending_test

import (
	"strings"
	"testing"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/integrations/shift/ending"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/verify"
)

func mustManifest(t *testing.T, change ...string) *manifest.Manifest {
	t.Helper()
	text := strings.NewReplacer(change...).Replace(`apiVersion: honk/v1
kind: Shift
metadata: {name: s}
spec:
  targets: {repos: [acme/a]}
  transform: {script: {text: "rm x"}}
  pullRequest: {title: Remove x}
`)
	m, err := manifest.Parse("shift.yaml", []byte(text), manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The end of a task becomes the ending of a run.
func TestTaskFact(t *testing.T) {
	t.Parallel()
	m := mustManifest(t, "transform:", "scope: {deny: [go.sum]}\n  transform:")
	patch := func(path string) task.Patch {
		diff := "diff --git a/" + path + " b/" + path + "\n--- a/" + path + "\n+++ b/" + path + "\n@@ -1 +1 @@\n-x\n+y\n"
		return task.Patch{Diff: []byte(diff), Files: []task.FileChange{{Path: path, Added: 1, Removed: 1}}}
	}
	ended := func(status task.Status, summary string) runner.Result {
		return runner.Result{Outcome: task.Outcome{Status: status, Summary: summary}}
	}
	delivered := func(path string) runner.Result {
		return runner.Result{Outcome: task.Outcome{Status: task.StatusDelivered}, Patch: patch(path)}
	}
	broken := ended(task.StatusVerifyFailed, "test fails")
	broken.Gate = verify.Gate{Old: []verify.Finding{{}}}
	tests := map[string]struct {
		res    runner.Result
		recipe string
		want   fleet.Ending
		reason string
	}{
		"changed":      {delivered("main.go"), "r", fleet.EndChanged, ""},
		"out of scope": {delivered("go.sum"), "r", fleet.EndHuman, "it changes go.sum, which spec.scope does not allow"},
		"clean":        {ended(task.StatusNoChange, "nothing to do"), "r", fleet.EndClean, "nothing to do"},
		"skip":         {ended(task.StatusNoChange, "skip: no Go"), "r", fleet.EndSkip, "no Go"},
		"person":       {ended(task.StatusBlocked, "needs a person: look"), "r", fleet.EndHuman, "look"},
		"failed":       {ended(task.StatusFailed, "boom"), "r", fleet.EndFailed, "boom"},
		"red":          {ended(task.StatusVerifyFailed, "test fails"), "r", fleet.EndVerify, "test fails"},
		"base as red":  {broken, "r", fleet.EndBase, "test fails"},
		"old manifest": {delivered("main.go"), "older", fleet.EndCancelled, "the manifest has changed meanwhile"},
	}
	for name, tt := range tests {
		row := fleet.Row{Key: fleet.Key{Shift: "s", Repo: "acme/a"}}
		asked := task.Task{ID: "T", Request: task.Request{Origin: task.Origin{Message: tt.recipe}}}
		got := ending.TaskFact(m, "r", &row, asked, tt.res)
		if got.Ending != tt.want || got.Reason != tt.reason {
			t.Errorf("%s: got %s %q, want %s %q", name, got.Ending, got.Reason, tt.want, tt.reason)
		}
		if failed := tt.want == fleet.EndFailed || tt.want == fleet.EndVerify; failed && got.Signature.ID == "" {
			t.Errorf("%s: has no signature", name)
		}
	}
}

// Honk never merges by itself what decides which code runs.
func TestTaskFact_sensitive(t *testing.T) {
	t.Parallel()
	row := fleet.Row{Key: fleet.Key{Shift: "s", Repo: "acme/a"}}
	for path, want := range map[string]bool{"main.go": false, ".github/workflows/ci.yml": true, "docs/CODEOWNERS": true, ".honk.yaml": true} {
		res := runner.Result{
			Outcome: task.Outcome{Status: task.StatusDelivered}, Patch: task.Patch{Files: []task.FileChange{{Path: path}}},
		}
		if got := ending.TaskFact(mustManifest(t), "", &row, task.Task{}, res).Change.Findings; got != want {
			t.Errorf("%s has findings: %v, want %v", path, got, want)
		}
	}
}

func TestOutside(t *testing.T) {
	t.Parallel()
	patch := task.Patch{Files: []task.FileChange{{Path: "a/x.go", Added: 3}, {Path: "a/y.go", Removed: 2}}}
	tests := map[string]struct {
		scope manifest.Scope
		unit  string
		want  string
	}{
		"all":      {manifest.Scope{}, "", ""},
		"allowed":  {manifest.Scope{Allow: []string{"**/*.go"}, MaxFiles: 2, MaxLines: 5}, "a", ""},
		"not":      {manifest.Scope{Allow: []string{"*.md"}}, "", "it changes a/x.go, which spec.scope does not allow"},
		"denied":   {manifest.Scope{Deny: []string{"**/y.go"}}, "", "it changes a/y.go, which spec.scope does not allow"},
		"the unit": {manifest.Scope{}, "b", "it changes a/x.go, which is outside the unit b"},
		"files":    {manifest.Scope{MaxFiles: 1}, "", "it changes more files than spec.scope.maxFiles allows"},
		"lines":    {manifest.Scope{MaxLines: 4}, "", "it changes more lines than spec.scope.maxLines allows"},
	}
	for name, tt := range tests {
		if got := ending.Outside(tt.scope, tt.unit, patch); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// Checks that fail for one reason have one cause, and two reasons are two.
func TestOf_causes(t *testing.T) {
	t.Parallel()
	row := fleet.Row{Key: fleet.Key{Shift: "s", Repo: "acme/a"}}
	failed := func(output string, found ...verify.Finding) string {
		res := runner.Result{Outcome: task.Outcome{Status: task.StatusVerifyFailed, Summary: "the checks do not pass"}}
		res.Gate.New = found
		res.Gate.Report.Results = []verify.Result{{Name: "vet", Status: verify.Pass, Output: "fine"}, {Name: "check", Status: verify.Fail, Output: output}}
		return ending.TaskFact(mustManifest(t), "", &row, task.Task{}, res).Signature.ID
	}
	status := verify.Finding{Verifier: "check", Rule: "exit status", Message: "sh check.sh ended with exit status 1"}
	missing := failed("sh check.sh ended with exit status 1\nerror: module 7 is missing", status)
	if again := failed("sh check.sh ended with exit status 1\nerror: module 12 is missing", status); again != missing || missing == "" {
		t.Errorf("one cause has the signatures %q and %q", missing, again)
	}
	if other := failed("sh check.sh ended with exit status 1\nFAIL: 3 of 17 tests", status); other == missing {
		t.Error("two causes have one signature")
	}
	named := failed("old: it was red before\nnew: undefined: x", verify.Finding{Verifier: "check", Message: "undefined: x"})
	if alone := failed("undefined: x", verify.Finding{Verifier: "check", Message: "undefined: x"}); alone != named {
		t.Error("what is red on the base is part of the cause")
	}
}
