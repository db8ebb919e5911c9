package strict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"honk/internal/task"
)

// maxProblems is how many problems are told; the rest is counted.
const maxProblems = 50

// Problem is one thing that is wrong with a document, and how to mend it.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	// Path is the key, as in spec.rollout.waves[0].gate; empty for the
	// document.
	Path string `json:"path,omitempty"`
	What string `json:"what"`
	How  string `json:"how"`
}

// String returns file, line, what and how in one line.
func (p Problem) String() string {
	where := fmt.Sprintf("%s:%d: ", p.File, p.Line)
	if p.Path != "" {
		where += p.Path + " "
	}
	return where + p.What + "; " + p.How
}

// Report is what reading a document found: where each key stands and what is
// wrong.
type Report struct {
	file     string
	lines    map[string]int
	problems []Problem
	left     int
}

// Add notes a problem of the key at a path, or of the nearest one above it
// that the document has.
func (r *Report) Add(path, what, how string) {
	r.add(Problem{File: r.file, Line: r.Line(path), Path: path, What: what, How: how})
}

// AddLine notes a problem of a line.
func (r *Report) AddLine(line int, what, how string) {
	r.add(Problem{File: r.file, Line: line, What: what, How: how})
}

// AddFile notes a problem of a line of another file that the document names.
func (r *Report) AddFile(file string, line int, what, how string) {
	r.add(Problem{File: file, Line: line, What: what, How: how})
}

func (r *Report) add(p Problem) {
	if len(r.problems) >= maxProblems {
		r.left++
		return
	}
	r.problems = append(r.problems, p)
}

// Failed reports whether a problem of the key at a path is noted.
func (r *Report) Failed(path string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Path == path })
}

// Has reports whether the document has the key at a path.
func (r *Report) Has(path string) bool { return r.lines[path] > 0 }

// Line returns the line of the key at a path, or of the nearest one above it.
func (r *Report) Line(path string) int {
	for path != "" {
		if line := r.lines[path]; line > 0 {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return max(r.lines[""], 1)
}

// Problems returns what is wrong, by file and line.
func (r *Report) Problems() []Problem {
	sorted := slices.Clone(r.problems)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.What, b.What))
	})
	return sorted
}

// Err joins all problems, each a *task.Error of code invalid; nil when there
// are none.
func (r *Report) Err() error {
	all := make([]error, 0, len(r.problems)+1)
	for _, p := range r.Problems() {
		all = append(all, task.Errorf(task.CodeInvalid, "%s", p.String()))
	}
	if r.left > 0 {
		all = append(all, task.Errorf(task.CodeInvalid, "%s: %d more problems; correct these first", r.file, r.left))
	}
	return errors.Join(all...)
}
