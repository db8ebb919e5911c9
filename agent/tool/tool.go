// Package tool holds the seven things the model can do. Every one works
// through the sandbox; none touches the host. What goes wrong in a call is
// text for the model, which says what happened, how things stand and what to
// do next; only broken machinery is a Go error.
package tool

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"honk/agent/tool/args"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/sandbox"
	"honk/verify"
)

//go:embed schemas.json
var schemas []byte

// Tool is one thing the model can do.
type Tool struct {
	llm.Tool
	// ReadOnly tools may run at the same time as each other.
	ReadOnly bool
	// Run does it. Its arguments are valid for the schema.
	Run func(ctx context.Context, arguments json.RawMessage) (Result, error)
}

// Result is the answer to a call.
type Result struct {
	// Text is for the model.
	Text string
	// Title is one line for a person: what the call did.
	Title   string
	IsError bool
	// TimedOut says that a command ran out of time.
	TimedOut bool
	// Changed says that the tool wrote to a file of the work tree.
	Changed bool
	// Complaints fingerprints what a verification found new, empty when it
	// passed or when nothing was verified.
	Complaints string
}

// Config is what the tools work with. The funcs are those of agent.Input.
type Config struct {
	Sandbox    sandbox.Sandbox
	Verifiers  []verify.Verifier
	VerifyFunc func(ctx context.Context, only []string) (verify.Gate, error)
	DiffFunc   func(ctx context.Context) (task.Patch, error)
	// FinishFunc answers the finish tool.
	FinishFunc func(ctx context.Context, f Finish) (Result, error)
	// Viewed are the hashes of files seen in an earlier run, by path.
	Viewed map[string]string
}

// Finish is what the finish tool is called with.
type Finish struct {
	Summary string `json:"summary"`
	// Status is done, blocked or no_change_needed.
	Status string `json:"status"`
}

// Set is the seven tools on one work tree. It is safe for concurrent use.
type Set struct {
	cfg   Config
	tools []Tool

	mu sync.Mutex
	// viewed holds the hash of each file as the model last saw it.
	viewed map[string]string
	// verified are the gates of diffs already verified, by diff and scope.
	verified map[string]verify.Gate
}

// New returns the tools, in the order the model is told of them.
func New(cfg Config) (*Set, error) {
	s := &Set{cfg: cfg, viewed: map[string]string{}, verified: map[string]verify.Gate{}}
	maps.Copy(s.viewed, cfg.Viewed)
	var specs []struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(schemas, &specs); err != nil {
		return nil, fmt.Errorf("parsing the tool schemas: %w", err)
	}
	table := map[string]Tool{
		"bash":   {Run: s.bash},
		"view":   {Run: s.view, ReadOnly: true},
		"search": {Run: s.search, ReadOnly: true},
		"edit":   {Run: s.edit},
		"write":  {Run: s.write},
		"verify": {Run: s.verify},
		"finish": {Run: s.finish},
	}
	for _, spec := range specs {
		t := table[spec.Name]
		t.Tool = llm.Tool{Name: spec.Name, Description: spec.Description, Schema: spec.Parameters}
		s.tools = append(s.tools, t)
	}
	return s, nil
}

// Specs is what the model is told, the same bytes every time.
func (s *Set) Specs() []llm.Tool {
	out := make([]llm.Tool, len(s.tools))
	for i, t := range s.tools {
		out[i] = t.Tool
	}
	return out
}

// Viewed returns a copy of what the model has seen: hashes by path.
func (s *Set) Viewed() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.viewed)
}

// Call is a tool call made ready: Arguments is valid JSON for the history,
// and Problem says why the call cannot run, if it cannot.
type Call struct {
	ID, Name  string
	Arguments json.RawMessage
	// ReadOnly calls may run at the same time as each other.
	ReadOnly bool
	Problem  string
	// Key is equal for equal calls, however their arguments are written.
	Key string

	tool *Tool
	args json.RawMessage
}

// Prepare repairs and checks the arguments of a call.
func (s *Set) Prepare(tc llm.ToolCall) Call {
	c := Call{ID: tc.ID, Name: tc.Name, Arguments: json.RawMessage("{}"), Key: tc.Name + tc.Arguments}
	repaired, err := args.Repair(tc.Arguments)
	if err == nil {
		c.Arguments = repaired
	}
	i := slices.IndexFunc(s.tools, func(t Tool) bool { return t.Name == tc.Name })
	if i < 0 {
		c.Problem = fmt.Sprintf("There is no tool %q. Nothing ran. The tools are: %s.", clip(printable(tc.Name), 80), s.names())
		return c
	}
	c.tool = &s.tools[i]
	c.ReadOnly = c.tool.ReadOnly
	if err == nil {
		c.args, err = args.Validate(c.tool.Schema, repaired)
	}
	if err != nil {
		c.Problem = fmt.Sprintf("The arguments of %s are wrong: %s. Nothing ran. Call it again with one JSON object of this schema:\n%s",
			tc.Name, clip(err.Error(), 500), c.tool.Schema)
		return c
	}
	c.Key = tc.Name + string(c.args)
	return c
}

func (s *Set) names() string {
	var names []string
	for _, t := range s.tools {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// Run answers a prepared call. Its error is one of machinery; Result is
// then its text for the model.
func (s *Set) Run(ctx context.Context, c Call) (Result, error) {
	if c.Problem != "" {
		return Result{Text: c.Problem, Title: clip(printable(c.Name), 40) + ": not run", IsError: true}, nil
	}
	res, err := c.tool.Run(ctx, c.args)
	if err != nil {
		return Result{
			Text:    "Sandbox error: the call could not be made; this says nothing about the code. It may be retried once; if it stays, finish as blocked and say so.",
			Title:   c.Name + ": sandbox error",
			IsError: true,
		}, err
	}
	if res.Title == "" {
		res.Title = c.Name
	}
	return res, nil
}

func (s *Set) finish(ctx context.Context, raw json.RawMessage) (Result, error) {
	f := Finish{Status: "done"}
	if err := json.Unmarshal(raw, &f); err != nil {
		return Result{}, err
	}
	return s.cfg.FinishFunc(ctx, f)
}

// failure is a Result for a call that did nothing.
func failure(title, format string, a ...any) Result {
	return Result{Text: fmt.Sprintf(format, a...), Title: title, IsError: true}
}

// refused turns an error that the asker can mend into a Result; the boolean
// is false for any other.
func refused(title string, err error) (Result, bool) {
	var pe *sandbox.PathError
	if !errors.As(err, &pe) {
		return Result{}, false
	}
	return failure(title, "%q: %s. Nothing was done. Use a path inside the repository, relative to its root.", clip(printable(pe.Path), 200), pe.Reason), true
}
