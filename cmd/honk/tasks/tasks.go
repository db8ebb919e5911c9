// Package tasks is what an operator sees of the service's tasks and does with
// them from the command line.
package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/queue"
)

// maxShown is how many tasks List shows.
const maxShown = 50

// Tasks are the service's.
type Tasks struct {
	DB *postgres.DB
	// Out is where they are shown.
	Out io.Writer
	// User is who acts.
	User string
	Log  *slog.Logger
}

func (t *Tasks) find(ctx context.Context, id task.ID) (postgres.Record, error) {
	rec, err := t.DB.Task(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		return rec, task.Errorf(task.CodeNotFound, "there is no task %q; honk task list shows those there are", id)
	}
	return rec, err
}

// List prints the latest tasks, with status only those in it.
func (t *Tasks) List(ctx context.Context, status task.Status) error {
	records, err := t.DB.Tasks(ctx, status, maxShown)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TASK\tSTATUS\tREPOSITORY\tBY\tASKED\tREQUEST")
	for _, r := range records {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Status, plain(r.Request.Repo.String(), 60),
			plain(r.Request.Actor.Login, 39), r.CreatedAt.Local().Format(time.DateTime), plain(r.Request.Prompt, 60))
	}
	return w.Flush()
}

// plain makes somebody's words safe for one line of a terminal.
func plain(text string, most int) string {
	return strings.Join(strings.Fields(secret.Clean(text, most)), " ")
}

// Show prints one task and how it ended, asJSON as one object.
func (t *Tasks) Show(ctx context.Context, id task.ID, asJSON bool) error {
	rec, err := t.find(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(t.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			task.Task
			Waiting    string          `json:"waiting,omitempty"`
			StartedAt  *time.Time      `json:"started_at"`
			FinishedAt *time.Time      `json:"finished_at"`
			Result     json.RawMessage `json:"result"`
		}{rec.Task, rec.Waiting, rec.StartedAt, rec.FinishedAt, rec.Result})
	}
	say := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t.Out, "%-11s %s\n", name, value)
		}
	}
	say("task", string(rec.ID))
	say("status", string(rec.Status))
	say("waiting", plain(rec.Waiting, 300))
	say("repository", plain(rec.Request.Repo.String(), 100))
	say("asked by", plain(rec.Request.Actor.Login, 39))
	say("asked in", plain(rec.Request.Origin.URL, 300))
	say("request", plain(rec.Request.Prompt, 300))
	var res runner.Result
	if rec.Result == nil {
		return nil
	}
	if err := json.Unmarshal(rec.Result, &res); err != nil {
		return fmt.Errorf("reading how task %s ended: %w", id, err)
	}
	say("summary", plain(res.Summary, 600))
	if res.PullRequest != nil {
		say("branch", plain(res.PullRequest.Branch, 250))
		say("pull", plain(res.PullRequest.URL, 300))
	}
	say("took", res.Usage.TotalTime.Round(time.Second).String())
	say("cost", fmt.Sprintf("$%.4f, %d steps, %d tokens", res.Usage.CostUSD, res.Usage.Steps, res.Usage.InputTokens+res.Usage.OutputTokens))
	return nil
}

// Cancel stops a task.
func (t *Tasks) Cancel(ctx context.Context, id task.ID) error {
	if _, err := t.find(ctx, id); err != nil {
		return err
	}
	ok, err := t.DB.Cancel(ctx, id, t.User+" at the command line")
	if err != nil {
		return err
	}
	if !ok {
		return task.Errorf(task.CodeConflict, "task %s has ended already; honk task show %s tells how", id, id)
	}
	fmt.Fprintf(t.Out, "task %s will stop within seconds\n", id)
	return nil
}

// Retry asks for the same once more and prints the new task's ID.
func (t *Tasks) Retry(ctx context.Context, id task.ID) error {
	rec, err := t.find(ctx, id)
	if err != nil {
		return err
	}
	if !rec.Status.Final() {
		return task.Errorf(task.CodeConflict, "task %s is still %s; cancel it first", id, rec.Status)
	}
	q, err := queue.New(t.DB, t.Log)
	if err != nil {
		return err
	}
	// The one who asked answers for it: their permission counts.
	fresh := task.NewID(time.Now())
	again, _, err := q.Submit(ctx, rec.Again(rec.Request.Actor, "retry/"+string(fresh)))
	if err != nil {
		return err
	}
	fmt.Fprintln(t.Out, again.ID)
	return nil
}

// Logs prints what a task did, step by step.
func (t *Tasks) Logs(ctx context.Context, id task.ID) error {
	if _, err := t.find(ctx, id); err != nil {
		return err
	}
	events, err := t.DB.Events(ctx, id, 0)
	if err != nil {
		return err
	}
	for _, e := range events {
		fmt.Fprintf(t.Out, "%s %-8s %s\n", e.At.Local().Format(time.TimeOnly), e.Kind, eventLine(e))
	}
	return nil
}

// eventLine is an event in one line for a terminal.
func eventLine(e task.Event) string {
	var data struct {
		task.PhaseData
		task.NoticeData
		Calls  []task.CallData `json:"calls"`
		Title  string          `json:"title"`
		Status string          `json:"status"`
		Files  []any           `json:"files"`
	}
	// Kinds whose data looks otherwise show their name alone.
	_ = json.Unmarshal(e.Data, &data)
	switch e.Kind {
	case task.EventPhase:
		return plain(data.Phase+" "+data.Detail, 200)
	case task.EventTool:
		return plain(data.Title, 200)
	case task.EventReply:
		return plain(fmt.Sprintf("step %d, %d calls %s", e.Step, len(data.Calls), data.Text), 200)
	case task.EventPatch:
		return fmt.Sprintf("%d files", len(data.Files))
	default:
		return plain(data.Text+data.Status, 200)
	}
}
