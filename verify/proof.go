package verify

import (
	"slices"

	"honk/verify/plan"
)

// Proof is how a change is proven, beyond what its repository has of it. The
// zero value adds nothing.
type Proof struct {
	// Run are further commands, which run whatever has changed. With Alone
	// nothing runs beside them.
	Run   []Command
	Alone bool
	// Strict says that what is red on the base counts as well.
	Strict bool
}

// Plan returns what runs where a plan has been found.
func (p Proof) Plan(found []Verifier) []Verifier {
	if p.Alone {
		found = nil
	}
	return plan.Add(found, p.Run)
}

// Base returns what a change is held against where the base's report has been
// made. Which tests there were counts in any case.
func (p Proof) Base(r Report) Report {
	if !p.Strict {
		return r
	}
	r.Results = slices.Clone(r.Results)
	r.Results = slices.DeleteFunc(r.Results, func(res Result) bool { return !made(res) })
	for i := range r.Results {
		res := &r.Results[i]
		res.Findings = nil
		if res.Status == Fail {
			res.Status = Pass
		}
	}
	return r
}
