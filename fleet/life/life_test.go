package life_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/fleet"
	"honk/fleet/life"
	"honk/fleet/manifest"
	"honk/fleet/signature"
	"honk/internal/task"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// script is the policy of a script that merges by itself.
func script() fleet.Policy {
	return fleet.Policy{
		Publish: manifest.PublishReady, OpenWhen: manifest.OpenGreen, Rebase: manifest.RebaseConflicted,
		Merge: manifest.Merge{Mode: manifest.MergeAuto, MinChecks: 1, MaxLines: 200},
		Watch: 48 * time.Hour, Alert: true, Halt: true,
		Remind: 5 * 24 * time.Hour, Close: 30 * 24 * time.Hour,
	}
}

// at returns a row in a state, as it would be there.
func at(state fleet.State) fleet.Row {
	r := fleet.Row{Key: fleet.Key{Shift: "s", Repo: "acme/api"}, State: state, Since: now.Add(-time.Hour), BaseSHA: "base"}
	change := fleet.Change{Patch: "p", Shape: "s", Exact: "e", Lines: 10}
	open := fleet.PR{Branch: "honk/x", HeadSHA: "head", Number: 7, Open: true}
	switch state {
	case fleet.Eligible, fleet.Waiting:
		r.Want = fleet.ActRun
	case fleet.Running:
		r.Doing = fleet.ActRun
	case fleet.Ready:
		r.Want, r.Change = fleet.ActPush, change
	case fleet.Pushed, fleet.CIPending:
		r.PR = fleet.PR{Branch: "honk/x", HeadSHA: "head"}
		r.CI.Since, r.Change = now, change
	case fleet.CIPassed:
		r.PR = fleet.PR{Branch: "honk/x", HeadSHA: "head"}
		r.CI, r.Change, r.Want = fleet.CI{State: fleet.ChecksPassed, Green: 2, Since: now}, change, fleet.ActOpen
	case fleet.Open, fleet.CIFailed, fleet.ChangesRequested, fleet.Approved, fleet.Conflicted, fleet.MergeQueued, fleet.Adopted:
		r.PR, r.Change, r.ActiveAt, r.OpenedAt = open, change, now, now
		r.CI.Since = now
	default:
	}
	switch state {
	case fleet.MergeQueued:
		r.CI, r.Want = fleet.CI{State: fleet.ChecksPassed, Green: 2, Since: now}, fleet.ActMerge
	case fleet.CIFailed:
		r.CI.State = fleet.ChecksFailed
	case fleet.ChangesRequested:
		r.PR.Review = fleet.ReviewChanges
	case fleet.Approved:
		r.PR.Review = fleet.ReviewApproved
	case fleet.Conflicted:
		r.PR.Conflicted, r.Want = true, fleet.ActRun
	case fleet.Merged, fleet.Watching, fleet.Regressed, fleet.RevertProposed:
		r.PR, r.MergedAt = fleet.PR{Number: 7, HeadSHA: "head"}, now
	default:
	}
	return r
}

func with(r fleet.Row, change func(*fleet.Row)) fleet.Row {
	change(&r)
	return r
}

func ended(e fleet.Ending) fleet.Facts {
	return fleet.Facts{Cause: "task", Task: &fleet.TaskFact{ID: "T", Ending: e, Change: fleet.Change{Patch: "p", Lines: 3}}}
}

func done(act fleet.Act, fail fleet.Failure) fleet.Facts {
	return fleet.Facts{Done: &fleet.DoneFact{Act: act, Fail: fail, Until: now.Add(time.Hour), SHA: "new", Number: 7, Branch: "honk/x"}}
}

func doing(state fleet.State, act fleet.Act) fleet.Row {
	return with(at(state), func(r *fleet.Row) { r.Doing, r.Want = act, "" })
}

func seen(change func(*fleet.PRFact)) fleet.Facts {
	pr := &fleet.PRFact{Number: 7, State: task.PullRequestOpen, HeadSHA: "head", By: "ada"}
	change(pr)
	return fleet.Facts{Cause: "webhook", PR: pr}
}

func checks(state fleet.CheckState) fleet.Facts {
	return fleet.Facts{Checks: &fleet.ChecksFact{HeadSHA: "head", State: state, Green: 2, Signature: signature.Of("error: x")}}
}

