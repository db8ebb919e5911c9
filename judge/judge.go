// Package judge holds a change against the request: deterministic checks
// first, then a model with a fixed rubric, whose answers are validated and
// weighed in Go. It fails closed.
package judge

// Severity is what a Finding does to a task.
type Severity string

// The severities, mildest first.
const (
	// Flag is printed and blocks nothing.
	Flag Severity = "flag"
	// Revise goes back to the agent to be mended.
	Revise Severity = "revise"
	// Human holds the change until a person allows it.
	Human Severity = "human"
	// Veto blocks; no judge can override it.
	Veto Severity = "veto"
)

// Finding is what a deterministic check found.
type Finding struct {
	// Check is the rule's name: tests, weakened, scope, protected, file_kind,
	// dependencies, secrets, invisible, hygiene.
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Message  string   `json:"message"`
}

// Decision is the judge's last word.
type Decision string

// The decisions. DecisionError never approves; NotJudged is mode off.
const (
	Approve       Decision = "approve"
	DecideRevise  Decision = "revise"
	Reject        Decision = "reject"
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
	ID       int      `json:"id"`
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
	// Prompt is the version of the rubric.
	Prompt string `json:"prompt_version,omitempty"`
}

// Mode says what a verdict may do.
type Mode string

// The modes.
const (
	ModeVeto   Mode = "veto"
	ModeAdvise Mode = "advise"
	ModeOff    Mode = "off"
)
