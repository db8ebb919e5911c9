package openai

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"honk/internal/llm"
)

// noOutput stands for content that is empty: go-openai would leave it out,
// and some endpoints then refuse the message.
const noOutput = "(no output)"

// message is a turn of the conversation as it is sent. go-openai's own type
// can hold neither a null content nor what providers want echoed.
type message struct {
	Role string `json:"role"`
	// Content is null beside calls, a text, or a list of parts.
	Content any `json:"content"`
	reasoning
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type toolCall struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Function function        `json:"function"`
	Extra    json.RawMessage `json:"extra_content,omitempty"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// newMessage writes a turn, with its echo put back and its images shown when
// the endpoint wants that.
func newMessage(m llm.Message, caps Capabilities) (message, error) {
	var e echo
	if len(m.Raw) > 0 && caps.EchoReasoning {
		if err := json.Unmarshal(m.Raw, &e); err != nil {
			return message{}, fmt.Errorf("reading what the provider wants echoed: %w", err)
		}
	}
	out := message{Role: string(m.Role), reasoning: e.reasoning, ToolCallID: m.CallID}
	switch {
	case len(m.Images) > 0:
		out.Content = withImages(m, caps.Images)
	case m.Content != "":
		out.Content = m.Content
	case len(m.Calls) == 0:
		out.Content = noOutput
	}
	extra := make(map[string]json.RawMessage, len(e.ToolCalls))
	for _, c := range e.ToolCalls {
		extra[c.ID] = c.Extra
	}
	for _, c := range m.Calls {
		args := c.Arguments
		if args == "" {
			args = "{}"
		}
		out.ToolCalls = append(out.ToolCalls, toolCall{
			ID: c.ID, Type: "function", Extra: extra[c.ID],
			Function: function{Name: toolName(c.Name), Arguments: args},
		})
	}
	return out, nil
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

// part is a part of a message that holds more than text.
type part struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

// maxName is how much of an image's name is told, in bytes.
const maxName = 100

// withImages is the content of a message with images: parts for a model that
// takes them, else its text and that they are there.
func withImages(m llm.Message, shown bool) any {
	if !shown {
		names := make([]string, len(m.Images))
		for i, img := range m.Images {
			// In quotes a name is a name, with all that is invisible in it.
			names[i] = strconv.Quote(strings.ToValidUTF8(img.Name[:min(len(img.Name), maxName)], ""))
		}
		are := "image is"
		if len(names) > 1 {
			are = "images are"
		}
		return strings.TrimLeft(fmt.Sprintf("%s\n\n(%d %s attached that this model cannot be shown: %s.)",
			m.Content, len(names), are, strings.Join(names, ", ")), "\n")
	}
	var parts []part
	if m.Content != "" {
		parts = append(parts, part{Type: "text", Text: m.Content})
	}
	for _, img := range m.Images {
		parts = append(parts, part{Type: "image_url", ImageURL: &imageURL{
			URL: "data:" + img.MediaType + ";base64," + base64.StdEncoding.EncodeToString(img.Data),
		}})
	}
	return parts
}
