// Package act does at the forge what rows of shifts have leave for. Whatever
// is done again finds what is there.
package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"honk/fleet"
	"honk/fleet/life"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/task"
)

// Actor acts for rows. It is safe for concurrent use.
type Actor struct {
	DB    *postgres.DB
	Forge Forge
	// ProveFunc has a row's transform run once more, and says what is wrong
	// unless it makes the same change.
	ProveFunc func(ctx context.Context, w *keep.Work, row *fleet.Row) (string, error)
	// FreshFunc looks at a row at the forge, stores that and returns it.
	FreshFunc func(ctx context.Context, key fleet.Key) (fleet.Row, error)
	Log       *slog.Logger
}

// Stamp names what a row is doing, and no other act of it.
func Stamp(row *fleet.Row) string { return fmt.Sprint(row.NotBefore.UnixMilli()) }

// maxFollow is how often a change follows its moving base before it is pushed
// as it is.
const maxFollow = 3

// Do does what a row has leave for, and returns its end. An error is not
// about the act: it is done again.
func (a *Actor) Do(ctx context.Context, w *keep.Work, row *fleet.Row) (fleet.DoneFact, error) {
	do := map[fleet.Act]func(context.Context, *keep.Work, *fleet.Row) (fleet.DoneFact, error){
		fleet.ActPush: a.push, fleet.ActOpen: a.open, fleet.ActReady: a.ready, fleet.ActUpdate: a.update,
		fleet.ActMerge: a.merge, fleet.ActClose: a.close, fleet.ActRemind: a.remind, fleet.ActEscalate: a.escalate,
	}[row.Doing]
	if do == nil {
		return fleet.DoneFact{Act: row.Doing, Fail: fleet.FailRefused, Reason: "Honk cannot do that yet: " + string(row.Doing)}, nil
	}
	done, err := do(ctx, w, row)
	done.Act = row.Doing
	if err == nil {
		return done, nil
	}
	if ctx.Err() != nil || errors.Is(err, errAgain) {
		return done, err
	}
	a.Log.WarnContext(ctx, "shift's act failed", "row", row.Key.String(), "act", row.Doing, "error", err)
	return a.failure(ctx, row, done, err)
}

// errAgain marks errors that are about what is here, not about the forge.
var errAgain = errors.New("not about the forge")

// Ours marks an error of the database.
func Ours(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errAgain, err)
}

// failure classes how an act failed.
func (a *Actor) failure(ctx context.Context, row *fleet.Row, done fleet.DoneFact, err error) (fleet.DoneFact, error) {
	done.Reason = err.Error()
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		done.Fail = map[Why]fleet.Failure{
			WhyMoved: fleet.FailMoved, WhyConflicted: fleet.FailConflict, WhyBlocked: fleet.FailRefused, WhyClosed: fleet.FailBroken,
		}[refused.Why]
		return done, nil
	}
	switch task.CodeOf(err) {
	case task.CodeRateLimited:
		done.Fail, done.Until = fleet.FailLimited, time.Now().Add(WaitOf(err))
	case task.CodeConflict:
		if done.Fail = fleet.FailRefused; row.Doing == fleet.ActPush {
			done.Fail = fleet.FailForeign
		}
	case task.CodeForbidden, task.CodeNotFound:
		done.Fail = fleet.FailRefused
		l, look := a.Forge.Repo(ctx, row.Key.Repo)
		switch code := task.CodeOf(look); {
		case code == task.CodeNotFound || code == task.CodeForbidden:
			done.Fail, done.Reason = fleet.FailGone, "out of reach"
		case look != nil:
			done.Fail = fleet.FailBroken
		case l.Archived:
			done.Fail, done.Reason = fleet.FailGone, "archived"
		}
	case task.CodeInvalid:
		done.Fail = fleet.FailRefused
	default:
		done.Fail = fleet.FailBroken
	}
	return done, nil
}

// WaitOf is how long an error says to wait.
func WaitOf(err error) time.Duration {
	if known, ok := errors.AsType[*task.Error](err); ok {
		return cmp.Or(known.After, time.Minute)
	}
	return time.Minute
}

// push puts the change of the row's task on the row's branch. Where the base
// has moved meanwhile, the change is made anew first, a few times.
func (a *Actor) push(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	pub, err := a.publication(ctx, w, row)
	if err != nil {
		return done, err
	}
	head, err := a.Forge.Head(ctx, row.Key.Repo, "")
	if err != nil {
		return done, err
	}
	// A change that is made anew takes the place of the one before, and of
	// nothing else.
	if row.PR.Branch != "" {
		pub.Over = cmp.Or(row.PR.Pushed, row.PR.HeadSHA)
	}
	at, err := a.Forge.Head(ctx, row.Key.Repo, pub.Branch)
	switch code := task.CodeOf(err); {
	case code == task.CodeNotFound:
		at = ""
	case err != nil:
		return done, err
	}
	if at == "" && !row.PR.Open {
		pub.Over = "" // Somebody has deleted the branch, on which nothing depends.
	}
	// Where an earlier try got as far as the branch, its end is told.
	begun := at != "" && at != pub.Over
	if head != pub.Patch.Base && row.Attempts.Reapply < maxFollow && !begun {
		done.Fail, done.SHA, done.Reason = fleet.FailMoved, head, "the base moved"
		return done, nil
	}
	pr, err := a.Forge.Push(ctx, pub)
	if err != nil {
		return done, err
	}
	done.SHA, done.Branch = pr.HeadSHA, pr.Branch
	return done, nil
}

