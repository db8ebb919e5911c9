// Package fleet decides what becomes of a shift's targets. It is pure: Step
// takes what is known of one target and what came to be known, and says in
// which state it is then and what is to be done; plans, generations, gates,
// buckets and the status follow from the rows alone. Workers act, the store
// remembers, the clock is the caller's.
package fleet

import "time"

// Phase is where a shift stands.
type Phase string

// The phases.
const (
	// PhasePlanned: applied and not started.
	PhasePlanned Phase = "planned"
	PhaseRunning Phase = "running"
	// PhasePaused: a person holds it.
	PhasePaused Phase = "paused"
	// PhaseHalted: it stopped by itself; only a person restarts it.
	PhaseHalted    Phase = "halted"
	PhaseCompleted Phase = "completed"
)

// Shift is what changes of a shift while it runs.
type Shift struct {
	Name       string `json:"name"`
	Generation int    `json:"generation"`
	Phase      Phase  `json:"phase"`
	// Digest is of the manifest and the files it names, Recipe of what makes
	// its changes.
	Digest string `json:"digest"`
	Recipe string `json:"recipe"`
	// Reason says why it is paused or halted.
	Reason string `json:"reason,omitempty"`
	// Wave is the last wave that has started, from 0.
	Wave int `json:"wave"`
	// Approved are the waves whose gate the owner approved.
	Approved []string `json:"approved,omitempty"`
	// ResumedAt is when a person last restarted it: what settled before does
	// not halt it again.
	ResumedAt time.Time `json:"resumed_at,omitzero"`
	// GateSince is since when the gate after Wave holds but for its soak.
	GateSince time.Time `json:"gate_since,omitzero"`
	// Pushes, Opens and Merges are how much of the hourly rates is left.
	Pushes Bucket `json:"pushes,omitzero"`
	Opens  Bucket `json:"opens,omitzero"`
	Merges Bucket `json:"merges,omitzero"`
	// SpentUSD is what the shift has cost.
	SpentUSD float64 `json:"spent_usd,omitempty"`
	// CleanSince is since when nothing is left to change.
	CleanSince time.Time `json:"clean_since,omitzero"`
}

// Bucket is a rate with a burst. The zero Bucket is full.
type Bucket struct {
	// Used is how much of the burst was used at At.
	Used float64   `json:"used"`
	At   time.Time `json:"at"`
}

// Next returns when the bucket, which refills at a rate per hour, has one
// more.
func (b Bucket) Next(now time.Time, perHour, burst int) time.Time {
	over := b.used(now, perHour) + 1 - float64(burst)
	if over <= 1e-9 {
		return now
	}
	return now.Add(time.Duration(over / float64(perHour) * float64(time.Hour))).Add(time.Millisecond)
}

// Take returns the bucket without one.
func (b Bucket) Take(now time.Time, perHour int) Bucket {
	return Bucket{Used: b.used(now, perHour) + 1, At: now}
}

// Give returns the bucket with one that was taken for nothing.
func (b Bucket) Give() Bucket { return Bucket{Used: max(0, b.Used-1), At: b.At} }

func (b Bucket) used(now time.Time, perHour int) float64 {
	return max(0, b.Used-now.Sub(b.At).Hours()*float64(perHour))
}

// Clean is how long nothing may be left before a shift completes itself.
const Clean = 7 * 24 * time.Hour

// Complete reports whether a shift that runs until done has nothing left.
func (s Shift) Complete(now time.Time) bool {
	return !s.CleanSince.IsZero() && now.Sub(s.CleanSince) >= Clean
}
