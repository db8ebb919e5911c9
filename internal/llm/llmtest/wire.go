package llmtest

import (
	"encoding/json"
	"strings"

	"honk/internal/llm"
)

type wireRequest struct {
	Model               string          `json:"model"`
	Messages            []wireMessage   `json:"messages"`
	Tools               []wireTool      `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	ResponseFormat      *struct {
		JSONSchema *struct {
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

type wireMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCalls  []wireCall      `json:"tool_calls,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
}

type wireCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type wireTool struct {
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
}

func (w wireRequest) request() llm.Request {
	req := llm.Request{MaxTokens: max(w.MaxTokens, w.MaxCompletionTokens)}
	for _, m := range w.Messages {
		msg := llm.Message{Role: llm.Role(m.Role), Content: text(m.Content), CallID: m.ToolCallID}
		for _, c := range m.ToolCalls {
			msg.Calls = append(msg.Calls, llm.ToolCall{
				ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments,
			})
		}
		req.Messages = append(req.Messages, msg)
	}
	for _, t := range w.Tools {
		req.Tools = append(req.Tools, llm.Tool{
			Name: t.Function.Name, Description: t.Function.Description, Schema: t.Function.Parameters,
		})
	}
	var choice wireTool
	if json.Unmarshal(w.ToolChoice, &choice) == nil {
		req.ForceTool = choice.Function.Name
	}
	if f := w.ResponseFormat; f != nil && f.JSONSchema != nil {
		req.Schema = &llm.Schema{Name: f.JSONSchema.Name, JSON: f.JSONSchema.Schema}
	}
	return req
}

// text reads content, which is a string, a list of parts or null.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
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

type wireResponse struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Model   string       `json:"model"`
	Choices []wireChoice `json:"choices"`
	Usage   wireUsage    `json:"usage"`
}

type wireChoice struct {
	Index        int         `json:"index"`
	Message      wireMessage `json:"message"`
	FinishReason string      `json:"finish_reason"`
}

type wireUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	Details          struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

func newWireResponse(model string, resp llm.Response) wireResponse {
	msg := wireMessage{Role: string(llm.RoleAssistant), Content: json.RawMessage("null")}
	if resp.Message.Content != "" {
		msg.Content, _ = json.Marshal(resp.Message.Content)
	}
	for _, c := range resp.Message.Calls {
		msg.ToolCalls = append(msg.ToolCalls, wireCall{
			ID: c.ID, Type: "function", Function: wireFunction{Name: c.Name, Arguments: c.Arguments},
		})
	}
	u := wireUsage{
		PromptTokens:     resp.Usage.InputTokens,
		CompletionTokens: resp.Usage.OutputTokens,
		TotalTokens:      resp.Usage.InputTokens + resp.Usage.OutputTokens,
	}
	u.Details.CachedTokens = resp.Usage.CachedTokens
	return wireResponse{
		ID: "chatcmpl-scripted", Object: "chat.completion", Model: model, Usage: u,
		Choices: []wireChoice{{Message: msg, FinishReason: string(resp.Finish)}},
	}
}
