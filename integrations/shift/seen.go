package shift

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/signature"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/task"
)

// ourBranch finds the task in the name of a branch of ours.
var ourBranch = regexp.MustCompile(`^honk/([0-9A-HJKMNP-TV-Z]{16})(?:-|$)`)

// Seen takes in that something happened on a branch of a repository at the
// forge, and reports whether that is a row's.
func (d *Door) Seen(ctx context.Context, repo, branch string) (bool, error) {
	m := ourBranch.FindStringSubmatch(branch)
	if m == nil {
		return false, nil
	}
	rec, err := d.DB.Task(ctx, task.ID(m[1]))
	if isMissing(err) {
		return false, nil
	}
	if err != nil || rec.Request.Source != task.SourceShift {
		return false, err
	}
	key, err := fleet.ParseKey(rec.Request.Origin.Row)
	if err != nil {
		return false, err
	}
	if !strings.EqualFold(key.Repo, repo) {
		return false, nil
	}
	row, err := d.Keep.Row(ctx, key)
	if err != nil || row.PR.Branch != branch {
		return true, err
	}
	return true, d.refresh(ctx, key)
}

// refresh reads how a row's branch and pull request stand at the forge.
func (d *Door) refresh(ctx context.Context, key fleet.Key) error {
	w, err := d.Keep.Work(ctx, key.Shift)
	if err != nil {
		return err
	}
	row, err := d.Keep.Row(ctx, key)
	if err != nil || row.PR.HeadSHA == "" {
		return err
	}
	var f fleet.Facts
	base := ""
	if row.PR.Number != 0 {
		pull, err := d.Forge.Pull(ctx, key.Repo, row.PR.Number)
		if err != nil {
			return d.unseen(ctx, key, err)
		}
		f.PR, base = pullFact(&row, pull), pull.Base
		row.PR.HeadSHA = pull.HeadSHA
	}
	if f.PR == nil || f.PR.State == task.PullRequestOpen {
		if f.Checks, err = d.checks(ctx, w, &row, base); err != nil {
			return d.unseen(ctx, key, err)
		}
	}
	f.Cause = "seen at the forge"
	return d.step(ctx, key, func(*fleet.Row) *fleet.Facts { return &f })
}

// unseen takes in that a repository cannot be looked at any more.
func (d *Door) unseen(ctx context.Context, key fleet.Key, err error) error {
	if code := task.CodeOf(err); code != task.CodeNotFound && code != task.CodeForbidden {
		return err
	}
	l, look := d.Forge.Repo(ctx, key.Repo)
	reason := "out of reach"
	switch code := task.CodeOf(look); {
	case code == task.CodeNotFound, code == task.CodeForbidden:
	case look == nil && l.Archived:
		reason = "archived"
	default:
		return err
	}
	return d.step(ctx, key, func(row *fleet.Row) *fleet.Facts {
		return &fleet.Facts{Target: &fleet.TargetFact{Gone: reason, NoAutomerge: row.NoAutomerge}}
	})
}

func pullFact(row *fleet.Row, p Pull) *fleet.PRFact {
	f := &fleet.PRFact{
		Number: p.Number, State: p.State, By: p.By, ByHonk: p.ByHonk, HeadSHA: p.HeadSHA, Draft: p.Draft,
		Conflicted: p.Conflicted, Behind: p.Behind, Foreign: p.Foreign, MergeSHA: p.MergedSHA,
	}
	switch {
	case p.Objection:
		f.Review = fleet.ReviewChanges
	case p.Approved:
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
func (d *Door) checks(ctx context.Context, w *keep.Work, row *fleet.Row, base string) (*fleet.ChecksFact, error) {
	c, err := d.Forge.Checks(ctx, row.Key.Repo, row.PR.HeadSHA)
	if err != nil {
		return nil, err
	}
	f := &fleet.ChecksFact{HeadSHA: row.PR.HeadSHA, Green: len(c.Passed)}
	missing := false
	if w.Manifest.Spec.Merge.Mode != manifest.MergeManual && base != "" {
		required, err := d.Forge.Required(ctx, row.Key.Repo, base)
		if err != nil {
			return nil, err
		}
		if len(required) > 0 {
			f.Green = 0
			for _, name := range required {
				switch {
				case slices.Contains(c.Passed, name):
					f.Green++
				case !slices.Contains(c.Skipped, name):
					missing = true
				}
			}
		}
	}
	switch {
	case c.Pending > 0:
		f.State = fleet.ChecksRunning
	case len(c.Failed) > 0:
		f.State = fleet.ChecksFailed
		return f, d.red(ctx, row, c, f)
	case missing:
		f.State = fleet.ChecksRunning
	case len(c.Passed) > 0:
		f.State = fleet.ChecksPassed
	}
	return f, nil
}

// red adds what failed checks say, and whether the base is as red.
func (d *Door) red(ctx context.Context, row *fleet.Row, c Checks, f *fleet.ChecksFact) error {
	base, err := d.Forge.Checks(ctx, row.Key.Repo, row.BaseSHA)
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

func isMissing(err error) bool { return errors.Is(err, postgres.ErrNotFound) }
