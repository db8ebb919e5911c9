package shift_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/postgres/shift"
)

func newStore(t testing.TB) (shift.Store, *postgres.DB) {
	t.Helper()
	db, err := postgres.Open(t.Context(), pgtest.New(t, migrate, "shift"), 8)
	must(t, err)
	t.Cleanup(db.Close)
	return shift.Store{Store: db.Store}, db
}

func migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 2)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Migrate(ctx)
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func when(minutes int) *time.Time {
	t := time.Date(2026, 3, 2, 6, minutes, 0, 0, time.UTC)
	return &t
}

// sameTime compares times whatever their zone.
var sameTime = cmpopts.EquateApproxTime(0)

func stored(name string) shift.Shift {
	return shift.Shift{
		Name: name, Phase: "running", By: "ada", State: json.RawMessage(`{"reason":"\u0000"}`), NextRunAt: when(5),
		Manifest: []byte("kind: Shift\n\x00\xff"), Files: map[string][]byte{"shift.sh": []byte("\x00\xfe"), "a\x00b": {}},
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	if _, err := s.Shift(ctx, "a\x00b"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("a shift that was never stored: %v", err)
	}
	want := stored("go")
	must(t, s.Put(ctx, want))
	// What changes later leaves the manifest alone.
	want.Phase, want.NextRunAt = "paused", nil
	changed := want
	changed.Manifest, changed.Files = nil, nil
	must(t, s.Put(ctx, changed))
	got, err := s.Shift(ctx, "go")
	must(t, err)
	if diff := cmp.Diff(want, got, sameTime); diff != "" {
		t.Errorf("another shift (-want +got):\n%s", diff)
	}
	must(t, s.Put(ctx, stored("later")))
	all, err := s.Shifts(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Name != "later" || all[0].Manifest != nil || all[1].Phase != "paused" {
		t.Errorf("got the list %+v", all)
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	want := shift.Shift{Manifest: []byte("x"), Files: map[string][]byte{"f": []byte("y")}}
	must(t, s.AddSample(ctx, "r1", want, *when(0)))
	must(t, s.AddSample(ctx, "r1", want, *when(0)))
	got, err := s.Sample(ctx, "r1")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another sample (-want +got):\n%s", diff)
	}
	// A new one has the old ones forgotten.
	must(t, s.AddSample(ctx, "r2", want, time.Now().Add(time.Minute)))
	if _, err := s.Sample(ctx, "r1"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("an old sample: %v", err)
	}
	if _, err := s.Sample(ctx, "r2"); err != nil {
		t.Error(err)
	}
}

func row(i int) shift.Row {
	return shift.Row{
		Shift: "x", Repo: fmt.Sprintf("acme/r%05d", i), Unit: "svc/a", State: "open", DueAt: when(i),
		Data: json.RawMessage(`{"z": "\u0000", "a": [1,  2]}`),
	}
}

func TestPutRows(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	if err := s.PutRows(ctx, []shift.Row{row(1)}); err == nil {
		t.Error("a row of no shift")
	}
	must(t, s.Put(ctx, stored("x")))
	must(t, s.PutRows(ctx, nil))
	var rows []shift.Row
	for i := range 2500 {
		rows = append(rows, row(i))
	}
	must(t, s.PutRows(ctx, rows))
	last, err := s.LastChange(ctx)
	must(t, err)
	want := row(7)
	want.State, want.DueAt, want.Data = "merged", nil, json.RawMessage(`{}`)
	must(t, s.PutRows(ctx, []shift.Row{want}))
	changed, err := s.Changed(ctx, last)
	must(t, err)
	if len(changed) != 1 || changed[0].Changed <= last {
		t.Fatalf("after %d got the changes %+v", last, changed)
	}
	if diff := cmp.Diff(want, changed[0], sameTime, cmpopts.IgnoreFields(want, "Changed")); diff != "" {
		t.Errorf("another row (-want +got):\n%s", diff)
	}
	got, err := s.Row(ctx, "x", want.Repo, want.Unit)
	must(t, err)
	if diff := cmp.Diff(changed[0], got, sameTime); diff != "" {
		t.Errorf("another row (-want +got):\n%s", diff)
	}
	if _, err := s.Row(ctx, "x", want.Repo, ""); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("a row of another unit: %v", err)
	}
	if all, err := s.Rows(ctx, "x"); len(all) != 2500 || err != nil {
		t.Errorf("%d rows are there: %v", len(all), err)
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	must(t, s.Put(ctx, stored("x")))
	held := stored("held")
	held.Phase = "paused"
	must(t, s.Put(ctx, held))
	other := row(1)
	other.Shift = "held"
	never := row(4)
	never.DueAt = nil
	must(t, s.PutRows(ctx, []shift.Row{row(3), row(2), row(9), never, other}))
	got, err := s.Due(ctx, "running", *when(3))
	must(t, err)
	if len(got) != 2 || got[0].Repo != row(2).Repo || got[1].Repo != row(3).Repo {
		t.Errorf("got %+v", got)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	must(t, s.Put(ctx, stored("x")))
	must(t, s.PutRows(ctx, []shift.Row{row(1), row(2)}))
	event := func(i, n int) shift.Event {
		return shift.Event{Shift: "x", Repo: row(i).Repo, Unit: row(i).Unit, Data: json.RawMessage(fmt.Sprint(n))}
	}
	must(t, s.AddEvents(ctx, []shift.Event{event(1, 3), event(2, 9), event(1, 1)}))
	must(t, s.AddEvents(ctx, []shift.Event{event(1, 2)}))
	got, err := s.Events(ctx, "x", row(1).Repo, row(1).Unit)
	must(t, err)
	if diff := cmp.Diff([]shift.Event{event(1, 3), event(1, 1), event(1, 2)}, got); diff != "" {
		t.Errorf("another story (-want +got):\n%s", diff)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	if state, err := s.Ledger(ctx, "github"); state != nil || err != nil {
		t.Errorf("before the first: %s, %v", state, err)
	}
	for _, want := range []string{`{"a": 1}`, `{}`} {
		must(t, s.PutLedger(ctx, "github", json.RawMessage(want)))
		if got, err := s.Ledger(ctx, "github"); string(got) != want || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
	}
}

// One of several does what has a name, and another once that one has ended.
func TestAlone(t *testing.T) {
	t.Parallel()
	_, db := newStore(t)
	boom := errors.New("boom")
	other := func(context.Context) error { t.Error("two at once"); return boom }
	done, err := shift.Alone(t.Context(), db, "tick", func(ctx context.Context) error {
		if done, err := shift.Alone(ctx, db, "tick", other); done || err != nil {
			t.Errorf("beside the first: %t, %v", done, err)
		}
		if done, err := shift.Alone(ctx, db, "tock", func(context.Context) error { return nil }); !done || err != nil {
			t.Errorf("of another name: %t, %v", done, err)
		}
		return boom
	})
	if !done || !errors.Is(err, boom) {
		t.Errorf("got %t, %v", done, err)
	}
	if done, err := shift.Alone(t.Context(), db, "tick", func(context.Context) error { return nil }); !done || err != nil {
		t.Errorf("after the first: %t, %v", done, err)
	}
}
