// Package target says which repositories, and which parts of them, a shift is
// for: sources are united, exclusions and preconditions applied. What lies
// behind a name (a forge, a file of a repository) is asked of the caller.
package target

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"honk/fleet/manifest"
	"honk/internal/task"
)

// Target is a repository, or a unit of one.
type Target struct {
	// Repo is owner/name.
	Repo string `json:"repo"`
	// Unit is a directory of it, empty for the whole.
	Unit string `json:"unit,omitempty"`
	// Owner is the team or person that answers for it, empty when unknown.
	Owner string `json:"owner,omitempty"`
	// Row holds the further columns of a target file.
	Row map[string]string `json:"row,omitempty"`
	// BaseSHA is the head of the default branch.
	BaseSHA  string `json:"base_sha,omitempty"`
	Archived bool   `json:"archived,omitempty"`
	// Traits are what a canary should have one of each: build systems, sizes.
	Traits []string `json:"traits,omitempty"`
	// Sources say why it is in: repos, github, file, catalog.
	Sources []string `json:"sources,omitempty"`
}

// Excluded is a target that is not taken, with the reason.
type Excluded struct {
	Target Target `json:"target"`
	Reason string `json:"reason"`
}

// maxRows caps a target file.
const maxRows = 50_000

// Read returns the targets of a file with the columns repo, unit and others.
func Read(file string, data []byte) ([]Target, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff")))
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return nil, task.Errorf(task.CodeInvalid, "%s:1: has no head line; begin with repo,unit", file)
	}
	repo, unit := slices.Index(head, "repo"), slices.Index(head, "unit")
	if repo < 0 {
		return nil, task.Errorf(task.CodeInvalid, "%s:1: lacks the column repo; name it in the head line", file)
	}
	var found []Target
	var problems []error
	for len(found) <= maxRows && len(problems) < 20 {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := r.FieldPos(0)
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			problems = append(problems, task.Errorf(task.CodeInvalid, "%s:%d: %w; write as many fields as columns", file, parse.Line, parse.Err))
			continue
		}
		t := Target{Repo: strings.TrimSpace(fields[repo]), Row: map[string]string{}, Sources: []string{"file"}}
		if owner, name, ok := strings.Cut(t.Repo, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
			problems = append(problems, task.Errorf(task.CodeInvalid, "%s:%d: repo is %q; write owner/name", file, line, t.Repo))
		}
		for i, name := range head {
			switch i {
			case repo:
			case unit:
				t.Unit = strings.TrimSpace(fields[i])
			default:
				t.Row[name] = fields[i]
			}
		}
		found = append(found, t)
	}
	if len(found) > maxRows {
		problems = append(problems, task.Errorf(task.CodeInvalid, "%s: has more than %d rows; split the shift", file, maxRows))
	}
	return found, errors.Join(problems...)
}

// Resolve returns the union of what the sources found, without what the
// manifest excludes and without archived repositories, sorted. More targets
// than the limit are an error: nothing is cut silently.
func Resolve(m manifest.Targets, found ...[]Target) (in []Target, out []Excluded, err error) {
	byName := map[string]*Target{}
	for _, source := range found {
		for _, t := range source {
			key := strings.ToLower(t.Repo) + "\x00" + t.Unit
			if known := byName[key]; known != nil {
				known.merge(t)
				continue
			}
			byName[key] = &t
		}
	}
	for _, t := range byName {
		reason := ""
		if t.Archived {
			reason = "archived"
		}
		for _, glob := range m.Exclude.Repos {
			if doublestar.MatchUnvalidated(glob, t.Repo) {
				reason = fmt.Sprintf("excluded by %q", glob)
			}
		}
		if reason != "" {
			out = append(out, Excluded{Target: *t, Reason: reason})
			continue
		}
		in = append(in, *t)
	}
	slices.SortFunc(in, compare)
	slices.SortFunc(out, func(a, b Excluded) int { return compare(a.Target, b.Target) })
	if len(in) > m.Limit {
		return in, out, task.Errorf(task.CodeInvalid,
			"the shift has %d targets and its limit is %d; narrow spec.targets or raise spec.targets.limit", len(in), m.Limit)
	}
	return in, out, nil
}

func compare(a, b Target) int {
	return cmp.Or(cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Unit, b.Unit))
}

// merge adds what another source knows of the target.
func (t *Target) merge(o Target) {
	t.Owner, t.BaseSHA = cmp.Or(t.Owner, o.Owner), cmp.Or(t.BaseSHA, o.BaseSHA)
	t.Archived = t.Archived || o.Archived
	if len(t.Traits) == 0 {
		t.Traits = o.Traits
	}
	for _, source := range o.Sources {
		if !slices.Contains(t.Sources, source) {
			t.Sources = append(slices.Clone(t.Sources), source)
		}
	}
	if len(o.Row) > 0 && len(t.Row) == 0 {
		t.Row = o.Row
	}
}
