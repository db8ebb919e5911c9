package llm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

func TestMeter_retries(t *testing.T) {
	t.Parallel()
	fail := func(class llm.Class, after time.Duration) error {
		return &llm.Error{Class: class, RetryAfter: after, Message: "no"}
	}
	for _, tt := range []struct {
		name     string
		err      error
		requests int
		min, max time.Duration
	}{
		{"transient", fail(llm.ClassTransient, 0), 6, 5 * time.Second, (4 + 8 + 16 + 32 + 60) * time.Second},
		{"rate limit, told when", fail(llm.ClassRateLimit, 20*time.Second), 6, 100 * time.Second, 105 * time.Second},
		{"rate limit, not told", fail(llm.ClassRateLimit, 0), 6, 5 * time.Second, 120 * time.Second},
		{"rate limit, far too long", fail(llm.ClassRateLimit, 6*time.Minute), 1, 0, 0},
		{"empty", fail(llm.ClassEmpty, 0), 2, 0, 0},
		{"caller", fail(llm.ClassCaller, 0), 1, 0, 0},
		{"quota", fail(llm.ClassQuota, time.Second), 1, 0, 0},
		{"context", fail(llm.ClassContext, 0), 1, 0, 0},
		{"history", fail(llm.ClassHistory, 0), 1, 0, 0},
		{"policy", fail(llm.ClassPolicy, 0), 1, 0, 0},
		{"not of the model", errors.New("boom"), 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				model := llmtest.New(llmtest.Step{Err: tt.err, Times: -1})
				var notices []llm.Wait
				m := llm.NewMeter(llm.MeterConfig{Model: model, Retry: llm.Retry{NoticeFunc: func(w llm.Wait) { notices = append(notices, w) }}})
				start := time.Now()
				_, err := m.Complete(t.Context(), ask("hi"))
				took := time.Since(start)
				if err == nil || len(model.Requests()) != tt.requests || took < tt.min || took > tt.max {
					t.Errorf("got %v after %d requests and %v; want %d requests, %v to %v",
						err, len(model.Requests()), took, tt.requests, tt.min, tt.max)
				}
				e, ok := errors.AsType[*llm.Error](err)
				if ok && e.Tries != tt.requests {
					t.Errorf("error says %d tries, want %d", e.Tries, tt.requests)
				}
				if tt.max > 0 && (len(notices) != tt.requests-1 || notices[0].Try != 2 || notices[0].For <= 0 || notices[0].Err == nil) {
					t.Errorf("notices: %+v", notices)
				}
			})
		})
	}
}

func TestMeter_doesNotWaitInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := llmtest.Fail(&llm.Error{Class: llm.ClassRateLimit, RetryAfter: time.Minute})
		limit.Times = -1
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		_, err := llm.NewMeter(llm.MeterConfig{Model: llmtest.New(limit)}).Complete(ctx, ask("hi"))
		if llm.ClassOf(err) != llm.ClassRateLimit || time.Since(start) != 0 {
			t.Errorf("a wait beyond the deadline: got %v after %v", err, time.Since(start))
		}
		stop := errors.New("the user pressed a key")
		cancelCtx, cancelCause := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancelCause(stop) })
		_, err = llm.NewMeter(llm.MeterConfig{Model: llmtest.New(limit)}).Complete(cancelCtx, ask("hi"))
		if !errors.Is(err, stop) || time.Since(start) != 10*time.Second {
			t.Errorf("a cancelled wait: got %v after %v", err, time.Since(start))
		}
	})
}

// TestMeter_paysForEachTry makes sure that retries cannot exceed the cap.
func TestMeter_paysForEachTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := llmtest.Fail(&llm.Error{Class: llm.ClassTransient, Lost: true})
		lost.Times = -1
		model := llmtest.New(lost)
		m := llm.NewMeter(llm.MeterConfig{
			Model: model, Price: price(), MaxTokens: 1000,
			Ledger: llm.NewLedger(llm.Scope{Name: "task", Cap: llm.Amount{USD: 0.025}}),
		})
		_, err := m.Complete(t.Context(), ask("hi"))
		if llm.ClassOf(err) != llm.ClassBudget || len(model.Requests()) != 2 || m.Spent() > 0.025 || m.Balance().Used < 0.8 {
			t.Errorf("got %v after %d requests, $%v", err, len(model.Requests()), m.Spent())
		}
	})
}

func TestMeter_measuresTheModelNotTheWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := llmtest.Step{Func: func(context.Context, llm.Request) (llm.Response, error) {
			<-time.After(3 * time.Second)
			return llm.Response{Message: llm.Message{Content: "ok"}}, nil
		}}
		m := llm.NewMeter(llm.MeterConfig{Model: llmtest.New(
			llmtest.Fail(&llm.Error{Class: llm.ClassRateLimit, RetryAfter: time.Minute}), slow)})
		if _, err := m.Complete(t.Context(), ask("hi")); err != nil || m.ModelTime() != 3*time.Second {
			t.Errorf("got %v, %v; want 3s", m.ModelTime(), err)
		}
	})
}
