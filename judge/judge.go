// Package judge holds a change against the request: deterministic checks
// first, then a model with a fixed rubric, whose answers are validated and
// weighed in Go. It fails closed.
package judge

import (
	"slices"

	"honk/internal/task"
	"honk/judge/check"
	"honk/judge/diff"
)

type (
	// Severity is what a Finding does to a task.
	Severity = check.Severity
	// Finding is what a deterministic check found.
	Finding = check.Finding
	// Policy is what the operator allows.
	Policy = check.Policy
	// CheckInput is what Check looks at.
	CheckInput = check.Input
)

// The severities, mildest first.
const (
	Flag   = check.Flag
	Revise = check.Revise
	Human  = check.Human
	Veto   = check.Veto
)

// Check holds a patch against the rules that need no model. A patch that
// cannot be read is vetoed.
func Check(in CheckInput) []Finding { return check.Run(in) }

// Worst returns the worst severity among findings, "" when there are none.
func Worst(findings []Finding) Severity { return check.Worst(findings) }

// Blocking returns the findings with which a change is not delivered: all but
// the flags.
func Blocking(findings []Finding) []Finding { return check.Blocking(findings) }

// ParsePatch returns the Patch that a bare git diff stands for, for judging a
// diff that no checkout of Honk's produced. Sizes are unknown and stay 0.
func ParsePatch(data []byte) (task.Patch, error) { return diff.Patch(data) }

// Decision is the judge's last word.
type Decision string

// The decisions. DecisionError never approves; NotJudged is mode off.
const (
	Approve      Decision = "approve"
	DecideRevise Decision = "revise"
	Reject       Decision = "reject"
	// DecisionError: there is no verdict to rely on, because the model did
	// not give one or because the change tries to talk to its judge. The
	// summary says which, and that a person must look where no retry helps.
	DecisionError Decision = "error"
	NotJudged     Decision = "not_judged"
)

// Answer is yes, no or na; yes is good.
type Answer string

// The answers to a rubric item.
const (
	Yes Answer = "yes"
	No  Answer = "no"
	NA  Answer = "na"
)

// Item is the answer to one line of the rubric.
type Item struct {
	ID int `json:"id"`
	// Evidence cites lines of the diff as file:line.
	Evidence []string `json:"evidence"`
	Reason   string   `json:"reason"`
	Answer   Answer   `json:"answer"`
}

// Verdict is what the judge says of a change.
type Verdict struct {
	Decision Decision `json:"decision"`
	// Summary is one line for a person.
	Summary string `json:"summary"`
	// Items are the ten answers of the rubric.
	Items []Item `json:"items,omitempty"`
	// Revisions are at most five concrete things to mend.
	Revisions []string `json:"revisions,omitempty"`
	// Flags are what was suspicious in the text the judge was shown.
	Flags []string `json:"flags,omitempty"`
	// Err is why there is no verdict. A DecisionError without it is one that
	// no retry helps: a person must look.
	Err error `json:"-"`
	// Prompt is the version of the rubric.
	Prompt string `json:"prompt_version,omitempty"`
}

// Same reports whether v withholds approval for the reasons w did: another
// round would not help.
func (v Verdict) Same(w Verdict) bool {
	return v.Decision != Approve && v.Decision == w.Decision && slices.Equal(v.failing(), w.failing())
}

// failing returns the sorted ids of the items that stand against approval.
func (v Verdict) failing() []int {
	var ids []int
	for _, it := range v.Items {
		if !it.holds() {
			ids = append(ids, it.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Mode says what a verdict may do.
type Mode string

// The modes.
const (
	ModeVeto   Mode = "veto"
	ModeAdvise Mode = "advise"
	ModeOff    Mode = "off"
)
