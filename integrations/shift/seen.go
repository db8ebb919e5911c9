package shift

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"honk/fleet"
	"honk/integrations/shift/act"
	"honk/integrations/shift/see"
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

const (
	// eventMoved is the delivery that looks at pull requests whose base moved,
	// once the forge has found out whether they still fit.
	eventMoved = "shift.moved"
	movedAfter = 20 * time.Second
)

// Moved takes in that the default branch of a repository has moved.
func (d *Door) Moved(ctx context.Context, repo string) error {
	// To be looked at is what makes the forge find out.
	open, err := d.lookAt(ctx, repo)
	if err != nil || open == 0 {
		return err
	}
	_, err = d.Queue.Receive(ctx, task.Delivery{
		Source: task.SourceShift, ID: fmt.Sprintf("moved/%s/%d", repo, time.Now().UnixNano()), Event: eventMoved,
		Payload: fmt.Appendf(nil, "%q", repo), After: movedAfter,
	})
	return err
}

// lookAt looks at the open pull requests in a repository and returns how many
// there are.
func (d *Door) lookAt(ctx context.Context, repo string) (open int, err error) {
	rows, err := d.Keep.RowsOf(ctx, repo)
	if err != nil {
		return 0, err
	}
	for i := range rows {
		if !rows[i].PR.Open {
			continue
		}
		open++
		if err := d.refresh(ctx, rows[i].Key); err != nil {
			return open, err
		}
	}
	return open, nil
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
	f, err := see.Row(ctx, d.Forge, w, row)
	if err != nil {
		return d.unseen(ctx, key, err)
	}
	return d.step(ctx, key, func(*fleet.Row) *fleet.Facts { return &f })
}

// fresh looks at a row at the forge and returns it as it is then.
func (d *Door) fresh(ctx context.Context, key fleet.Key) (fleet.Row, error) {
	if err := d.refresh(ctx, key); err != nil {
		return fleet.Row{}, err
	}
	row, err := d.Keep.Row(ctx, key)
	return row, act.Ours(err)
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

func isMissing(err error) bool { return errors.Is(err, postgres.ErrNotFound) }
