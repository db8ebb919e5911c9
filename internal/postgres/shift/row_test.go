package shift_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"honk/internal/postgres"
	"honk/internal/postgres/shift"
	"honk/internal/task"
)

// addShift stores the shift x with n rows of little in them.
func addShift(t testing.TB, s shift.Store, n int) []shift.Row {
	t.Helper()
	must(t, s.PutShift(t.Context(), shift.Shift{Name: "x"}))
	var rows []shift.Row
	for i := range n {
		rows = append(rows, shift.Row{Shift: "x", Repo: fmt.Sprintf("acme/r%05d", i), State: "pending", Place: i})
	}
	must(t, s.AddRows(t.Context(), rows))
	for i := range rows {
		rows[i].Version = 1
	}
	return rows
}

func full() shift.Row {
	return shift.Row{
		Shift: "x", Repo: "acme/api", Unit: "services/a", State: "open", Want: "merge", Doing: "push",
		Wave: 2, Place: 7, DueAt: when(1), NotBefore: when(2), TaskID: "01T", Branch: "honk/01T-x", Number: 12,
		Cluster: "c1", Signature: "s1", Data: json.RawMessage(`{"z": "\u0000", "a": [1,  2]}`),
	}
}

func TestAddRows(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	row := full()
	if err := s.AddRows(ctx, []shift.Row{row}); err == nil {
		t.Error("a row of no shift")
	}
	must(t, s.PutShift(ctx, shift.Shift{Name: "x"}))
	must(t, s.AddRows(ctx, nil))
	bare := shift.Row{Shift: "x", Repo: "acme/bare", State: "pending"}
	must(t, s.AddRows(ctx, []shift.Row{row, bare}))
	changed := row
	changed.State = "pending"
	must(t, s.AddRows(ctx, []shift.Row{changed}))
	for _, want := range []shift.Row{row, bare} {
		want.Version = 1
		got, err := s.Row(ctx, "x", want.Repo, want.Unit)
		must(t, err)
		if diff := cmp.Diff(want, got, sameTime, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("another row (-want +got):\n%s", diff)
		}
	}
	if _, err := s.Row(ctx, "x", "acme/api", ""); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("a row of another unit: %v", err)
	}
}

func TestAddRows_allOrNone(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	rows := addShift(t, s, 0)
	for i := range 2500 {
		rows = append(rows, shift.Row{Shift: "x", Repo: fmt.Sprint("acme/r", i)})
	}
	rows[2400].Data = json.RawMessage(`{`)
	if err := s.AddRows(t.Context(), rows); err == nil {
		t.Fatal("it took what is no JSON")
	}
	if got, err := s.Rows(t.Context(), "x"); len(got) != 0 || err != nil {
		t.Errorf("%d rows are there: %v", len(got), err)
	}
	rows[2400].Data = nil
	must(t, s.AddRows(t.Context(), rows))
	if got, err := s.Rows(t.Context(), "x"); len(got) != 2500 || err != nil {
		t.Errorf("%d rows are there: %v", len(got), err)
	}
}

func TestPutRows(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	rows := addShift(t, s, 3)
	to := full()
	to.Repo, to.Unit, to.Version = rows[1].Repo, "", 1
	must(t, s.PutRows(ctx, nil))
	must(t, s.PutRows(ctx, []shift.Change{
		{Row: to, Events: []shift.Event{
			{At: at(3), From: "pending", To: "ready", Cause: "task", Actor: "ada", Delivery: "d1", Log: "l1"},
			{At: at(2), From: "ready", To: "open"},
		}},
		{Row: rows[0], Events: []shift.Event{{At: at(4), From: "pending", To: "pending", Shift: "other", Repo: "o/o", Unit: "u"}}},
	}))
	to.Version = 2
	got, err := s.Row(ctx, "x", to.Repo, "")
	must(t, err)
	if diff := cmp.Diff(to, got, sameTime); diff != "" {
		t.Errorf("another row (-want +got):\n%s", diff)
	}
	other, err := s.Row(ctx, "x", rows[2].Repo, "")
	must(t, err)
	if diff := cmp.Diff(rows[2], other); diff != "" {
		t.Errorf("a row that nobody changed (-want +got):\n%s", diff)
	}
	want := []shift.Event{
		{Shift: "x", Repo: to.Repo, At: at(3), From: "pending", To: "ready", Cause: "task", Actor: "ada", Delivery: "d1", Log: "l1"},
		{Shift: "x", Repo: to.Repo, At: at(2), From: "ready", To: "open"},
	}
	events, err := s.Events(ctx, "x", to.Repo, "")
	must(t, err)
	if diff := cmp.Diff(want, events, sameTime, cmpopts.IgnoreFields(shift.Event{}, "Seq")); diff != "" {
		t.Errorf("other events (-want +got):\n%s", diff)
	}
	if len(events) == 2 && events[0].Seq >= events[1].Seq {
		t.Errorf("events %d and %d", events[0].Seq, events[1].Seq)
	}
	if events, err := s.Events(ctx, "x", rows[0].Repo, ""); len(events) != 1 || err != nil {
		t.Errorf("the other row's events are %v: %v", events, err)
	}
}

