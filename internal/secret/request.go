package secret

import (
	"slices"

	"honk/internal/task"
)

// Request returns a request as a model may read it: without the secrets that
// people have quoted in it or around it.
func (s *Scanner) Request(req task.Request) task.Request {
	req.Prompt = s.Redact(req.Prompt)
	req.Context = slices.Clone(req.Context)
	for i := range req.Context {
		req.Context[i].Text = s.Redact(req.Context[i].Text)
	}
	return req
}