type stepTest struct {
	row    fleet.Row
	facts  fleet.Facts
	policy func(*fleet.Policy)
	// later is how long after now it happens.
	later   time.Duration
	path    string // The states gone through, by space.
	want    fleet.Act
	effects string
}

var stepTests = map[string]stepTest{
	"pending, matches":      {row: at(fleet.Pending), facts: fleet.Facts{Target: &fleet.TargetFact{BaseSHA: "b"}}, path: "eligible", want: fleet.ActRun},
	"pending, unmet":        {row: at(fleet.Pending), facts: fleet.Facts{Target: &fleet.TargetFact{Unmet: "go.mod does not exist"}}, path: "skipped"},
	"pending, opted out":    {row: at(fleet.Pending), facts: fleet.Facts{Target: &fleet.TargetFact{OptOut: true}}, path: "skipped"},
	"pending, archived":     {row: at(fleet.Pending), facts: fleet.Facts{Target: &fleet.TargetFact{Gone: "archived"}}, path: "unreachable"},
	"pending, nothing":      {row: at(fleet.Pending), path: ""},
	"eligible waits":        {row: at(fleet.Eligible), facts: fleet.Facts{Wait: &fleet.Wait{Kind: fleet.WaitWave, Reason: "wave"}}, path: "waiting", want: fleet.ActRun},
	"waiting runs":          {row: at(fleet.Waiting), facts: fleet.Facts{Grant: fleet.ActRun}, path: "running", effects: "run"},
	"eligible runs":         {row: at(fleet.Eligible), facts: fleet.Facts{Grant: fleet.ActRun}, path: "running", effects: "run"},
	"eligible, wrong leave": {row: at(fleet.Eligible), facts: fleet.Facts{Grant: fleet.ActPush}, want: fleet.ActRun},

	"run changed":      {row: at(fleet.Running), facts: ended(fleet.EndChanged), path: "ready", want: fleet.ActPush},
	"run, not to push": {row: at(fleet.Running), facts: ended(fleet.EndChanged), policy: func(p *fleet.Policy) { p.Publish = manifest.PublishNone }, path: "ready"},
	"run published": {row: at(fleet.Running), facts: fleet.Facts{Task: &fleet.TaskFact{
		Ending:    fleet.EndChanged,
		Published: &task.PullRequest{Branch: "honk/x", HeadSHA: "h", Number: 7},
	}}, path: "ready pushed open"},
	"run clean":       {row: at(fleet.Running), facts: ended(fleet.EndClean), path: "no_change"},
	"run skips":       {row: at(fleet.Running), facts: ended(fleet.EndSkip), path: "skipped"},
	"run needs human": {row: at(fleet.Running), facts: ended(fleet.EndHuman), path: "needs_human"},
	"run over budget": {row: at(fleet.Running), facts: ended(fleet.EndRowBudget), path: "needs_human"},
	"shift is broke":  {row: at(fleet.Running), facts: ended(fleet.EndBudget), path: "waiting", want: fleet.ActRun},
	"run cancelled":   {row: at(fleet.Running), facts: ended(fleet.EndCancelled), path: "waiting", want: fleet.ActRun},
	"run, base red":   {row: at(fleet.Running), facts: ended(fleet.EndBase), path: "base_broken"},
	"run unproven":    {row: at(fleet.Running), facts: ended(fleet.EndVerify), path: "verify_failed"},
	"run fails once":  {row: at(fleet.Running), facts: ended(fleet.EndFailed), path: "eligible", want: fleet.ActRun},
	"run fails thrice": {
		row:   with(at(fleet.Running), func(r *fleet.Row) { r.Attempts.Transform = 2 }),
		facts: ended(fleet.EndFailed), path: "transform_failed",
	},
	"reapply fails": {
		row:   with(at(fleet.Running), func(r *fleet.Row) { r.Redo = fleet.RedoReapply }),
		facts: ended(fleet.EndVerify), path: "eligible", want: fleet.ActRun,
	},
	"run, archived":  {row: at(fleet.Running), facts: fleet.Facts{Target: &fleet.TargetFact{Gone: "archived"}}, path: "unreachable", effects: "cancel"},
	"base mended":    {row: at(fleet.BaseBroken), facts: fleet.Facts{Base: "other"}, path: "eligible", want: fleet.ActRun},
	"base as it was": {row: at(fleet.BaseBroken), facts: fleet.Facts{Base: "base"}},

	"ready pushes":       {row: at(fleet.Ready), facts: fleet.Facts{Grant: fleet.ActPush}, effects: "push"},
	"pushed":             {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, ""), path: "pushed ci_pending"},
	"pushed, opens":      {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, ""), policy: func(p *fleet.Policy) { p.OpenWhen = manifest.OpenPushed }, path: "pushed", want: fleet.ActOpen},
	"push, base moved":   {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, fleet.FailMoved), path: "eligible", want: fleet.ActRun},
	"push limited":       {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, fleet.FailLimited), want: fleet.ActPush, effects: "snooze"},
	"push foreign":       {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, fleet.FailForeign), path: "adopted"},
	"push gone":          {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, fleet.FailGone), path: "unreachable"},
	"push refused":       {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, fleet.FailRefused), path: "needs_human"},
	"push breaks":        {row: doing(fleet.Ready, fleet.ActPush), facts: done(fleet.ActPush, fleet.FailBroken), want: fleet.ActPush},
	"checks pass":        {row: at(fleet.CIPending), facts: checks(fleet.ChecksPassed), path: "ci_passed", want: fleet.ActOpen},
	"checks fail":        {row: at(fleet.CIPending), facts: checks(fleet.ChecksFailed), path: "ci_failed"},
	"red as the base":    {row: at(fleet.CIPending), facts: fleet.Facts{Checks: &fleet.ChecksFact{State: fleet.ChecksFailed, OnlyOld: true}}, path: "ci_passed", want: fleet.ActOpen},
	"checks of another":  {row: at(fleet.CIPending), facts: fleet.Facts{Checks: &fleet.ChecksFact{HeadSHA: "old", State: fleet.ChecksFailed}}},
	"no checks at all":   {row: at(fleet.CIPending), later: 10 * time.Minute, want: fleet.ActOpen},
	"no checks, branch":  {row: at(fleet.CIPending), later: 10 * time.Minute, policy: func(p *fleet.Policy) { p.Publish = manifest.PublishBranch }, path: "ci_passed"},
	"green opens":        {row: at(fleet.CIPassed), facts: fleet.Facts{Grant: fleet.ActOpen}, effects: "open"},
	"opened":             {row: doing(fleet.CIPassed, fleet.ActOpen), facts: done(fleet.ActOpen, ""), path: "open merge_queued", want: fleet.ActMerge},
	"branch green again": {row: with(at(fleet.CIFailed), func(r *fleet.Row) { r.PR.Open, r.PR.Number = false, 0 }), facts: checks(fleet.ChecksPassed), path: "ci_passed", want: fleet.ActOpen},

	"approved":             {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Review = fleet.ReviewApproved }), path: "approved"},
	"changes requested":    {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Review = fleet.ReviewChanges }), path: "changes_requested"},
	"changes made":         {row: at(fleet.ChangesRequested), facts: seen(func(*fleet.PRFact) {}), path: "open"},
	"green is queued":      {row: at(fleet.Open), facts: checks(fleet.ChecksPassed), path: "merge_queued", want: fleet.ActMerge},
	"too few green":        {row: at(fleet.Open), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.Merge.MinChecks = 3 }},
	"too large to merge":   {row: at(fleet.Open), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.Merge.MaxLines = 9 }},
	"findings":             {row: with(at(fleet.Open), func(r *fleet.Row) { r.Change.Findings = true }), facts: checks(fleet.ChecksPassed)},
	"opted out of merges":  {row: with(at(fleet.Open), func(r *fleet.Row) { r.NoAutomerge = true }), facts: checks(fleet.ChecksPassed)},
	"manual":               {row: at(fleet.Open), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.Merge.Mode = manifest.MergeManual }},
	"nobody approved":      {row: at(fleet.Open), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.Merge.Mode = manifest.MergeOnApproval }},
	"approved and green":   {row: at(fleet.Approved), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.Merge.Mode = manifest.MergeOnApproval }, path: "merge_queued", want: fleet.ActMerge},
	"shape not approved":   {row: at(fleet.Open), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.NeedsShape = true }},
	"shape approved":       {row: with(at(fleet.Open), func(r *fleet.Row) { r.CI.State, r.CI.Green = fleet.ChecksPassed, 1 }), facts: fleet.Facts{Order: fleet.OrderApprove}, policy: func(p *fleet.Policy) { p.NeedsShape = true }, path: "merge_queued", want: fleet.ActMerge},
	"draft turns ready":    {row: with(at(fleet.Open), func(r *fleet.Row) { r.PR.Draft = true }), facts: checks(fleet.ChecksPassed), want: fleet.ActReady},
	"marked ready":         {row: with(doing(fleet.Open, fleet.ActReady), func(r *fleet.Row) { r.PR.Draft, r.CI = true, fleet.CI{State: fleet.ChecksPassed, Green: 1} }), facts: done(fleet.ActReady, ""), path: "merge_queued", want: fleet.ActMerge},
	"open, checks fail":    {row: at(fleet.Open), facts: checks(fleet.ChecksFailed), path: "ci_failed"},
	"red, green again":     {row: at(fleet.CIFailed), facts: checks(fleet.ChecksPassed), policy: func(p *fleet.Policy) { p.Merge.Mode = "manual" }, path: "open"},
	"conflict":             {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Conflicted = true }), path: "conflicted", want: fleet.ActRun},
	"conflict, never":      {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Conflicted = true }), policy: func(p *fleet.Policy) { p.Rebase = manifest.RebaseNever }, path: "conflicted"},
	"conflict regenerates": {row: at(fleet.Conflicted), facts: fleet.Facts{Grant: fleet.ActRun}, path: "running", effects: "regenerate"},
	"regenerated":          {row: with(doing(fleet.Ready, fleet.ActPush), func(r *fleet.Row) { r.PR = fleet.PR{Number: 7, Open: true} }), facts: done(fleet.ActPush, ""), path: "pushed open"},
	"regenerating fails": {
		row:   with(at(fleet.Running), func(r *fleet.Row) { r.PR = fleet.PR{Number: 7, Open: true}; r.Redo = fleet.RedoRegenerate }),
		facts: ended(fleet.EndFailed), path: "conflicted", want: fleet.ActRun,
	},
	"regenerating fails thrice": {row: with(at(fleet.Running), func(r *fleet.Row) {
		r.PR, r.Redo, r.Attempts.Conflict = fleet.PR{Number: 7, Open: true}, fleet.RedoRegenerate, 2
	}), facts: ended(fleet.EndFailed), path: "needs_human"},
	"regenerating is clean": {row: with(at(fleet.Running), func(r *fleet.Row) { r.PR = fleet.PR{Number: 7, Open: true} }), facts: ended(fleet.EndClean), path: "open", want: fleet.ActClose},
	"behind, too soon":      {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Behind = true }), policy: func(p *fleet.Policy) { p.Rebase = manifest.RebaseBehind }},
	"behind":                {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Behind = true }), later: 25 * time.Hour, policy: func(p *fleet.Policy) { p.Rebase = manifest.RebaseBehind }, want: fleet.ActRun},
	"somebody pushed":       {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Foreign, p.HeadSHA = true, "theirs" }), path: "adopted"},
	"pushed while running":  {row: with(at(fleet.Running), func(r *fleet.Row) { r.PR = fleet.PR{Number: 7, Open: true} }), facts: seen(func(p *fleet.PRFact) { p.Foreign = true }), path: "adopted", effects: "cancel"},
	"adopted is left alone": {row: at(fleet.Adopted), facts: checks(fleet.ChecksFailed), later: 90 * 24 * time.Hour},
	"adopted, merged":       {row: at(fleet.Adopted), facts: seen(func(p *fleet.PRFact) { p.State = task.PullRequestMerged }), path: "merged watching"},
	"closed":                {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.State = task.PullRequestClosed }), path: "closed"},
	"opened again":          {row: with(at(fleet.Closed), func(r *fleet.Row) { r.PR.Number = 7 }), facts: seen(func(*fleet.PRFact) {}), path: "open"},
	"another's closing":     {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.Number, p.State = 8, task.PullRequestClosed })},
	"reminder":              {row: at(fleet.Open), later: 5 * 24 * time.Hour, want: fleet.ActRemind},
	"stale":                 {row: at(fleet.Open), later: 30 * 24 * time.Hour, want: fleet.ActClose},
	"escalation":            {row: at(fleet.Open), later: 3 * 24 * time.Hour, policy: func(p *fleet.Policy) { p.Escalate = 72 * time.Hour }, want: fleet.ActEscalate},
	"reminded":              {row: doing(fleet.Open, fleet.ActRemind), facts: done(fleet.ActRemind, "")},
	"closed as stale":       {row: doing(fleet.Open, fleet.ActClose), facts: done(fleet.ActClose, ""), path: "closed"},
	"new text":              {row: at(fleet.Open), facts: fleet.Facts{Order: fleet.OrderText}, want: fleet.ActUpdate},

	"merges":         {row: at(fleet.MergeQueued), facts: fleet.Facts{Grant: fleet.ActMerge}, effects: "merge"},
	"turned red":     {row: at(fleet.MergeQueued), facts: checks(fleet.ChecksFailed), path: "ci_failed"},
	"head changed":   {row: at(fleet.MergeQueued), facts: seen(func(p *fleet.PRFact) { p.HeadSHA = "other" }), path: "open"},
	"merged by Honk": {row: doing(fleet.MergeQueued, fleet.ActMerge), facts: done(fleet.ActMerge, ""), path: "merged watching"},
	"merged while it turns": {
		row:   with(doing(fleet.MergeQueued, fleet.ActMerge), func(r *fleet.Row) { r.PR.Review, r.CI.State = fleet.ReviewChanges, fleet.ChecksFailed }),
		facts: done(fleet.ActMerge, ""), path: "merged watching",
	},
	"red while it merges": {row: doing(fleet.MergeQueued, fleet.ActMerge), facts: checks(fleet.ChecksFailed)},
	"merge conflicts":     {row: doing(fleet.MergeQueued, fleet.ActMerge), facts: done(fleet.ActMerge, fleet.FailConflict), path: "conflicted", want: fleet.ActRun},
	"merge refused":       {row: doing(fleet.MergeQueued, fleet.ActMerge), facts: done(fleet.ActMerge, fleet.FailRefused), path: "open"},
	"merged by a person":  {row: at(fleet.ChangesRequested), facts: seen(func(p *fleet.PRFact) { p.State = task.PullRequestMerged }), path: "merged watching"},
	"merged, no health":   {row: at(fleet.Open), facts: seen(func(p *fleet.PRFact) { p.State = task.PullRequestMerged }), policy: func(p *fleet.Policy) { p.Watch = 0 }, path: "merged"},
	"healthy":             {row: at(fleet.Watching), later: 48 * time.Hour, path: "healthy"},
	"still watched":       {row: at(fleet.Watching), later: 47 * time.Hour},
	"regressed":           {row: at(fleet.Watching), facts: fleet.Facts{Health: &fleet.HealthFact{Reason: "errors"}}, path: "regressed", effects: "alert halt"},
	"well":                {row: at(fleet.Watching), facts: fleet.Facts{Health: &fleet.HealthFact{OK: true}}},
	"revert ordered":      {row: at(fleet.Regressed), facts: fleet.Facts{Order: fleet.OrderRevert}, want: fleet.ActRevert},
	"revert of a merge":   {row: at(fleet.Watching), facts: fleet.Facts{Order: fleet.OrderRevert}, path: "regressed", want: fleet.ActRevert},
	"reverting":           {row: with(at(fleet.Regressed), func(r *fleet.Row) { r.Want, r.Reverting = fleet.ActRevert, true }), facts: fleet.Facts{Grant: fleet.ActRevert}, effects: "revert"},
	"revert proposed":     {row: doing(fleet.Regressed, fleet.ActRevert), facts: done(fleet.ActRevert, ""), path: "revert_proposed"},
	"reverted":            {row: at(fleet.RevertProposed), facts: fleet.Facts{PR: &fleet.PRFact{Revert: task.PullRequestMerged}}, path: "reverted"},
	"revert closed":       {row: at(fleet.RevertProposed), facts: fleet.Facts{PR: &fleet.PRFact{Revert: task.PullRequestClosed}}, path: "regressed"},

	"retry a closed one":   {row: with(at(fleet.Closed), func(r *fleet.Row) { r.PR.Number, r.ClosedBy = 7, "ada" }), facts: fleet.Facts{Order: fleet.OrderRetry}, path: "eligible", want: fleet.ActRun},
	"retry a failed one":   {row: at(fleet.TransformFailed), facts: fleet.Facts{Order: fleet.OrderRetry}, path: "eligible", want: fleet.ActRun},
	"retry a skipped one":  {row: at(fleet.Skipped), facts: fleet.Facts{Order: fleet.OrderRetry}, path: "pending"},
	"retry the push only":  {row: with(at(fleet.NeedsHuman), func(r *fleet.Row) { r.Stuck = fleet.ActPush }), facts: fleet.Facts{Order: fleet.OrderRetry}, path: "ready", want: fleet.ActPush},
	"retry the opening":    {row: with(at(fleet.NeedsHuman), func(r *fleet.Row) { r.Stuck, r.CI.State = fleet.ActOpen, fleet.ChecksPassed }), facts: fleet.Facts{Order: fleet.OrderRetry}, path: "ci_passed", want: fleet.ActOpen},
	"retry a red one":      {row: at(fleet.CIFailed), facts: fleet.Facts{Order: fleet.OrderRetry}, path: "eligible", want: fleet.ActRun},
	"retry a finished one": {row: at(fleet.Healthy), facts: fleet.Facts{Order: fleet.OrderRetry}},
	"close an open one":    {row: at(fleet.Open), facts: fleet.Facts{Order: fleet.OrderClose}, want: fleet.ActClose},
	"close a waiting one":  {row: at(fleet.Waiting), facts: fleet.Facts{Order: fleet.OrderClose}, path: "closed"},
	"close a running one":  {row: at(fleet.Running), facts: fleet.Facts{Order: fleet.OrderClose}, path: "closed", effects: "cancel"},
	"close a pushing one":  {row: doing(fleet.Ready, fleet.ActPush), facts: fleet.Facts{Order: fleet.OrderClose}},
	"pushed and closed": {
		row: with(doing(fleet.Ready, fleet.ActPush), func(r *fleet.Row) { r.Closing = "no" }), facts: fleet.Facts{Done: &fleet.DoneFact{Act: fleet.ActPush, SHA: "s2"}},
		path: "pushed ci_pending closed",
	},
	"opened and closed": {
		row: with(doing(fleet.CIPassed, fleet.ActOpen), func(r *fleet.Row) { r.Closing = "no" }), facts: fleet.Facts{Done: &fleet.DoneFact{Act: fleet.ActOpen, Number: 7}},
		path: "open", want: fleet.ActClose,
	},
	"close an adopted one":  {row: at(fleet.Adopted), facts: fleet.Facts{Order: fleet.OrderClose}},
	"closing is granted":    {row: with(at(fleet.Open), func(r *fleet.Row) { r.Closing, r.Want = "no", fleet.ActClose }), facts: fleet.Facts{Grant: fleet.ActClose}, effects: "close"},
	"archived while open":   {row: at(fleet.Open), facts: fleet.Facts{Target: &fleet.TargetFact{Gone: "archived"}}, path: "unreachable"},
	"archived after merge":  {row: at(fleet.Watching), facts: fleet.Facts{Target: &fleet.TargetFact{Gone: "archived"}}},
	"closed stays closed":   {row: at(fleet.Closed), facts: fleet.Facts{Grant: fleet.ActRun, Target: &fleet.TargetFact{}}},
	"opened while it turns": {row: doing(fleet.CIPassed, fleet.ActOpen), facts: checks(fleet.ChecksFailed)},
}

