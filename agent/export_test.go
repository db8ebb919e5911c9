package agent

import "honk/internal/llm"

// Happening lets tests build what stuck detection sees.
type Happening struct {
	Call, Output  string
	Failed        bool
	Text, Changed bool
	Complaints    string
}

// Rut is rut for tests.
func Rut(seen []Happening) string {
	var in []happening
	for _, h := range seen {
		in = append(in, happening{
			call: h.Call, output: h.Output, failed: h.Failed, text: h.Text, changed: h.Changed, complaints: h.Complaints,
		})
	}
	return rut(in)
}

// Paired is paired for tests.
func Paired(msgs []llm.Message) ([]llm.Message, bool) { return paired(msgs) }

// Tail is tail for tests.
func Tail(msgs []llm.Message, room int) []llm.Message { return tail(msgs, room) }

// Size is what a conversation counts for in the window, for tests.
func Size(msgs []llm.Message) int { return (&run{}).size(msgs) }
