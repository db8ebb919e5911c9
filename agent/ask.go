package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"honk/internal/llm"
)

// ask puts the conversation to the model. What can be mended in it is mended
// once: too long, it is shortened; out of pair, it is paired.
func (r *run) ask(ctx context.Context) (llm.Response, error) {
	resp, err := r.put(ctx)
	switch class := llm.ClassOf(err); {
	case class == llm.ClassContext:
		if len(r.t.Messages) == head {
			return resp, err // the request alone is too long
		}
		if cerr := r.compact(ctx); cerr != nil {
			return resp, cerr
		}
		return r.put(ctx)
	case class == llm.ClassHistory:
		msgs, changed := paired(r.t.Messages)
		r.t.Messages, r.cached = msgs, 0
		if !changed {
			if cerr := r.compact(ctx); cerr != nil {
				return resp, cerr
			}
		}
		return r.put(ctx)
	}
	return resp, err
}

func (r *run) put(ctx context.Context) (llm.Response, error) {
	return r.complete(ctx, llm.Request{Messages: r.t.Messages, Tools: r.specs, MaxTokens: r.opts.Limits.MaxTokens})
}

// complete asks the model and keeps the books.
func (r *run) complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	began := time.Now()
	resp, err := r.model.Complete(ctx, req)
	r.usage.ModelTime += time.Since(began)
	used := resp.Usage
	if le, ok := errors.AsType[*llm.Error](err); ok {
		used = le.Usage
	}
	r.usage.InputTokens += used.InputTokens
	r.usage.CachedTokens += used.CachedTokens
	r.usage.OutputTokens += used.OutputTokens
	if err != nil {
		return resp, fmt.Errorf("asking the model: %w", err)
	}
	if used.InputTokens == 0 {
		return resp, nil
	}
	// An endpoint may count oddly (an adapter, a power of two); beyond these
	// bounds its numbers are not believed.
	r.perByte = min(max(float64(used.InputTokens)/float64(r.size(req.Messages)), 0.15), 0.6)
	share := float64(used.CachedTokens) / float64(used.InputTokens)
	if r.cached > 0.5 && share < 0.1 {
		r.opts.Log.WarnContext(ctx, "prompt cache missed", "input_tokens", used.InputTokens, "cached_tokens", used.CachedTokens)
	}
	r.cached = share
	return resp, nil
}

// size is the length of what is sent, in bytes.
func (r *run) size(msgs []llm.Message) int {
	n := 0
	for _, m := range msgs {
		n += len(m.Content) + len(m.Role) + llm.ImageBytes*len(m.Images)
		for _, c := range m.Calls {
			n += len(c.ID) + len(c.Name) + len(c.Arguments)
		}
	}
	for _, t := range r.specs {
		n += len(t.Name) + len(t.Description) + len(t.Schema)
	}
	return n
}

// full is the share of the context window that the next request fills.
func (r *run) full() float64 {
	return float64(r.size(r.t.Messages)) * r.perByte / float64(r.opts.Limits.ContextWindow)
}
