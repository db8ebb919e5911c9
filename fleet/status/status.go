// Package status says how a shift stands: the five buckets, what fails and
// why, which changes look alike, what is left.
package status

import (
	"cmp"
	"slices"
	"time"

	"honk/fleet"
	"honk/fleet/cluster"
	"honk/fleet/signature"
)

// Bucket is one of five places where a row can be.
type Bucket string

// The buckets.
const (
	NoPR      Bucket = "no_pr"
	Red       Bucket = "red"
	Green     Bucket = "green"
	Merged    Bucket = "merged"
	Regressed Bucket = "regressed"
)

// Buckets returns the five in order.
func Buckets() []Bucket { return []Bucket{NoPR, Red, Green, Merged, Regressed} }

// BucketOf returns where a row is.
func BucketOf(r *fleet.Row) Bucket {
	switch r.State {
	case fleet.Merged, fleet.Watching, fleet.Healthy:
		return Merged
	case fleet.Regressed, fleet.RevertProposed, fleet.Reverted:
		return Regressed
	case fleet.CIFailed, fleet.Conflicted, fleet.ChangesRequested:
		return Red
	case fleet.Open, fleet.Approved, fleet.MergeQueued, fleet.Adopted:
		if r.CI.State == fleet.ChecksFailed || r.PR.Conflicted {
			return Red
		}
		return Green
	default:
	}
	if r.PR.Open {
		return Red // It is made anew, or a person must look.
	}
	return NoPR
}

// Failure is a cause with the rows that fail by it.
type Failure struct {
	Signature signature.Signature `json:"signature"`
	Count     int                 `json:"count"`
	Sample    fleet.Key           `json:"sample"`
	Rows      []fleet.Key         `json:"rows"`
}

// Stuck is a row that waits for a person, for the tail has names.
type Stuck struct {
	Key    fleet.Key   `json:"key"`
	Owner  string      `json:"owner,omitempty"`
	State  fleet.State `json:"state"`
	Reason string      `json:"reason,omitempty"`
	Since  time.Time   `json:"since"`
	URL    string      `json:"url,omitempty"`
}

// Status is how a shift stands.
type Status struct {
	Shift   fleet.Shift         `json:"shift"`
	Total   int                 `json:"total"`
	Buckets map[Bucket]int      `json:"buckets"`
	States  map[fleet.State]int `json:"states"`
	Waits   map[string]int      `json:"waits,omitempty"`
	// Failures are the causes, the most frequent first.
	Failures []Failure         `json:"failures,omitempty"`
	Clusters []cluster.Cluster `json:"clusters,omitempty"`
	// Residual counts the targets that a fresh run would still change.
	Residual int     `json:"residual"`
	CostUSD  float64 `json:"cost_usd"`
	// Stuck are the rows that wait for a person, the oldest first.
	Stuck []Stuck   `json:"stuck,omitempty"`
	ETA   time.Time `json:"eta,omitzero"`
}

// Of returns how a shift stands. The caller adds the ETA.
func Of(shift fleet.Shift, p fleet.Policy, rows []fleet.Row) Status {
	s := Status{
		Shift: shift, Total: len(rows), Buckets: map[Bucket]int{}, States: map[fleet.State]int{}, Waits: map[string]int{},
	}
	for _, b := range Buckets() {
		s.Buckets[b] = 0
	}
	failures := map[string]*Failure{}
	var items []cluster.Item
	for i := range rows {
		r := &rows[i]
		s.Buckets[BucketOf(r)]++
		s.States[r.State]++
		s.CostUSD += r.CostUSD
		if r.Wait.Kind != "" {
			s.Waits[r.Wait.Reason]++
		}
		if Left(r) {
			s.Residual++
		}
		if r.Signature.ID != "" && (r.State.Failed() || r.CI.State == fleet.ChecksFailed) {
			add(failures, r)
		}
		if r.Change.Shape != "" {
			items = append(items, cluster.Item{
				Key: r.Key.String(), Shape: cluster.Shape{ID: r.Change.Shape, Exact: r.Change.Exact, Files: r.Change.Files, Lines: r.Change.Lines},
			})
		}
		if waitsForPerson(r, &p) {
			s.Stuck = append(s.Stuck, Stuck{r.Key, r.Owner, r.State, r.Reason, r.Since, r.PR.URL})
		}
	}
	for _, f := range failures {
		f.Sample = f.Rows[0]
		s.Failures = append(s.Failures, *f)
	}
	slices.SortFunc(s.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Signature.ID, b.Signature.ID))
	})
	slices.SortStableFunc(s.Stuck, func(a, b Stuck) int { return a.Since.Compare(b.Since) })
	s.Clusters = cluster.Group(items)
	return s
}

func add(failures map[string]*Failure, r *fleet.Row) {
	f := failures[r.Signature.ID]
	if f == nil {
		f = &Failure{Signature: r.Signature}
		failures[r.Signature.ID] = f
	}
	f.Count++
	f.Rows = append(f.Rows, r.Key)
}

// Left reports whether a fresh run would still change the target, as far as
// is known.
func Left(r *fleet.Row) bool {
	if r.Unmatched {
		return false
	}
	if r.Residue.SHA != "" {
		return r.Residue.Left
	}
	switch r.State {
	case fleet.NoChange, fleet.Skipped, fleet.Unreachable, fleet.Merged, fleet.Watching, fleet.Healthy:
		return false
	default:
	}
	return true
}

// waitsForPerson reports whether nothing goes on without a person.
func waitsForPerson(r *fleet.Row, p *fleet.Policy) bool {
	switch r.State {
	case fleet.Open, fleet.ChangesRequested, fleet.Approved, fleet.Adopted, fleet.NeedsHuman, fleet.RevertProposed:
		return r.Doing == ""
	default:
	}
	return !r.State.Terminal() && !r.State.Merged() && r.Ended(p) || r.State == fleet.Regressed
}

// Clean returns since when nothing is left, given what was known before.
func Clean(residual int, since, now time.Time) time.Time {
	switch {
	case residual > 0:
		return time.Time{}
	case since.IsZero():
		return now
	}
	return since
}