func TestPutRows_fenced(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	ctx := t.Context()
	rows := addShift(t, s, 1200)
	event := []shift.Event{{At: at(1), From: "pending", To: "eligible"}}
	changes := func() (list []shift.Change) {
		for _, r := range rows {
			r.State = "eligible"
			list = append(list, shift.Change{Row: r, Events: event})
		}
		return list
	}
	for name, spoil := range map[string]func(list []shift.Change) []shift.Change{
		"old":     func(list []shift.Change) []shift.Change { list[1100].Row.Version = 0; return list },
		"new":     func(list []shift.Change) []shift.Change { list[1100].Row.Version = 2; return list },
		"unknown": func(list []shift.Change) []shift.Change { list[3].Row.Repo = "acme/unknown"; return list },
		"twice":   func(list []shift.Change) []shift.Change { return append(list, list[0]) },
	} {
		fenced(t, s.PutRows(ctx, spoil(changes())))
		counts, err := s.CountStates(ctx, "x")
		must(t, err)
		if diff := cmp.Diff(map[string]int{"pending": 1200}, counts); diff != "" {
			t.Errorf("%s: other states (-want +got):\n%s", name, diff)
		}
		if events, err := s.Events(ctx, "x", rows[0].Repo, ""); len(events) != 0 || err != nil {
			t.Errorf("%s: events of what was not stored: %v, %v", name, events, err)
		}
	}
	// As part of a transaction that stores something else, in disorder.
	list := changes()
	slices.Reverse(list)
	must(t, db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := shift.PutShift(ctx, tx.Store, shift.Shift{Name: "x", Phase: "running", Version: 1}); err != nil {
			return err
		}
		if err := shift.AddRows(ctx, tx.Store, []shift.Row{{Shift: "x", Repo: "acme/new", State: "pending"}}); err != nil {
			return err
		}
		if err := shift.Put(ctx, tx.Store, list...); err != nil {
			return err
		}
		r, err := shift.FindRow(ctx, tx.Store, "x", rows[5].Repo, "")
		if r.State != "eligible" || r.Version != 2 {
			t.Errorf("in the transaction it is %+v", r)
		}
		return err
	}))
	counts, err := s.CountStates(ctx, "x")
	must(t, err)
	if diff := cmp.Diff(map[string]int{"pending": 1, "eligible": 1200}, counts); diff != "" {
		t.Errorf("other states (-want +got):\n%s", diff)
	}
}

// TestPutRows_race lets many change the same rows in any order: each change is
// made once, and none waits for another forever.
func TestPutRows_race(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	const sides, times, n = 6, 8, 12
	addShift(t, s, n)
	var wg sync.WaitGroup
	for range sides {
		wg.Go(func() {
			for done := 0; done < times; {
				rows, err := s.Rows(t.Context(), "x")
				if err != nil {
					t.Error(err)
					return
				}
				rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				var changes []shift.Change
				for _, r := range rows[:n/2] {
					r.Place++
					changes = append(changes, shift.Change{Row: r, Events: []shift.Event{{At: at(0)}}})
				}
				switch err := s.PutRows(t.Context(), changes); {
				case err == nil:
					done++
				case !errors.Is(err, postgres.ErrFenced):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	rows, err := s.Rows(t.Context(), "x")
	must(t, err)
	changes, places := 0, n*(n-1)/2
	for _, r := range rows {
		events, err := s.Events(t.Context(), "x", r.Repo, "")
		must(t, err)
		if int(r.Version) != len(events)+1 {
			t.Errorf("%s is in version %d with %d events", r.Repo, r.Version, len(events))
		}
		changes += len(events)
		places -= r.Place
	}
	if changes != sides*times*n/2 || -places != changes {
		t.Errorf("%d changes, %d of them seen, not %d", changes, -places, sides*times*n/2)
	}
}

// TestRows_hostile stores what a repository may be made to say.
func TestRows_hostile(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	must(t, s.PutShift(ctx, shift.Shift{Name: "x"}))
	unit := "a\x00b/\xff'\"\\{},NULL"
	row := shift.Row{Shift: "x", Repo: "acme/api", Unit: unit, Branch: "b\x00", TaskID: task.ID("t\x00")}
	must(t, s.AddRows(ctx, []shift.Row{row}))
	row.Version, row.Signature = 1, "\xff\x00"
	must(t, s.PutRows(ctx, []shift.Change{{Row: row, Events: []shift.Event{{At: at(0), Log: "\x00\xff", Cause: "\x00"}}}}))
	got, err := s.Row(ctx, "x", "acme/api", unit)
	must(t, err)
	if got.Unit != "ab/\uFFFD'\"\\{},NULL" || got.Version != 2 {
		t.Errorf("the row is %+v", got)
	}
	if events, err := s.Events(ctx, "x", "acme/api", unit); err != nil || len(events) != 1 || events[0].Log != "\uFFFD" {
		t.Errorf("the events are %+v: %v", events, err)
	}
	if _, err := s.RowOfBranch(ctx, "acme/api", "b\x00"); err != nil {
		t.Errorf("by branch: %v", err)
	}
	if _, err := s.RowOfTask(ctx, "t\x00"); err != nil {
		t.Errorf("by task: %v", err)
	}
}
