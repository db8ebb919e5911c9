package target

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"honk/fleet/manifest"
)

// LookupFunc returns a file of a repository at its base commit. exists is
// false, without an error, when there is none. Directories exist and are
// empty.
type LookupFunc func(path string) (data []byte, exists bool, err error)

// Preconditions are the tests of a manifest, ready to run.
type Preconditions struct {
	tests []manifest.Precondition
	exprs []*regexp.Regexp
}

// Answer is what preconditions say of a repository.
type Answer struct {
	// Reason says which test does not hold; empty when all looked at do.
	Reason string
	// Run are the commands that must yet end with 0 in the sandbox.
	Run [][]string
}

// NewPreconditions prepares the tests of a valid manifest.
func NewPreconditions(tests []manifest.Precondition) (*Preconditions, error) {
	p := &Preconditions{}
	for _, test := range tests {
		var expr *regexp.Regexp
		if test.File != "" {
			var err error
			if expr, err = regexp.Compile("(?m)" + test.Matches); err != nil {
				return nil, fmt.Errorf("compiling %q: %w", test.Matches, err)
			}
		}
		p.tests, p.exprs = append(p.tests, test), append(p.exprs, expr)
	}
	return p, nil
}

// Check asks for existence first, then for text; commands are left to the
// sandbox. It stops at the first test that does not hold.
func (p *Preconditions) Check(unit string, lookup LookupFunc) (Answer, error) {
	for _, test := range p.tests {
		if test.Exists == "" {
			continue
		}
		_, exists, err := lookup(path.Join(unit, test.Exists))
		if err != nil {
			return Answer{}, fmt.Errorf("looking for %q: %w", test.Exists, err)
		}
		if !exists {
			return Answer{Reason: test.Exists + " does not exist"}, nil
		}
	}
	var answer Answer
	for i, test := range p.tests {
		if len(test.Run) > 0 {
			answer.Run = append(answer.Run, test.Run)
		}
		if test.File == "" {
			continue
		}
		data, exists, err := lookup(path.Join(unit, test.File))
		if err != nil {
			return Answer{}, fmt.Errorf("reading %q: %w", test.File, err)
		}
		if !exists {
			return Answer{Reason: test.File + " does not exist"}, nil
		}
		if !p.exprs[i].Match(data) {
			return Answer{Reason: fmt.Sprintf("%s does not match %q", test.File, test.Matches)}, nil
		}
	}
	return answer, nil
}

// Units returns the directories of the files that a glob matches, sorted; the
// root is the empty one.
func Units(rootAt string, files []string) []string {
	var units []string
	for _, file := range files {
		if !doublestar.MatchUnvalidated(rootAt, file) {
			continue
		}
		dir := path.Dir(file)
		if dir == "." {
			dir = ""
		}
		units = append(units, dir)
	}
	slices.Sort(units)
	return slices.Compact(units)
}
