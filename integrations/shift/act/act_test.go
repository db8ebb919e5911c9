package act_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/integrations/shift/act"
	"honk/integrations/shift/keep"
)

// forge merges.
type forge struct {
	act.Forge

	merged []string
}

func (f *forge) Merge(_ context.Context, _ string, _ int, head, _ string) (string, error) {
	f.merged = append(f.merged, head)
	return "merge", nil
}

func (*forge) DeleteBranch(context.Context, string, string, string) error { return nil }

// What came to be known since a row was given leave to merge keeps it from
// being merged; the leave is taken back.
func TestDo_merge(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		since func(*fleet.Row)
		want  string
	}{
		"nothing":       {func(*fleet.Row) {}, ""},
		"red":           {func(r *fleet.Row) { r.CI.State = fleet.ChecksFailed }, "checks are not green"},
		"objection":     {func(r *fleet.Row) { r.PR.Review = fleet.ReviewChanges }, "changes are requested"},
		"another head":  {func(r *fleet.Row) { r.PR.HeadSHA = "b" }, "its head is not what the shift pushed"},
		"pushed anew":   {func(r *fleet.Row) { r.PR.HeadSHA, r.PR.Pushed = "b", "b" }, "it is not as it was when it was given leave"},
		"to be closed":  {func(r *fleet.Row) { r.Closing = "closed by ada" }, "closed by ada"},
		"adopted":       {func(r *fleet.Row) { r.State, r.Doing = fleet.Adopted, "" }, "it is not as it was when it was given leave"},
		"closed":        {func(r *fleet.Row) { r.State, r.Doing, r.PR.Open = fleet.Closed, "", false }, "its pull request is not open"},
		"not wanted":    {func(r *fleet.Row) { r.NoAutomerge = true }, "the repository has shifts: no_automerge"},
		"no target now": {func(r *fleet.Row) { r.Unmatched = true }, "it is no longer among the targets"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &manifest.Manifest{}
			m.Spec.Merge = manifest.Merge{Mode: manifest.MergeAuto, Method: "squash", MinChecks: 1, MaxLines: 9}
			row := fleet.Row{
				Key: fleet.Key{Shift: "s", Repo: "acme/a"}, State: fleet.MergeQueued, Doing: fleet.ActMerge, NotBefore: time.UnixMilli(1),
				PR: fleet.PR{Number: 1, Open: true, Branch: "honk/x", HeadSHA: "a", Pushed: "a"}, CI: fleet.CI{State: fleet.ChecksPassed, Green: 1},
			}
			now := row
			tt.since(&now)
			f := &forge{}
			actor := act.Actor{
				Forge: f, Log: slog.New(slog.DiscardHandler),
				ProveFunc: func(context.Context, *keep.Work, *fleet.Row) (string, error) { return "", nil },
				FreshFunc: func(context.Context, fleet.Key) (fleet.Row, error) { return now, nil },
			}
			done, err := actor.Do(t.Context(), &keep.Work{Manifest: m, Policy: fleet.PolicyOf(m)}, &row)
			if err != nil || done.Reason != tt.want || (done.Fail == fleet.FailLimited) != (tt.want != "") || (len(f.merged) == 1) != (tt.want == "") {
				t.Errorf("Do() = %+v, %v, merged %v, want %q", done, err, f.merged, tt.want)
			}
		})
	}
}
