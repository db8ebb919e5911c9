package service_test

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"honk/integrations/github/githubtest"
)

// shiftActs are what stories of shifts need beside fleets.
var shiftActs = map[string]command{
	"exits":     {"CODE PROGRAM [ARG ...]", 2, 20, false, actExits},
	"described": {"OWNER/NAME DIR TOPIC,... LANGUAGE", 4, 4, false, actDescribed},
	"suite":     {"OWNER/NAME", 1, 1, false, actSuite},
	"due":       {"SHIFT", 1, 1, false, actDue},
	"limited":   {"REGEXP SECONDS COUNT", 3, 3, false, actLimited},
}

// actExits runs a program that must end with a code. What it says is for
// stdout and stderr, as that of exec is.
func actExits(s *scene, args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	err = s.Exec(args[1], args[2:]...)
	got := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("it ended with %d, not %d", got, want)
	}
	return nil
}

// actLimited has the forge answer the next requests that match METHOD PATH
// with a secondary limit, so many of them, and say how long to wait.
func actLimited(s *scene, args []string) error {
	re, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	wait, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var left atomic.Int64
	left.Store(int64(count))
	s.forge.Fault(func(r *http.Request) *githubtest.Fault {
		if !re.MatchString(r.Method+" "+r.URL.Path) || left.Add(-1) < 0 {
			return nil
		}
		return githubtest.SecondaryLimit(time.Duration(wait) * time.Second)
	})
	return nil
}

// actDue has the targets of a shift with a schedule looked for now, and waits
// until that is done.
func actDue(s *scene, args []string) error {
	// Two looks are told apart by their seconds.
	<-time.After(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	const set = `UPDATE shifts SET next_run_at = now() WHERE name = $1 AND next_run_at > now() RETURNING name`
	found, err := query(s, set, args[0])
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%s has no time to come at which its targets are looked for", args[0])
	}
	return s.until("the targets are looked for", func() (bool, error) {
		next, err := query(s, `SELECT name FROM shifts WHERE name = $1 AND next_run_at > now()`, args[0])
		return len(next) == 1, err
	})
}

// actDescribed makes a repository of a directory, with topics and a language.
func actDescribed(s *scene, args []string) error {
	files, err := s.tree(args[1])
	if err != nil {
		return err
	}
	_, err = s.forge.CreateRepo(s.Context(), githubtest.NewRepo{
		Name: args[0], Files: files, Topics: strings.Split(args[2], ","), Language: args[3],
	})
	if err != nil {
		return err
	}
	owner, _, _ := strings.Cut(args[0], "/")
	_, err = s.forge.Install(owner)
	return err
}

// actSuite has a check pass on every branch of ours in a repository.
func actSuite(s *scene, args []string) error {
	all, err := seeBranches(s, args[0])
	if err != nil {
		return err
	}
	for _, branch := range all {
		if !strings.HasPrefix(branch, "honk/") {
			continue
		}
		s.clock.tick()
		if err := actCheck(s, []string{args[0] + "@" + branch, "ci", "success"}); err != nil {
			return err
		}
	}
	return nil
}
