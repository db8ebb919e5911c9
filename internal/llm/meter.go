package llm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

const (
	// floorTokens is the least output worth paying for.
	floorTokens = 1000
	// defaultMaxTokens caps a reply when neither the request nor the
	// configuration does.
	defaultMaxTokens = 8192
	// settleTimeout bounds the booking of a call whose context has ended.
	settleTimeout = 10 * time.Second
)

// MeterConfig is what NewMeter needs.
type MeterConfig struct {
	// Model is asked. Required.
	Model Model
	// Ledger is where each try is paid from; the zero value has no caps.
	Ledger Ledger
	// Price of the model; nil means unknown: only tokens are budgeted.
	Price *Price
	// MaxTokens caps the output of requests that have no cap of their own,
	// default 8,192.
	MaxTokens int
	// Retry says when to try again.
	Retry Retry
	// HoldBack keeps the price of one last turn out of reach until WrapUp.
	HoldBack bool
}

// Meter is a Model that pays for each request before it is sent, tries again
// what is worth it, and counts what was used. Every try is paid for on its
// own, so that retries cannot exceed a cap either. It is safe for concurrent
// use.
type Meter struct {
	cfg MeterConfig

	mu      sync.Mutex
	wrapUp  bool
	usage   Usage
	spent   float64
	seconds time.Duration
	balance Balance
	// lastBytes and lastTokens are the size of the last answered request.
	lastBytes, lastTokens int
}

// NewMeter returns a Meter.
func NewMeter(cfg MeterConfig) *Meter {
	if cfg.MaxTokens <= 0 {
		cfg.MaxTokens = defaultMaxTokens
	}
	if cfg.Ledger.ReserveFunc == nil {
		cfg.Ledger = NewLedger()
	}
	cfg.Retry = cfg.Retry.withDefaults()
	return &Meter{cfg: cfg, balance: Balance{Left: Amount{math.Inf(1), math.MaxInt}}}
}

// WrapUp makes what was held back available: the next call is the last one.
func (m *Meter) WrapUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrapUp = true
}

// Usage returns the tokens of all calls so far. Where the endpoint reported
// none it is an estimate.
func (m *Meter) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usage
}

// Spent returns the USD this meter has spent; 0 when the price is unknown.
func (m *Meter) Spent() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spent
}

// Priced reports whether the price of the model is known.
func (m *Meter) Priced() bool { return m.cfg.Price != nil }

// Balance returns the state of the ledger as of this meter's last call.
func (m *Meter) Balance() Balance {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.balance
}

// ModelTime returns how long the model took to answer, waits between tries
// left out.
func (m *Meter) ModelTime() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seconds
}

// Complete implements Model.
func (m *Meter) Complete(ctx context.Context, req Request) (Response, error) {
	if req.MaxTokens <= 0 {
		req.MaxTokens = m.cfg.MaxTokens
	}
	for try := 1; ; try++ {
		resp, err := m.try(ctx, req)
		if err == nil {
			return resp, nil
		}
		if e, ok := errors.AsType[*Error](err); ok {
			counted := *e
			counted.Tries = try
			err = &counted
		}
		wait, again := m.cfg.Retry.delay(err, try)
		if !again {
			return Response{}, err
		}
		if err := m.cfg.Retry.pause(ctx, Wait{For: wait, Try: try + 1, Err: err}); err != nil {
			return Response{}, err
		}
	}
}

func (m *Meter) try(ctx context.Context, req Request) (Response, error) {
	size := requestBytes(req)
	prompt := m.promptTokens(size)
	reservation, maxTokens, err := m.reserve(ctx, prompt, req.MaxTokens)
	if err != nil {
		return Response{}, err
	}
	req.MaxTokens = maxTokens
	start := time.Now()
	resp, err := m.cfg.Model.Complete(ctx, req)
	took := time.Since(start)

	whole := Usage{InputTokens: prompt, OutputTokens: maxTokens}
	charged, counted := charge(resp, err, whole)
	// A call that was cancelled has still to be booked.
	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	balance, settleErr := reservation.SettleFunc(settleCtx, m.amount(charged))

	m.mu.Lock()
	defer m.mu.Unlock()
	m.seconds += took
	m.usage = m.usage.Add(counted)
	m.spent += m.amount(charged).USD
	if settleErr != nil {
		return Response{}, fmt.Errorf("booking a model call: %w", settleErr)
	}
	m.balance = balance
	if err == nil {
		m.lastBytes, m.lastTokens = size, counted.InputTokens
	}
	return resp, err
}

