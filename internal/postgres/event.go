package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// AddEvent stores an event. ErrFenced when its attempt is not the task's
// current one. A patch and a verdict go into tables of their own.
func (s Store) AddEvent(ctx context.Context, e task.Event) error {
	args := pgx.StrictNamedArgs{
		"task_id": string(e.TaskID), "seq": e.Seq, "attempt": e.Attempt, "at": e.At,
		"kind": string(e.Kind), "step": e.Step, "data": []byte(e.Data),
	}
	if e.Kind == task.EventPatch {
		args["data"] = nil
	}
	n, err := s.Affect(ctx, addEvent, args)
	if err != nil {
		return err
	}
	if n == 0 {
		return s.repeated(ctx, e)
	}
	switch e.Kind {
	case task.EventPatch:
		return s.addPatch(ctx, e)
	case task.EventVerdict:
		return s.addVerdict(ctx, e)
	default:
		return nil
	}
}

const addEvent = `INSERT INTO events (task_id, seq, attempt, at, kind, step, data)
	SELECT id, @seq, @attempt, @at, @kind, @step, @data FROM tasks
	WHERE id = @task_id AND attempt = @attempt AND status = 'running' ON CONFLICT DO NOTHING`

// repeated accepts an event that is there already: the answer to the first try
// was lost.
func (s Store) repeated(ctx context.Context, e task.Event) error {
	_, err := One(ctx, s, findEvent, pgx.StrictNamedArgs{
		"task_id": string(e.TaskID), "seq": e.Seq, "attempt": e.Attempt,
	}, pgx.RowTo[int])
	if errors.Is(err, ErrNotFound) {
		return ErrFenced
	}
	return err
}

const findEvent = `SELECT seq FROM events WHERE task_id = @task_id AND seq = @seq AND attempt = @attempt`

func (s Store) addPatch(ctx context.Context, e task.Event) error {
	var p task.Patch
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return fmt.Errorf("reading a patch event: %w", err)
	}
	files, err := json.Marshal(p.Files)
	if err != nil {
		return fmt.Errorf("encoding the files of a patch: %w", err)
	}
	if p.Diff == nil {
		p.Diff = []byte{}
	}
	return s.Exec(ctx, addPatch, pgx.StrictNamedArgs{
		"task_id": string(e.TaskID), "seq": e.Seq, "base": p.Base, "diff": p.Diff, "files": files,
	})
}

const addPatch = `INSERT INTO patches (task_id, seq, base, diff, files) VALUES (@task_id, @seq, @base, @diff, @files)`

func (s Store) addVerdict(ctx context.Context, e task.Event) error {
	var v struct {
		Decision string `json:"decision"`
	}
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return fmt.Errorf("reading a verdict event: %w", err)
	}
	return s.Exec(ctx, addVerdict, pgx.StrictNamedArgs{
		"task_id": string(e.TaskID), "seq": e.Seq, "decision": v.Decision, "verdict": []byte(e.Data),
	})
}

const addVerdict = `INSERT INTO verdicts (task_id, seq, decision, verdict) VALUES (@task_id, @seq, @decision, @verdict)`

// Events returns the events of a task after a sequence number, in order, with
// the patches where they belong. What retention has removed is missing.
func (s Store) Events(ctx context.Context, id task.ID, after int) ([]task.Event, error) {
	return Many(ctx, s, listEvents, pgx.StrictNamedArgs{"task_id": string(id), "after": after}, scanEvent)
}

const listEvents = `SELECT e.task_id, e.seq, e.attempt, e.at, e.kind, e.step, e.data, p.base, p.diff, p.files
	FROM events e LEFT JOIN patches p USING (task_id, seq)
	WHERE e.task_id = @task_id AND e.seq > @after ORDER BY e.seq`

func scanEvent(row pgx.CollectableRow) (e task.Event, err error) {
	var id, kind string
	var base *string
	var diff, files, data []byte
	err = row.Scan(&id, &e.Seq, &e.Attempt, &e.At, &kind, &e.Step, &data, &base, &diff, &files)
	e.TaskID, e.Kind, e.Data = task.ID(id), task.EventKind(kind), data
	if err != nil || base == nil {
		return e, err
	}
	p := task.Patch{Base: *base, Diff: diff}
	if err = json.Unmarshal(files, &p.Files); err == nil {
		e.Data, err = json.Marshal(p)
	}
	return e, err
}

// Patch returns the latest patch of a task; ErrNotFound when there is none.
func (s Store) Patch(ctx context.Context, id task.ID) (task.Patch, error) {
	return One(ctx, s, findPatch, pgx.StrictNamedArgs{"task_id": string(id)}, func(row pgx.CollectableRow) (p task.Patch, err error) {
		var files []byte
		if err = row.Scan(&p.Base, &p.Diff, &files); err == nil {
			err = json.Unmarshal(files, &p.Files)
		}
		return p, err
	})
}

const findPatch = `SELECT base, diff, files FROM patches WHERE task_id = @task_id ORDER BY seq DESC LIMIT 1`

// Phases returns the phase events of a task's current attempt, in order.
func (s Store) Phases(ctx context.Context, id task.ID) ([]task.Event, error) {
	return Many(ctx, s, listPhases, pgx.StrictNamedArgs{"task_id": string(id)}, scanEvent)
}

const listPhases = `SELECT e.task_id, e.seq, e.attempt, e.at, e.kind, e.step, e.data, NULL::text, NULL::bytea, NULL::json
	FROM events e JOIN tasks t ON t.id = e.task_id AND t.attempt = e.attempt
	WHERE e.task_id = @task_id AND e.kind = 'phase' ORDER BY e.seq`

// LastReply returns the latest reply event of a task: its step, and in its
// data the cost so far. ErrNotFound before the first.
func (s Store) LastReply(ctx context.Context, id task.ID) (task.Event, error) {
	return One(ctx, s, findLastReply, pgx.StrictNamedArgs{"task_id": string(id)}, scanEvent)
}

const findLastReply = `SELECT e.task_id, e.seq, e.attempt, e.at, e.kind, e.step, e.data, NULL::text, NULL::bytea, NULL::json
	FROM events e WHERE e.task_id = @task_id AND e.kind = 'reply' ORDER BY e.seq DESC LIMIT 1`

// AddNote stores what somebody says to a task that has not ended and is not to,
// once per key. It reports whether the task has it.
func (s Store) AddNote(ctx context.Context, id task.ID, key string, note task.Note) (bool, error) {
	raw, err := json.Marshal(note)
	if err != nil {
		return false, fmt.Errorf("encoding a note: %w", err)
	}
	n, err := s.Affect(ctx, addNote, pgx.StrictNamedArgs{"task_id": string(id), "key": key, "note": raw})
	return n == 1, err
}

// An update in a conflict says that it is there already. The lock waits for an
// end of the task that is being stored, which would not see the note.
const addNote = `INSERT INTO notes (task_id, key, note)
	SELECT id, @key, @note FROM tasks WHERE id = @task_id AND status IN ('queued', 'running') AND cancelled_by IS NULL
	FOR SHARE ON CONFLICT (key) DO UPDATE SET key = excluded.key`

// HasNote reports whether a message was given to a task.
func (s Store) HasNote(ctx context.Context, key string) (bool, error) {
	return One(ctx, s, hasNote, pgx.StrictNamedArgs{"key": key}, pgx.RowTo[bool])
}

const hasNote = `SELECT EXISTS (SELECT 1 FROM notes WHERE key = @key)`

// NoteKeys returns the messages that were given to a task, oldest first.
func (s Store) NoteKeys(ctx context.Context, id task.ID) ([]string, error) {
	return Many(ctx, s, listNoteKeys, pgx.StrictNamedArgs{"task_id": string(id)}, pgx.RowTo[string])
}

const listNoteKeys = `SELECT key FROM notes WHERE task_id = @task_id ORDER BY id`

// NotesOf returns what a task was told and never took, oldest first.
func (s Store) NotesOf(ctx context.Context, id task.ID) ([]task.Note, error) {
	return Many(ctx, s, listNotes, pgx.StrictNamedArgs{"task_id": string(id)}, scanNote)
}

const listNotes = `SELECT note FROM notes WHERE task_id = @task_id AND taken_at IS NULL ORDER BY id`

// TakeNotes returns what was said to a task since the last call, oldest first.
func (s Store) TakeNotes(ctx context.Context, id task.ID) ([]task.Note, error) {
	return Many(ctx, s, takeNotes, pgx.StrictNamedArgs{"task_id": string(id)}, scanNote)
}

const takeNotes = `WITH taken AS (
		UPDATE notes SET taken_at = now() WHERE task_id = @task_id AND taken_at IS NULL RETURNING id, note
	)
	SELECT note FROM taken ORDER BY id`

// ReturnNotes gives back what an attempt at a task took with TakeNotes and did
// not live to record as told.
func (s Store) ReturnNotes(ctx context.Context, id task.ID) error {
	args := pgx.StrictNamedArgs{"task_id": string(id)}
	taken, err := Many(ctx, s, listTaken, args, scanTaken)
	if err != nil || len(taken) == 0 {
		return err
	}
	told, err := Many(ctx, s, listTold, args, scanEvent)
	if err != nil {
		return err
	}
	for _, e := range told {
		var notice task.NoticeData
		if err := json.Unmarshal(e.Data, &notice); err != nil {
			return fmt.Errorf("reading a notice of task %s: %w", id, err)
		}
		taken = slices.DeleteFunc(taken, func(t takenNote) bool {
			return slices.ContainsFunc(notice.Notes, func(n task.Note) bool {
				return n.Author == t.Author && n.Text == t.Text && n.At.Equal(t.At)
			})
		})
	}
	var ids []int64
	for _, t := range taken {
		ids = append(ids, t.id)
	}
	return s.Exec(ctx, returnNotes, pgx.StrictNamedArgs{"ids": ids})
}

const listTaken = `SELECT id, note FROM notes WHERE task_id = @task_id AND taken_at IS NOT NULL ORDER BY id`

const listTold = `SELECT e.task_id, e.seq, e.attempt, e.at, e.kind, e.step, e.data, NULL::text, NULL::bytea, NULL::json
	FROM events e WHERE e.task_id = @task_id AND e.kind = 'notice' ORDER BY e.seq`

const returnNotes = `UPDATE notes SET taken_at = NULL WHERE id = ANY(@ids)`

type takenNote struct {
	task.Note
	id int64
}

func scanTaken(row pgx.CollectableRow) (t takenNote, err error) {
	var raw []byte
	if err = row.Scan(&t.id, &raw); err == nil {
		err = json.Unmarshal(raw, &t.Note)
	}
	return t, err
}

func scanNote(row pgx.CollectableRow) (n task.Note, err error) {
	var raw []byte
	if err = row.Scan(&raw); err == nil {
		err = json.Unmarshal(raw, &n)
	}
	return n, err
}

// NotesLeft returns how many notes a task never took.
func (s Store) NotesLeft(ctx context.Context, id task.ID) (int, error) {
	return One(ctx, s, countNotes, pgx.StrictNamedArgs{"task_id": string(id)}, pgx.RowTo[int])
}

const countNotes = `SELECT count(*) FROM notes WHERE task_id = @task_id AND taken_at IS NULL`
