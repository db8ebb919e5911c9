package service_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"honk/integrations/github/githubtest"
)

// kinds are what can be looked at, each as a list of texts.
var kinds = map[string]func(*scene, string) ([]string, error){
	"comments":  seeComments,
	"remarks":   seeRemarks,
	"reactions": seeReactions,
	"pulls":     seePulls,
	"commits":   seeCommits,
	"branches":  seeBranches,
	"file":      seeFile,
	"tokens":    seeTokens,
	"tasks":     seeTasks,
	"rows":      seeRows,
	"shift":     seeShift,
	"status":    seeStatus,
	"requests":  seeRequests,
	"log":       seeLog,
	"processes": seeProcesses,
	"messages":  seeMessages,
	"whispers":  seeWhispers,
	"direct":    seeDirect,
	"modal":     seeModal,
	"home":      seeHome,
	"calls":     seeCalls,
}

func reactions(list []githubtest.Reaction) string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("[%s by %s]", r.Content, r.Login))
	}
	return strings.Join(out, " ")
}

func comments(list []githubtest.Comment) []string {
	var out []string
	for _, c := range list {
		to := ""
		if c.ReplyTo != 0 {
			to = "answers "
		}
		out = append(out, fmt.Sprintf("%s %s%s: %s\n%s", c.Login, to, c.Path, c.Body, reactions(c.Reactions)))
	}
	return out
}

// seeComments are those on an issue or pull request.
func seeComments(s *scene, where string) ([]string, error) {
	p, err := s.place(where)
	if err != nil {
		return nil, err
	}
	list, err := s.forge.Comments(p.repo, p.number)
	return comments(list), err
}

// seeRemarks are the comments on lines of a pull request.
func seeRemarks(s *scene, where string) ([]string, error) {
	p, err := s.place(where)
	if err != nil {
		return nil, err
	}
	list, err := s.forge.Lines(p.repo, p.number)
	return comments(list), err
}

// seeReactions are those on an issue or pull request itself.
func seeReactions(s *scene, where string) ([]string, error) {
	p, err := s.place(where)
	if err != nil {
		return nil, err
	}
	list, err := s.forge.Reactions(p.repo, p.number)
	return []string{reactions(list)}, err
}

func seePulls(s *scene, repo string) ([]string, error) {
	list, err := s.forge.Pulls(repo)
	var out []string
	for _, p := range list {
		kind := map[bool]string{true: "draft", false: "ready"}[p.Draft]
		state := p.State
		if p.Merged {
			state = "merged"
		}
		out = append(out, fmt.Sprintf("#%d %s %s %s -> %s, %d commits, by %s, assigned %s, reviewers %s\n%s\n%s",
			p.Number, kind, state, p.Head, p.Base, p.Commits, p.Login, p.Assignees, p.Reviewers, p.Title, p.Body))
	}
	return out, err
}

// seeCommits are the messages of a branch's commits, the default's left out.
func seeCommits(s *scene, where string) ([]string, error) {
	p, err := s.place(where)
	if err != nil {
		return nil, err
	}
	return s.forge.Messages(s.Context(), p.repo, p.branch)
}

func seeBranches(s *scene, repo string) ([]string, error) {
	heads, err := s.forge.Branches(s.Context(), repo)
	var out []string
	for name := range heads {
		out = append(out, name)
	}
	slices.Sort(out)
	return out, err
}

func seeFile(s *scene, where string) ([]string, error) {
	p, err := s.place(where)
	if err != nil {
		return nil, err
	}
	text, err := s.forge.File(s.Context(), p.repo, "refs/heads/"+p.branch, p.path)
	return []string{text}, err
}

// seeTokens are those that reach a repository.
func seeTokens(s *scene, repo string) ([]string, error) {
	var out []string
	for _, t := range s.forge.Tokens() {
		if t.Repos == nil || slices.Contains(t.Repos, repo) {
			out = append(out, fmt.Sprintf("%v %v revoked:%t", t.Permissions, t.Repos, t.Revoked))
		}
	}
	return out, nil
}

// seeTasks are those of a repository, the oldest first.
func seeTasks(s *scene, repo string) ([]string, error) {
	return query(s, `SELECT format('%s by %s (attempt %s%s): %s%s%s%s', t.status, t.request->'actor'->>'login', t.attempt,
		coalesce(', ' || (t.request->'origin'->>'cause'), ''), t.request->>'prompt',
		E'\nresumes ' || (t.request->>'resume'), E'\nsummary ' || (t.result->>'summary'), E'\nwaiting ' || nullif(t.waiting, ''))
		FROM tasks t JOIN repositories r ON r.id = t.repo_id WHERE r.owner || '/' || r.name = $1 ORDER BY t.id`, repo)
}

// seeRows are the rows of a table of the database.
func seeRows(s *scene, table string) ([]string, error) {
	return query(s, `SELECT row_to_json(t)::text FROM `+table+` t`)
}

func query(s *scene, sql string, args ...any) ([]string, error) {
	db, err := s.database()
	if err != nil {
		return nil, err
	}
	rows, err := db.Pool().Query(s.Context(), sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// seeRequests are what the model was asked: as agent, as judge, or all.
func seeRequests(s *scene, who string) ([]string, error) {
	var out []string
	for _, asked := range s.gate.requests() {
		judge := strings.Contains(asked, "submit_verdict")
		if who == "all" || judge == (who == "judge") {
			out = append(out, asked)
		}
	}
	return out, nil
}

// seeLog is what a process has said so far.
func seeLog(s *scene, name string) ([]string, error) {
	p := s.processes[name]
	if p == nil {
		return nil, fmt.Errorf("honk %s does not run", name)
	}
	return []string{p.out.String()}, nil
}

// seeProcesses are the command lines of this machine's processes.
func seeProcesses(*scene, string) ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	var out []string
	for _, name := range files {
		raw, _ := os.ReadFile(name) // it may have ended
		out = append(out, string(bytes.ReplaceAll(raw, []byte{0}, []byte{' '})))
	}
	return out, err
}
