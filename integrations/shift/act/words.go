package act

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/target"
	"honk/fleet/text"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/look"
	"honk/internal/git"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/runner/message"
	"honk/internal/task"
)

// publication is the change of a row's last task on its way out.
func (a *Actor) publication(ctx context.Context, w *keep.Work, row *fleet.Row) (p runner.Publication, err error) {
	rec, err := a.DB.Task(ctx, row.TaskID)
	if err != nil {
		return p, Ours(fmt.Errorf("finding task %q of %s: %w", row.TaskID, row.Key, err))
	}
	if err := json.Unmarshal(rec.Result, &p.Result); err != nil {
		return p, Ours(fmt.Errorf("reading the result of task %s: %w", rec.ID, err))
	}
	p.Patch, err = a.DB.Patch(ctx, row.TaskID)
	if errors.Is(err, postgres.ErrNotFound) {
		return p, task.Errorf(task.CodeInvalid, "the patch of task %s is no longer kept; honk shift retry makes it anew", rec.ID)
	}
	if err != nil {
		return p, Ours(fmt.Errorf("finding the patch of task %s: %w", rec.ID, err))
	}
	p.Task, p.Result.Patch = rec.Task, p.Patch
	p.Branch = cmp.Or(row.PR.Branch, git.Branch(rec.ID, w.Name))
	said, err := Render(w, row, p)
	if err != nil {
		return p, err
	}
	p.Title = said.Title
	p.Message, err = message.Commit(rec.Task, said.Title, p.Patch.Base)
	return p, err
}

// Render fills the templates of the pull request's text in.
func Render(w *keep.Work, row *fleet.Row, p runner.Publication) (text.Text, error) {
	texts, err := text.New(w.Manifest.Spec.PullRequest)
	if err != nil {
		return text.Text{}, err
	}
	data := look.Data(w.Manifest, target.Target{Repo: row.Key.Repo, Unit: row.Key.Unit, Owner: row.Owner, Row: columns(w, row.Key)})
	data.Diffstat = diffstat(p.Patch)
	if data.Outputs, err = text.Outputs(p.Result.Outputs); err != nil {
		return text.Text{}, err
	}
	return texts.Render(data)
}

// columns are what the target file says of a row.
func columns(w *keep.Work, key fleet.Key) map[string]string {
	t := w.Manifest.Spec.Targets
	if t.File == "" {
		return nil
	}
	rows, err := target.Read(t.File, t.Data)
	if err != nil {
		return nil // It was read before; a template that needs it says so.
	}
	for _, r := range rows {
		if strings.EqualFold(r.Repo, key.Repo) && (r.Unit == "" || r.Unit == key.Unit) {
			return r.Row
		}
	}
	return nil
}

func diffstat(p task.Patch) string {
	added, removed := 0, 0
	for _, f := range p.Files {
		added, removed = added+f.Added, removed+f.Removed
	}
	return fmt.Sprintf("%d files, +%d -%d", len(p.Files), added, removed)
}

// words are the title and the body of a row's pull request, the evidence
// included.
func (a *Actor) words(w *keep.Work, row *fleet.Row, p runner.Publication) (title, body string, err error) {
	said, err := Render(w, row, p)
	if err != nil {
		return "", "", err
	}
	evidence, err := a.Forge.Evidence(p)
	if err != nil {
		return "", "", err
	}
	parts := []string{strings.TrimSpace(said.Body)}
	if why := w.Manifest.Metadata.Why; why != "" {
		parts = append(parts, "Why: "+why)
	}
	parts = append(parts, evidence)
	return said.Title, strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n\n"), nil
}

// asDraft reports whether a pull request opens as a draft: because the
// manifest says so, or because its checks are not known yet.
func asDraft(w *keep.Work, row *fleet.Row) bool {
	pr := w.Manifest.Spec.PullRequest
	return pr.Publish == manifest.PublishDraft || pr.OpenWhen == manifest.OpenGreen && row.CI.State != fleet.ChecksPassed
}

// reviewers are who is asked for a review, and more than that once it takes
// too long. Where nobody owns the files, it is the shift's owner.
func (a *Actor) reviewers(ctx context.Context, w *keep.Work, row *fleet.Row, p task.Patch, more int) (users, teams []string, err error) {
	r := w.Manifest.Spec.PullRequest.Reviewers
	if slices.Contains(r.From, "codeowners") {
		var paths []string
		for _, f := range p.Files {
			paths = append(paths, f.Path)
		}
		if users, teams, err = a.Forge.Owners(ctx, row.Key.Repo, p.Base, paths, r.Max+more); err != nil {
			return nil, nil, err
		}
	}
	owner := w.Manifest.Spec.Owner
	if owner != "" && (slices.Contains(r.From, "owner") || len(users)+len(teams) == 0) {
		teams = append(teams, owner)
	}
	return users, teams, nil
}
