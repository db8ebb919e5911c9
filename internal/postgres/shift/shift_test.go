package shift_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
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
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return shift.New(db), db
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

// fenced reports an error that is not the fence.
func fenced(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("not fenced: %v", err)
	}
}

// at is a time as the database keeps it.
func at(minutes int) time.Time {
	return time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

func when(minutes int) *time.Time {
	t := at(minutes)
	return &t
}

// sameTime compares times whatever their zone.
var sameTime = cmpopts.EquateApproxTime(0)

func TestPutShift(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	if _, err := s.Shift(ctx, "go-1-26"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("a shift that was never stored: %v", err)
	}
	sh := shift.Shift{
		Name: "go-1-26", Owner: "team-platform", Phase: "planned", Generation: 1,
		Manifest: []byte("kind: Shift\n\x00\xff"), Files: map[string][]byte{"shift.sh": []byte("\x00\xfe"), "a\x00b": {}},
		State: json.RawMessage(`{"reason": "\u0000", "b": 1}`), NextRunAt: when(5),
	}
	must(t, s.PutShift(ctx, sh))
	fenced(t, s.PutShift(ctx, sh))
	got, err := s.Shift(ctx, sh.Name)
	must(t, err)
	if got.CreatedAt.IsZero() || !got.UpdatedAt.Equal(got.CreatedAt) {
		t.Errorf("created %v, updated %v", got.CreatedAt, got.UpdatedAt)
	}
	sh.Version, sh.CreatedAt, sh.UpdatedAt = 1, got.CreatedAt, got.UpdatedAt
	if diff := cmp.Diff(sh, got, sameTime); diff != "" {
		t.Errorf("another shift (-want +got):\n%s", diff)
	}

	sh = shift.Shift{Name: sh.Name, Phase: "running", Generation: 2, Version: 1}
	must(t, s.PutShift(ctx, sh))
	fenced(t, s.PutShift(ctx, sh))
	after, err := s.Shift(ctx, sh.Name)
	must(t, err)
	if !after.UpdatedAt.After(got.UpdatedAt) || !after.CreatedAt.Equal(got.CreatedAt) {
		t.Errorf("created %v, updated %v", after.CreatedAt, after.UpdatedAt)
	}
	sh.Version, sh.CreatedAt, sh.UpdatedAt = 2, after.CreatedAt, after.UpdatedAt
	if diff := cmp.Diff(sh, after, sameTime, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("another shift (-want +got):\n%s", diff)
	}
	fenced(t, s.PutShift(ctx, shift.Shift{Name: "unknown", Version: 3}))
}

func TestPutShift_race(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	for version := range int64(3) {
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				err := s.PutShift(t.Context(), shift.Shift{Name: "x", Owner: strconv.Itoa(i), Version: version})
				if err == nil {
					won.Add(1)
				} else {
					fenced(t, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of 8 wrote version %d", won.Load(), version+1)
		}
	}
}

func TestShifts(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	for name, next := range map[string]*time.Time{"never": nil, "later": when(9), "now": when(7), "before": when(3)} {
		must(t, s.PutShift(ctx, shift.Shift{Name: name, NextRunAt: next}))
	}
	must(t, s.PutShift(ctx, shift.Shift{Name: "last"}))
	all, err := s.Shifts(ctx)
	must(t, err)
	if len(all) != 5 || all[0].Name != "last" {
		t.Errorf("the shifts are %v", names(all))
	}
	for minute, want := range map[int][]string{2: {}, 3: {"before"}, 7: {"before", "now"}, 99: {"before", "now", "later"}} {
		due, err := s.DueShifts(ctx, at(minute))
		must(t, err)
		if diff := cmp.Diff(want, names(due)); diff != "" {
			t.Errorf("due at %d (-want +got):\n%s", minute, diff)
		}
	}
}

func names(shifts []shift.Shift) []string {
	names := []string{}
	for _, sh := range shifts {
		names = append(names, sh.Name)
	}
	return names
}

func TestLedger(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	ctx := t.Context()
	state, version, err := s.Ledger(ctx, "app:1")
	if state != nil || version != 0 || err != nil {
		t.Fatalf("a ledger before the first: %s, %d, %v", state, version, err)
	}
	must(t, s.PutLedger(ctx, "app:1", json.RawMessage(`{"a": 1}`), 0))
	fenced(t, s.PutLedger(ctx, "app:1", json.RawMessage(`{"a": 2}`), 0))
	must(t, s.PutLedger(ctx, "app:1", json.RawMessage(`{"a": 3}`), 1))
	fenced(t, s.PutLedger(ctx, "app:1", json.RawMessage(`{"a": 4}`), 1))
	fenced(t, s.PutLedger(ctx, "app:2", json.RawMessage(`{}`), 1))
	state, version, err = s.Ledger(ctx, "app:1")
	if string(state) != `{"a": 3}` || version != 2 || err != nil {
		t.Errorf("the ledger is %s, %d, %v", state, version, err)
	}
	// What a transaction takes back was never stored.
	stop := errors.New("stop")
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		must(t, shift.PutLedger(ctx, tx.Store, "app:1", json.RawMessage(`{}`), 2))
		if _, version, _ := shift.Ledger(ctx, tx.Store, "app:1"); version != 3 {
			t.Errorf("version %d in the transaction", version)
		}
		return stop
	})
	if _, version, _ := s.Ledger(ctx, "app:1"); !errors.Is(err, stop) || version != 2 {
		t.Errorf("version %d after: %v", version, err)
	}
}

// TestLedger_race counts in a ledger from many sides: nothing is lost.
func TestLedger_race(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	const sides, times = 6, 10
	var wg sync.WaitGroup
	for range sides {
		wg.Go(func() {
			for done := 0; done < times; {
				state, version, err := s.Ledger(t.Context(), "app")
				n := 0
				if err == nil && state != nil {
					err = json.Unmarshal(state, &n)
				}
				if err == nil {
					err = s.PutLedger(t.Context(), "app", fmt.Append(nil, n+1), version)
				}
				switch {
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
	if state, version, err := s.Ledger(t.Context(), "app"); string(state) != "60" || version != sides*times || err != nil {
		t.Errorf("%s in version %d: %v", state, version, err)
	}
}
