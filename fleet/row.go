package fleet

import (
	"strings"
	"time"

	"honk/fleet/signature"
	"honk/internal/task"
)

// Key names a row: a target of a shift.
type Key struct {
	Shift string `json:"shift"`
	Repo  string `json:"repo"`
	Unit  string `json:"unit,omitempty"`
}

// String returns shift/owner/name, and the unit after a colon.
func (k Key) String() string {
	s := k.Shift + "/" + k.Repo
	if k.Unit != "" {
		s += ":" + k.Unit
	}
	return s
}

// ParseKey reads what String returns.
func ParseKey(s string) (Key, error) {
	name, unit, _ := strings.Cut(s, ":")
	shift, repo, ok := strings.Cut(name, "/")
	if owner, name, two := strings.Cut(repo, "/"); !ok || !two || shift == "" || owner == "" || name == "" {
		return Key{}, task.Errorf(task.CodeInvalid, "%q is no row; write shift/owner/name", s)
	}
	return Key{Shift: shift, Repo: repo, Unit: unit}, nil
}

// Row is a target of a shift. Rows are never deleted.
type Row struct {
	Key        Key    `json:"key"`
	Owner      string `json:"owner,omitempty"`
	Generation int    `json:"generation"`
	Wave       int    `json:"wave"`
	// Place is the row's rank in the rollout.
	Place int `json:"place"`

	State State `json:"state"`
	// Since is when it came into State, and Reason why.
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
	// Wait says why it may not do what it wants.
	Wait Wait `json:"wait,omitzero"`
	// Want is the act it needs leave for; Doing the one it has leave for,
	// until its end is known.
	Want  Act `json:"want,omitempty"`
	Doing Act `json:"doing,omitempty"`
	// Due is when Step has something to say by itself; zero is never.
	Due time.Time `json:"due,omitzero"`
	// NotBefore holds what the row wants, after a failure or a limit.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Urgent: a person waits for it.
	Urgent bool `json:"urgent,omitempty"`
	// Unmatched: the target is no longer among those of the manifest.
	Unmatched bool `json:"unmatched,omitempty"`
	// Outdated: the transform has changed while the row was doing something;
	// it is made anew once that has ended.
	Outdated bool `json:"outdated,omitempty"`
	// NoAutomerge: the repository does not want Honk to merge.
	NoAutomerge bool `json:"no_automerge,omitempty"`

	BaseSHA   string              `json:"base_sha,omitempty"`
	CacheKey  string              `json:"cache_key,omitempty"`
	TaskID    task.ID             `json:"task_id,omitempty"`
	Change    Change              `json:"change,omitzero"`
	Signature signature.Signature `json:"signature,omitzero"`
	PR        PR                  `json:"pr,omitzero"`
	CI        CI                  `json:"ci,omitzero"`
	Attempts  Attempts            `json:"attempts,omitzero"`
	Residue   Residue             `json:"residue,omitzero"`
	Redo      Redo                `json:"redo,omitempty"`
	// Stuck is the act that failed in the end; a retry begins there.
	Stuck Act `json:"stuck,omitempty"`
	// Text is the digest of what the pull request says; Stale that it should
	// say something else.
	Text      string `json:"text,omitempty"`
	TextStale bool   `json:"text_stale,omitempty"`
	// Closing says why the pull request is to be closed.
	Closing string `json:"closing,omitempty"`
	// ClosedBy is the person who closed it, "honk" for Honk.
	ClosedBy string `json:"closed_by,omitempty"`
	// Reverting: a person wants the merge taken back.
	Reverting bool    `json:"reverting,omitempty"`
	CostUSD   float64 `json:"cost_usd,omitempty"`

	CreatedAt   time.Time `json:"created_at,omitzero"`
	SettledAt   time.Time `json:"settled_at,omitzero"`
	OpenedAt    time.Time `json:"opened_at,omitzero"`
	MergedAt    time.Time `json:"merged_at,omitzero"`
	ActiveAt    time.Time `json:"active_at,omitzero"`
	RemindedAt  time.Time `json:"reminded_at,omitzero"`
	EscalatedAt time.Time `json:"escalated_at,omitzero"`
	RebasedAt   time.Time `json:"rebased_at,omitzero"`
}

// WaitKind classes why a row waits.
type WaitKind string

