package service_test

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"honk/integrations/github/githubtest"
)

// fleets are what happens to a shift's repositories at the forge.
var fleets = map[string]command{
	"checked":  {"OWNER/NAME NAME CONCLUSION [TEXT]", 3, 4, false, fleetChecked},
	"archived": {"OWNER/NAME", 1, 1, false, fleetArchived},
	"pushed":   {"LOGIN OWNER/NAME PATH TEXT", 4, 4, false, fleetPushed},
}

// branchOf is the one branch of ours in a repository.
func (s *scene) branchOf(repo string) (string, error) {
	all, err := seeBranches(s, repo)
	if err != nil {
		return "", err
	}
	own := slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, "honk/") })
	if len(own) != 1 {
		return "", fmt.Errorf("%s has %d branches of ours: %s", repo, len(own), own)
	}
	return own[0], nil
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
	phase, err := query(s, `SELECT (shift->>'phase') || ' wave ' || (shift->>'wave') || ' ' || coalesce(shift->>'reason', '') FROM x_shifts WHERE name = $1`, name)
	if err != nil {
		return nil, err
	}
	rows, err := query(s, `SELECT format('%s %s: %s', row->'key'->>'repo', row->>'state', row->>'reason') FROM x_rows WHERE shift = $1 ORDER BY key`, name)
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
