package llm_test

import (
	"context"
	"strings"
	"testing"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

func TestModels_conform(t *testing.T) {
	t.Parallel()
	for name, newModel := range map[string]llmtest.NewFunc{
		"scripted": func(script ...llmtest.Step) llm.Model { return llmtest.New(script...) },
		"metered": func(script ...llmtest.Step) llm.Model {
			return llm.NewMeter(llm.MeterConfig{Model: llmtest.New(script...)})
		},
	} {
		if err := llmtest.Conform(t.Context(), newModel); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// deaf answers everything with nothing.
type deaf struct{}

func (deaf) Complete(context.Context, llm.Request) (llm.Response, error) {
	return llm.Response{}, nil
}

func TestConform_findsWhatIsBroken(t *testing.T) {
	t.Parallel()
	err := llmtest.Conform(t.Context(), func(...llmtest.Step) llm.Model { return deaf{} })
	for _, want := range []string{"text:", "calls:", "forced tool:", "refused history:", "cancellation:", "concurrency:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a complaint about %s", err, want)
		}
	}
}
