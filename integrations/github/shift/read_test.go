package shift_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/shift"
	"honk/internal/task"
)

func TestRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	branches, err := b.hub.Branches(ctx, repo)
	b.must(err)
	for _, branch := range []string{"main", ""} {
		if sha, err := b.forge.Head(ctx, repo, branch); err != nil || sha != branches["main"] {
			t.Errorf("Head(%q) = %q, %v", branch, sha, err)
		}
	}
	_, err = b.forge.Head(ctx, repo, "none")
	b.want(err, task.CodeNotFound)
	sha := branches["main"]
	if got, found, err := b.forge.File(ctx, repo, sha, "pkg/a/a.go"); string(got) != "package a\n" || !found || err != nil {
		t.Errorf("File() = %q, %t, %v", got, found, err)
	}
	if got, found, err := b.forge.File(ctx, repo, sha, "none.go"); got != nil || found || err != nil {
		t.Errorf("File() of none = %q, %t, %v", got, found, err)
	}
	got, truncated, err := b.forge.Paths(ctx, repo, sha)
	if diff := cmp.Diff([]string{".github/CODEOWNERS", "README.md", "main.go", "pkg/a/a.go"}, got); diff != "" || truncated || err != nil {
		t.Errorf("Paths() = %t, %v (-want +got):\n%s", truncated, err, diff)
	}
	b.hub.Lookup().SetMaxTree(3)
	if got, truncated, err = b.forge.Paths(ctx, repo, sha); len(got) >= 4 || !truncated || err != nil {
		t.Errorf("a long one: Paths() = %q, %t, %v", got, truncated, err)
	}
	_, _, err = b.forge.Paths(ctx, repo, "../../x")
	b.want(err, task.CodeInvalid)
	for name, tt := range map[string]struct {
		paths        []string
		not          string
		users, teams []string
	}{
		"go":          {[]string{"main.go", "README.md", "pkg/a/a.go"}, "ada", []string{"carl", "bob"}, []string{"core"}},
		"one file":    {[]string{"README.md"}, "", []string{"bob"}, nil},
		"nobody owns": {[]string{"x.txt"}, "", nil, nil},
	} {
		users, teams, err := b.forge.Owners(ctx, repo, shift.Change{SHA: sha, Paths: tt.paths, Not: tt.not, Most: 3})
		if !slices.Equal(users, tt.users) || !slices.Equal(teams, tt.teams) || err != nil {
			t.Errorf("%s: owners %q %q %v", name, users, teams, err)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	sha := b.push("", "honk/x", map[string]string{"a": "a"})
	if got, err := b.forge.Checks(ctx, repo, sha); err != nil || got.Total != 0 {
		t.Errorf("none: %+v, %v", got, err)
	}
	for name, conclusion := range map[string]string{
		"build": "success", "test": "failure", "lint": "", "docs": "skipped", "e2e": "cancelled",
	} {
		_, err := b.hub.SetCheck(ctx, repo, githubtest.Check{SHA: sha, Name: name, Conclusion: conclusion, Output: githubtest.Output{
			Title: "1 failed", Annotations: []githubtest.Annotation{{Path: "a", Start: 3, End: 3, Level: "failure", Message: "no"}},
		}})
		b.must(err)
	}
	for name, state := range map[string]string{"ci/old": "pending", "ci/new": "success"} {
		b.must(b.hub.SetStatus(ctx, "ada", repo, githubtest.Status{SHA: sha, State: state, Context: name}))
	}
	got, err := b.forge.Checks(ctx, repo, sha)
	b.must(err)
	want := shift.Checks{
		Total: 7, Pending: 2, Passed: []string{"build", "ci/new"}, Failed: []string{"test"}, Skipped: []string{"docs"},
		Cancelled: []string{"e2e"}, Reports: map[string]string{"test": "1 failed\na:3: no"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Checks() (-want +got):\n%s", diff)
	}
	required, err := b.forge.Required(ctx, repo, "main")
	if err != nil || len(required) != 0 {
		t.Errorf("Required() = %q, %v", required, err)
	}
	b.must(b.hub.Lookup().Require(repo, "main", "test", "build"))
	if required, err = b.forge.Required(ctx, repo, "main"); err != nil || !slices.Equal(required, []string{"build", "test"}) {
		t.Errorf("Required() = %q, %v", required, err)
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	pr := b.open("honk/x", map[string]string{"a": "a"}, func(n *shift.NewPull) {
		n.Draft, n.Labels, n.Reviewers = true, []string{"honk"}, []string{"carl"}
	})
	read := func(number int) shift.Pull {
		t.Helper()
		p, err := b.forge.Pull(ctx, repo, number)
		b.must(err)
		return p
	}
	p := read(pr.Number)
	if p.State != task.PullRequestOpen || !p.Draft || p.HeadSHA != pr.HeadSHA || p.HeadBranch != "honk/x" || p.BaseRef != "main" ||
		p.Mergeable != shift.MergeableClean || p.Foreign || p.Approvals != 0 || !slices.Equal(p.Labels, []string{"honk"}) ||
		!slices.Equal(p.Reviewers, []string{"carl"}) || p.URL == "" || p.BaseSHA == "" {
		t.Errorf("fresh: %+v", p)
	}
	b.must(b.hub.Lookup().SetUndecided(repo, pr.Number, true))
	if p = read(pr.Number); p.Mergeable != shift.MergeableUnknown {
		t.Errorf("undecided: %+v", p)
	}
	b.must(b.hub.Lookup().SetUndecided(repo, pr.Number, false))
	review := func(login, event string) {
		t.Helper()
		_, err := b.hub.Review(ctx, githubtest.At{Login: login, Repo: repo, Number: pr.Number}, githubtest.NewReview{Event: event, Body: "."})
		b.must(err)
	}
	review("carl", "approve")
	review("bob", "approve") // may only read
	review("ada", "request_changes")
	if p = read(pr.Number); p.Approvals != 1 || p.ChangesRequested != 1 || !slices.Equal(p.ApprovedBy, []string{"carl"}) {
		t.Errorf("reviewed: %+v", p)
	}
	review("ada", "comment") // does not take it back
	review("carl", "request_changes")
	if p = read(pr.Number); p.Approvals != 0 || p.ChangesRequested != 2 {
		t.Errorf("reviewed again: %+v", p)
	}
	review("carl", "approve")
	b.push("", "honk/x", map[string]string{"a": "b"})
	if p = read(pr.Number); p.Approvals != 0 || p.Foreign {
		t.Errorf("an approval of an older commit counts: %+v", p)
	}
	b.push("ada", "honk/x", map[string]string{"c": "c"})
	if p = read(pr.Number); !p.Foreign {
		t.Errorf("a person's commit is not seen: %+v", p)
	}
	b.push("ada", "main", map[string]string{"a": "other"})
	if p = read(pr.Number); p.Mergeable != shift.MergeableConflicted {
		t.Errorf("the conflict is not seen: %+v", p)
	}
	b.must(b.hub.CloseIssue(ctx, b.at(pr.Number)))
	if p = read(pr.Number); p.State != task.PullRequestClosed || p.ClosedBy != "ada" {
		t.Errorf("closed: %+v", p)
	}
	other := b.open("honk/y", map[string]string{"y": "y"}, nil)
	b.must(b.hub.MergePull(ctx, b.at(other.Number), "squash"))
	if p = read(other.Number); p.State != task.PullRequestMerged || p.ClosedBy != "ada" || p.MergedSHA == "" {
		t.Errorf("merged: %+v", p)
	}
	_, err := b.forge.Pull(ctx, repo, 99)
	b.want(err, task.CodeNotFound)
}
