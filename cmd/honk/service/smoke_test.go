package service_test

import (
	"testing"

	"honk/integrations/github/githubtest"
)

const smokeModel = `
steps:
- calls: [{name: view, arguments: {path: greet.sh}}]
- calls: [{name: edit, arguments: {path: greet.sh, old: "echo hello", new: "echo hello, world"}}]
- calls: [{name: finish, arguments: {summary: "greet.sh greets the world."}}]
- calls: [{name: finish, arguments: {summary: "greet.sh greets the world."}}]
- judge: true
  object: VERDICT(yy-yyyyyyy, greet.sh:2)
`

func TestSmoke(t *testing.T) {
	t.Parallel()
	s := newStage(t, smokeModel)
	_, err := s.forge.CreateRepo(t.Context(), githubtest.NewRepo{Name: "acme/greet", Files: map[string]string{
		"greet.sh":   "#!/bin/sh\necho hello\n",
		".honk.yaml": "verify: [{name: greet, run: 'sh greet.sh'}]\n",
	}})
	s.must(err)
	s.forge.AddUser("ada")
	s.must(s.forge.SetPermission("acme/greet", "ada", "write"))
	_, err = s.forge.Install("acme")
	s.must(err)
	n, err := s.forge.OpenIssue("ada", "acme/greet", "Greet the world", "It says hello to nobody.")
	s.must(err)
	s.serve()
	_, err = s.forge.Comment(githubtest.At{Login: "ada", Repo: "acme/greet", Number: n}, "/honk fix this issue: greet the world")
	s.must(err)
	s.await("a pull request", func() bool {
		pulls, err := s.forge.Pulls("acme/greet")
		s.must(err)
		return len(pulls) == 1
	})
	s.await("the final comment", func() bool {
		var open int
		s.must(s.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM notices WHERE closed_at IS NULL").Scan(&open))
		return open == 0
	})
	pulls, _ := s.forge.Pulls("acme/greet")
	t.Logf("%+v", pulls[0])
	comments, _ := s.forge.Comments("acme/greet", n)
	for _, c := range comments {
		t.Logf("%+v", c)
	}
	for _, tok := range s.forge.Tokens() {
		t.Logf("%+v", tok)
	}
}
