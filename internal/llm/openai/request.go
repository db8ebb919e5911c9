package openai

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/sashabaranov/go-openai"

	"honk/internal/llm"
)

const (
	// placeholder stands for the model's name until the body is rewritten:
	// go-openai refuses fields by the name, also where the endpoint does not.
	placeholder = "model"
	// noOutput stands for content that is empty, which go-openai leaves out
	// and some endpoints then refuse.
	noOutput = "(no output)"
)

// typedRequest says what go-openai can say of a request.
func typedRequest(req llm.Request) openai.ChatCompletionRequest {
	out := openai.ChatCompletionRequest{Model: placeholder}
	for _, m := range req.Messages {
		msg := openai.ChatCompletionMessage{Role: string(m.Role), Content: m.Content, ToolCallID: m.CallID}
		for _, c := range m.Calls {
			args := c.Arguments
			if args == "" {
				args = "{}"
			}
			msg.ToolCalls = append(msg.ToolCalls, openai.ToolCall{
				ID: c.ID, Type: openai.ToolTypeFunction,
				Function: openai.FunctionCall{Name: toolName(c.Name), Arguments: args},
			})
		}
		if msg.Content == "" && len(msg.ToolCalls) == 0 {
			msg.Content = noOutput
		}
		out.Messages = append(out.Messages, msg)
	}
	for _, t := range req.Tools {
		out.Tools = append(out.Tools, openai.Tool{
			Type: openai.ToolTypeFunction,
			Function: &openai.FunctionDefinition{
				Name: t.Name, Description: t.Description, Parameters: t.Schema,
			},
		})
	}
	if req.ForceTool != "" {
		out.ToolChoice = openai.ToolChoice{
			Type: openai.ToolTypeFunction, Function: openai.ToolFunction{Name: req.ForceTool},
		}
	}
	return out
}

// toolName makes a name that a model invented one that endpoints take back.
func toolName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "unknown"
	}
	return name[:min(len(name), 64)]
}

// body is the request as it is sent. What is the same in every step of a
// conversation comes first, then what only grows, then the rest: a step's
// body begins with that of the step before, up to the end of its messages.
type body struct {
	Model               string            `json:"model"`
	Stream              bool              `json:"stream"`
	Tools               json.RawMessage   `json:"tools,omitempty"`
	Messages            []json.RawMessage `json:"messages"`
	ToolChoice          json.RawMessage   `json:"tool_choice,omitempty"`
	MaxTokens           int               `json:"max_tokens,omitempty"`
	MaxCompletionTokens int               `json:"max_completion_tokens,omitempty"`
	Temperature         *float64          `json:"temperature,omitempty"`
	ReasoningEffort     string            `json:"reasoning_effort,omitempty"`
	ParallelToolCalls   *bool             `json:"parallel_tool_calls,omitempty"`
	ResponseFormat      *responseFormat   `json:"response_format,omitempty"`
}

type responseFormat struct {
	Type       string     `json:"type"`
	JSONSchema jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict,omitempty"`
}

// rewrite turns go-openai's body into the one this endpoint understands.
func (c *Client) rewrite(typed []byte, req llm.Request) ([]byte, error) {
	var b body
	if err := json.Unmarshal(typed, &b); err != nil {
		return nil, fmt.Errorf("reading go-openai's request: %w", err)
	}
	b.Model = c.cfg.Model
	b.ReasoningEffort = c.cfg.ReasoningEffort
	if c.caps.MaxTokensField == "max_completion_tokens" {
		b.MaxCompletionTokens = req.MaxTokens
	} else {
		b.MaxTokens = req.MaxTokens
	}
	if c.caps.Temperature {
		b.Temperature = &c.cfg.Temperature
	}
	if req.OneCall && c.caps.ParallelTools && len(req.Tools) > 0 {
		b.ParallelToolCalls = new(bool)
	}
	if req.Schema != nil && c.caps.ResponseFormat {
		b.ResponseFormat = &responseFormat{Type: "json_schema", JSONSchema: jsonSchema{
			Name: req.Schema.Name, Schema: req.Schema.JSON, Strict: c.caps.StrictSchema,
		}}
	}
	for i, m := range req.Messages {
		if m.Role != llm.RoleAssistant || len(m.Calls) == 0 && len(m.Raw) == 0 {
			continue
		}
		raw := m.Raw
		if !c.caps.EchoReasoning {
			raw = nil
		}
		patched, err := patchAssistant(b.Messages[i], raw)
		if err != nil {
			return nil, fmt.Errorf("rewriting message %d: %w", i, err)
		}
		b.Messages[i] = patched
	}
	return json.Marshal(b)
}