// reserve pays for a call in advance. Where the ledger has too little, it
// lowers the output cap to what fits.
func (m *Meter) reserve(ctx context.Context, prompt, maxTokens int) (Reservation, int, error) {
	floor := min(floorTokens, maxTokens)
	for {
		need := m.amount(Usage{InputTokens: prompt, OutputTokens: maxTokens}).plus(m.heldBack(prompt, maxTokens))
		r, err := m.cfg.Ledger.ReserveFunc(ctx, need)
		denied, ok := errors.AsType[*DeniedError](err)
		if !ok {
			if err != nil {
				return r, 0, fmt.Errorf("reserving money for a model call: %w", err)
			}
			return r, maxTokens, nil
		}
		fits := m.fitting(prompt, denied.Left)
		if fits >= maxTokens {
			fits = maxTokens - 1
		}
		if fits < floor {
			return r, 0, &Error{
				Class: ClassBudget, Err: denied,
				Message: fmt.Sprintf("%s; the next call needs a prompt of about %d tokens", denied, prompt),
			}
		}
		maxTokens = fits
	}
}

// fitting returns the largest output cap whose call fits into what is left.
func (m *Meter) fitting(prompt int, left Amount) int {
	base := m.amount(Usage{InputTokens: prompt}).plus(m.heldBack(prompt, 0))
	one := m.amount(Usage{OutputTokens: 1}).plus(m.heldBack(prompt, 1))
	zero := m.heldBack(prompt, 0)
	one = Amount{one.USD - zero.USD, one.Tokens - zero.Tokens}
	fits := (left.Tokens - base.Tokens) / one.Tokens
	if one.USD > 0 && !math.IsInf(left.USD, 1) {
		fits = min(fits, int((left.USD-base.USD)/one.USD))
	}
	return fits
}

// heldBack is the price of a last turn after the call: its prompt is what the
// call sends and gets back.
func (m *Meter) heldBack(prompt, maxTokens int) Amount {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.cfg.HoldBack || m.wrapUp {
		return Amount{}
	}
	return m.amount(Usage{InputTokens: prompt + maxTokens, OutputTokens: floorTokens})
}

// promptTokens estimates a prompt: what the endpoint counted for the last one
// and a third of the bytes that are new.
func (m *Meter) promptTokens(size int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size < m.lastBytes {
		return size / 3
	}
	return m.lastTokens + (size-m.lastBytes)/3
}

func (m *Meter) amount(u Usage) Amount {
	a := Amount{Tokens: u.InputTokens + u.OutputTokens}
	if m.cfg.Price != nil {
		a.USD = Cost(u, *m.cfg.Price)
	}
	return a
}

// charge returns what a try is booked with and what it counts as used. What
// is unknown is booked whole: the provider may have charged it.
func charge(resp Response, err error, whole Usage) (charged, counted Usage) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil && resp.Usage != (Usage{}):
		return resp.Usage, resp.Usage
	case err == nil:
		out := len(resp.Message.Content)
		for _, c := range resp.Message.Calls {
			out += len(c.Name) + len(c.Arguments)
		}
		return whole, Usage{InputTokens: whole.InputTokens, OutputTokens: out/3 + 1}
	case ok && !e.Lost:
		return e.Usage, e.Usage
	}
	return whole, whole
}

// ImageBytes is what an image counts for in the length of a prompt: some 1,600
// tokens at three bytes each, more than most providers charge for one of
// ordinary size.
const ImageBytes = 4800

func requestBytes(req Request) int {
	n := 0
	for _, m := range req.Messages {
		n += len(m.Role) + len(m.Content) + len(m.CallID) + len(m.Raw) + ImageBytes*len(m.Images)
		for _, c := range m.Calls {
			n += len(c.ID) + len(c.Name) + len(c.Arguments)
		}
	}
	for _, t := range req.Tools {
		n += len(t.Name) + len(t.Description) + len(t.Schema)
	}
	if req.Schema != nil {
		n += len(req.Schema.JSON)
	}
	return n
}