func TestStep(t *testing.T) {
	t.Parallel()
	for name, tt := range stepTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := script()
			if tt.policy != nil {
				tt.policy(&policy)
			}
			at := now.Add(tt.later)
			row, moves, effects := life.Step(tt.row, tt.facts, policy, at)
			var path, kinds []string
			last := tt.row.State
			for _, m := range moves {
				if m.From != last || m.Cause == "" || m.At != at || m.Key != tt.row.Key {
					t.Errorf("transition %+v after %s", m, last)
				}
				last = m.To
				path = append(path, string(m.To))
			}
			for _, e := range effects {
				if e.Key != tt.row.Key {
					t.Errorf("effect %+v of another row", e)
				}
				kinds = append(kinds, string(e.Kind))
			}
			if got := strings.Join(path, " "); got != tt.path || row.State != last {
				t.Errorf("path = %q to %s, want %q", got, row.State, tt.path)
			}
			if row.Want != tt.want {
				t.Errorf("Want = %q, want %q", row.Want, tt.want)
			}
			if got := strings.Join(kinds, " "); got != tt.effects {
				t.Errorf("effects = %q, want %q", got, tt.effects)
			}
		})
	}
}

// What an old transform has made while something was under way is made anew
// once that has ended, and not before.
func TestStep_outdated(t *testing.T) {
	t.Parallel()
	old := func(state fleet.State, act fleet.Act) fleet.Row {
		return with(doing(state, act), func(r *fleet.Row) { r.Outdated = true })
	}
	tests := map[string]struct {
		row   fleet.Row
		facts fleet.Facts
		state fleet.State
		redo  fleet.Redo
		was   bool
	}{
		"under way": {old(fleet.Ready, fleet.ActPush), checks(fleet.ChecksPassed), fleet.Ready, fleet.RedoFresh, true},
		"pushed":    {old(fleet.Ready, fleet.ActPush), done(fleet.ActPush, ""), fleet.Eligible, fleet.RedoFresh, false},
		"opened":    {old(fleet.CIPassed, fleet.ActOpen), done(fleet.ActOpen, ""), fleet.Eligible, fleet.RedoRegenerate, false},
		"refused":   {old(fleet.MergeQueued, fleet.ActMerge), done(fleet.ActMerge, fleet.FailRefused), fleet.Eligible, fleet.RedoRegenerate, false},
		"merged":    {old(fleet.MergeQueued, fleet.ActMerge), done(fleet.ActMerge, ""), fleet.Eligible, fleet.RedoFresh, false},
		"closed":    {old(fleet.MergeQueued, fleet.ActMerge), seen(func(p *fleet.PRFact) { p.State = task.PullRequestClosed }), fleet.Closed, fleet.RedoFresh, false},
	}
	for name, tt := range tests {
		got, _, _ := life.Step(tt.row, tt.facts, script(), now)
		if got.State != tt.state || got.Redo != tt.redo || got.Outdated != tt.was {
			t.Errorf("%s: %s %q %v", name, got.State, got.Redo, got.Outdated)
		}
	}
}

