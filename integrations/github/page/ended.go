package page

import (
	"honk/internal/runner/fact"
	"honk/internal/task"
)

const (
	// maxLines is how many lines of output a failure shows.
	maxLines = 20
	// maxItems is how many reasons, items or files are listed.
	maxItems = 8
)

// failedPart is why verification failed.
type failedPart struct {
	// Names are the verifiers that fail, as code.
	Names md
	// What says what is wrong with them.
	What    string
	Lead    []md
	Reasons []md
	More    int
	// Red are the verifiers that failed on the base commit already.
	Red    md
	Old    int
	Output md
}

func (w *words) failed(f fact.Failure) failedPart {
	part := failedPart{
		Names: w.codes(f.Names, 3, 80), What: f.What, Lead: w.lines(f.Lead, maxSummary, 600),
		Red: w.codes(f.Red, 5, 80), Old: f.Old, Output: w.fence(f.Output, maxLines),
	}
	part.Reasons, part.More = w.list(f.Reasons, maxItems, 400)
	return part
}

// heldPart is why a change is held back.
type heldPart struct {
	By    string
	Lead  md
	Items []md
	More  int
	// Person says that no retry helps: a person must look.
	Person bool
}

func (w *words) held(h fact.Hold) heldPart {
	part := heldPart{By: h.By, Lead: w.sentence(h.Lead, 600), Person: h.Person}
	part.Items, part.More = w.list(h.Items, maxItems, 500)
	return part
}

// brokenPart is why Honk could not do its work.
type brokenPart struct {
	Cause  md
	Remedy string
}

func (w *words) broken(err *task.Error) brokenPart {
	cause, remedy := fact.Breakdown(err)
	return brokenPart{Cause: w.sentence(cause, 600), Remedy: remedy}
}
