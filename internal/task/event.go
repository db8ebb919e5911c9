package task

import (
	"encoding/json"
	"time"
)

// EventKind says what an Event records.
type EventKind string

// The kinds of event, in the order a task meets them.
const (
	// EventPhase: the runner entered a phase. Data: PhaseData.
	EventPhase EventKind = "phase"
	// EventBase: the commit to work from was checked out. Data: BaseData.
	EventBase EventKind = "base"
	// EventReply: the model answered. Data: ReplyData.
	EventReply EventKind = "reply"
	// EventTool: a tool call was answered. Data: ToolData.
	EventTool EventKind = "tool"
	// EventNotice: the loop told the model something (nudge, wrap-up,
	// compaction, feedback). Data: NoticeData.
	EventNotice EventKind = "notice"
	// EventPatch: the change left the sandbox. Data: the Patch.
	EventPatch EventKind = "patch"
	// EventChange: the agent has come to an end, and its patch, the one
	// before this, is safe. Data: ChangeData.
	EventChange EventKind = "change"
	// EventVerify: verifiers ran. Data: the verify.Gate.
	EventVerify EventKind = "verify"
	// EventChecks: the deterministic checks ran. Data: []judge.Finding.
	EventChecks EventKind = "checks"
	// EventVerdict: the judge answered. Data: the judge.Verdict.
	EventVerdict EventKind = "verdict"
	// EventWarning: something is degraded. Data: NoticeData.
	EventWarning EventKind = "warning"
	// EventOutcome: the task ended. Data: Outcome.
	EventOutcome EventKind = "outcome"
)

// Event is one fact in the life of a task, appended and never changed.
type Event struct {
	TaskID ID        `json:"task_id"`
	Seq    int       `json:"seq"`
	At     time.Time `json:"at"`
	Kind   EventKind `json:"kind"`
	// Attempt is the attempt that records it.
	Attempt int `json:"attempt,omitempty"`
	// Step is the agent step the event belongs to, 0 outside the loop.
	Step int             `json:"step,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// PhaseData is the Data of EventPhase.
type PhaseData struct {
	// Phase is checkout, sandbox, change, verify, judge or publish.
	Phase  string `json:"phase"`
	Detail string `json:"detail,omitempty"`
}

// BaseData is the Data of EventBase.
type BaseData struct {
	SHA string `json:"sha"`
	// Ref is the branch, or what was asked for where that was none.
	Ref string `json:"ref,omitempty"`
}

// ChangeData is the Data of EventChange.
type ChangeData struct {
	// Exit is how the agent ended: done, no_change, blocked and so on.
	Exit    string `json:"exit"`
	Reason  string `json:"reason,omitempty"`
	Summary string `json:"summary,omitempty"`
	// Viewed are the paths the agent has seen.
	Viewed []string `json:"viewed,omitempty"`
	// Revision counts how often a check or the judge sent the change back.
	Revision int `json:"revision,omitempty"`
}

// ReplyData is the Data of EventReply.
type ReplyData struct {
	Text string `json:"text,omitempty"`
	// Calls are the tool calls as the history stores them.
	Calls []CallData `json:"calls,omitempty"`
	Usage Usage      `json:"usage"`
	// CostUSD is what the whole task has cost so far.
	CostUSD float64 `json:"cost_usd"`
}

// CallData is one tool call of a reply.
type CallData struct {
	ID        string `json:"id"`
	Tool      string `json:"tool"`
	Arguments string `json:"arguments"`
}

// ToolData is the Data of EventTool.
type ToolData struct {
	ID   string `json:"id"`
	Tool string `json:"tool"`
	// Title is one line for a person: what the call did.
	Title   string        `json:"title"`
	Output  string        `json:"output"`
	IsError bool          `json:"is_error,omitempty"`
	Took    time.Duration `json:"took_ns"`
}

// NoticeData is the Data of EventNotice and EventWarning.
type NoticeData struct {
	Text string `json:"text"`
	// Notes are the messages that reached the agent with it.
	Notes []Note `json:"notes,omitempty"`
}
