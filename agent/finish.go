package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"honk/agent/tool"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/verify"
)

// diffBytes caps the diff that is handed back before a task ends.
const diffBytes = 10_000

// gate is what stands between a model that says it is done and the end.
type gate struct {
	// listed is set once the checklist was handed back, asked once the model
	// was asked about an empty change, doubted once about a needless one.
	listed, asked, doubted bool
	// rounds counts failed verifications.
	rounds int
}

// finish answers the finish tool. The run has ended when r.exit is set.
func (r *run) finish(ctx context.Context, f tool.Finish) (tool.Result, error) {
	if strings.TrimSpace(f.Summary) == "" && r.last == "" {
		return tool.Result{Text: "The summary is empty. Nothing has ended. Call finish with a summary for the people who asked.", Title: "finish: no summary", IsError: true}, nil
	}
	if r.last != "" {
		return r.ended(ExitBudget, r.last, f), nil
	}
	if f.Status == "blocked" {
		return r.ended(ExitBlocked, "", f), nil
	}
	patch, err := r.in.DiffFunc(ctx)
	if err != nil {
		return tool.Unfit("finish", err)
	}
	if f.Status == "no_change_needed" {
		return r.finishUnchanged(patch, f)
	}
	return r.finishDone(ctx, patch, f)
}

func (r *run) ended(exit Exit, reason string, f tool.Finish) tool.Result {
	r.summary = strings.TrimSpace(tool.Clean([]byte(f.Summary)))
	r.stop(exit, reason)
	return tool.Result{Text: "The task has ended.", Title: "finish: " + f.Status}
}

// back hands a finish back with something to do.
func (r *run) back(title, name string, data any) (tool.Result, error) {
	text, err := r.prompts.Text(name, data)
	return tool.Result{Text: text, Title: "finish: " + title}, err
}

func (r *run) finishUnchanged(patch task.Patch, f tool.Finish) (tool.Result, error) {
	if patch.Empty() || r.gate.doubted {
		return r.ended(ExitNoChange, "", f), nil
	}
	r.gate.doubted = true
	var names []string
	for _, c := range patch.Files[:min(len(patch.Files), 10)] {
		names = append(names, c.Path)
	}
	return r.back("there are changes", "has_diff", map[string]any{"Files": len(patch.Files), "Names": strings.Join(names, ", ")})
}

func (r *run) finishDone(ctx context.Context, patch task.Patch, f tool.Finish) (tool.Result, error) {
	switch {
	case patch.Empty() && r.gate.asked:
		return r.ended(ExitNoChange, "", f), nil
	case patch.Empty():
		r.gate.asked = true
		return r.back("nothing is changed", "no_diff", nil)
	case !r.gate.listed && (r.in.Feedback == "" || !r.seen(patch)):
		r.gate.listed = true
		diff := tool.Cut(tool.Clean(patch.Diff), diffBytes)
		r.show(patch, diff)
		return r.back("checklist", "checklist", map[string]string{"Diff": diff})
	}
	found, _, err := r.tools.Verify(ctx, nil)
	if err != nil {
		return tool.Unfit("finish", err)
	}
	if found.Passed {
		return r.ended(ExitDone, "", f), nil
	}
	return r.finishFailed(found, f)
}

// show notes which changed files the model gets to see in a diff: a command
// may have changed files it never opened.
func (r *run) show(patch task.Patch, diff string) {
	for _, c := range patch.Files {
		if strings.Contains(diff, " b/"+c.Path+"\n") && !slices.Contains(r.t.Shown, c.Path) {
			r.t.Shown = append(r.t.Shown, c.Path)
		}
	}
}

// seen reports whether the model has seen every changed file.
func (r *run) seen(patch task.Patch) bool {
	viewed := r.viewed()
	for _, c := range patch.Files {
		if _, ok := slices.BinarySearch(viewed, c.Path); !ok {
			return false
		}
	}
	return true
}

// viewed are the paths the model has seen, sorted.
func (r *run) viewed() []string {
	paths := append(slices.Collect(maps.Keys(r.tools.Viewed())), r.t.Shown...)
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (r *run) finishFailed(found verify.Gate, f tool.Finish) (tool.Result, error) {
	r.gate.rounds++
	rounds := r.opts.Limits.RepairRounds
	if r.gate.rounds > rounds {
		why := fmt.Sprintf("the checks do not pass after %d rounds of repair", rounds)
		if len(found.Reasons) > 0 {
			why += ": " + strings.Join(found.Reasons[:min(len(found.Reasons), 3)], "; ")
		}
		return r.ended(ExitVerifyFailed, why, f), nil
	}
	res, err := r.back("the checks do not pass", "gate_failed", map[string]any{
		"Round": r.gate.rounds, "Rounds": rounds, "Text": tool.GateText(found),
	})
	res.IsError, res.Complaints = true, tool.Complaints(found)
	return res, err
}

// finishByText takes a reply without a call as finish(done).
func (r *run) finishByText(ctx context.Context, text string) error {
	if err := r.useful(ctx, true, "", nil); err != nil {
		return err
	}
	res, err := r.finish(ctx, tool.Finish{Summary: text, Status: "done"})
	if err != nil {
		return fmt.Errorf("finishing: %w", err)
	}
	if r.exit != "" {
		return nil
	}
	r.t.Messages = append(r.t.Messages, llm.Message{Role: llm.RoleUser, Content: res.Text})
	if err := r.record(ctx, task.EventNotice, task.NoticeData{Text: res.Text}); err != nil {
		return err
	}
	return r.stuck(ctx, happening{text: true, complaints: res.Complaints})
}
