package client

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

const (
	// maxAnnotations is per check.
	maxAnnotations = 10
	// maxAnnotated is how many failed checks are asked for theirs.
	maxAnnotated = 10
)

// CheckSource says which of GitHub's two mechanisms a Check comes from.
type CheckSource string

// The sources: a check run of an App, or a commit status.
const (
	SourceCheck  CheckSource = "check"
	SourceStatus CheckSource = "status"
)

// Check is what a CI says about a commit. Its texts are hostile: whoever can
// change the repository can write them.
type Check struct {
	Name   string
	Source CheckSource
	// App is the slug of the App that runs it, empty for a status.
	App string
	// Status is queued, in_progress, completed or another of GitHub's.
	Status string
	// Conclusion is empty until Status is completed; a status has success
	// and failure.
	Conclusion  string
	URL         string
	Title       string
	Summary     string
	Text        string
	Annotations []Annotation
}

// Annotation is a remark of a check at a line.
type Annotation struct {
	Path    string
	Line    int
	Message string
}

// Done reports whether the check has come to its conclusion.
func (c Check) Done() bool { return c.Status == "completed" }

// Failed reports whether the check is red. Cancelled, skipped, neutral and
// stale ones are not.
func (c Check) Failed() bool {
	switch c.Conclusion {
	case "failure", "timed_out", "startup_failure", "action_required":
		return c.Done()
	}
	return false
}

var shaPattern = regexp.MustCompile(`^[0-9a-f]{40}(?:[0-9a-f]{24})?$`)

// Checks lists what CI says about a commit: the latest run of each check and
// the latest of each status, sorted by name.
func (r *Repo) Checks(ctx context.Context, sha string) ([]Check, error) {
	if !shaPattern.MatchString(sha) {
		return nil, task.Errorf(task.CodeInvalid, "%q is not a commit's full name", sha)
	}
	runs, err := r.checkRuns(ctx, sha)
	if err != nil {
		return nil, err
	}
	list := make([]Check, 0, len(runs))
	annotated := 0
	for _, run := range runs {
		c := checkOf(run)
		if c.Failed() && run.GetOutput().GetAnnotationsCount() > 0 && annotated < maxAnnotated {
			annotated++
			if c.Annotations, err = r.annotations(ctx, run.GetID()); err != nil {
				return nil, err
			}
		}
		list = append(list, c)
	}
	statuses, err := r.statuses(ctx, sha)
	if err != nil {
		return nil, err
	}
	list = append(list, statuses...)
	slices.SortStableFunc(list, func(a, b Check) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Source, b.Source), cmp.Compare(a.App, b.App))
	})
	return list, nil
}

func checkOf(run *github.CheckRun) Check {
	return Check{
		Name: run.GetName(), Source: SourceCheck, App: run.GetApp().GetSlug(),
		Status: run.GetStatus(), Conclusion: run.GetConclusion(),
		URL:   cmp.Or(run.GetHTMLURL(), run.GetDetailsURL()),
		Title: run.GetOutput().GetTitle(), Summary: run.GetOutput().GetSummary(), Text: run.GetOutput().GetText(),
	}
}

// checkRuns returns the latest run per App and name. GitHub's own idea of
// latest is per suite, of which a commit may have several.
func (r *Repo) checkRuns(ctx context.Context, sha string) ([]*github.CheckRun, error) {
	type key struct {
		app  int64
		name string
	}
	latest := map[key]*github.CheckRun{}
	filter := "latest"
	doing, need := "listing the checks of "+sha, "checks: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		opts := &github.ListCheckRunsOptions{Filter: &filter, ListOptions: page}
		got, resp, err := r.gh.Checks.ListCheckRunsForRef(ctx, r.owner, r.name, sha, opts)
		if err != nil {
			return resp, err
		}
		for _, run := range got.CheckRuns {
			k := key{run.GetApp().GetID(), run.GetName()}
			if old, ok := latest[k]; !ok || newer(run, old) {
				latest[k] = run
			}
		}
		return resp, nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]*github.CheckRun, 0, len(latest))
	for _, run := range latest {
		list = append(list, run)
	}
	slices.SortFunc(list, func(a, b *github.CheckRun) int { return cmp.Compare(a.GetID(), b.GetID()) })
	return list, nil
}

func newer(a, b *github.CheckRun) bool {
	started := a.GetStartedAt().Compare(b.GetStartedAt().Time)
	return started > 0 || started == 0 && a.GetID() > b.GetID()
}

func (r *Repo) annotations(ctx context.Context, id int64) ([]Annotation, error) {
	got, _, err := r.gh.Checks.ListCheckRunAnnotations(ctx, r.owner, r.name, id,
		&github.ListOptions{PerPage: maxAnnotations})
	if err != nil {
		return nil, r.at.Explain(err, fmt.Sprintf("reading the annotations of check %d", id), "checks: read")
	}
	var list []Annotation
	for _, a := range got[:min(len(got), maxAnnotations)] {
		list = append(list, Annotation{Path: a.GetPath(), Line: a.GetStartLine(), Message: a.GetMessage()})
	}
	return list, nil
}

func (r *Repo) statuses(ctx context.Context, sha string) ([]Check, error) {
	var list []Check
	doing, need := "listing the statuses of "+sha, "statuses: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		got, resp, err := r.gh.Repositories.GetCombinedStatus(ctx, r.owner, r.name, sha, &page)
		if err != nil {
			return resp, err
		}
		for _, s := range got.Statuses {
			list = append(list, statusOf(s))
		}
		return resp, nil
	})
	return list, err
}

func statusOf(s *github.RepoStatus) Check {
	c := Check{
		Name: s.GetContext(), Source: SourceStatus, Status: "completed",
		URL: s.GetTargetURL(), Title: s.GetDescription(),
	}
	switch s.GetState() {
	case "success":
		c.Conclusion = "success"
	case "failure", "error":
		c.Conclusion = "failure"
	default:
		c.Status = "in_progress"
	}
	return c
}
