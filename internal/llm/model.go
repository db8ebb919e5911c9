// Package llm is how Honk speaks to a language model: one method, provider
// neutral messages, typed errors, prices and the meter that reserves money
// before it is spent. The wire lives in llm/openai, the scripted stand-in in
// llm/llmtest.
package llm

import (
	"context"
	"encoding/json"

	"honk/internal/task"
)

// Model answers one request. Implementations are safe for concurrent use and
// return an *Error when the endpoint does not answer. They stop when ctx ends
// and then return an error that wraps its cause. The wire sends one request
// per call; the Meter around it tries again what is worth it.
type Model interface {
	Complete(ctx context.Context, req Request) (Response, error)
}

// Role says who a message is from.
type Role string

// The roles of a conversation.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Message is one turn of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
	// Images belong to a user message. The wire shows them to a model that
	// takes images, and tells others that they are there. What is kept of a
	// conversation is without them.
	Images []task.Image `json:"-"`
	// Calls are the tool calls of an assistant message.
	Calls []ToolCall `json:"calls,omitempty"`
	// CallID is the call that a tool message answers.
	CallID string `json:"call_id,omitempty"`
	// Raw holds those fields of the provider's own message object that it
	// wants echoed (reasoning, thought signatures), empty for most. Only the
	// wire reads it.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// ToolCall is a request of the model to run a tool. Arguments is what the
// model wrote, which need not be valid JSON.
type ToolCall struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// Tool is what the model is told of a tool. Schema is a JSON schema whose
// bytes never change within a run: they are part of the prompt cache's key.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
}

// Request is one question to the model.
type Request struct {
	Messages []Message
	Tools    []Tool
	// ForceTool names the one tool the model must call, empty for free choice.
	ForceTool string
	// Schema asks for a reply that is a JSON object of this schema, where the
	// endpoint can; the caller validates in any case.
	Schema *Schema
	// MaxTokens caps the output; 0 means the model's configured maximum.
	MaxTokens int
	// OneCall asks for at most one tool call in the reply, where the endpoint
	// can.
	OneCall bool
}

// Schema is a named JSON schema for structured output.
type Schema struct {
	Name string
	JSON json.RawMessage
}

// FinishReason says why a reply ended.
type FinishReason string

// Known finish reasons; others are passed on as the endpoint wrote them.
const (
	FinishStop      FinishReason = "stop"
	FinishToolCalls FinishReason = "tool_calls"
	FinishLength    FinishReason = "length"
	FinishFilter    FinishReason = "content_filter"
)

// Response is the model's answer.
type Response struct {
	Message Message
	Finish  FinishReason
	Usage   Usage
}

// Usage counts the tokens of one call. CachedTokens are part of InputTokens.
type Usage struct {
	InputTokens  int `json:"input_tokens"`
	CachedTokens int `json:"cached_tokens"`
	OutputTokens int `json:"output_tokens"`
}
