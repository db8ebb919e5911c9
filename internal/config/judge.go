package config

import "slices"

// JudgeMode says what a verdict may do, like judge.Mode.
type JudgeMode string

// The modes.
const (
	JudgeOff    JudgeMode = "off"
	JudgeAdvise JudgeMode = "advise"
	JudgeVeto   JudgeMode = "veto"
)

// rank is the strictness, -1 for an unknown mode.
func (m JudgeMode) rank() int {
	return slices.Index([]JudgeMode{JudgeOff, JudgeAdvise, JudgeVeto}, m)
}

// Valid reports whether m is one of the modes.
func (m JudgeMode) Valid() bool { return m.rank() >= 0 }

// Stricter returns the stricter of m and o. The empty mode is the mildest, so
// a repository's file can raise the organisation's mode and never lower it.
func (m JudgeMode) Stricter(o JudgeMode) JudgeMode {
	if o.rank() > m.rank() {
		return o
	}
	return m
}

// AtLeast returns the modes that are no milder than m, the mildest first.
func (m JudgeMode) AtLeast() []string {
	var list []string
	for _, j := range []JudgeMode{JudgeOff, JudgeAdvise, JudgeVeto} {
		if j.rank() >= m.rank() {
			list = append(list, string(j))
		}
	}
	return list
}
