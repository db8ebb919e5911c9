package openai

import (
	"encoding/json"
	"fmt"

	"github.com/sashabaranov/go-openai"

	"honk/internal/llm"
)

// placeholder stands for the model's name until the body is rewritten:
// go-openai refuses fields by the name, also where the endpoint does not.
const placeholder = "model"

// typedRequest says what go-openai can say of a request; rewrite adds the
// rest.
func typedRequest(req llm.Request) openai.ChatCompletionRequest {
	out := openai.ChatCompletionRequest{Model: placeholder}
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

// body is the request as it is sent. What is the same in every step of a
// conversation comes first, then what only grows, then the rest: a step's
// body begins with that of the step before, up to the end of its messages.
type body struct {
	Model               string          `json:"model"`
	Stream              bool            `json:"stream"`
	Tools               json.RawMessage `json:"tools,omitempty"`
	Messages            []message       `json:"messages"`
	ToolChoice          json.RawMessage `json:"tool_choice,omitempty"`
	MaxTokens           int             `json:"max_tokens,omitempty"`
	MaxCompletionTokens int             `json:"max_completion_tokens,omitempty"`
	Temperature         *float64        `json:"temperature,omitempty"`
	ReasoningEffort     string          `json:"reasoning_effort,omitempty"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls,omitempty"`
	ResponseFormat      *responseFormat `json:"response_format,omitempty"`
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
	b.Messages = make([]message, len(req.Messages))
	for i, m := range req.Messages {
		var err error
		if b.Messages[i], err = newMessage(m, c.caps); err != nil {
			return nil, fmt.Errorf("writing message %d: %w", i, err)
		}
	}
	return json.Marshal(b)
}
