package shift_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/internal/postgres"
	"honk/internal/postgres/shift"
	"honk/internal/task"
)

// keys names rows.
func keys(rows ...shift.Row) string {
	var keys []string
	for _, r := range rows {
		key := r.Shift + "/" + r.Repo
		if r.Unit != "" {
			key += ":" + r.Unit
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, " ")
}

func TestRows_find(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	for _, name := range []string{"x", "y", "empty"} {
		must(t, s.PutShift(ctx, shift.Shift{Name: name}))
	}
	must(t, s.AddRows(ctx, []shift.Row{
		{Shift: "x", Repo: "a/late", State: "pending", Wave: 1, Place: 0, DueAt: when(9)},
		{Shift: "x", Repo: "a/api", State: "open", Place: 2, DueAt: when(5), TaskID: "T1", Branch: "b1", Number: 1},
		{Shift: "x", Repo: "a/mono", Unit: "u", State: "running", Place: 1, TaskID: "T2"},
		{Shift: "x", Repo: "a/mono", State: "open", Place: 1, Branch: "b1"},
		{Shift: "y", Repo: "a/api", State: "open", DueAt: when(4), TaskID: "T3", Branch: "b2", Number: 2},
	}))
	list := func(rows []shift.Row, err error) string {
		t.Helper()
		must(t, err)
		return keys(rows...)
	}
	one := func(row shift.Row, err error) string {
		t.Helper()
		if errors.Is(err, postgres.ErrNotFound) {
			return "none"
		}
		must(t, err)
		return keys(row)
	}
	for name, tt := range map[string]struct{ got, want string }{
		"rows":             {list(s.Rows(ctx, "x")), "x/a/mono x/a/mono:u x/a/api x/a/late"},
		"rows of none":     {list(s.Rows(ctx, "empty")), ""},
		"in a state":       {list(s.RowsIn(ctx, "x", "open")), "x/a/mono x/a/api"},
		"in states":        {list(s.RowsIn(ctx, "x", "running", "pending", "merged")), "x/a/mono:u x/a/late"},
		"in no state":      {list(s.RowsIn(ctx, "x")), ""},
		"due":              {list(s.Due(ctx, at(5), 10)), "y/a/api x/a/api"},
		"one due":          {list(s.Due(ctx, at(99), 1)), "y/a/api"},
		"none due":         {list(s.Due(ctx, at(3), 10)), ""},
		"of a task":        {one(s.RowOfTask(ctx, "T2")), "x/a/mono:u"},
		"of no task":       {one(s.RowOfTask(ctx, "T9")), "none"},
		"of an empty task": {one(s.RowOfTask(ctx, "")), "none"},
		"of a pull":        {one(s.RowOfPull(ctx, "a/api", 2)), "y/a/api"},
		"of no pull":       {one(s.RowOfPull(ctx, "a/mono", 0)), "none"},
		"of another pull":  {one(s.RowOfPull(ctx, "a/mono", 1)), "none"},
		"of a branch":      {one(s.RowOfBranch(ctx, "a/mono", "b1")), "x/a/mono"},
		"of no branch":     {one(s.RowOfBranch(ctx, "a/mono", "")), "none"},
		"of a repository":  {list(s.RowsOfRepo(ctx, "a/api")), "x/a/api y/a/api"},
		"of no repository": {list(s.RowsOfRepo(ctx, "a/none")), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", name, tt.got, tt.want)
		}
	}
	counts, err := s.CountStates(ctx, "x")
	must(t, err)
	if diff := cmp.Diff(map[string]int{"open": 2, "running": 1, "pending": 1}, counts); diff != "" {
		t.Errorf("other states (-want +got):\n%s", diff)
	}
	if counts, err := s.CountStates(ctx, "empty"); len(counts) != 0 || err != nil {
		t.Errorf("states of no rows: %v, %v", counts, err)
	}
	if events, err := s.Events(ctx, "x", "a/late", ""); len(events) != 0 || err != nil {
		t.Errorf("events before any: %v, %v", events, err)
	}
}

// many are 10,000 rows of a usual size.
func many(name string) []shift.Row {
	data := fmt.Appendf(nil, `{"text": %q}`, strings.Repeat("0123456789", 150))
	rows := make([]shift.Row, 10_000)
	for i := range rows {
		rows[i] = shift.Row{
			Shift: name, Repo: fmt.Sprintf("acme/r%05d", i), State: "open", Place: i, DueAt: when(i), Number: i + 1,
			TaskID: task.ID(fmt.Sprint("T", i)), Branch: fmt.Sprint("honk/T", i), Data: data,
		}
	}
	return rows
}

// The sizes that matter: 10,000 rows are added in less than 3 s, read in less
// than 1 s and 100 MB.

func BenchmarkAddRows(b *testing.B) {
	s, _ := newStore(b)
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprint("x", i)
		must(b, s.PutShift(b.Context(), shift.Shift{Name: name}))
		must(b, s.AddRows(b.Context(), many(name)))
	}
}

func BenchmarkPutRows(b *testing.B) {
	s, _ := newStore(b)
	must(b, s.PutShift(b.Context(), shift.Shift{Name: "x"}))
	must(b, s.AddRows(b.Context(), many("x")))
	for b.Loop() {
		rows, err := s.Rows(b.Context(), "x")
		must(b, err)
		changes := make([]shift.Change, len(rows))
		for i, r := range rows {
			changes[i] = shift.Change{Row: r, Events: []shift.Event{{At: at(i), From: "open", To: "open", Cause: "benchmark"}}}
		}
		must(b, s.PutRows(b.Context(), changes))
	}
}

func BenchmarkRows(b *testing.B) {
	s, _ := newStore(b)
	must(b, s.PutShift(b.Context(), shift.Shift{Name: "x"}))
	must(b, s.AddRows(b.Context(), many("x")))
	b.ReportAllocs()
	for b.Loop() {
		rows, err := s.Rows(b.Context(), "x")
		must(b, err)
		if len(rows) != 10_000 {
			b.Fatal(len(rows))
		}
	}
}

func BenchmarkRowOf(b *testing.B) {
	s, _ := newStore(b)
	ctx := b.Context()
	must(b, s.PutShift(ctx, shift.Shift{Name: "x"}))
	must(b, s.AddRows(ctx, many("x")))
	for name, find := range map[string]func() error{
		"task":   func() error { _, err := s.RowOfTask(ctx, "T7000"); return err },
		"pull":   func() error { _, err := s.RowOfPull(ctx, "acme/r07000", 7001); return err },
		"branch": func() error { _, err := s.RowOfBranch(ctx, "acme/r07000", "honk/T7000"); return err },
		"repo":   func() error { _, err := s.RowsOfRepo(ctx, "acme/r07000"); return err },
		"due":    func() error { _, err := s.Due(ctx, at(5), 100); return err },
		"states": func() error { _, err := s.CountStates(ctx, "x"); return err },
		"in":     func() error { _, err := s.RowsIn(ctx, "x", "running"); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				must(b, find())
			}
		})
	}
}
