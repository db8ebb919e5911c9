package queue

import (
	"context"
	"fmt"
	"math"
	"time"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/task"
)

// Caps are what may be spent; 0 is no cap.
type Caps struct {
	Task, RepoDay, Day llm.Amount
}

// Ledger returns the ledger of a task: what it spends is reserved first, in
// the database, against its own cap, its repository's of the day and that of
// the day. Parallel workers cannot overspend together. Days are UTC's.
func (q *Queue) Ledger(t task.Task, caps Caps) llm.Ledger {
	return llm.Ledger{ReserveFunc: func(ctx context.Context, a llm.Amount) (llm.Reservation, error) {
		scopes := scopesOf(t, caps, time.Now())
		var id int64
		err := persist(ctx, recordPatience, func(ctx context.Context) error {
			reserved, denied, err := q.db.Reserve(ctx, t, scopes, toStore(a))
			if denied != nil {
				return &llm.DeniedError{Scope: denied.Scope.Name, Left: fromStore(denied.Left)}
			}
			id = reserved
			return err
		})
		if err != nil {
			return llm.Reservation{}, err
		}
		return llm.Reservation{SettleFunc: func(ctx context.Context, spent llm.Amount) (llm.Balance, error) {
			var balance llm.Balance
			err := persist(ctx, recordPatience, func(ctx context.Context) error {
				left, used, err := q.db.Settle(ctx, id, scopes, toStore(spent))
				balance = llm.Balance{Left: fromStore(left), Used: used}
				return err
			})
			return balance, err
		}}, nil
	}}
}

func scopesOf(t task.Task, caps Caps, now time.Time) []postgres.Scope {
	day := now.UTC().Format(time.DateOnly)
	repo := t.Request.Repo
	return []postgres.Scope{
		{Key: TaskScope(t.ID), Name: "task", Cap: toStore(caps.Task)},
		{Key: fmt.Sprintf("repo:%s/%s:%s", repo.Host, repo, day), Name: "repository today", Cap: toStore(caps.RepoDay)},
		{Key: "day:" + day, Name: "day", Cap: toStore(caps.Day)},
	}
}

// TaskScope is the key under which a task's own spending is booked.
func TaskScope(id task.ID) string { return "task:" + string(id) }

func toStore(a llm.Amount) postgres.Amount {
	return postgres.Amount{USD: a.USD, Tokens: int64(a.Tokens)}
}

func fromStore(a postgres.Amount) llm.Amount {
	out := llm.Amount{USD: a.USD, Tokens: math.MaxInt}
	if a.Tokens < math.MaxInt {
		out.Tokens = int(a.Tokens)
	}
	return out
}
