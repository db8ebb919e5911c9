package verify

// Gate is a report held against the base's: what the change broke, what was
// broken before, what it mended. It passes when nothing new is wrong and
// every check that worked on the base could be made.
type Gate struct {
	Passed bool `json:"passed"`
	// Reasons says, one line each, why it did not pass.
	Reasons []string `json:"reasons,omitempty"`
	// Notes are facts that do not block: a flaky test, a check that was
	// red or broken on the base already, a package without tests.
	Notes []string `json:"notes,omitempty"`
	// New, Old and Fixed are the findings by set difference of fingerprints.
	New   []Finding `json:"new,omitempty"`
	Old   []Finding `json:"old,omitempty"`
	Fixed []Finding `json:"fixed,omitempty"`
	// Vanished are tests that passed on the base and no longer run.
	Vanished []string `json:"vanished,omitempty"`
	// Flaky are tests that failed and then passed unchanged.
	Flaky []string `json:"flaky,omitempty"`
	// Report is the change's, Base the base commit's.
	Report Report `json:"report"`
	Base   Report `json:"base"`
}