// open opens the row's pull request.
func (a *Actor) open(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	pub, err := a.publication(ctx, w, row)
	if err != nil {
		return done, err
	}
	l, err := a.Forge.Repo(ctx, row.Key.Repo)
	if err != nil {
		return done, err
	}
	n := NewPull{
		Branch: row.PR.Branch, Base: l.DefaultBranch, Draft: asDraft(w, row), Labels: w.Manifest.Spec.PullRequest.Labels,
	}
	if n.Title, n.Body, err = a.words(w, row, pub); err != nil {
		return done, err
	}
	if n.Reviewers, n.Teams, err = a.reviewers(ctx, w, row, pub.Patch, 0); err != nil {
		return done, err
	}
	pr, err := a.Forge.Open(ctx, row.Key.Repo, n)
	if pr.Number == 0 {
		return done, err
	}
	// Without its labels and reviewers it is still there.
	done.Number, done.URL, done.Draft = pr.Number, pr.URL, n.Draft
	return done, nil
}

func (a *Actor) ready(ctx context.Context, _ *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	return done, a.Forge.Ready(ctx, row.Key.Repo, row.PR.Number)
}

func (a *Actor) update(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	pub, err := a.publication(ctx, w, row)
	if err != nil {
		return done, err
	}
	title, body, err := a.words(w, row, pub)
	if err != nil {
		return done, err
	}
	return done, a.Forge.Edit(ctx, row.Key.Repo, row.PR.Number, title, body)
}

// merge merges the row's pull request, once a transform that says to be
// deterministic has made the same change a second time.
func (a *Actor) merge(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	if w.Manifest.Spec.Transform.Deterministic() {
		if done.Reason, err = a.ProveFunc(ctx, w, row); err != nil {
			return done, err
		}
		if done.Reason != "" {
			done.Fail = fleet.FailRefused
			return done, nil
		}
	}
	// Since it was given leave a proof may have run for long, and people may
	// have said something.
	now, err := a.FreshFunc(ctx, row.Key)
	if err != nil {
		return done, err
	}
	why := life.Unmergeable(&now, w.Policy)
	if why == "" && (now.PR.HeadSHA != row.PR.HeadSHA || now.Doing != row.Doing || Stamp(&now) != Stamp(row)) {
		why = "it is not as it was when it was given leave"
	}
	if why != "" {
		done.Fail, done.Until, done.Reason = fleet.FailLimited, time.Now(), why
		return done, nil
	}
	done.SHA, err = a.Forge.Merge(ctx, row.Key.Repo, row.PR.Number, row.PR.HeadSHA, w.Manifest.Spec.Merge.Method)
	if err == nil {
		a.sweep(ctx, row)
	}
	return done, err
}

func (a *Actor) close(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	said := fmt.Sprintf("Closed by the shift `%s`: %s.", w.Name, row.Closing)
	if err := a.Forge.Close(ctx, row.Key.Repo, row.PR.Number, said); err != nil {
		return done, err
	}
	a.sweep(ctx, row)
	return done, nil
}

// sweep deletes the branch of a pull request that Honk has ended, if it is as
// Honk left it. One that stays does no harm.
func (a *Actor) sweep(ctx context.Context, row *fleet.Row) {
	if err := a.Forge.DeleteBranch(ctx, row.Key.Repo, row.PR.Branch, row.PR.HeadSHA); err != nil {
		a.Log.WarnContext(ctx, "branch not deleted", "row", row.Key.String(), "branch", row.PR.Branch, "error", err)
	}
}

func (a *Actor) remind(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	said := fmt.Sprintf("This change of the shift `%s` waits for a review since %s.", w.Name, row.ActiveAt.UTC().Format(time.DateOnly))
	return done, a.Forge.Comment(ctx, row.Key.Repo, row.PR.Number, "remind/"+Stamp(row), said)
}

// escalate asks one more for a review.
func (a *Actor) escalate(ctx context.Context, w *keep.Work, row *fleet.Row) (done fleet.DoneFact, err error) {
	pub, err := a.publication(ctx, w, row)
	if err != nil {
		return done, err
	}
	users, teams, err := a.reviewers(ctx, w, row, pub.Patch, 1)
	if err != nil {
		return done, err
	}
	return done, a.Forge.RequestReview(ctx, row.Key.Repo, row.PR.Number, users, teams)
}
