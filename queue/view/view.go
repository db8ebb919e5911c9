// Package view gathers what people can be told of a task from what is stored
// of it.
package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

// SilentAge is how long a running task may record nothing before its message
// says what it waits for.
const SilentAge = 10 * time.Minute

// Of returns what can be told of a task.
func Of(ctx context.Context, db *postgres.DB, rec postgres.Record) (v runner.View, err error) {
	v = runner.View{Task: rec.Task, Waiting: rec.Waiting, Elapsed: time.Since(rec.CreatedAt)}
	if rec.FinishedAt != nil {
		v.Elapsed = rec.FinishedAt.Sub(rec.CreatedAt)
	}
	switch {
	case rec.Status == task.StatusQueued:
		v.Ahead, err = db.QueuePlace(ctx, rec.ID)
		return v, err
	case rec.Result != nil:
		v.Result = &runner.Result{}
		if err := json.Unmarshal(rec.Result, v.Result); err != nil {
			return v, fmt.Errorf("reading the result of task %s: %w", rec.ID, err)
		}
	}
	return v, progress(ctx, db, &v)
}

// progress adds how far a task has come.
func progress(ctx context.Context, db *postgres.DB, v *runner.View) error {
	phases, err := db.Phases(ctx, v.Task.ID)
	if err != nil {
		return err
	}
	for _, e := range phases {
		var p task.PhaseData
		if err := json.Unmarshal(e.Data, &p); err != nil {
			return fmt.Errorf("reading a phase of task %s: %w", e.TaskID, err)
		}
		v.Phases = append(v.Phases, p)
	}
	silence, err := db.Silence(ctx, v.Task.ID)
	if err != nil {
		return err
	}
	if !v.Task.Status.Final() && silence > SilentAge {
		v.Waiting = fmt.Sprintf("no step for %d minutes: the model, or a command, takes its time", int(silence.Minutes()))
	}
	last, err := db.LastReply(ctx, v.Task.ID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var reply task.ReplyData
	if err := json.Unmarshal(last.Data, &reply); err != nil {
		return fmt.Errorf("reading a reply of task %s: %w", last.TaskID, err)
	}
	v.Step, v.CostUSD = last.Step, reply.CostUSD
	return nil
}
