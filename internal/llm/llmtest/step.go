package llmtest

import (
	"context"
	"encoding/json"
	"fmt"

	"honk/internal/llm"
)

// Step is one answer of a script. Of Func, Err, Fault, Object and the plain
// reply (Text, Calls) the first that is set counts.
type Step struct {
	// When says which requests the step answers. Without it a step with an
	// Object answers Structured requests; a plain reply answers the others,
	// as long as it calls the ForceTool, if any; other steps answer everything.
	When func(llm.Request) bool
	// Times is how often the step answers: 0 means once, -1 without end.
	Times int

	Func  func(context.Context, llm.Request) (llm.Response, error)
	Err   error
	Fault *Fault
	// Object is a structured answer: arguments of the forced tool when there
	// is one, else JSON text.
	Object any

	Text  string
	Calls []Call
	// Finish defaults to tool_calls for a reply with calls, else stop.
	Finish llm.FinishReason
	// Usage defaults to a quarter of the bytes on each side.
	Usage llm.Usage
}

// Call is a scripted tool call. Arguments is any Go value to be written as
// JSON; a string is sent as it stands, be it JSON or not. ID defaults to one
// that is unique in the conversation.
type Call struct {
	ID        string
	Name      string
	Arguments any
}

// Say returns a step that replies with text.
func Say(text string) Step { return Step{Text: text} }

// Use returns a step that calls one tool.
func Use(name string, arguments any) Step {
	return Step{Calls: []Call{{Name: name, Arguments: arguments}}}
}

// Answer returns a step that gives a structured answer (a judge's verdict).
func Answer(object any) Step { return Step{Object: object} }

// Fail returns a step that fails with err.
func Fail(err error) Step { return Step{Err: err} }

// Structured reports whether a request asks for a structured answer, as the
// judge does: by a Schema or by forcing the tool submit_verdict.
func Structured(req llm.Request) bool {
	return req.Schema != nil || req.ForceTool == "submit_verdict"
}

func (s Step) accepts(req llm.Request) bool {
	switch {
	case s.When != nil:
		return s.When(req)
	case s.Func != nil || s.Err != nil || s.Fault != nil:
		return true
	case s.Object != nil:
		return Structured(req)
	case Structured(req):
		return false
	case req.ForceTool == "":
		return true
	}
	for _, c := range s.Calls {
		if c.Name == req.ForceTool {
			return true
		}
	}
	return false
}

func (s Step) reply(ctx context.Context, req llm.Request) (llm.Response, error) {
	switch {
	case s.Func != nil:
		return s.Func(ctx, req)
	case s.Err != nil:
		return llm.Response{}, s.Err
	case s.Fault != nil:
		return llm.Response{}, &llm.Error{
			Class: llm.ClassTransient, Status: s.Fault.Status, Message: "scripted fault", Tries: 1,
		}
	}
	text, calls := s.Text, s.Calls
	if s.Object != nil {
		var err error
		if text, calls, err = structured(s.Object, req); err != nil {
			return llm.Response{}, err
		}
	}
	msg := llm.Message{Role: llm.RoleAssistant, Content: text}
	size := len(text)
	for i, c := range calls {
		args, err := arguments(c.Arguments)
		if err != nil {
			return llm.Response{}, fmt.Errorf("writing arguments of scripted call %q: %w", c.Name, err)
		}
		id := c.ID
		if id == "" {
			id = fmt.Sprintf("call_%d_%d", len(req.Messages), i)
		}
		msg.Calls = append(msg.Calls, llm.ToolCall{ID: id, Name: c.Name, Arguments: args})
		size += len(args)
	}
	resp := llm.Response{Message: msg, Finish: s.Finish, Usage: s.Usage}
	if resp.Finish == "" {
		resp.Finish = llm.FinishStop
		if len(msg.Calls) > 0 {
			resp.Finish = llm.FinishToolCalls
		}
	}
	if resp.Usage == (llm.Usage{}) {
		resp.Usage = llm.Usage{InputTokens: inputBytes(req) / 4, OutputTokens: size/4 + 1}
	}
	return resp, nil
}

func structured(object any, req llm.Request) (string, []Call, error) {
	if req.ForceTool != "" {
		return "", []Call{{Name: req.ForceTool, Arguments: object}}, nil
	}
	text, err := arguments(object)
	return text, nil, err
}

func arguments(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "{}", nil
	case string:
		return v, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func inputBytes(req llm.Request) int {
	n := 0
	for _, m := range req.Messages {
		n += len(m.Content)
		for _, c := range m.Calls {
			n += len(c.Name) + len(c.Arguments)
		}
	}
	for _, t := range req.Tools {
		n += len(t.Name) + len(t.Description) + len(t.Schema)
	}
	return n
}
