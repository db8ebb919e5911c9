package llm

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Amount is money and tokens that are reserved and spent together.
type Amount struct {
	USD    float64
	Tokens int
}

func (a Amount) plus(b Amount) Amount { return Amount{a.USD + b.USD, a.Tokens + b.Tokens} }

// Ledger is where Meters reserve before they spend. Meters that share one
// cannot overspend together. Both functions are safe for concurrent use.
type Ledger struct {
	// ReserveFunc sets an amount aside in every scope or in none. It returns
	// a *DeniedError when a scope has less than that left.
	ReserveFunc func(ctx context.Context, amount Amount) (Reservation, error)
}

// Reservation is an amount set aside for one call.
type Reservation struct {
	// SettleFunc gives the reservation back, books what was really spent and
	// returns the new balance. It is called exactly once.
	SettleFunc func(ctx context.Context, spent Amount) (Balance, error)
}

// Balance is the state of the scope that is closest to its cap.
type Balance struct {
	// Left is what no call has spent or reserved; without a cap
	// math.Inf(1) and math.MaxInt.
	Left Amount
	// Used is the spent share of the cap, 0 without a cap.
	Used float64
}

// DeniedError says which scope has too little left for a reservation.
type DeniedError struct {
	Scope string
	Left  Amount
}

func (e *DeniedError) Error() string {
	if math.IsInf(e.Left.USD, 1) {
		return fmt.Sprintf("the budget of this %s has only %d tokens left", e.Scope, e.Left.Tokens)
	}
	if e.Left.Tokens == math.MaxInt {
		return fmt.Sprintf("the budget of this %s has only $%.4f left", e.Scope, e.Left.USD)
	}
	return fmt.Sprintf("the budget of this %s has only $%.4f and %d tokens left", e.Scope, e.Left.USD, e.Left.Tokens)
}

// Scope is something that has a budget: a task, a user, a repository, a day.
// A cap of 0 is none.
type Scope struct {
	Name string
	Cap  Amount
	// Spent is what was spent before.
	Spent Amount
}

// NewLedger returns a Ledger in memory over some scopes.
func NewLedger(scopes ...Scope) Ledger {
	m := &memory{scopes: slices.Clone(scopes), reserved: make([]Amount, len(scopes))}
	return Ledger{ReserveFunc: m.reserve}
}

type memory struct {
	mu       sync.Mutex
	scopes   []Scope
	reserved []Amount
}

func (m *memory) reserve(_ context.Context, amount Amount) (Reservation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, s := range m.scopes {
		left := m.left(i)
		if amount.USD > left.USD || amount.Tokens > left.Tokens {
			return Reservation{}, &DeniedError{Scope: s.Name, Left: left}
		}
	}
	for i := range m.scopes {
		m.reserved[i] = m.reserved[i].plus(amount)
	}
	return Reservation{SettleFunc: func(_ context.Context, spent Amount) (Balance, error) {
		return m.settle(amount, spent), nil
	}}, nil
}

func (m *memory) settle(reserved, spent Amount) Balance {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := Balance{Left: Amount{math.Inf(1), math.MaxInt}}
	for i := range m.scopes {
		s := &m.scopes[i]
		m.reserved[i] = m.reserved[i].plus(Amount{-reserved.USD, -reserved.Tokens})
		s.Spent = s.Spent.plus(spent)
		left := m.left(i)
		b.Left = Amount{min(b.Left.USD, left.USD), min(b.Left.Tokens, left.Tokens)}
		if s.Cap.USD > 0 {
			b.Used = max(b.Used, s.Spent.USD/s.Cap.USD)
		}
		if s.Cap.Tokens > 0 {
			b.Used = max(b.Used, float64(s.Spent.Tokens)/float64(s.Cap.Tokens))
		}
	}
	return b
}

func (m *memory) left(i int) Amount {
	s, left := m.scopes[i], Amount{math.Inf(1), math.MaxInt}
	if s.Cap.USD > 0 {
		left.USD = max(0, s.Cap.USD-s.Spent.USD-m.reserved[i].USD)
	}
	if s.Cap.Tokens > 0 {
		left.Tokens = max(0, s.Cap.Tokens-s.Spent.Tokens-m.reserved[i].Tokens)
	}
	return left
}
