package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"honk/agent/tool"
)

const (
	// windowSize is how many happenings stuck detection looks back on.
	windowSize = 20
	// The thresholds of stuck detection, in happenings.
	sameOutput  = 4
	sameError   = 3
	textOnly    = 3
	alternating = 6
	sameFaults  = 4 // the first failure and three repairs
	// idleSteps without a change to a file, after the first one.
	idleSteps = 25
)

// happening is one call, or one reply without any, as stuck detection sees it.
type happening struct {
	// call and output are equal for equal calls and outputs.
	call, output string
	failed       bool
	// text is set for a reply without a call.
	text bool
	// changed says that a file was written.
	changed bool
	// complaints is what a failed verification found.
	complaints string
}

// rut says in which rut the latest happenings are, empty for none.
func rut(seen []happening) string {
	last := func(n int, like func(a, b happening) bool, ok func(happening) bool) bool {
		if len(seen) < n {
			return false
		}
		tail := seen[len(seen)-n:]
		for i := range tail {
			if !ok(tail[i]) || i > 0 && !like(tail[i-1], tail[i]) {
				return false
			}
		}
		return true
	}
	same := func(a, b happening) bool { return a.call == b.call && a.output == b.output }
	isCall := func(h happening) bool { return !h.text }
	switch {
	case last(sameError, same, func(h happening) bool { return !h.text && h.failed }):
		return fmt.Sprintf("the same call failed in the same way %d times in a row", sameError)
	case last(sameOutput, same, isCall):
		return fmt.Sprintf("the same call gave the same result %d times in a row", sameOutput)
	case last(textOnly, func(_, _ happening) bool { return true }, func(h happening) bool { return h.text }):
		return fmt.Sprintf("%d replies in a row held no tool call", textOnly)
	case alternates(seen, same):
		return "two calls take turns without anything changing"
	case complains(seen):
		return fmt.Sprintf("the checks fail in the same way after %d repairs", sameFaults-1)
	}
	return ""
}

// alternates reports whether the tail goes A, B, A, B, A, B.
func alternates(seen []happening, same func(a, b happening) bool) bool {
	if len(seen) < alternating {
		return false
	}
	tail := seen[len(seen)-alternating:]
	for i := range tail {
		if tail[i].text || i > 1 && !same(tail[i], tail[i-2]) {
			return false
		}
	}
	return !same(tail[0], tail[1])
}

// complains reports whether the latest verifications, with a change between
// each, failed in the same way.
func complains(seen []happening) bool {
	n, latest, changed := 0, "", true
	for _, h := range slices.Backward(seen) {
		changed = changed || h.changed
		if h.complaints == "" {
			continue
		}
		if latest != "" && h.complaints != latest {
			return false
		}
		if changed {
			n++
		}
		latest, changed = h.complaints, false
		if n == sameFaults {
			return true
		}
	}
	return false
}

// moments are what differs between equal outputs: times, durations, addresses.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|\b\d\d:\d\d:\d\d(?:\.\d+)?|\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|seconds)\b|0x[0-9a-fA-F]+`)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// watch is what stuck detection remembers.
type watch struct {
	seen   []happening
	nudged bool
	// edited is set by the first change to a file, idle counts the steps
	// since the latest, diff is the change as of the last look.
	edited bool
	idle   int
	diff   string
}

// observe takes in the calls of a step.
func (r *run) observe(ctx context.Context, calls []tool.Call, results []tool.Result) error {
	var now []happening
	for i, c := range calls {
		now = append(now, happening{
			call: digest(c.Key), output: digest(moments.ReplaceAllString(results[i].Text, "")),
			failed: results[i].IsError, changed: results[i].Changed, complaints: results[i].Complaints,
		})
	}
	return r.stuck(ctx, now...)
}

// stuck nudges the model the first time it is in a rut, and ends the run the
// second time.
func (r *run) stuck(ctx context.Context, now ...happening) error {
	w := &r.watch
	w.idle++
	for _, h := range now {
		if h.changed {
			w.edited, w.idle = true, 0
		}
	}
	w.seen = append(w.seen, now...)
	w.seen = w.seen[max(0, len(w.seen)-windowSize):]
	why := rut(w.seen)
	if why == "" && w.edited && w.idle >= idleSteps {
		idle, err := r.idles(ctx)
		if err != nil || !idle {
			return err
		}
		why = fmt.Sprintf("no file has changed for %d steps", idleSteps)
	}
	switch {
	case why == "":
		return nil
	case w.nudged:
		r.stop(ExitFailed, "the agent is stuck: "+why)
		return nil
	}
	w.nudged, w.seen, w.idle = true, nil, 0
	return r.notice(ctx, "nudge", map[string]string{"Why": why})
}

// idles reports whether really nothing has changed: commands change files
// too, which only the diff tells.
func (r *run) idles(ctx context.Context) (bool, error) {
	patch, err := r.in.DiffFunc(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for changes: %w", err)
	}
	now := digest(string(patch.Diff))
	same := now == r.watch.diff
	r.watch.diff, r.watch.idle = now, 0
	return same, nil
}
