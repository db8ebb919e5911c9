package service_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/githubtest"
	"honk/integrations/shift/health"
)

// fleets are what happens to a shift's repositories at the forge.
var fleets = map[string]command{
	"checked":  {"OWNER/NAME NAME CONCLUSION [TEXT]", 3, 4, false, fleetChecked},
	"archived": {"OWNER/NAME", 1, 1, false, fleetArchived},
	"health":   {"CODE KEY BODY", 3, 3, false, fleetHealth},
	"tidied":   {"", 0, 0, false, fleetTidied},
	"pushed":   {"LOGIN OWNER/NAME PATH TEXT", 4, 4, false, fleetPushed},
}

// branchOf is the newest branch of ours in a repository.
func (s *scene) branchOf(repo string) (string, error) {
	all, err := seeBranches(s, repo)
	if err != nil {
		return "", err
	}
	own := slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, "honk/") })
	if len(own) == 0 {
		return "", fmt.Errorf("%s has no branch of ours", repo)
	}
	return slices.Max(own), nil // They are named by time.
}

// fleetChecked reports a check on the branch of a row and ends its suite. The
// branch may be yet to come.
func fleetChecked(s *scene, args []string) error {
	s.clock.tick()
	var branch string
	err := s.until("the branch is there", func() (ok bool, err error) {
		branch, err = s.branchOf(args[0])
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	return actCheck(s, append([]string{args[0] + "@" + branch}, args[1:]...))
}

// fleetHealth has monitoring say something, signed with a key, and wants an
// answer.
func fleetHealth(s *scene, args []string) error {
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+s.addr+"/webhooks/health", strings.NewReader(args[2]))
	if err != nil {
		return err
	}
	at := fmt.Sprint(time.Now().Unix())
	req.Header.Set("Honk-Timestamp", at)
	req.Header.Set("Honk-Signature", health.Sign([]byte(s.Getenv(args[1])), at, []byte(args[2])))
	resp, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if fmt.Sprint(resp.StatusCode) != args[0] {
		return fmt.Errorf("the answer is %d, not %s: %s", resp.StatusCode, args[0], said)
	}
	return err
}

// fleetTidied waits until the tokens of killed processes are revoked.
func fleetTidied(s *scene, _ []string) error {
	return s.until("one process is left, and no token of another", func() (bool, error) {
		got, err := query(s, `SELECT ((SELECT count(*) FROM workers) < 2 AND NOT EXISTS
			(SELECT FROM tokens WHERE worker NOT IN (SELECT id FROM workers)))::text`)
		return err == nil && got[0] == "true", err
	})
}

func fleetArchived(s *scene, args []string) error { return s.forge.Archive(args[0], true) }

// fleetPushed has a person commit to the branch of a row.
func fleetPushed(s *scene, args []string) error {
	s.clock.tick()
	branch, err := s.branchOf(args[1])
	if err != nil {
		return err
	}
	_, err = s.forge.Commit(s.Context(), githubtest.Change{
		Repo: args[1], Branch: branch, Login: args[0], Files: map[string]string{args[2]: args[3] + "\n"},
	})
	return err
}

// seeShift is the phase of a shift and the states of its rows, one a line.
func seeShift(s *scene, name string) ([]string, error) {
	phase, err := query(s, `SELECT format('%s wave %s %s', phase, state->>'wave', state->>'reason') FROM shifts WHERE name = $1`, name)
	if err != nil {
		return nil, err
	}
	rows, err := query(s, `SELECT format('%s %s: %s', repo, state, data->>'reason') FROM shift_rows WHERE shift = $1 ORDER BY repo, unit`, name)
	return append(phase, rows...), err
}

// seeStatus is what an operator is shown of a shift.
func seeStatus(s *scene, name string) ([]string, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(s.Context(), path, "shift", "status", name)
	for key := range s.env {
		cmd.Env = append(cmd.Env, key+"="+s.Getenv(key))
	}
	out, err := cmd.Output()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		err = nil // It says that something has failed.
	}
	return []string{string(out)}, err
}
