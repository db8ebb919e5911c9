package service_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wants are the commands that look at what became of it all.
//
// want says whether any of the things of a kind at a place matches, or with
// COUNT how many do; await gives it time. settle waits until nothing is under
// way any more, so that what is not there then never comes. clean is the end
// of every story: nothing owed, no token left, no secret anywhere.
var wants = map[string]command{
	"want":     {"KIND PLACE REGEXP [COUNT]", 3, 4, true, wantNow},
	"await":    {"KIND PLACE REGEXP [COUNT]", 3, 4, true, wantSoon},
	"settle":   {"", 0, 0, false, wantSettled},
	"clean":    {"", 0, 0, false, wantClean},
	"contract": {"", 0, 0, false, wantContract},
}

// until waits until ok holds.
func (s *scene) until(what string, ok func() (bool, error)) error {
	deadline := time.Now().Add(patience)
	for {
		yes, err := ok()
		switch {
		case yes:
			return nil
		case err != nil:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("%s: not within %s", what, patience)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func wantSoon(s *scene, args []string) error {
	var last error
	err := s.until("it", func() (bool, error) {
		for name, p := range s.processes {
			if err := p.lives(); err != nil {
				return false, fmt.Errorf("honk %s: %w\n%s", name, err, p.out)
			}
		}
		last = wantNow(s, args)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

func wantNow(s *scene, args []string) error {
	see, ok := kinds[args[0]]
	if !ok {
		return fmt.Errorf("there are no %s", args[0])
	}
	re, err := regexp.Compile("(?sm)" + args[2])
	if err != nil {
		return err
	}
	things, err := see(s, args[1])
	if err != nil {
		return err
	}
	found := 0
	for _, thing := range things {
		if re.MatchString(thing) {
			found++
		}
	}
	good := (found > 0) != s.neg
	if len(args) == 4 {
		n, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		good = (found == n) != s.neg
	}
	if good {
		return nil
	}
	return fmt.Errorf("%d of %d %s match %q:\n%s", found, len(things), args[0], args[2], strings.Join(things, "\n----\n"))
}

// pending counts what is under way: deliveries, tasks, messages, collected
// comments.
const pending = `SELECT concat_ws(' ',
	(SELECT count(*) FROM deliveries WHERE handled_at IS NULL), 'deliveries',
	(SELECT count(*) FROM tasks WHERE status IN ('queued', 'running')), 'tasks',
	(SELECT count(*) FROM notices WHERE closed_at IS NULL), 'notices',
	(SELECT count(*) FROM feedback WHERE taken_at IS NULL), 'comments')`

const nothing = "0 deliveries 0 tasks 0 notices 0 comments"

func wantSettled(s *scene, _ []string) error {
	seen := -1
	return s.until("all is settled", func() (bool, error) {
		if err := s.forge.WaitDeliveries(s.Context()); err != nil {
			return false, err
		}
		if s.slack != nil {
			if err := s.slack.WaitDeliveries(s.Context()); err != nil {
				return false, err
			}
		}
		got, err := query(s, pending)
		if err != nil {
			return false, err
		}
		// A webhook may have come in between.
		before := seen
		seen = len(s.forge.Deliveries())
		return got[0] == nothing && seen == before, nil
	})
}

func wantClean(s *scene, _ []string) error {
	var errs []error
	if s.hasDatabase() {
		got, err := query(s, pending)
		if err != nil {
			return err
		}
		if got[0] != nothing {
			errs = append(errs, fmt.Errorf("something is owed: %s", got[0]))
		}
	}
	for _, t := range s.forge.Tokens() {
		// A living process keeps the tokens that it talks with.
		if !t.Revoked && (len(s.processes) == 0 || t.Permissions["issues"] == "") {
			errs = append(errs, fmt.Errorf("a token is left: %v for %v", t.Permissions, t.Repos))
		}
	}
	trees, err := filepath.Glob(filepath.Join(s.Getenv("HONK_DATA_DIR"), "tasks", "*", "*"))
	if err != nil {
		return err
	}
	if len(trees) > 0 && len(s.processes) == 0 {
		errs = append(errs, fmt.Errorf("work trees are left: %s", trees))
	}
	if s.slack != nil {
		for _, v := range s.slack.Violations() {
			errs = append(errs, fmt.Errorf("against Slack's rules: %s", v))
		}
	}
	return errors.Join(append(errs, s.leaks())...)
}

// hasDatabase tells whether there is one to look into: a private one is there
// while honk serve runs.
func (s *scene) hasDatabase() bool {
	return s.Getenv("HONK_DATABASE_URL") != "" || s.processes["serve"] != nil
}

// leaks finds the worker's secrets in what has left it: what the forge and the
// model were sent, what is stored, what is logged.
func (s *scene) leaks() error {
	var out [][]byte
	for _, r := range s.forge.Requests() {
		out = append(out, r.Body)
	}
	for _, asked := range s.gate.requests() {
		out = append(out, []byte(asked))
	}
	if s.slack != nil {
		out = append(out, s.slack.Evidence())
	}
	for _, p := range s.started {
		out = append(out, []byte(p.out.String()))
	}
	repos := map[string]bool{}
	for _, t := range s.forge.Tokens() {
		for _, repo := range t.Repos {
			repos[repo] = true
		}
	}
	for repo := range repos {
		branches, err := seeBranches(s, repo)
		if err != nil {
			return err
		}
		for _, branch := range branches {
			messages, err := s.forge.Messages(s.Context(), repo, branch)
			if err != nil {
				return err
			}
			out = append(out, []byte(branch+strings.Join(messages, "")))
		}
	}
	if s.hasDatabase() {
		for _, table := range []string{"tasks", "events", "patches", "verdicts", "notices", "notes", "tokens", "workers", "deliveries"} {
			rows, err := seeRows(s, table)
			if err != nil {
				return err
			}
			out = append(out, []byte(strings.Join(rows, "\n")))
		}
	}
	all := bytes.Join(out, []byte{'\n'})
	var errs []error
	for name, value := range map[string]string{
		"the canary": canary, "the model's key": apiKey, "the webhook secret": secret,
		"the bot's token": botToken, "the app's token": appToken, "the signing secret": signing,
		"the App's key": strings.Split(string(s.forge.PrivateKey()), "\n")[1],
	} {
		for _, form := range disguises(value) {
			if at := bytes.Index(all, form); at >= 0 {
				errs = append(errs, fmt.Errorf("%s got out: %q", name, all[max(0, at-200):min(len(all), at+200)]))
			}
		}
	}
	return errors.Join(errs...)
}

// disguises are the forms in which a secret may get out.
func disguises(value string) [][]byte {
	reversed := []byte(value)
	slices.Reverse(reversed)
	return [][]byte{
		[]byte(value), []byte(hex.EncodeToString([]byte(value))), reversed,
		[]byte(base64.StdEncoding.EncodeToString([]byte(value))), []byte(value[:len(value)*2/3]), []byte(value[len(value)/3:]),
	}
}

// wantContract holds all that Honk and the forge have said to each other
// against GitHub's own description.
func wantContract(s *scene, _ []string) error {
	return s.check("@octokit/openapi", s.forge.Evidence(), "check-github.mjs")
}

// check lets a program of tools/npm look at evidence, with a library that its
// maker has published. It has nothing to say when all is well.
func (s *scene) check(library string, evidence []byte, program ...string) error {
	dir, err := filepath.Abs("../../../tools/npm")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", library)); err != nil {
		if os.Getenv("CI") == "true" {
			return fmt.Errorf("%s is missing; run hack/setup.sh ci: %w", library, err)
		}
		s.Logf("%s is missing; run npm ci --prefix tools/npm --ignore-scripts", library)
		return nil
	}
	node := filepath.Join(dir, "node_modules", ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		node = "node"
	}
	var complaint bytes.Buffer
	cmd := exec.CommandContext(s.Context(), node, program...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(evidence), &complaint
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("running the check: %w\n%s%s", err, out, complaint.String())
	}
	if said := strings.TrimSpace(string(out)); said != "" {
		return errors.New(said)
	}
	return nil
}
