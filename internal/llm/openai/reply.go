package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sashabaranov/go-openai"

	"honk/internal/llm"
)

type reply struct {
	Choices []choice        `json:"choices"`
	Usage   json.RawMessage `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

type choice struct {
	Message      object          `json:"message"`
	FinishReason any             `json:"finish_reason"`
	Error        json.RawMessage `json:"error"`
}

// mend rewrites a reply with status 200 into one that every decoder can read:
// only the fields that matter, arguments as strings, every call with an id.
// It keeps usage and what must be echoed; where there is no answer in the
// reply it says why.
func (x *exchange) mend() []byte {
	var r reply
	if err := json.Unmarshal(x.body, &r); err != nil {
		x.broken = "the reply is not a chat completion"
		return []byte("{}")
	}
	x.usage = readUsage(r.Usage)
	switch {
	case len(r.Choices) == 0 && len(r.Error) > 0 && !blank(r.Error):
		x.broken = "the endpoint reported an error with status 200"
		return []byte("{}")
	case len(r.Choices) == 0 || r.Choices[0].Message == nil:
		x.broken = "the reply has no choices"
		return []byte("{}")
	case len(r.Choices[0].Error) > 0 && !blank(r.Choices[0].Error):
		x.broken = "the endpoint reported an error in its reply"
		return []byte("{}")
	}
	first := r.Choices[0]
	calls := mendCalls(first.Message["tool_calls"], len(x.req.Messages))
	if x.echo {
		x.raw = echoOf(first.Message, calls)
	}
	for _, c := range calls {
		delete(c, "extra_content")
	}
	text := readText(first.Message["content"])
	if text == "" {
		text = readText(first.Message["refusal"])
	}
	finish, _ := first.FinishReason.(string)
	out, err := json.Marshal(map[string]any{"choices": []any{map[string]any{
		"message":       map[string]any{"role": "assistant", "content": text, "tool_calls": calls},
		"finish_reason": finish,
	}}})
	if err != nil {
		x.broken = "the reply is not a chat completion"
		return []byte("{}")
	}
	return out
}

// mendCalls returns a reply's calls with their arguments as a string and an
// id that is unique in it. position makes ids of our own unique in the
// conversation.
func mendCalls(raw json.RawMessage, position int) []object {
	var calls []object
	if len(raw) == 0 || json.Unmarshal(raw, &calls) != nil {
		return nil
	}
	calls = slices.DeleteFunc(calls, func(c object) bool { return c == nil })
	seen := map[string]bool{}
	for i, c := range calls {
		id := readText(c["id"])
		if id == "" || seen[id] {
			id = fmt.Sprintf("call_%d_%d", position, i)
		}
		seen[id] = true
		c["id"] = quote(id)
		c["type"] = quote("function")
		var fn object
		_ = json.Unmarshal(c["function"], &fn)
		name := readText(fn["name"])
		args := fn["arguments"]
		if !bytes.HasPrefix(args, []byte(`"`)) {
			var flat bytes.Buffer
			if len(args) == 0 || blank(args) || json.Compact(&flat, args) != nil {
				flat.WriteString("{}")
			}
			args = quote(flat.String())
		}
		c["function"], _ = json.Marshal(object{"name": quote(name), "arguments": args})
		delete(c, "index")
	}
	return calls
}

func quote(s string) json.RawMessage {
	b, _ := json.Marshal(s)
	return b
}

// readText reads a string, or the texts of a list of parts.
func readText(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	var b strings.Builder
	if json.Unmarshal(raw, &parts) == nil {
		for _, p := range parts {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// readUsage reads token counts. Some endpoints leave reasoning out of the
// completion's tokens but not out of the total.
func readUsage(raw json.RawMessage) llm.Usage {
	var u struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
		Hit        int `json:"prompt_cache_hit_tokens"`
		Details    struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &u) != nil {
		return llm.Usage{}
	}
	prompt := max(0, u.Prompt)
	return llm.Usage{
		InputTokens:  prompt,
		CachedTokens: min(prompt, max(0, u.Details.Cached, u.Hit)),
		OutputTokens: max(0, u.Completion, u.Total-prompt),
	}
}

// response is the answer in go-openai's reading of the mended reply.
func (x *exchange) response(r openai.ChatCompletionResponse) (llm.Response, *llm.Error) {
	first := r.Choices[0]
	resp := llm.Response{
		Message: llm.Message{Role: llm.RoleAssistant, Content: first.Message.Content, Raw: x.raw},
		Finish:  llm.FinishReason(first.FinishReason),
		Usage:   x.usage,
	}
	for _, c := range first.Message.ToolCalls {
		resp.Message.Calls = append(resp.Message.Calls, llm.ToolCall{
			ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments,
		})
	}
	if resp.Finish == "" {
		resp.Finish = llm.FinishStop
		if len(resp.Message.Calls) > 0 {
			resp.Finish = llm.FinishToolCalls
		}
	}
	// A reply that ran into a limit is the caller's to deal with.
	cut := resp.Finish == llm.FinishLength || resp.Finish == llm.FinishToolCalls
	if cut || strings.TrimSpace(resp.Message.Content) != "" || len(resp.Message.Calls) > 0 {
		return resp, nil
	}
	e := &llm.Error{Class: llm.ClassEmpty, Status: x.status, Usage: x.usage, Message: "the reply has neither text nor calls"}
	if resp.Finish == llm.FinishFilter {
		e.Class, e.Message = llm.ClassPolicy, "the provider's content filter withheld the reply"
	}
	return resp, e
}
