package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// DeliveryKey is what a delivery is known by.
type DeliveryKey struct {
	Source task.Source
	ID     string
}

// AddDeliveries stores deliveries and returns which are new.
func (s Store) AddDeliveries(ctx context.Context, list []task.Delivery) ([]DeliveryKey, error) {
	var sources, ids, events []string
	var payloads [][]byte
	for _, d := range list {
		sources, ids, events = append(sources, string(d.Source)), append(ids, d.ID), append(events, d.Event)
		payloads = append(payloads, d.Payload)
	}
	return Many(ctx, s, addDeliveries, pgx.StrictNamedArgs{
		"sources": sources, "ids": ids, "events": events, "payloads": payloads,
	}, pgx.RowToStructByPos[DeliveryKey])
}

const addDeliveries = `INSERT INTO deliveries (source, id, event, payload)
	SELECT * FROM unnest(@sources::text[], @ids::text[], @events::text[], @payloads::bytea[])
	ON CONFLICT DO NOTHING RETURNING source, id`

// Delivery returns a delivery that has not been handled; ErrNotFound when it
// has been, or is not known.
func (s Store) Delivery(ctx context.Context, source task.Source, id string) (task.Delivery, error) {
	return One(ctx, s, findDelivery, pgx.StrictNamedArgs{"source": string(source), "id": id},
		func(row pgx.CollectableRow) (task.Delivery, error) {
			d := task.Delivery{Source: source, ID: id}
			var payload []byte
			err := row.Scan(&d.Event, &payload)
			d.Payload = payload
			return d, err
		})
}

const findDelivery = `SELECT event, payload FROM deliveries
	WHERE source = @source AND id = @id AND handled_at IS NULL`

// Handled stores what became of a delivery.
func (s Store) Handled(ctx context.Context, source task.Source, id, result string) error {
	return s.Exec(ctx, handleDelivery, pgx.StrictNamedArgs{"source": string(source), "id": id, "result": clean(result)})
}

const handleDelivery = `UPDATE deliveries SET handled_at = now(), result = @result WHERE source = @source AND id = @id`

// KnownDeliveries returns which of some IDs have arrived.
func (s Store) KnownDeliveries(ctx context.Context, source task.Source, ids []string) ([]string, error) {
	return Many(ctx, s, knownDeliveries, pgx.StrictNamedArgs{"source": string(source), "ids": ids}, pgx.RowTo[string])
}

const knownDeliveries = `SELECT id FROM deliveries WHERE source = @source AND id = ANY(@ids)`

// Retention says how long what is no longer needed is kept.
type Retention struct {
	// Deliveries are kept for as long as a source may repeat them.
	Deliveries, Events, Patches time.Duration
}

// Forget removes what is older than the retention, of ended tasks only, and
// returns how many rows went.
func (s Store) Forget(ctx context.Context, keep Retention) (removed int64, err error) {
	for _, q := range []struct {
		sql string
		age time.Duration
	}{
		{forgetDeliveries, keep.Deliveries},
		{forgetEvents, keep.Events},
		{forgetVerdicts, keep.Events},
		{forgetPatches, keep.Patches},
		{forgetBudgets, keep.Patches},
		{forgetFeedback, keep.Events},
		{forgetQuestions, keep.Deliveries},
		{forgetLinks, keep.Deliveries},
		{forgetImages, keep.Patches},
	} {
		n, err := s.Affect(ctx, q.sql, pgx.StrictNamedArgs{"age": q.age})
		if err != nil {
			return removed, err
		}
		removed += n
	}
	return removed, nil
}

const forgetDeliveries = `DELETE FROM deliveries WHERE handled_at < now() - @age::interval`

const forgetQuestions = `DELETE FROM questions WHERE answered_at < now() - @age::interval`

const forgetLinks = `DELETE FROM links WHERE expires_at < now() - @age::interval`

const forgetImages = `UPDATE tasks SET images = NULL WHERE images IS NOT NULL AND finished_at < now() - @age::interval`

const forgetEvents = `DELETE FROM events USING tasks
	WHERE tasks.id = events.task_id AND tasks.finished_at < now() - @age::interval`

const forgetVerdicts = `DELETE FROM verdicts USING tasks
	WHERE tasks.id = verdicts.task_id AND tasks.finished_at < now() - @age::interval`

const forgetPatches = `DELETE FROM patches USING tasks
	WHERE tasks.id = patches.task_id AND tasks.finished_at < now() - @age::interval`

// What is still reserved is somebody's; a day's budget counts to its end. Sums
// of fractions seldom come back to 0.
const forgetBudgets = `DELETE FROM budgets WHERE touched_at < now() - greatest(@age::interval, interval '2 days')
	AND reserved_usd < 1e-6 AND reserved_tokens = 0`

const forgetFeedback = `DELETE FROM feedback WHERE taken_at < now() - @age::interval`
