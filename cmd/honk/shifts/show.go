package shifts

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"honk/fleet"
	"honk/fleet/plan"
	"honk/fleet/status"
	"honk/integrations/shift"
	"honk/internal/secret"
	"honk/internal/task"
)

const (
	// maxListed is how many of a kind are named.
	maxListed = 20
	// watchEvery is how often a watched status is looked at.
	watchEvery = 2 * time.Second
)

func (s *Shifts) showPlan(p shift.Planned, sample *shift.Sampled) error {
	if s.JSON {
		return s.json(planned{p.Plan, p.Excluded, sample})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OPERATION\tTARGET\tWAVE\tREASON")
	for i := range p.Ops {
		op := &p.Ops[i]
		wave := p.Waves[min(op.Row.Wave, len(p.Waves)-1)].Name
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", op.Kind, target(op.Row.Key), wave, plain(op.Reason, 120))
	}
	for _, out := range p.Excluded {
		fmt.Fprintf(w, "OUT\t%s\t\t%s\n", plain(out.Target.Repo, 120), plain(out.Reason, 120))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(s.Out)
	for _, wave := range p.Waves {
		gate := ""
		if wave.Gate != nil {
			gate = ", then its gate"
		}
		fmt.Fprintf(s.Out, "wave %s: %d targets, %d run%s\n", wave.Name, wave.Rows, wave.Runs, gate)
	}
	fmt.Fprintf(s.Out, "%d targets:", len(p.Ops))
	for _, kind := range []plan.Kind{plan.Create, plan.Update, plan.Rebase, plan.Close, plan.Keep, plan.Noop, plan.Skip} {
		if n := p.Counts[kind]; n > 0 {
			fmt.Fprintf(s.Out, " %d %s", n, kind)
		}
	}
	fmt.Fprintf(s.Out, "\nat most $%.2f, at least %s to publish all\n", p.MaxUSD, p.Took.Round(time.Minute))
	return nil
}

// target is a row's name without its shift.
func target(k fleet.Key) string {
	if k.Unit != "" {
		return plain(k.Repo+":"+k.Unit, 160)
	}
	return plain(k.Repo, 120)
}

// Look says what to show of a status.
type Look struct {
	Watch  bool
	FailOn string
}

// Status shows how a shift stands. It returns what of it the caller wants to
// fail on.
func (s *Shifts) Status(ctx context.Context, name string, look Look) (failed []string, err error) {
	fail, err := status.ParseFailOn(cmp.Or(look.FailOn, status.DefaultFailOn))
	if err != nil {
		return nil, err
	}
	for {
		r, err := s.Door.Status(ctx, name)
		if err != nil {
			return nil, err
		}
		if s.JSON {
			err = s.json(r)
		} else {
			err = s.showStatus(r)
		}
		over := r.Left == 0 || r.Shift.Phase != fleet.PhaseRunning
		if err != nil || !look.Watch || over {
			return fail.Check(r.Status), err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(watchEvery):
		}
	}
}

// All shows how each shift stands.
func (s *Shifts) All(ctx context.Context) error {
	all, err := s.Door.All(ctx)
	if err != nil {
		return err
	}
	if s.JSON {
		return s.json(struct {
			Shifts []shift.Report `json:"shifts"`
		}{all})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "SHIFT\tPHASE\tTARGETS\tRESIDUAL")
	for _, b := range status.Buckets() {
		fmt.Fprintf(w, "\t%s", strings.ToUpper(string(b)))
	}
	fmt.Fprintln(w, "\tCOST\tREASON")
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d", r.Shift.Name, r.Shift.Phase, r.Total, r.Residual)
		for _, b := range status.Buckets() {
			fmt.Fprintf(w, "\t%d", r.Buckets[b])
		}
		fmt.Fprintf(w, "\t$%.2f\t%s\n", r.CostUSD, plain(r.Shift.Reason, 120))
	}
	return w.Flush()
}

func (s *Shifts) showStatus(r shift.Report) error {
	out := func(format string, args ...any) { fmt.Fprintf(s.Out, format, args...) }
	out("%s  %s  generation %d  by %s\n", r.Shift.Name, r.Shift.Phase, r.Shift.Generation, plain(r.By, 60))
	if r.Shift.Reason != "" {
		out("  %s\n", plain(r.Shift.Reason, 300))
	}
	if r.Gate != "" {
		out("next wave: %s\n", plain(r.Gate, 300))
	}
	out("residual %d of %d  cost $%.2f", r.Residual, r.Total, r.CostUSD)
	if !r.ETA.IsZero() {
		out("  done about %s", r.ETA.Local().Format(time.DateTime))
	}
	out("\n\n")
	for _, b := range status.Buckets() {
		out("%-10s %d\n", b, r.Buckets[b])
	}
	s.showGroups(r.Status)
	out("\n")
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	rows := slices.Clone(r.Rows)
	slices.SortStableFunc(rows, func(a, b fleet.Row) int { return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Place, b.Place)) })
	fmt.Fprintln(w, "TARGET\tBUCKET\tSTATE\tSINCE\tREASON")
	for i := range rows {
		row := &rows[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", target(row.Key), status.BucketOf(row), row.State, row.Since.Local().Format(time.DateTime), plain(why(row), 240))
	}
	return w.Flush()
}

