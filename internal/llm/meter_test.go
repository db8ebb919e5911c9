package llm_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
)

// price makes a million tokens of input one dollar, of output ten.
func price() *llm.Price { return &llm.Price{Input: 1, CachedInput: 0.1, Output: 10} }

func ask(text string) llm.Request {
	return llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: text}}}
}

// answer is a step that reports a usage.
func answer(in, cached, out int) llmtest.Step {
	return llmtest.Step{Text: "ok", Usage: llm.Usage{InputTokens: in, CachedTokens: cached, OutputTokens: out}}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestCost(t *testing.T) {
	t.Parallel()
	u := llm.Usage{InputTokens: 1_000_000, CachedTokens: 400_000, OutputTokens: 100_000}
	for _, tt := range []struct {
		price llm.Price
		want  float64
	}{
		{llm.Price{Input: 2, CachedInput: 0.5, Output: 8}, 1.2 + 0.2 + 0.8},
		{llm.Price{Input: 2, Output: 8}, 2 + 0.8},
		{llm.Price{}, 0},
	} {
		if got := llm.Cost(u, tt.price); !near(got, tt.want) {
			t.Errorf("%+v: got %v, want %v", tt.price, got, tt.want)
		}
	}
}

func TestMeter_countsAndPays(t *testing.T) {
	t.Parallel()
	model := llmtest.New(answer(1000, 600, 50), answer(2000, 1000, 100))
	m := llm.NewMeter(llm.MeterConfig{
		Model: model, Price: price(), Ledger: llm.NewLedger(llm.Scope{Name: "task", Cap: llm.Amount{USD: 1}}),
	})
	for range 2 {
		if _, err := m.Complete(t.Context(), ask("hello")); err != nil {
			t.Fatal(err)
		}
	}
	want := llm.Usage{InputTokens: 3000, CachedTokens: 1600, OutputTokens: 150}
	cost := (1400 + 0.1*1600 + 10*150) / 1e6
	if m.Usage() != want || !near(m.Spent(), cost) || !near(m.Balance().Left.USD, 1-cost) || !near(m.Balance().Used, cost) {
		t.Errorf("got %+v, $%v, %+v; want %+v, $%v", m.Usage(), m.Spent(), m.Balance(), want, cost)
	}
	if got := model.Requests()[0].MaxTokens; got != 8192 {
		t.Errorf("asked for %d tokens, want the default", got)
	}
}

// TestMeter_reservesBeforeItAsks looks at the ledger from inside the call.
func TestMeter_reservesBeforeItAsks(t *testing.T) {
	t.Parallel()
	prompt := strings.Repeat("x", 3000) // 1,000 tokens and the role's bytes
	for _, tt := range []struct {
		name     string
		holdBack bool
		wrapUp   bool
		want     llm.Amount
	}{
		{name: "plain", want: llm.Amount{USD: (1001 + 10*2000) / 1e6, Tokens: 3001}},
		{name: "held back", holdBack: true, want: llm.Amount{USD: (1001 + 10*2000 + 3001 + 10*1000) / 1e6, Tokens: 7002}},
		{name: "last turn", holdBack: true, wrapUp: true, want: llm.Amount{USD: (1001 + 10*2000) / 1e6, Tokens: 3001}},
	} {
		var reserved, settled llm.Amount
		ledger := llm.Ledger{ReserveFunc: func(_ context.Context, a llm.Amount) (llm.Reservation, error) {
			reserved = a
			return llm.Reservation{SettleFunc: func(_ context.Context, a llm.Amount) (llm.Balance, error) {
				settled = a
				return llm.Balance{Used: 0.5}, nil
			}}, nil
		}}
		asked := false
		m := llm.NewMeter(llm.MeterConfig{Ledger: ledger, Price: price(), HoldBack: tt.holdBack, Model: llmtest.New(llmtest.Step{
			Func: func(context.Context, llm.Request) (llm.Response, error) {
				asked = reserved != llm.Amount{} && settled == llm.Amount{}
				return llm.Response{Usage: llm.Usage{InputTokens: 900, OutputTokens: 10}}, nil
			},
		})})
		if tt.wrapUp {
			m.WrapUp()
		}
		req := ask(prompt)
		req.MaxTokens = 2000
		if _, err := m.Complete(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if !asked || !near(reserved.USD, tt.want.USD) || reserved.Tokens != tt.want.Tokens {
			t.Errorf("%s: reserved %+v (before asking: %t), want %+v", tt.name, reserved, asked, tt.want)
		}
		if !near(settled.USD, 1000/1e6) || settled.Tokens != 910 || m.Balance().Used != 0.5 {
			t.Errorf("%s: settled %+v", tt.name, settled)
		}
	}
}

// TestMeter_estimatesFromTheLastPrompt checks that only what is new is
// guessed.
func TestMeter_estimatesFromTheLastPrompt(t *testing.T) {
	t.Parallel()
	var reserved []int
	ledger := llm.Ledger{ReserveFunc: func(_ context.Context, a llm.Amount) (llm.Reservation, error) {
		reserved = append(reserved, a.Tokens-100)
		return llm.Reservation{SettleFunc: func(context.Context, llm.Amount) (llm.Balance, error) { return llm.Balance{}, nil }}, nil
	}}
	step := answer(5000, 0, 10)
	step.Times = -1
	m := llm.NewMeter(llm.MeterConfig{Ledger: ledger, Model: llmtest.New(step), MaxTokens: 100})
	user := len(llm.RoleUser)
	for _, size := range []int{3000 - user, 3000 - user, 3600 - user, 300 - user} {
		if _, err := m.Complete(t.Context(), ask(strings.Repeat("x", size))); err != nil {
			t.Fatal(err)
		}
	}
	want := []int{1000, 5000, 5200, 100}
	for i := range want {
		if reserved[i] != want[i] {
			t.Errorf("reserved %v for prompts, want %v", reserved, want)
			break
		}
	}
}

// TestMeter_countsImages checks that an image is paid for in advance, by what
// it may cost rather than by its bytes.
func TestMeter_countsImages(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 100, 1: 1700, 4: 6500} {
		reserved := 0
		ledger := llm.Ledger{ReserveFunc: func(_ context.Context, a llm.Amount) (llm.Reservation, error) {
			reserved = a.Tokens - 100
			return llm.Reservation{SettleFunc: func(context.Context, llm.Amount) (llm.Balance, error) { return llm.Balance{}, nil }}, nil
		}}
		m := llm.NewMeter(llm.MeterConfig{Ledger: ledger, Model: llmtest.New(answer(5000, 0, 10)), MaxTokens: 100})
		req := ask(strings.Repeat("x", 300-len(llm.RoleUser)))
		for range n {
			req.Messages[0].Images = append(req.Messages[0].Images, task.Image{Data: make([]byte, task.MaxImage)})
		}
		if _, err := m.Complete(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if reserved != want {
			t.Errorf("%d images: reserved %d tokens, want %d", n, reserved, want)
		}
	}
}

func TestMeter_lowersOutputThenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		limit     llm.Amount
		price     *llm.Price
		holdBack  bool
		maxTokens int
		want      int // 0: refused
	}{
		{name: "fits", limit: llm.Amount{USD: 1}, price: price(), want: 8192},
		{name: "lowered by money", limit: llm.Amount{USD: 0.020105}, price: price(), want: 2000},
		{name: "at the floor", limit: llm.Amount{USD: 0.010105}, price: price(), want: 1000},
		{name: "below the floor", limit: llm.Amount{USD: 0.0099}, price: price()},
		{name: "small call below the floor", limit: llm.Amount{USD: 0.0099}, price: price(), maxTokens: 500, want: 500},
		{name: "lowered by tokens", limit: llm.Amount{Tokens: 2100}, want: 2000},
		{name: "too few tokens", limit: llm.Amount{Tokens: 1000}},
		{name: "money is no object without a price", limit: llm.Amount{USD: 0.000001}, want: 8192},
		{name: "held back", limit: llm.Amount{Tokens: 5200}, holdBack: true, want: 2000},
		{name: "held back, too little", limit: llm.Amount{Tokens: 3000}, holdBack: true},
	} {
		model := llmtest.New(llmtest.Say("ok"))
		m := llm.NewMeter(llm.MeterConfig{
			Model: model, Price: tt.price, HoldBack: tt.holdBack,
			Ledger: llm.NewLedger(llm.Scope{Name: "task", Cap: tt.limit}, llm.Scope{Name: "day"}),
		})
		req := ask(strings.Repeat("x", 300-len(llm.RoleUser))) // 100 tokens
		req.MaxTokens = tt.maxTokens
		_, err := m.Complete(t.Context(), req)
		if tt.want == 0 {
			if llm.ClassOf(err) != llm.ClassBudget || !strings.Contains(err.Error(), "task") || len(model.Requests()) != 0 {
				t.Errorf("%s: got %v after %d requests, want a refusal before any", tt.name, err, len(model.Requests()))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := model.Requests()[0].MaxTokens; got != tt.want {
			t.Errorf("%s: asked for %d tokens, want %d", tt.name, got, tt.want)
		}
	}
}

// TestMeter_booksWhatMayBeCharged covers replies that never came.
func TestMeter_booksWhatMayBeCharged(t *testing.T) {
	t.Parallel()
	const whole = 100 + 1000
	for name, tt := range map[string]struct {
		step llmtest.Step
		want int
	}{
		"refused":     {llmtest.Fail(&llm.Error{Class: llm.ClassCaller, Status: 401}), 0},
		"lost":        {llmtest.Fail(&llm.Error{Class: llm.ClassTransient, Lost: true}), whole},
		"unusable":    {llmtest.Fail(&llm.Error{Class: llm.ClassPolicy, Usage: llm.Usage{InputTokens: 90, OutputTokens: 5}}), 95},
		"cancelled":   {llmtest.Fail(context.Canceled), whole},
		"no usage":    {llmtest.Step{Func: func(context.Context, llm.Request) (llm.Response, error) { return llm.Response{}, nil }}, whole},
		"all is well": {answer(90, 0, 7), 97},
	} {
		var settled llm.Amount
		ledger := llm.NewLedger()
		m := llm.NewMeter(llm.MeterConfig{
			Model: llmtest.New(tt.step), MaxTokens: 1000, Retry: llm.Retry{Tries: 1},
			Ledger: llm.Ledger{ReserveFunc: func(ctx context.Context, a llm.Amount) (llm.Reservation, error) {
				r, err := ledger.ReserveFunc(ctx, a)
				return llm.Reservation{SettleFunc: func(ctx context.Context, a llm.Amount) (llm.Balance, error) {
					settled = a
					return r.SettleFunc(ctx, a)
				}}, err
			}},
		})
		_, _ = m.Complete(t.Context(), ask(strings.Repeat("x", 300-len(llm.RoleUser))))
		if settled.Tokens != tt.want {
			t.Errorf("%s: booked %d tokens, want %d", name, settled.Tokens, tt.want)
		}
	}
}

// TestMeter_workersCannotOverspend lets many meters race for one budget.
func TestMeter_workersCannotOverspend(t *testing.T) {
	t.Parallel()
	ledger := llm.NewLedger(llm.Scope{Name: "task", Cap: llm.Amount{USD: 0.2}}, llm.Scope{Name: "day", Cap: llm.Amount{USD: 5, Tokens: 1 << 40}})
	step := answer(100, 0, 900)
	step.Times = -1
	model := llmtest.New(step)
	var wg sync.WaitGroup
	spent := make([]float64, 16)
	for i := range spent {
		wg.Go(func() {
			m := llm.NewMeter(llm.MeterConfig{Model: model, Ledger: ledger, Price: price(), MaxTokens: 1000})
			for {
				if _, err := m.Complete(t.Context(), ask("hi")); err != nil {
					if llm.ClassOf(err) != llm.ClassBudget {
						t.Error(err)
					}
					break
				}
			}
			spent[i] = m.Spent()
		})
	}
	wg.Wait()
	total := 0.0
	for _, s := range spent {
		total += s
	}
	if total > 0.2 || total < 0.18 {
		t.Errorf("spent $%v of $0.20", total)
	}
}

func TestMeter_reportsALedgerThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the database is gone")
	model := llmtest.New(llmtest.Say("x"), llmtest.Say("y"))
	m := llm.NewMeter(llm.MeterConfig{Model: model, Ledger: llm.Ledger{ReserveFunc: func(context.Context, llm.Amount) (llm.Reservation, error) {
		return llm.Reservation{}, broken
	}}})
	if _, err := m.Complete(t.Context(), ask("hi")); !errors.Is(err, broken) || len(model.Requests()) != 0 {
		t.Errorf("reserving: got %v after %d requests", err, len(model.Requests()))
	}
	m = llm.NewMeter(llm.MeterConfig{Model: model, Ledger: llm.Ledger{ReserveFunc: func(context.Context, llm.Amount) (llm.Reservation, error) {
		return llm.Reservation{SettleFunc: func(context.Context, llm.Amount) (llm.Balance, error) { return llm.Balance{}, broken }}, nil
	}}})
	if _, err := m.Complete(t.Context(), ask("hi")); !errors.Is(err, broken) {
		t.Errorf("settling: got %v", err)
	}
}
