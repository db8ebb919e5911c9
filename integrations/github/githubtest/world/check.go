package world

import (
	"cmp"
	"context"
	"strings"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
	"honk/internal/task"
)

// NewCheck is what CI reports of one check.
type NewCheck struct {
	SHA, Name string
	// Conclusion is empty while the check runs.
	Conclusion string
	Output     record.Output
}

// SetCheck reports a check on a commit. A completed one that is reported anew
// is another run, as after a re-run.
func (w *World) SetCheck(ctx context.Context, r *record.Repo, n NewCheck) (*record.Run, error) {
	suite, err := w.suite(ctx, r, n.SHA)
	if err != nil {
		return nil, err
	}
	run := openRun(r, suite, n.Name)
	by, created := w.ci(), run == nil
	if created {
		run = &record.Run{ID: w.ID(), Suite: suite, Name: n.Name, Status: "in_progress", StartedAt: w.Now()}
		r.Runs = append(r.Runs, run)
		if suite.Status == "completed" {
			suite.Status, suite.Conclusion = "in_progress", ""
		}
		w.emit(by, r, "check_run", "created", record.Object{"check_run": w.Site.RunEvent(r, run)})
	}
	run.Output = n.Output
	if n.Conclusion != "" {
		run.Status, run.Conclusion, run.CompletedAt = "completed", n.Conclusion, w.Now()
		w.emit(by, r, "check_run", "completed", record.Object{"check_run": w.Site.RunEvent(r, run)})
	}
	return run, nil
}

func (w *World) ci() By { return By{User: w.CI.Bot, App: w.CI} }

// openRun finds the run of a check that is not completed.
func openRun(r *record.Repo, suite *record.Suite, name string) *record.Run {
	for _, run := range r.Runs {
		if run.Suite == suite && run.Name == name && run.Status != "completed" {
			return run
		}
	}
	return nil
}

// suite finds CI's suite on a commit, or makes it.
func (w *World) suite(ctx context.Context, r *record.Repo, sha string) (*record.Suite, error) {
	if sha = r.Git.Resolve(ctx, sha); sha == "" {
		return nil, task.Errorf(task.CodeNotFound, "%s has no such commit", r.FullName())
	}
	for _, s := range r.Suites {
		if s.SHA == sha && s.App == w.CI {
			return s, nil
		}
	}
	s := &record.Suite{ID: w.ID(), App: w.CI, SHA: sha, Status: "in_progress", CreatedAt: w.Now(), UpdatedAt: w.Now()}
	refs, err := r.Git.Refs(ctx)
	if err != nil {
		return nil, err
	}
	for ref, at := range refs {
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok && at == sha && (s.Branch == "" || branch != r.DefaultBranch) {
			s.Branch = branch
		}
	}
	r.Suites = append(r.Suites, s)
	return s, nil
}

// CompleteSuite says that CI is done with a commit.
func (w *World) CompleteSuite(ctx context.Context, r *record.Repo, sha string) (*record.Suite, error) {
	s, err := w.suite(ctx, r, sha)
	if err != nil {
		return nil, err
	}
	s.Status, s.Conclusion, s.UpdatedAt = "completed", "success", w.Now()
	for _, run := range Latest(r, s.SHA) {
		if run.Suite == s && run.Conclusion != "success" && run.Conclusion != "skipped" && run.Conclusion != "neutral" {
			s.Conclusion = cmp.Or(run.Conclusion, "failure")
		}
	}
	w.emit(w.ci(), r, "check_suite", "completed", record.Object{"check_suite": w.Site.SuiteEvent(r, s, w.Entry(ctx, r, s.SHA))})
	return s, nil
}

// Entry is a commit, empty where there is none.
func (w *World) Entry(ctx context.Context, r *record.Repo, sha string) githttp.Entry {
	log, err := r.Git.Log(ctx, "", sha)
	if err != nil || len(log) == 0 {
		return githttp.Entry{}
	}
	return log[0]
}

// Latest returns the newest run of each check on a commit.
func Latest(r *record.Repo, sha string) []*record.Run {
	var runs []*record.Run
	for _, run := range r.Runs {
		if run.Suite.SHA != sha {
			continue
		}
		at := -1
		for n, other := range runs {
			if other.Name == run.Name && other.Suite == run.Suite {
				at = n
			}
		}
		if at >= 0 {
			runs[at] = run
		} else {
			runs = append(runs, run)
		}
	}
	return runs
}

// Rerequest asks CI to run a check once more. The webhook about it goes to CI
// alone, which starts a new run.
func (w *World) Rerequest(ctx context.Context, r *record.Repo, run *record.Run) error {
	if run.Status != "completed" {
		return &InvalidError{Message: "This check run is not rerequestable"}
	}
	_, err := w.SetCheck(ctx, r, NewCheck{SHA: run.Suite.SHA, Name: run.Name})
	return err
}

// SetStatus reports a check of the older kind.
func (w *World) SetStatus(ctx context.Context, by By, r *record.Repo, s record.Status) error {
	if s.SHA = r.Git.Resolve(ctx, s.SHA); s.SHA == "" {
		return task.Errorf(task.CodeNotFound, "%s has no such commit", r.FullName())
	}
	s.ID, s.Creator, s.CreatedAt = w.ID(), by.User, w.Now()
	s.Context = cmp.Or(s.Context, "default")
	r.Statuses = append(r.Statuses, &s)
	commit := w.Site.Commit(r, w.Entry(ctx, r, s.SHA), w.ByMail)
	if v, ok := commit["commit"].(record.Object); ok {
		if v, ok := v["verification"].(record.Object); ok {
			delete(v, "verified_at")
		}
	}
	w.emit(by, r, "status", "", record.Object{
		"id": s.ID, "sha": s.SHA, "name": r.FullName(), "target_url": w.Site.Status(r, &s)["target_url"], "context": s.Context,
		"description": w.Site.Status(r, &s)["description"], "state": s.State, "commit": commit, "branches": []record.Object{},
		"created_at": w.Site.Status(r, &s)["created_at"], "updated_at": w.Site.Status(r, &s)["created_at"],
	})
	return nil
}
