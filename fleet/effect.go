package fleet

import "time"

// EffectKind says what is to be done.
type EffectKind string

// The effects. Those of the same name as an act end in a DoneFact, run in a
// TaskFact.
const (
	EffectRun        EffectKind = "run"
	EffectRegenerate EffectKind = "regenerate"
	EffectCancel     EffectKind = "cancel"
	EffectPush       EffectKind = "push"
	EffectOpen       EffectKind = "open"
	EffectReady      EffectKind = "ready"
	EffectUpdate     EffectKind = "update"
	EffectMerge      EffectKind = "merge"
	EffectClose      EffectKind = "close"
	EffectRemind     EffectKind = "remind"
	EffectEscalate   EffectKind = "escalate"
	EffectRevert     EffectKind = "revert"
	// EffectAlert tells the shift's owner.
	EffectAlert EffectKind = "alert"
	// EffectHalt stops the shift.
	EffectHalt EffectKind = "halt"
	// EffectSnooze pauses the identity until a time.
	EffectSnooze EffectKind = "snooze"
)

// Effect is what a worker is to do. Doing it again is the same as once: what
// exists is looked for by branch first.
type Effect struct {
	Kind EffectKind `json:"kind"`
	Key  Key        `json:"key"`
	Redo Redo       `json:"redo,omitempty"`
	// Number and HeadSHA name the pull request and the head it is about.
	Number  int       `json:"number,omitempty"`
	HeadSHA string    `json:"head_sha,omitempty"`
	Draft   bool      `json:"draft,omitempty"`
	Text    string    `json:"text,omitempty"`
	Until   time.Time `json:"until,omitzero"`
}

// Transition is a row's change of state: an event, appended and never
// changed.
type Transition struct {
	Key      Key       `json:"key"`
	From     State     `json:"from"`
	To       State     `json:"to"`
	At       time.Time `json:"at"`
	Cause    string    `json:"cause"`
	Actor    string    `json:"actor,omitempty"`
	Delivery string    `json:"delivery,omitempty"`
	Log      string    `json:"log,omitempty"`
}
