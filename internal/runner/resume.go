package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"honk/agent"
	"honk/internal/task"
	"honk/judge"
)

// past is what earlier attempts at a task recorded.
type past struct {
	last   int // the number of the last event
	usage  task.Usage
	notes  []task.Note // what people added
	base   task.BaseData
	patch  task.Patch
	change changeData
	// verdict is the judge's on patch, nil when there is none.
	verdict *judge.Verdict
	// open says that the agent was sent to work and not heard of again.
	open bool
}

// changeData is the Data of task.EventChange, with the agent's outputs.
type changeData struct {
	task.ChangeData
	Outputs json.RawMessage `json:"outputs,omitempty"`
}

// recall reads what earlier attempts recorded.
func (a *attempt) recall(ctx context.Context) error {
	p, err := a.pastOf(ctx, a.task.ID)
	if err != nil {
		return err
	}
	a.past, a.next = p, p.last
	a.notes, a.untold = slices.Clone(p.notes), p.notes
	return nil
}

func (a *attempt) pastOf(ctx context.Context, id task.ID) (p past, err error) {
	events, err := a.opts.Recorder.Recall(ctx, id)
	if err != nil {
		return p, fmt.Errorf("recalling earlier attempts at %s: %w", id, err)
	}
	for _, e := range events {
		if err := p.add(e); err != nil {
			return p, fmt.Errorf("reading event %d of %s: %w", e.Seq, id, err)
		}
	}
	return p, nil
}

func (p *past) add(e task.Event) error {
	p.last = max(p.last, e.Seq)
	switch e.Kind {
	case task.EventPhase:
		phase, err := decode[task.PhaseData](e)
		if phase.Phase == phaseChange {
			p.open, p.verdict = true, nil
		}
		return err
	case task.EventBase:
		return set(&p.base, e)
	case task.EventPatch:
		return set(&p.patch, e)
	case task.EventChange:
		p.open = false
		return set(&p.change, e)
	case task.EventVerdict:
		v, err := decode[judge.Verdict](e)
		p.verdict = &v
		return err
	case task.EventReply:
		reply, err := decode[task.ReplyData](e)
		p.usage = p.usage.Add(reply.Usage)
		// The cost is the whole task's so far.
		p.usage.CostUSD = max(p.usage.CostUSD, reply.CostUSD)
		return err
	case task.EventNotice:
		notice, err := decode[task.NoticeData](e)
		for _, n := range notice.Notes {
			if !slices.ContainsFunc(p.notes, func(o task.Note) bool {
				return o.Author == n.Author && o.Text == n.Text && o.At.Equal(n.At)
			}) {
				p.notes = append(p.notes, n)
			}
		}
		return err
	case task.EventTool, task.EventVerify, task.EventChecks, task.EventWarning, task.EventOutcome:
	}
	return nil
}

func decode[T any](e task.Event) (v T, err error) {
	err = set(&v, e)
	return v, err
}

// set decodes an event into to, whole or not at all.
func set[T any](to *T, e task.Event) error {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return fmt.Errorf("decoding a %s event: %w", e.Kind, err)
	}
	*to = v
	return nil
}

// finished reports whether there is a change that the agent was done with, so
// that nobody has to pay for it again.
func (p *past) finished() bool {
	return !p.open && p.change.Exit == string(agent.ExitDone) && !p.patch.Empty() && p.patch.Base == p.base.SHA
}

// fetch checks the base out: that of a finished change, else what the request
// names.
func (a *attempt) fetch(ctx context.Context) (err error) {
	if a.past.finished() {
		a.base, err = a.opts.Forge.Checkout(ctx, a.task, a.past.base.SHA)
		if err == nil {
			a.base.BaseRef = a.past.base.Ref
			return nil
		}
		if task.CodeOf(err) != task.CodeNotFound {
			return err
		}
		a.past.change = changeData{}
		if err := a.warn(ctx, "commit %s is gone, on which an earlier attempt made its change; the change is made anew", short(a.past.base.SHA)); err != nil {
			return err
		}
	}
	// A branch and a tag can share a name; the branch wins.
	ref := cmp.Or(a.task.Request.Branch, a.task.Request.Ref)
	a.base, err = a.opts.Forge.Checkout(ctx, a.task, ref)
	return err
}

// restore takes a finished change over from an earlier attempt and reports
// whether there is one.
func (a *attempt) restore() bool {
	if !a.past.finished() {
		return false
	}
	a.res.Patch, a.res.Summary = a.past.patch, a.past.change.Summary
	a.viewed, a.revision = a.past.change.Viewed, a.past.change.Revision
	a.res.Outputs = a.past.change.Outputs
	return true
}

// recalled returns the verdict of an earlier attempt on the very same change,
// if it lets that pass.
func (a *attempt) recalled() (v judge.Verdict, ok bool) {
	if a.past.verdict == nil {
		return v, false
	}
	v = *a.past.verdict
	given := v.Decision == judge.DecideRevise || v.Decision == judge.Reject
	return v, v.Decision == judge.Approve || a.mode == judge.ModeAdvise && given
}

func (a *attempt) warn(ctx context.Context, format string, args ...any) error {
	return a.record(ctx, task.EventWarning, 0, task.NoticeData{Text: fmt.Sprintf(format, args...)})
}