// What is no target any more stays as it is, but for what a person orders.
func TestStep_unmatched(t *testing.T) {
	t.Parallel()
	for state, want := range map[fleet.State]fleet.Act{
		fleet.Eligible: "", fleet.Ready: "", fleet.CIPassed: "", fleet.MergeQueued: "", fleet.Conflicted: "", fleet.Open: "",
	} {
		row := with(at(state), func(r *fleet.Row) { r.Unmatched = true })
		if got, _, _ := life.Step(row, fleet.Facts{}, script(), now); got.Want != want {
			t.Errorf("%s wants %q", state, got.Want)
		}
	}
	row := with(at(fleet.Open), func(r *fleet.Row) { r.Unmatched = true })
	if got, _, _ := life.Step(row, fleet.Facts{Order: fleet.OrderClose, Actor: "ada"}, script(), now); got.Want != fleet.ActClose {
		t.Errorf("closed by order, it wants %q", got.Want)
	}
}

// Who turns a pull request back into a draft wants to hold it.
func TestStep_draft(t *testing.T) {
	t.Parallel()
	row := with(at(fleet.Open), func(r *fleet.Row) { r.PR.Draft = true })
	row, _, _ = life.Step(row, checks(fleet.ChecksPassed), script(), now)
	if row.Want != fleet.ActReady {
		t.Fatalf("a green draft wants %q", row.Want)
	}
	row, _, _ = life.Step(row, fleet.Facts{Grant: fleet.ActReady}, script(), now)
	row, _, _ = life.Step(row, done(fleet.ActReady, ""), script(), now)
	row, _, _ = life.Step(row, seen(func(p *fleet.PRFact) { p.Draft = true }), script(), now)
	if row.Want != "" || row.State != fleet.Open {
		t.Errorf("turned back into a draft, it is %s and wants %q", row.State, row.Want)
	}
}

