// Package check holds a change against rules that need no model: tests that
// go missing, weakened checks, protected files, odd kinds of file, foreign
// dependencies, secrets, invisible text and litter.
package check

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge/diff"
	"honk/verify"
)

// Policy is what the operator allows.
type Policy struct {
	// AllowProtected are globs of protected paths that may change.
	AllowProtected []string
	// AllowPaths are globs of the paths that may change; empty means all.
	AllowPaths []string
	// Registries are hosts that dependencies may come from beside the public
	// registries.
	Registries []string
	// MaxFiles and MaxLines are the size from which a person must look:
	// default 30 and 1,500.
	MaxFiles, MaxLines int
}

// Input is what Run looks at.
type Input struct {
	Patch task.Patch
	// Base is the tree at the base commit; nil when there is only a diff.
	Base fs.FS
	// Prompt is the request, verbatim: some things are allowed when asked for.
	Prompt string
	Policy Policy
	// Secrets finds secrets; nil leaves that check to somebody else.
	Secrets *secret.Scanner
	// Viewed are the paths that the agent looked at; nil when not known.
	Viewed []string
	// Gate is the outcome of the final verification.
	Gate verify.Gate
}

// readMax bounds what is read of one file of the base.
const readMax = 8 << 20

// checks are the rows of the table of deterministic checks.
var checks = []func(*checker){
	(*checker).tests, (*checker).weakened, (*checker).scope, (*checker).protected, (*checker).kinds,
	(*checker).dependencies, (*checker).secrets, (*checker).invisible, (*checker).hygiene,
}

type checker struct {
	Input
	files []*diff.File
	ask   ask
	// removed holds the removed lines of all files, trimmed.
	removed map[string]bool
	found   []Finding
}

// Run applies every check. A patch that cannot be read is vetoed.
func Run(in Input) []Finding {
	files, err := diff.Read(in.Patch)
	if err != nil {
		return []Finding{{Check: "file_kind", Severity: Veto, Message: secret.Clean(err.Error(), 500)}}
	}
	c := &checker{Input: in, files: files, ask: newAsk(in.Prompt), removed: map[string]bool{}}
	for _, f := range files {
		for _, l := range f.Lines('-') {
			c.removed[strings.TrimSpace(l.Text)] = true
		}
	}
	var all []Finding
	for _, check := range checks {
		c.found = nil
		check(c)
		all = append(all, capped(c.found)...)
	}
	return all
}

// findingsMax is how many findings of one check are listed.
const findingsMax = 20

// capped cuts a check's findings, the worst first, and says how many it cut.
func capped(found []Finding) []Finding {
	more := len(found) - findingsMax
	if more <= 0 {
		return found
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return b.Severity.rank() - a.Severity.rank() })
	rest := found[findingsMax]
	return append(found[:findingsMax:findingsMax], Finding{Check: rest.Check, Severity: rest.Severity, Message: fmt.Sprintf("and %d more like these", more)})
}

// report adds a finding. Text that comes from the patch is cleaned here.
func (c *checker) report(f Finding, format string, args ...any) {
	f.Message = secret.Clean(fmt.Sprintf(format, args...), 500)
	f.File = secret.Clean(f.File, 500)
	if c.Secrets != nil {
		f.Message, f.File = c.Secrets.Redact(f.Message), c.Secrets.Redact(f.File)
	}
	c.found = append(c.found, f)
}

// base returns the content of a path at the base commit, false when there is
// none or nobody knows.
func (c *checker) base(name string) ([]byte, bool) {
	if c.Base == nil || !fs.ValidPath(name) {
		return nil, false
	}
	f, err := c.Base.Open(name)
	if err != nil {
		return nil, false
	}
	defer func() { _ = f.Close() }()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(f, readMax))
	return data, err == nil
}

// glob reports whether one of the globs matches the path.
func glob(globs []string, name string) bool {
	for _, g := range globs {
		if ok, _ := doublestar.Match(g, name); ok {
			return true
		}
	}
	return false
}

// touches reports whether the patch changes a file of one of these names in
// the directory of name, above it, or below it (a workspace's members).
func (c *checker) touches(name string, bases ...string) bool {
	home, _ := path.Split(name)
	for _, f := range c.files {
		dir, base := path.Split(f.Path)
		if !strings.HasPrefix(home, dir) && !strings.HasPrefix(dir, home) {
			continue
		}
		for _, b := range bases {
			if ok, _ := path.Match(b, base); ok {
				return true
			}
		}
	}
	return false
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }
