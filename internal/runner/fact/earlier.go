package fact

import (
	"encoding/json"
	"fmt"
	"slices"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

// maxEarlier is how much of what was asked and done before is told, in
// characters each.
const maxEarlier = 2048

// Stored returns how a task ended, as far as it is stored.
func Stored(rec postgres.Record) (res runner.Result) {
	// What cannot be read is as good as not there.
	_ = json.Unmarshal(rec.Result, &res)
	return res
}

// Earlier tells, oldest first, what was asked and done by tasks that have
// ended; they come newest first.
func Earlier(records []postgres.Record) []task.Note {
	var notes []task.Note
	for _, r := range slices.Backward(records) {
		if !r.Status.Final() || r.FinishedAt == nil {
			continue
		}
		notes = append(notes,
			task.Note{Author: r.Request.Actor.Login, At: r.CreatedAt, Text: "Earlier request: " + Clip(r.Request.Prompt, maxEarlier)},
			task.Note{Author: "honk", At: *r.FinishedAt, Text: fmt.Sprintf("It ended %s: %s", r.Status, Clip(Stored(r).Summary, maxEarlier))})
	}
	return notes
}

// Clip cuts a text at a number of characters, and shows that.
func Clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + " […]"
	}
	return text
}
