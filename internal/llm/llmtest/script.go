package llmtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"honk/internal/llm"
)

// script is what a script file may say.
type script struct {
	Steps []scriptStep `yaml:"steps"`
}

type scriptStep struct {
	// Judge restricts the step to structured requests (true) or to others.
	Judge *bool `yaml:"judge"`
	// Contains restricts it to requests whose last message contains a text.
	Contains string `yaml:"contains"`
	Times    int    `yaml:"times"`

	Object any          `yaml:"object"`
	Text   string       `yaml:"text"`
	Calls  []scriptCall `yaml:"calls"`
	Finish string       `yaml:"finish"`
	Usage  struct {
		Input  int `yaml:"input"`
		Cached int `yaml:"cached"`
		Output int `yaml:"output"`
	} `yaml:"usage"`

	Fault *struct {
		Delay  string            `yaml:"delay"`
		Drop   bool              `yaml:"drop"`
		Status int               `yaml:"status"`
		Header map[string]string `yaml:"header"`
		Body   string            `yaml:"body"`
	} `yaml:"fault"`
}

type scriptCall struct {
	ID        string `yaml:"id"`
	Name      string `yaml:"name"`
	Arguments any    `yaml:"arguments"`
}

// Parse reads a script in YAML or JSON:
//
//	steps:
//	- text: I look first.
//	  calls: [{name: view, arguments: {path: main.go}}]
//	- fault: {status: 429, header: {Retry-After: "1"}, body: slow down}
//	- judge: true          # only requests for a structured answer
//	  times: -1            # without end
//	  object: {items: []}
//
// Arguments given as a string are sent as they stand. A fault may also delay
// ("2s") or drop the connection, contains restricts a step to requests whose
// last message contains a text, usage is {input, cached, output}.
func Parse(data []byte) ([]Step, error) {
	var s script
	if err := yaml.UnmarshalWithOptions(data, &s, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading script: %w", err)
	}
	if len(s.Steps) == 0 {
		return nil, errors.New("reading script: it has no steps")
	}
	steps := make([]Step, len(s.Steps))
	for i, raw := range s.Steps {
		step, err := raw.step()
		if err != nil {
			return nil, fmt.Errorf("reading step %d of script: %w", i+1, err)
		}
		steps[i] = step
	}
	return steps, nil
}

func (s scriptStep) step() (Step, error) {
	out := Step{
		Times: s.Times, Object: s.Object, Text: s.Text, Finish: llm.FinishReason(s.Finish),
		Usage: llm.Usage{InputTokens: s.Usage.Input, CachedTokens: s.Usage.Cached, OutputTokens: s.Usage.Output},
	}
	for _, c := range s.Calls {
		if c.Name == "" {
			return Step{}, errors.New("a call has no name")
		}
		out.Calls = append(out.Calls, Call(c))
	}
	if f := s.Fault; f != nil {
		out.Fault = &Fault{Drop: f.Drop, Status: f.Status, Header: f.Header, Body: f.Body}
		if f.Delay != "" {
			d, err := time.ParseDuration(f.Delay)
			if err != nil {
				return Step{}, fmt.Errorf("reading delay: %w", err)
			}
			out.Fault.Delay = d
		}
	}
	if s.Judge != nil || s.Contains != "" {
		plain := out
		out.When = func(req llm.Request) bool {
			if s.Judge == nil && !plain.accepts(req) || s.Judge != nil && *s.Judge != Structured(req) {
				return false
			}
			n := len(req.Messages)
			return s.Contains == "" || n > 0 && strings.Contains(req.Messages[n-1].Content, s.Contains)
		}
	}
	return out, nil
}
