package see_test

import (
	"context"
	"testing"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/see"
	"honk/internal/task"
)

// forge has one pull request.
type forge struct {
	pull     see.Pull
	required []string
	// head and base are what CI says of them.
	head, base see.Checks
}

func (f *forge) Checks(_ context.Context, _, sha string) (see.Checks, error) {
	if sha == "base" {
		return f.base, nil
	}
	return f.head, nil
}

func (f *forge) Required(context.Context, string, string) ([]string, error) { return f.required, nil }

func (f *forge) Pull(context.Context, string, int) (see.Pull, error) {
	f.pull.State, f.pull.HeadSHA, f.pull.Base = task.PullRequestOpen, "head", "main"
	return f.pull, nil
}

func look(t *testing.T, f *forge, by string) fleet.Facts {
	t.Helper()
	m := &manifest.Manifest{}
	m.Spec.Merge.Mode = manifest.MergeOnApproval
	row := fleet.Row{BaseSHA: "base", PR: fleet.PR{Number: 7, HeadSHA: "head", Open: true}}
	facts, err := see.Row(t.Context(), f, &keep.Work{By: by, Manifest: m}, row)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// Who applied a shift does not approve its changes.
func TestRow_requester(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		by   string
		list []string
		want fleet.Review
	}{
		{"ada at github", []string{"Ada"}, ""},
		{"ada at github", []string{"ada", "carl"}, fleet.ReviewApproved},
		{"ada", []string{"ada"}, ""},
		{"root", []string{"carl"}, fleet.ReviewApproved},
		{"", nil, ""},
	} {
		if got := look(t, &forge{pull: see.Pull{ApprovedBy: tt.list}}, tt.by).PR.Review; got != tt.want {
			t.Errorf("applied by %q, approved by %v: %q, want %q", tt.by, tt.list, got, tt.want)
		}
	}
}

// Red as the base is no reason against a pull request, and none for merging it
// where that check is required.
func TestRow_required(t *testing.T) {
	t.Parallel()
	old := see.Checks{Failed: []string{"lint"}}
	tests := map[string]struct {
		required []string
		head     see.Checks
		green    int
		state    fleet.CheckState
	}{
		"all green":          {[]string{"ci", "lint"}, see.Checks{Passed: []string{"ci", "lint"}}, 2, fleet.ChecksPassed},
		"one still missing":  {[]string{"ci", "lint"}, see.Checks{Passed: []string{"ci"}}, 0, fleet.ChecksRunning},
		"old red, required":  {[]string{"ci", "lint"}, see.Checks{Passed: []string{"ci"}, Failed: []string{"lint"}}, 0, fleet.ChecksFailed},
		"old red, optional":  {[]string{"ci"}, see.Checks{Passed: []string{"ci"}, Failed: []string{"lint"}}, 1, fleet.ChecksFailed},
		"old red, none told": {nil, see.Checks{Passed: []string{"ci"}, Failed: []string{"lint"}}, 0, fleet.ChecksFailed},
	}
	for name, tt := range tests {
		got := look(t, &forge{required: tt.required, head: tt.head, base: old}, "").Checks
		if got.Green != tt.green || got.State != tt.state || got.State == fleet.ChecksFailed && !got.OnlyOld {
			t.Errorf("%s: %+v, want %d green, %s", name, got, tt.green, tt.state)
		}
	}
}
