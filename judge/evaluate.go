package judge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"honk/internal/llm"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge/diff"
	"honk/verify"
)

// Options adjusts a Judge.
type Options struct {
	// SchemaOK says that the endpoint takes a JSON schema for its answer.
	// Without it the judge forces a tool, and falls back to JSON in a fence
	// when the endpoint refuses that.
	SchemaOK bool
	// MaxDiff is how many bytes of diff one question may hold: default
	// 100,000. A change of more is judged in parts, one of more than eight
	// times as much not at all.
	MaxDiff int
	// Timeout is for one question: default 120 seconds.
	Timeout time.Duration
	// MaxTokens caps an answer, a reasoning model's thoughts included:
	// default 8,192.
	MaxTokens int
	Log       *slog.Logger
}

const (
	// partsMax is how many questions one change may take.
	partsMax = 8
	// diffMax bounds the work before any question is asked.
	diffMax = 10 << 20
)

// Judge asks a model whether a change does what was requested. It is safe for
// concurrent use.
type Judge struct {
	model llm.Model
	opts  Options
}

// New returns a Judge that asks model.
func New(model llm.Model, opts Options) *Judge {
	opts.MaxDiff = cmp.Or(opts.MaxDiff, 100_000)
	opts.Timeout = cmp.Or(opts.Timeout, 120*time.Second)
	opts.MaxTokens = cmp.Or(opts.MaxTokens, 8192)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Judge{model: model, opts: opts}
}

// Input is what a change is judged by. There is no place in it for what the
// agent says of its work.
type Input struct {
	Repo   string
	Prompt string
	// Context is the conversation around the request: it explains, it does
	// not order.
	Context  []task.Note
	Patch    task.Patch
	Gate     verify.Gate
	Findings []Finding
}

// Evaluate asks the model and weighs its answers. It always returns a verdict
// and never an approving one unless the model gave ten valid answers for it:
// whatever goes wrong is a DecisionError. So is an approval of a change that
// speaks to its judge, or one that does not stand without the comments of a
// suspicious change: then the summary says that a person must look.
func (j *Judge) Evaluate(ctx context.Context, in Input) Verdict {
	v := j.evaluate(ctx, in)
	v.Prompt = Version()
	j.opts.Log.InfoContext(ctx, "change judged", "decision", string(v.Decision), "flags", len(v.Flags), "prompt_version", v.Prompt)
	return v
}

func (j *Judge) evaluate(ctx context.Context, in Input) Verdict {
	if n := len(in.Patch.Diff); n > diffMax {
		return failed(fmt.Errorf("the diff has %d MB, more than is looked at (%d MB); ask for a smaller change", n>>20, diffMax>>20))
	}
	files, err := diff.Read(in.Patch)
	if err != nil {
		return failed(err)
	}
	if len(files) == 0 {
		return failed(errors.New("there is no change to judge"))
	}
	var all rendering
	texts, bare := make([]string, len(files)), make([]string, len(files))
	for i, f := range files {
		r := render(f, true)
		texts[i], bare[i] = r.text, render(f, false).text
		all.flags = append(all.flags, r.flags...)
		all.addressed = append(all.addressed, r.addressed...)
	}
	for _, n := range append([]task.Note{{Text: in.Prompt}}, in.Context...) {
		if _, hidden := marked(n.Text); len(hidden) > 0 {
			all.flag(&all.flags, "the request or its context holds %s", strings.Join(hidden, ", "))
		}
	}
	v, err := j.judge(ctx, in, files, texts)
	if err != nil {
		v = failed(err)
	}
	v.Flags = slices.Concat(all.addressed, all.flags)
	if v.Decision != Approve {
		return v
	}
	if len(all.addressed) > 0 {
		return hold(v, "the change holds text that speaks to its judge")
	}
	if len(all.flags) > 0 {
		second, err := j.judge(ctx, in, files, bare)
		if err != nil {
			return hold(v, "the change is suspicious and could not be judged without its comments: "+err.Error())
		}
		if second.Decision != Approve {
			return hold(v, "the judge approves the change only with its comments")
		}
	}
	return v
}

// failed is the verdict of no verdict.
func failed(err error) Verdict {
	return Verdict{Decision: DecisionError, Summary: "Not judged: " + oneLine(err.Error()), Err: err}
}

// hold takes an approval back until a person looked.
func hold(v Verdict, why string) Verdict {
	v.Decision, v.Summary = DecisionError, oneLine("A person must look: "+why+".")
	return v
}

// judge gives one verdict on files, shown as texts: at once, or in parts with a synthesis.
func (j *Judge) judge(ctx context.Context, in Input, files []*diff.File, texts []string) (Verdict, error) {
	groups, err := j.groups(files, texts)
	if err != nil {
		return Verdict{}, err
	}
	if len(groups) == 1 {
		r, err := j.ask(ctx, prompt{}, in, files, [][2]string{{"DIFF", groups[0].text}})
		return r.decide(), err
	}
	var list strings.Builder
	for _, f := range files {
		name, _ := visible(f.Path)
		fmt.Fprintf(&list, "%s (%s, +%d -%d)\n", name, f.Kind, f.Added, f.Removed)
	}
	var parts []reply
	for i, g := range groups {
		r, err := j.ask(ctx, prompt{Part: i + 1, Parts: len(groups)}, in, g.files, [][2]string{{"FILES", list.String()}, {"DIFF", g.text}})
		if err != nil {
			return Verdict{}, fmt.Errorf("part %d of %d: %w", i+1, len(groups), err)
		}
		parts = append(parts, r)
	}
	said, err := json.Marshal(parts)
	if err != nil {
		return Verdict{}, fmt.Errorf("writing the answers on the parts: %w", err)
	}
	whole, err := j.ask(ctx, prompt{Synthesis: true}, in, files, [][2]string{{"FILES", list.String()}, {"PARTS", string(said)}})
	if err != nil {
		return Verdict{}, fmt.Errorf("joining the parts: %w", err)
	}
	return join(whole, parts).decide(), nil
}

