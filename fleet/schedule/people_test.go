package schedule_test

import (
	"fmt"
	"slices"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/internal/task"
)

// people are what happens to an open pull request.
func (w *world) people(t *target) {
	number := w.number
	see := func(d time.Duration, f func() fleet.PRFact) {
		w.tell(d, t, func() (fleet.Facts, bool) {
			if t.row.PR.Number != number || !t.open {
				return fleet.Facts{}, false
			}
			pr := f()
			pr.Number, pr.By, pr.Active = number, "ada", w.now
			if pr.State == "" {
				pr.State = task.PullRequestOpen
				pr.Draft = t.row.PR.Draft
			} else {
				w.closed(t)
			}
			return fleet.Facts{Cause: "webhook", PR: &pr}, true
		})
	}
	end := func(d time.Duration, closing float64) {
		see(d, func() fleet.PRFact {
			if w.chance(closing) || t.row.CI.State == fleet.ChecksFailed {
				return fleet.PRFact{State: task.PullRequestClosed}
			}
			return fleet.PRFact{State: task.PullRequestMerged}
		})
	}
	first := w.about(10 * time.Hour)
	switch p := w.rng.Float64(); {
	case p < 0.68:
		see(first, func() fleet.PRFact { return fleet.PRFact{Review: fleet.ReviewApproved} })
		end(first+w.about(time.Hour), 0.01)
	case p < 0.76:
		see(first, func() fleet.PRFact { return fleet.PRFact{Review: fleet.ReviewChanges} })
		end(first+w.about(20*time.Hour), 0.3)
	case p < 0.80:
		end(first, 1)
	case p < 0.83:
		see(first, func() fleet.PRFact { return fleet.PRFact{Foreign: true} })
		end(first+w.about(20*time.Hour), 0.1)
	case p < 0.87:
		see(first, func() fleet.PRFact { return fleet.PRFact{Conflicted: true} })
		end(first+w.about(30*time.Hour), 0.1)
	case p < 0.875:
		w.tell(first, t, func() (fleet.Facts, bool) {
			if t.row.PR.Number == number && t.open {
				w.closed(t)
			}
			return fleet.Facts{Cause: "poll", Target: &fleet.TargetFact{Gone: "archived"}}, true
		})
	default: // Nobody looks: reminded, and closed as stale.
	}
}

// look is what people do about a row's new state.
func (w *world) look(t *target, moves []fleet.Transition) {
	if len(moves) == 0 {
		return
	}
	state := t.row.State
	retry := func(p float64) {
		if !w.chance(p) || t.fate > 0.9 {
			return
		}
		t.fate += 0.3
		w.tell(w.about(12*time.Hour), t, func() (fleet.Facts, bool) {
			return fleet.Facts{Cause: "person", Actor: "ada", Order: fleet.OrderRetry}, t.row.State == state
		})
	}
	switch state {
	case fleet.TransformFailed, fleet.VerifyFailed, fleet.CIFailed, fleet.Conflicted:
		retry(0.5)
	case fleet.NeedsHuman:
		retry(0.3)
	case fleet.BaseBroken:
		if w.chance(0.5) && t.fate < 0.9 {
			t.fate += 0.3
			w.tell(w.about(24*time.Hour), t, func() (fleet.Facts, bool) {
				return fleet.Facts{Cause: "webhook", Base: fmt.Sprint("new", w.seq)}, true
			})
		}
	case fleet.Watching:
		if w.chance(0.004) {
			w.tell(w.about(5*time.Hour), t, func() (fleet.Facts, bool) {
				return fleet.Facts{Cause: "health", Health: &fleet.HealthFact{Reason: "errors doubled"}}, true
			})
		}
	default:
	}
	if t.open && (state == fleet.NeedsHuman || state == fleet.CIFailed || state == fleet.Adopted) {
		// In the end somebody cleans up.
		number := t.row.PR.Number
		w.tell(w.about(48*time.Hour), t, func() (fleet.Facts, bool) {
			if !t.open || t.row.PR.Number != number || t.row.State != state {
				return fleet.Facts{}, false
			}
			w.closed(t)
			return fleet.Facts{Cause: "webhook", PR: &fleet.PRFact{Number: number, State: task.PullRequestClosed, By: "ada"}}, true
		})
	}
}

// check asserts, at every event, what the world sees of the caps.
func (w *world) check(t *target) {
	w.steps++
	s := w.shifts[t.row.Key.Shift]
	limits := s.m.Spec.Rollout.Limits
	for _, cap := range []struct {
		name    string
		got, at int
	}{
		{"workers", s.runs, limits.Workers},
		{"openPRs", s.open, limits.OpenPRs},
		{"pendingCI", s.checking, limits.PendingCI},
		{"perOwnerOpen", w.ownerOpen[t.row.Owner], limits.PerOwnerOpen},
		{"perRepoOpen", w.repoOpen[t.row.Key.Repo], limits.PerRepoOpen},
		{"merges in a repository", w.repoMerging[t.row.Key.Repo], 1},
	} {
		if cap.got == cap.at {
			w.bound[cap.name] = true
		}
		if cap.got > cap.at {
			w.t.Fatalf("%v after %v: %s %d, at most %d", t.row.Key, w.now.Sub(w.start), cap.name, cap.got, cap.at)
		}
	}
}

// limits asserts, at every write, rates, windows and the forge's budget.
func (w *world) limits(t *target, act fleet.Act) {
	s := w.shifts[t.row.Key.Shift]
	limits := s.m.Spec.Rollout.Limits
	rate := func(name string, times *[]time.Time, most int) {
		*times = append(*times, w.now)
		if got := within(*times, w.now, time.Hour); got > most {
			w.t.Fatalf("%v: %d %s in an hour, at most %d", t.row.Key, got, name, most)
		}
	}
	outside := func() {
		local := w.now
		if len(s.m.Spec.Rollout.Windows) > 0 && (local.Weekday() == time.Sunday || local.Weekday() == time.Saturday || local.Hour() < 7 || local.Hour() >= 18) {
			w.t.Fatalf("%v: %s at %v, outside the window", t.row.Key, act, local)
		}
	}
	switch act {
	case fleet.ActPush:
		rate("pushes", &s.pushes, limits.PRsPerHour+limits.Burst)
	case fleet.ActOpen:
		rate("pull requests", &s.opens, limits.PRsPerHour+limits.Burst)
		outside()
	case fleet.ActMerge:
		rate("merges", &s.merges, s.m.Spec.Merge.PerHour)
		outside()
	default:
	}
	forge := ledger.GitHub()
	if got := within(w.writes, w.now, time.Minute); got > forge.ContentPerMinute*8/10 {
		w.t.Fatalf("%d writes in a minute", got)
	}
	got := within(w.writes, w.now, time.Hour)
	if got > forge.ContentPerHour*8/10 {
		w.t.Fatalf("%d writes in an hour", got)
	}
	if got >= forge.ContentPerHour*7/10 {
		w.bound["writes in an hour"] = true
	}
}

// within counts the times in the span that ends now.
func within(times []time.Time, now time.Time, span time.Duration) int {
	from := now.Add(-span)
	at, _ := slices.BinarySearchFunc(times, from, func(a, b time.Time) int {
		if !a.After(b) {
			return -1
		}
		return 1
	})
	return len(times) - at
}