// Only what the shift has pushed is merged, whoever made the commit on top.
func TestStep_head(t *testing.T) {
	t.Parallel()
	row := with(at(fleet.Open), func(r *fleet.Row) { r.PR.Pushed = "head" })
	facts := seen(func(p *fleet.PRFact) { p.HeadSHA = "other" })
	facts.Checks = &fleet.ChecksFact{HeadSHA: "other", State: fleet.ChecksPassed, Green: 2}
	got, _, _ := life.Step(row, facts, script(), now)
	if got.State != fleet.Open || got.Want != "" || !strings.Contains(got.Reason, "not what the shift pushed") {
		t.Errorf("the row is %s, wants %q: %s", got.State, got.Want, got.Reason)
	}
}

// The same facts again do nothing: deliveries come twice.
func TestStep_twice(t *testing.T) {
	t.Parallel()
	for name, tt := range stepTests {
		if tt.facts.Order != "" {
			continue // A person who asks twice wants it twice.
		}
		policy := script()
		if tt.policy != nil {
			tt.policy(&policy)
		}
		at := now.Add(tt.later)
		once, _, _ := life.Step(tt.row, tt.facts, policy, at)
		twice, moves, effects := life.Step(once, tt.facts, policy, at)
		if len(moves) > 0 || len(effects) > 0 {
			t.Errorf("%s: moves %v, effects %v the second time", name, moves, effects)
		}
		if diff := cmp.Diff(once, twice); diff != "" {
			t.Errorf("%s: the row changed the second time:\n%s", name, diff)
		}
	}
}