// why says what a row waits for and until when, and why it is where it is.
func why(row *fleet.Row) string {
	switch {
	case row.Wait.Reason != "":
	case row.PR.Open && row.Reason != "":
		return row.Reason + "; " + row.PR.URL
	default:
		return cmp.Or(row.Reason, row.PR.URL)
	}
	said := row.Wait.Reason
	if !row.Wait.ETA.IsZero() {
		said += ", expected " + row.Wait.ETA.Local().Format(time.DateTime)
	}
	if row.Reason != "" && row.Reason != row.Wait.Reason {
		said += "; " + row.Reason
	}
	return said
}

// showGroups shows what fails by one cause, and what looks alike.
func (s *Shifts) showGroups(r status.Status) {
	for _, f := range r.Failures[:min(len(r.Failures), maxListed)] {
		fmt.Fprintf(s.Out, "\nsignature %s  %d targets, for example %s\n  %s\n", f.Signature.ID, f.Count, target(f.Sample), plain(f.Signature.Text, 200))
	}
	for _, c := range r.Clusters[:min(len(r.Clusters), maxListed)] {
		fmt.Fprintf(s.Out, "\nshape %s  %d changes\n", c.ID, c.Size())
	}
}

// maxDiff is how many lines of a diff are shown.
const maxDiff = 60

// showSample shows what came of a change where it was tried.
func (s *Shifts) showSample(r shift.Sampled) error {
	fmt.Fprintf(s.Out, "\nsample: %d of %d targets would change, cost $%.2f; nothing was pushed\n\n", r.States[fleet.Ready], r.Total, r.CostUSD)
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TARGET\tRESULT\tLINES\tTASK\tREASON")
	for i := range r.Rows {
		row := &r.Rows[i]
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", target(row.Key), row.State, row.Change.Lines, row.TaskID, plain(row.Reason, 160))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.showGroups(r.Status)
	for _, c := range r.Clusters[:min(len(r.Clusters), maxListed)] {
		lines := strings.SplitAfter(secret.Clean(r.Diffs[c.ID], 1<<20), "\n")
		fmt.Fprintf(s.Out, "\none of shape %s:\n%s", c.ID, strings.Join(lines[:min(len(lines), maxDiff)], ""))
		if len(lines) > maxDiff {
			fmt.Fprintf(s.Out, "... and %d more lines\n", len(lines)-maxDiff)
		}
	}
	return nil
}

// Logs prints what became of the targets in a repository.
func (s *Shifts) Logs(ctx context.Context, name, repo string) error {
	stories, err := s.Door.Logs(ctx, name, repo)
	if err != nil {
		return err
	}
	for _, story := range stories {
		fmt.Fprintf(s.Out, "%s  %s  %s\n", target(story.Row.Key), story.Row.State, plain(story.Row.Reason, 200))
		for _, m := range story.Moves {
			fmt.Fprintf(s.Out, "%s %s -> %s  %s %s\n", m.At.Local().Format(time.DateTime), m.From, m.To, plain(m.Cause, 200), plain(m.Actor, 60))
		}
		if story.Row.TaskID != "" {
			fmt.Fprintf(s.Out, "task %s\n", story.Row.TaskID)
		}
		for _, e := range story.Task {
			if e.Kind != task.EventTool {
				continue
			}
			var data task.ToolData
			if err := json.Unmarshal(e.Data, &data); err != nil {
				return fmt.Errorf("reading an event of task %s: %w", e.TaskID, err)
			}
			fmt.Fprintf(s.Out, "  %s\n  %s\n", plain(data.Title, 200), plain(data.Output, 2000))
		}
	}
	return nil
}
