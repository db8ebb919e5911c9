package service_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"testing"

	"honk/integrations/github/githubtest"
)

const runModel = `
steps:
- calls: [{name: view, arguments: {path: greet.sh}}]
- calls: [{name: edit, arguments: {path: greet.sh, old: "echo hello", new: "echo hello, world"}}]
- calls: [{name: finish, arguments: {summary: "greet.sh greets the world."}}]
- calls: [{name: finish, arguments: {summary: "greet.sh greets the world."}}]
- judge: true
  object: VERDICT(yy-yyyyyyy, greet.sh:2)
`

// TestRun_pullRequest takes one task from the command line to a pull request,
// without server and database.
func TestRun_pullRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t, runModel)
	_, err := s.forge.CreateRepo(t.Context(), githubtest.NewRepo{Name: "acme/greet", Files: map[string]string{
		"greet.sh": "#!/bin/sh\necho hello\n", ".honk.yaml": "verify: [{name: greet, run: 'sh greet.sh'}]\n",
	}})
	s.must(err)
	_, err = s.forge.Install("acme")
	s.must(err)
	path, err := binary()
	s.must(err)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path,
		"run", "--repo", "acme/greet", "--publish", "pr", "--json", "greet the world")
	for k, v := range s.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("honk run: %v\n%s", err, out)
	}
	var got struct {
		Status string `json:"status"`
		PRURL  string `json:"pr_url"`
	}
	s.must(json.Unmarshal(out, &got))
	pulls, err := s.forge.Pulls("acme/greet")
	s.must(err)
	if got.Status != "delivered" || got.PRURL == "" || len(pulls) != 1 || !pulls[0].Draft {
		t.Errorf("got %+v and pull requests %+v, want one draft", got, pulls)
	}
	for _, tok := range s.forge.Tokens() {
		if !tok.Revoked {
			t.Errorf("a token was left: %+v", tok)
		}
	}
}