// Every state is tried with every fact: nothing panics, what is terminal
// stays, and a limit answer never loses a row.
func TestStep_total(t *testing.T) {
	t.Parallel()
	policy := script()
	covered := map[fleet.State]bool{}
	for _, state := range fleet.States() {
		for name, tt := range stepTests {
			row, moves, _ := life.Step(at(state), tt.facts, policy, now)
			for _, m := range moves {
				covered[m.To] = true
			}
			if tt.facts.Order == "" && state.Terminal() && state != fleet.Closed && row.State != state {
				t.Errorf("%s left %s for %s", name, state, row.State)
			}
			if row.Want != "" && row.Doing != "" {
				t.Errorf("%s in %s: wants %s while doing %s", name, state, row.Want, row.Doing)
			}
			if !slices.Contains(fleet.States(), row.State) {
				t.Errorf("%s in %s: unknown state %q", name, state, row.State)
			}
		}
	}
	for name, tt := range stepTests {
		policy := script()
		if tt.policy != nil {
			tt.policy(&policy)
		}
		_, moves, _ := life.Step(tt.row, tt.facts, policy, now.Add(tt.later))
		for _, m := range moves {
			covered[m.To] = true
		}
		_ = name
	}
	for _, state := range fleet.States() {
		if !covered[state] {
			t.Errorf("nothing leads to %s", state)
		}
	}
}

