package secret_test

import (
	"testing"

	"honk/internal/secret"
	"honk/internal/task"
)

func TestScanner_request(t *testing.T) {
	t.Parallel()
	s, err := secret.New([]string{"a-known-secret-value"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := task.Request{
		Prompt: "use a-known-secret-value", Context: []task.Note{{Author: "ada", Text: "it was a-known-secret-value"}, {Text: "fine"}},
	}
	got := s.Request(in)
	if got.Prompt != "use [redacted]" || got.Context[0].Text != "it was [redacted]" || got.Context[1].Text != "fine" {
		t.Errorf("got %+v", got)
	}
	if in.Context[0].Text != "it was a-known-secret-value" {
		t.Error("the caller's request was changed")
	}
}