// The kinds of waiting.
const (
	WaitWave   WaitKind = "wave"
	WaitWindow WaitKind = "window"
	WaitLimit  WaitKind = "limit"
	WaitBudget WaitKind = "budget"
	WaitPaused WaitKind = "paused"
)

// Wait says why a row may not do what it wants, and until when it is expected
// to last; a zero ETA is unknown.
type Wait struct {
	Kind   WaitKind  `json:"kind,omitempty"`
	Reason string    `json:"reason,omitempty"`
	ETA    time.Time `json:"eta,omitzero"`
}

// Change is what a run made.
type Change struct {
	// Patch is the digest of the stored patch.
	Patch string `json:"patch,omitempty"`
	// Shape and Exact are the cluster it belongs to.
	Shape string `json:"shape,omitempty"`
	Exact string `json:"exact,omitempty"`
	Files int    `json:"files,omitempty"`
	Lines int    `json:"lines,omitempty"`
	// Findings: the deterministic checks found something, or a file was
	// touched that Honk never merges by itself.
	Findings bool `json:"findings,omitempty"`
	// Approved: a person approved the shape.
	Approved bool `json:"approved,omitempty"`
}

// PR is the row's branch and pull request as last seen.
type PR struct {
	Branch  string `json:"branch,omitempty"`
	HeadSHA string `json:"head_sha,omitempty"`
	// Pushed is the commit that the shift itself pushed last: only that is
	// merged, and only that gives way to another.
	Pushed string `json:"pushed,omitempty"`
	Number int    `json:"number,omitempty"`
	URL    string `json:"url,omitempty"`
	Open   bool   `json:"open,omitempty"`
	Draft  bool   `json:"draft,omitempty"`
	// Readied: it was ready for review before, so that a draft is a person's.
	Readied    bool   `json:"readied,omitempty"`
	Review     Review `json:"review,omitempty"`
	Conflicted bool   `json:"conflicted,omitempty"`
	Behind     bool   `json:"behind,omitempty"`
	MergeSHA   string `json:"merge_sha,omitempty"`
	// Blocked says why the forge refused to merge this head.
	Blocked string `json:"blocked,omitempty"`
	// Revert is the number of the pull request that takes it back.
	Revert int `json:"revert,omitempty"`
}

// Review is what the reviewers say together.
type Review string

// The reviews; empty is none yet.
const (
	ReviewApproved Review = "approved"
	ReviewChanges  Review = "changes_requested"
)

// CheckState is what the checks of a commit say together.
type CheckState string

// The states of checks; empty is that none is known yet.
const (
	// ChecksNone: none came in ten minutes.
	ChecksNone    CheckState = "none"
	ChecksRunning CheckState = "running"
	ChecksPassed  CheckState = "passed"
	ChecksFailed  CheckState = "failed"
)

// CI is the checks of the row's head.
type CI struct {
	State CheckState `json:"state,omitempty"`
	// Green counts the required checks that passed.
	Green int `json:"green,omitempty"`
	// Since is when the head was pushed.
	Since time.Time `json:"since,omitzero"`
}

// Residue is whether a fresh run would still change the target, once nothing
// is done with it any more.
type Residue struct {
	// SHA is the base that it was found out on, empty when it was not.
	SHA  string `json:"sha,omitempty"`
	Left bool   `json:"left,omitempty"`
}

// Attempts counts what may be tried a few times only.
type Attempts struct {
	Transform int `json:"transform,omitempty"`
	Conflict  int `json:"conflict,omitempty"`
	Reapply   int `json:"reapply,omitempty"`
	Forge     int `json:"forge,omitempty"`
}

// PendingCI reports whether the row's checks run, or may begin to.
func (r *Row) PendingCI() bool {
	switch {
	case r.Doing == ActPush, r.Doing == ActOpen && r.CI.State == ChecksNone:
		return true
	case r.State == Pushed, r.State == CIPending, r.PR.Open:
		return r.CI.State == "" || r.CI.State == ChecksRunning
	}
	return false
}

// AwaitsReview reports whether the row's pull request is open, or has its
// place reserved: from the push on it is on its way.
func (r *Row) AwaitsReview() bool {
	if r.PR.Open || r.Doing == ActPush || r.Doing == ActOpen {
		return true
	}
	return r.State == Pushed || r.State == CIPending || r.State == CIPassed
}