func TestStep_limitedLosesNothing(t *testing.T) {
	t.Parallel()
	row := doing(fleet.Ready, fleet.ActPush)
	for range 50 {
		var effects []fleet.Effect
		row, _, effects = life.Step(row, done(fleet.ActPush, fleet.FailLimited), script(), now)
		if row.State != fleet.Ready || row.Want != fleet.ActPush || !row.NotBefore.Equal(now.Add(time.Hour)) || len(effects) != 1 {
			t.Fatalf("row = %+v", row)
		}
		row.Doing, row.Want = fleet.ActPush, ""
	}
	for i := range 5 {
		row, _, _ = life.Step(row, done(fleet.ActPush, fleet.FailBroken), script(), now)
		if i < 4 {
			row.Doing, row.Want = fleet.ActPush, ""
		}
	}
	if row.State != fleet.NeedsHuman || row.Stuck != fleet.ActPush {
		t.Errorf("after five failures: %+v", row)
	}
}

// What a person has closed stays closed, though it was Honk that did it.
func TestStep_closedByOrder(t *testing.T) {
	t.Parallel()
	row := fleet.Row{Key: fleet.Key{Shift: "s", Repo: "a/b"}, State: fleet.Open, PR: fleet.PR{Number: 1, Open: true, Branch: "honk/x", HeadSHA: "1"}}
	p := fleet.Policy{Publish: manifest.PublishReady, OpenWhen: manifest.OpenGreen}
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	for actor, want := range map[string]string{"ada": "ada", "": "honk"} {
		got := row
		for _, f := range []fleet.Facts{
			{Order: fleet.OrderClose, OrderReason: "closed", Actor: actor},
			{Grant: fleet.ActClose},
			{Done: &fleet.DoneFact{Act: fleet.ActClose}},
		} {
			got, _, _ = life.Step(got, f, p, now)
		}
		if got.State != fleet.Closed || got.ClosedBy != want || got.Reason != "closed" {
			t.Errorf("by %q: %s by %q: %s", actor, got.State, got.ClosedBy, got.Reason)
		}
	}
}
