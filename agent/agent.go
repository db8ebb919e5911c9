package agent

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"honk/agent/prompt"
	"honk/agent/tool"
	"honk/internal/llm"
	"honk/internal/task"
)

// Options is what an Agent is made with. Every field may be left out.
type Options struct {
	Limits Limits
	// SpentFunc returns what the task has cost so far and may cost, in USD;
	// a limit of 0 means none.
	SpentFunc func() (spent, limit float64)
	// WrapUpFunc frees the money that is held back for the last turn.
	WrapUpFunc func()
	Log        *slog.Logger
}

// Agent lets a model change a checkout. It is safe for concurrent use.
type Agent struct {
	model llm.Model
	opts  Options
}

// New returns an Agent. The model pays for itself: it refuses a call with an
// *llm.Error of class budget when there is no money for it.
func New(model llm.Model, opts Options) *Agent {
	opts.Limits = opts.Limits.withDefaults()
	if opts.SpentFunc == nil {
		opts.SpentFunc = func() (float64, float64) { return 0, 0 }
	}
	if opts.WrapUpFunc == nil {
		opts.WrapUpFunc = func() {}
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	return &Agent{model: model, opts: opts}
}

// Run works on in until the model finishes or something ends it. The Result
// holds what is known even beside an error, which means that the run could
// not go on: the model is not available (an *llm.Error in its chain), the
// sandbox is broken, or an event could not be stored.
func (a *Agent) Run(ctx context.Context, in Input) (Result, error) {
	r, err := a.start(in)
	if err != nil {
		return Result{Exit: ExitFailed, Reason: err.Error()}, err
	}
	err = r.loop(ctx)
	return r.result(), err
}

// run is one Run.
type run struct {
	model   llm.Model
	opts    Options
	in      Input
	prompts *prompt.Prompts
	tools   *tool.Set
	specs   []llm.Tool
	t       *Transcript

	started time.Time
	usage   task.Usage
	paid    float64 // what had been spent when the run began
	exit    Exit    // empty while the run goes on
	reason  string
	summary string

	gate  gate
	watch watch
	// added is what people added to the request during the run.
	added string
	// broke says why there is no more money, empty while there is.
	broke string
	// last says why this is the last turn, empty while it is not.
	last string
	// warned is set once the model was told to come to an end.
	warned bool
	// useless, timeouts and broken count replies that held nothing to act
	// on, commands out of time and failures of the machinery, in a row.
	useless, timeouts, broken int
	// perByte is the measured number of tokens per byte of the conversation.
	perByte float64
	// cached is the share of the last prompt that came from the cache, and 0
	// after a change to the prefix.
	cached float64
}

func (a *Agent) start(in Input) (*run, error) {
	prompts, err := prompt.New()
	if err != nil {
		return nil, err
	}
	r := &run{
		model: a.model, opts: a.opts, in: in, prompts: prompts,
		t: &Transcript{}, started: time.Now(), perByte: 1.0 / 3,
	}
	r.paid, _ = a.opts.SpentFunc()
	if in.Resume != nil {
		*r.t = *in.Resume
	}
	r.tools, err = tool.New(tool.Config{
		Sandbox: in.Sandbox, Verifiers: in.Verifiers, VerifyFunc: in.VerifyFunc, DiffFunc: in.DiffFunc,
		FinishFunc: r.finish, Viewed: r.t.Viewed,
	})
	if err != nil {
		return nil, err
	}
	r.specs = r.tools.Specs()
	if in.Resume != nil {
		return r, r.resume()
	}
	if err := r.open(); err != nil || in.Feedback == "" {
		return r, err
	}
	return r, r.feedback()
}

// open begins a conversation.
func (r *run) open() error {
	data := prompt.Task{
		Repo: r.in.Repo, Prompt: r.in.Prompt, Nonce: nonce(), Notes: prompt.Notes(r.in.Context),
		Verifiers: r.in.Verifiers, Tree: prompt.Tree(r.in.Tree, prompt.TreeBytes),
	}
	for _, path := range slices.Sorted(maps.Keys(r.in.Instructions)) {
		data.Instructions = append(data.Instructions, prompt.Instruction{Path: path, Text: strings.TrimSpace(r.in.Instructions[path])})
	}
	system, err := r.prompts.Text("system", nil)
	if err != nil {
		return err
	}
	first, err := r.prompts.Text("task", data)
	if err != nil {
		return err
	}
	r.t.PromptVersion = r.prompts.Version()
	r.t.Messages = []llm.Message{{Role: llm.RoleSystem, Content: system}, {Role: llm.RoleUser, Content: first, Images: task.Sound(r.in.Images)}}
	return nil
}

// resume goes on with the conversation of an earlier run.
func (r *run) resume() error {
	if len(r.t.Messages) < head {
		return errors.New("resuming: the transcript lacks the request")
	}
	r.t.Messages, _ = paired(slices.Clone(r.t.Messages))
	if r.in.Feedback == "" {
		return r.say("resumed", nil)
	}
	return r.feedback()
}

// feedback says why the run goes on.
func (r *run) feedback() error {
	return r.say("feedback", map[string]string{"Nonce": nonce(), "Text": r.in.Feedback})
}

// say appends what the loop has to tell the model.
func (r *run) say(name string, data any) error {
	text, err := r.prompts.Text(name, data)
	if err != nil {
		return err
	}
	r.t.Messages = append(r.t.Messages, llm.Message{Role: llm.RoleUser, Content: text})
	return nil
}

// notice is say, stored as an event.
func (r *run) notice(ctx context.Context, name string, data any) error {
	if err := r.say(name, data); err != nil {
		return err
	}
	return r.record(ctx, task.EventNotice, task.NoticeData{Text: r.t.Messages[len(r.t.Messages)-1].Content})
}

// recordTime bounds the storing of one event.
const recordTime = 10 * time.Second

// record stores an event, even when the run's time is up.
func (r *run) record(ctx context.Context, kind task.EventKind, data any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := r.in.RecordFunc(ctx, kind, r.t.Steps, data); err != nil {
		return fmt.Errorf("storing an event of kind %q: %w", kind, err)
	}
	return nil
}

// stop ends the run; the first end counts.
func (r *run) stop(exit Exit, reason string) {
	if r.exit == "" {
		r.exit, r.reason = exit, reason
	}
}

func (r *run) result() Result {
	took := time.Since(r.started)
	r.t.Elapsed += took
	r.t.Viewed = r.tools.Viewed()
	spent, _ := r.opts.SpentFunc()
	r.usage.CostUSD = spent - r.paid
	r.usage.TotalTime = took
	return Result{
		Exit: cmp.Or(r.exit, ExitFailed), Summary: r.summary, Reason: r.reason, Usage: r.usage,
		Transcript: r.t, Viewed: r.viewed(),
	}
}

// nonce is unknown to whoever wrote the text it fences.
func nonce() string {
	var b [8]byte
	// rand.Read never returns an error; it ends the program instead.
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
