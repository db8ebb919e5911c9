// Package plan finds the checks of a repository by the files that its
// ecosystems leave, and knows how each is run and read.
package plan

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"honk/verify/parse"
)

const (
	// maxScopes is how many directories of a repository are verified.
	maxScopes = 24
	// maxPerScope is how many verifiers one directory has.
	maxPerScope = 6
)

// Kind orders verifiers: they run in this order.
type Kind string

// The kinds of verifier.
const (
	Format Kind = "format"
	Build  Kind = "build"
	Lint   Kind = "lint"
	Test   Kind = "test"
)

// Verifier is one check of a repository: what to run, where, and how to read
// what it prints.
type Verifier struct {
	// Name is unique within a plan: "go test", "npm run lint (web)".
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Dir is the directory it runs in, relative to the root.
	Dir string `json:"dir,omitempty"`
	// Command is what is run, as a person would type it.
	Command string `json:"command"`
	// Why names the marker that made it apply: "go.mod", ".honk.yaml".
	Why string `json:"why"`
	// Timeout replaces Options.Timeout.
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	// Always says that it runs whatever has changed.
	Always bool `json:"always,omitempty"`

	// Recipe is nil for a command that somebody configured.
	Recipe *Recipe `json:"-"`
}

// Recipe is what the table knows of a verifier beyond its name.
type Recipe struct {
	// Ecosystem chooses the words by which a check is known to be broken.
	Ecosystem string
	// Script is for sh -c and constant; Args become its "$@". Nothing of a
	// repository is ever in Script.
	Script string
	Args   []string
	// Collect prints the report files, each followed by a line "$1". The
	// variable HONK_OUT names a fresh directory outside the work tree.
	Collect string
	// Read understands the output.
	Read func(Output) parse.Reading
	// Silent says that findings with exit code 0 are a failure.
	Silent bool
	// Alone returns Args that run one test only, nil when that is impossible.
	Alone func(id string) []string
	// List prints the packages and their dependencies in go list's JSON, so
	// that Args can be narrowed to what changed. It is nil elsewhere.
	List []string
}

// Output is what a verifier's process left.
type Output struct {
	// Root is where it ran, as it saw it; paths below it are relative in all
	// that follows.
	Root string
	// Stdout and Stderr are cleaned, both in Stdout for a command without a
	// recipe. Raw is standard output as it came.
	Stdout, Stderr string
	Raw            []byte
	// NoModules says that a node verifier failed with no packages installed.
	NoModules bool
	// Reports are the files that Collect printed.
	Reports [][]byte
}

// Text is all that was printed.
func (o Output) Text() string { return o.Stdout + "\n" + o.Stderr }

// Command is a verifier that the operator, or .honk.yaml at the base commit,
// configured.
type Command struct {
	Name string
	// Kind is one of the kinds; empty means test.
	Kind string
	// Run is a command line for bash.
	Run string
	// Dir is relative to the root.
	Dir     string
	Timeout time.Duration
}

// Detect returns the plan for a repository, from its base tree only. A
// configured command replaces what would be detected of its kind in its
// directory.
func Detect(base fs.FS, configured []Command) []Verifier {
	plan := make([]Verifier, 0, len(configured))
	type place struct {
		dir  string
		kind Kind
	}
	replaced := map[place]bool{}
	for _, c := range configured {
		v := c.verifier()
		replaced[place{v.Dir, v.Kind}] = true
		plan = append(plan, v)
	}
	for _, v := range detect(base) {
		if !replaced[place{v.Dir, v.Kind}] {
			plan = append(plan, v)
		}
	}
	sortByKind(plan)
	return unique(plan)
}

// Add returns a plan with further commands in it, which run whatever has
// changed and replace nothing.
func Add(plan []Verifier, further []Command) []Verifier {
	plan = slices.Clone(plan)
	seen := map[string]bool{}
	for _, v := range plan {
		seen[v.Name] = true
	}
	for _, c := range further {
		v := c.verifier()
		name := v.Name
		for n := 2; seen[v.Name]; n++ {
			v.Name = name + " #" + strconv.Itoa(n)
		}
		seen[v.Name], v.Always = true, true
		plan = append(plan, v)
	}
	sortByKind(plan)
	return plan
}

// verifier is what a command is in a plan.
func (c Command) verifier() Verifier {
	v := Verifier{
		Name: c.Name, Kind: Kind(c.Kind), Dir: cleanDir(c.Dir), Command: c.Run,
		Why: "configuration", Timeout: c.Timeout,
	}
	if v.Kind == "" {
		v.Kind = Test
	}
	if v.Name == "" {
		v.Name = parse.Clip(v.Command, 1, 60)
	}
	return v
}

// sortByKind puts a plan into the order in which it runs.
func sortByKind(plan []Verifier) {
	slices.SortStableFunc(plan, func(a, b Verifier) int { return kindRank(a.Kind) - kindRank(b.Kind) })
}

func detect(base fs.FS) []Verifier {
	scopes := findScopes(base)
	// covered holds what a workspace at an outer directory runs already.
	covered := map[string]map[Kind]string{}
	var plan []Verifier
	used := 0
	for _, s := range scopes {
		var here []Verifier
		for _, e := range ecosystems() {
			marker := e.marker(s)
			if marker == "" || e.last && len(here) > 0 {
				continue
			}
			for _, v := range e.plan(s) {
				root, ok := covered[e.name][v.Kind]
				if ok && Within(s.dir, root) {
					continue
				}
				v.Dir, v.Why = s.dir, path.Join(s.dir, marker)
				v.Recipe.Ecosystem = e.name
				here = append(here, v)
			}
			if e.workspace != nil && covered[e.name] == nil && e.workspace(s) {
				covered[e.name] = map[Kind]string{}
				for _, v := range here {
					covered[e.name][v.Kind] = s.dir
				}
			}
		}
		if len(here) == 0 {
			continue
		}
		if used++; used > maxScopes {
			break
		}
		plan = append(plan, here[:min(len(here), maxPerScope)]...)
	}
	return plan
}

// Within reports whether a path is dir or lies below it; "" is the root.
func Within(dir, outer string) bool {
	return outer == "" || dir == outer || strings.HasPrefix(dir, outer+"/")
}

func cleanDir(dir string) string {
	if dir = path.Clean(dir); dir == "." {
		return ""
	}
	return dir
}

func kindRank(k Kind) int { return slices.Index([]Kind{Format, Build, Lint, Test}, k) }

// unique tells verifiers of one name apart by their directories.
func unique(plan []Verifier) []Verifier {
	seen := map[string]bool{}
	for i := range plan {
		name := plan[i].Name
		if plan[i].Dir != "" && plan[i].Recipe != nil {
			name += " (" + Printable(plan[i].Dir) + ")"
		}
		for n := 2; seen[name]; n++ {
			name = plan[i].Name + " #" + strconv.Itoa(n)
		}
		seen[name] = true
		plan[i].Name = name
	}
	return plan
}

// Printable quotes a name of the repository that could not stand in a line.
func Printable(name string) string {
	if q := strconv.QuoteToGraphic(name); q != `"`+name+`"` {
		return q
	}
	return name
}
