// Package see reads how a row stands at the forge.
package see

import (
	"context"
	"slices"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/signature"
	"honk/integrations/shift/keep"
	"honk/internal/task"
)

// Row returns how the branch and the pull request of a row stand.
func Row(ctx context.Context, forge Forge, w *keep.Work, row fleet.Row) (f fleet.Facts, err error) {
	f.Cause = "seen at the forge"
	base := ""
	if row.PR.Number != 0 {
		pull, err := forge.Pull(ctx, row.Key.Repo, row.PR.Number)
		if err != nil {
			return f, err
		}
		f.PR, base = pullFact(w, &row, pull), pull.Base
		row.PR.HeadSHA = pull.HeadSHA
	}
	if f.PR == nil || f.PR.State == task.PullRequestOpen {
		f.Checks, err = checks(ctx, forge, w, &row, base)
	}
	return f, err
}

func pullFact(w *keep.Work, row *fleet.Row, p Pull) *fleet.PRFact {
	f := &fleet.PRFact{
		Number: p.Number, State: p.State, By: p.By, ByHonk: p.ByHonk, HeadSHA: p.HeadSHA, Draft: p.Draft,
		Conflicted: p.Conflicted, Behind: p.Behind, Foreign: p.Foreign, MergeSHA: p.MergedSHA,
	}
	switch {
	case p.Objection:
		f.Review = fleet.ReviewChanges
	case slices.ContainsFunc(p.ApprovedBy, func(login string) bool { return !w.Requested(login) }):
		f.Review = fleet.ReviewApproved
	}
	// What Honk did there is nobody's activity.
	own := slices.MaxFunc([]time.Time{row.OpenedAt, row.RemindedAt, row.EscalatedAt, row.RebasedAt}, time.Time.Compare)
	if p.UpdatedAt.After(own.Add(5 * time.Minute)) {
		f.Active = p.UpdatedAt
	}
	return f
}

// checks is what CI says about a row's head. Without required checks every
// one counts as required.
func checks(ctx context.Context, forge Forge, w *keep.Work, row *fleet.Row, base string) (*fleet.ChecksFact, error) {
	c, err := forge.Checks(ctx, row.Key.Repo, row.PR.HeadSHA)
	if err != nil {
		return nil, err
	}
	f := &fleet.ChecksFact{HeadSHA: row.PR.HeadSHA, Green: len(c.Passed)}
	missing := false
	// Red as the base is good enough to be shown to people, not to be merged
	// by itself: then all that is required is green.
	if w.Manifest.Spec.Merge.Mode != manifest.MergeManual && base != "" {
		required, err := forge.Required(ctx, row.Key.Repo, base)
		if err != nil {
			return nil, err
		}
		if len(required) == 0 && len(c.Failed) > 0 {
			f.Green = 0
		}
		if len(required) > 0 {
			f.Green, missing = green(c, required)
		}
	}
	switch {
	case c.Pending > 0:
		f.State = fleet.ChecksRunning
	case len(c.Failed) > 0:
		f.State = fleet.ChecksFailed
		return f, red(ctx, forge, row, c, f)
	case missing:
		f.State = fleet.ChecksRunning
	case len(c.Passed) > 0:
		f.State = fleet.ChecksPassed
	}
	return f, nil
}

// green counts the required checks that passed; none where another is missing.
func green(c Checks, required []string) (passed int, missing bool) {
	for _, name := range required {
		switch {
		case slices.Contains(c.Failed, name):
			return 0, true
		case slices.Contains(c.Passed, name):
			passed++
		case !slices.Contains(c.Skipped, name):
			missing = true
		}
	}
	if missing {
		return 0, true
	}
	return passed, false
}

// red adds what failed checks say, and whether the base is as red.
func red(ctx context.Context, forge Forge, row *fleet.Row, c Checks, f *fleet.ChecksFact) error {
	base, err := forge.Checks(ctx, row.Key.Repo, row.BaseSHA)
	if err != nil {
		return err
	}
	var said []string
	f.OnlyOld = true
	for _, name := range c.Failed {
		f.OnlyOld = f.OnlyOld && slices.Contains(base.Failed, name)
		said = append(said, name+" failed\n"+c.Reports[name])
	}
	f.Reason = strings.Join(c.Failed, ", ") + " failed"
	f.Signature = signature.Of(strings.Join(said, "\n"))
	return nil
}