// join lets no synthesis talk a part's objection away. Whether every
// requirement is done (1) only the whole can tell.
func join(whole reply, parts []reply) reply {
	for _, p := range parts {
		for i, it := range p.Items {
			if it.ID != 1 && gating(it.ID) && !it.holds() {
				whole.Items[i] = it
				whole.Revisions = append(whole.Revisions, it.Reason)
			}
		}
		if p.Request == "unsafe" {
			whole.Request = p.Request
		}
	}
	whole.Revisions = whole.Revisions[:min(len(whole.Revisions), revisionsMax)]
	return whole
}

type group struct {
	files []*diff.File
	text  string
}

// groups packs the files, in order, into questions of bounded size.
func (j *Judge) groups(files []*diff.File, texts []string) ([]group, error) {
	out := []group{{}}
	for i, f := range files {
		text := texts[i]
		if len(text) > j.opts.MaxDiff {
			return nil, fmt.Errorf("the change of %q is %d KB, more than a judge can read (%d KB); ask for a smaller change",
				secret.Clean(f.Path, 200), len(text)>>10, j.opts.MaxDiff>>10)
		}
		if g := &out[len(out)-1]; len(g.text)+len(text) > j.opts.MaxDiff {
			out = append(out, group{})
		}
		g := &out[len(out)-1]
		g.files, g.text = append(g.files, f), g.text+text
	}
	if len(out) > partsMax {
		return nil, fmt.Errorf("the change needs %d parts of %d KB, more than the %d a judge reads; ask for a smaller change", len(out), j.opts.MaxDiff>>10, partsMax)
	}
	return out, nil
}

// ask puts one question, with one chance to repair an invalid answer.
func (j *Judge) ask(ctx context.Context, p prompt, in Input, files []*diff.File, sections [][2]string) (reply, error) {
	p.Schema, p.Tool = j.opts.SchemaOK, !j.opts.SchemaOK
	msgs, err := messages(p, in, sections)
	if err != nil {
		return reply{}, err
	}
	var invalid error
	for range 2 {
		resp, err := j.complete(ctx, p, msgs)
		if p.Tool && llm.ClassOf(err) == llm.ClassCaller {
			// The endpoint knows no forced tool: ask for JSON in a fence.
			p.Tool = false
			if msgs, err = messages(p, in, sections); err != nil {
				return reply{}, err
			}
			resp, err = j.complete(ctx, p, msgs)
		}
		if err != nil {
			return reply{}, err
		}
		r, err := decode(resp.Message, files, p.Part > 0)
		if err == nil {
			return r, nil
		}
		invalid = err
		msgs = append(msgs, repair(resp.Message, err)...)
	}
	return reply{}, fmt.Errorf("the model's answer is invalid: %w", invalid)
}

// repair continues the conversation after an invalid answer. Every call gets
// its message, or endpoints refuse the history.
func repair(m llm.Message, invalid error) []llm.Message {
	text := "That answer is invalid: " + invalid.Error() + ". Give the complete answer again."
	out := []llm.Message{m}
	if len(m.Calls) == 0 {
		return append(out, llm.Message{Role: llm.RoleUser, Content: text})
	}
	for i, c := range m.Calls {
		if !json.Valid([]byte(c.Arguments)) {
			m.Calls[i].Arguments = "{}"
		}
		out = append(out, llm.Message{Role: llm.RoleTool, CallID: c.ID, Content: text})
	}
	return out
}

var errTimeout = errors.New("the model did not answer in time")

func (j *Judge) complete(ctx context.Context, p prompt, msgs []llm.Message) (llm.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.opts.Timeout, errTimeout)
	defer cancel()
	req := llm.Request{Messages: msgs, MaxTokens: j.opts.MaxTokens}
	switch {
	case p.Schema:
		req.Schema = &llm.Schema{Name: "verdict", JSON: json.RawMessage(verdictSchema)}
	case p.Tool:
		req.Tools = []llm.Tool{{Name: toolName, Description: "Submit the verdict.", Schema: json.RawMessage(verdictSchema)}}
		req.ForceTool = toolName
	}
	resp, err := j.model.Complete(ctx, req)
	switch {
	case ctx.Err() != nil:
		return resp, context.Cause(ctx)
	case err != nil:
		return resp, fmt.Errorf("asking the model: %w", err)
	case resp.Finish == llm.FinishLength:
		return resp, errors.New("the answer was cut at the output limit")
	case resp.Finish == llm.FinishFilter:
		return resp, errors.New("the provider filtered the answer")
	case strings.TrimSpace(resp.Message.Content) == "" && len(resp.Message.Calls) == 0:
		return resp, errors.New("the model answered nothing")
	}
	return resp, nil
}
