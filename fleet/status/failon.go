package status

import (
	"slices"
	"strconv"
	"strings"

	"honk/fleet"
	"honk/internal/task"
)

// DefaultFailOn is what status fails on where nothing else is asked for: it
// never ends with 0 while a row has failed.
const DefaultFailOn = "failed,regressed,halted"

// FailOn is what a status fails on.
type FailOn struct{ conditions []condition }

// condition is a count that must not exceed a limit.
type condition struct {
	text, name string
	most       int
}

// groups are the names beside buckets and states.
var groups = []string{"failed", "halted", "incomplete", "residual", "stuck"}

// ParseFailOn reads names of buckets, states or groups (failed, halted,
// incomplete, residual, stuck), each with the most that is still right after
// a >, separated by commas: failed,red>3.
func ParseFailOn(s string) (FailOn, error) {
	var f FailOn
	known := slices.Clone(groups)
	for _, b := range Buckets() {
		known = append(known, string(b))
	}
	for _, state := range fleet.States() {
		known = append(known, string(state))
	}
	for text := range strings.SplitSeq(s, ",") {
		text = strings.TrimSpace(text)
		name, number, has := strings.Cut(text, ">")
		c := condition{text: text, name: strings.TrimSpace(name)}
		if !slices.Contains(known, c.name) {
			slices.Sort(known)
			return FailOn{}, task.Errorf(task.CodeInvalid, "%q is nothing to fail on; use one of %s", c.name, strings.Join(slices.Compact(known), ", "))
		}
		if has {
			n, err := strconv.Atoi(strings.TrimSpace(number))
			if err != nil || n < 0 {
				return FailOn{}, task.Errorf(task.CodeInvalid, "%q has no number after the >; write for example %s>3", text, c.name)
			}
			c.most = n
		}
		f.conditions = append(f.conditions, c)
	}
	return f, nil
}

// Check returns the conditions that a status fails on, in order; none is
// right.
func (f FailOn) Check(s Status) []string {
	var failed []string
	for _, c := range f.conditions {
		if count(c.name, s) > c.most {
			failed = append(failed, c.text)
		}
	}
	return failed
}

// count returns how often a name is true of a status.
func count(name string, s Status) int {
	switch name {
	case "failed":
		n := 0
		for state, rows := range s.States {
			if state.Failed() {
				n += rows
			}
		}
		return n
	case "halted":
		if s.Shift.Phase == fleet.PhaseHalted {
			return 1
		}
		return 0
	case "incomplete":
		if s.Shift.Phase != fleet.PhaseCompleted {
			return 1
		}
		return 0
	case "residual":
		return s.Residual
	case "stuck":
		return len(s.Stuck)
	}
	// merged and regressed are buckets before they are states.
	if n, ok := s.Buckets[Bucket(name)]; ok {
		return n
	}
	return s.States[fleet.State(name)]
}
