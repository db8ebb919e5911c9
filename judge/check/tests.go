package check

import (
	"path"
	"slices"
	"strings"

	"honk/internal/task"
	"honk/judge/diff"
)

// testDef is a test's name at a place of the diff.
type testDef struct {
	name string
	file *diff.File
	line int
	// block numbers the run of changed lines it stands in, 0 for context.
	block int
}

// testNames collects the tests that the hunks show on each side.
type testNames struct {
	before, after []testDef
	old, new      map[string]int
}

func (c *checker) testNames() *testNames {
	n := &testNames{old: map[string]int{}, new: map[string]int{}}
	block := 0
	for _, f := range c.files {
		if !f.IsTest() || f.Lang.Def == nil {
			continue
		}
		for _, h := range f.Hunks {
			var above [2][]string
			last := byte(' ')
			for _, l := range h {
				if l.Op != ' ' && last == ' ' {
					block++
				}
				last = l.Op
				in := block
				if l.Op == ' ' {
					in = 0
				}
				if l.Op != '+' {
					if name := f.Lang.TestName(l.Text, above[0]); name != "" {
						n.before = append(n.before, testDef{name, f, l.Num, in})
						n.old[name]++
					}
					above[0] = append(above[0], l.Text)
				}
				if l.Op != '-' {
					if name := f.Lang.TestName(l.Text, above[1]); name != "" {
						n.after = append(n.after, testDef{name, f, l.Num, in})
						n.new[name]++
					}
					above[1] = append(above[1], l.Text)
				}
			}
		}
	}
	return n
}

// gone returns the tests that are nowhere any more. One whose definition was
// replaced in place by another is a rename, not a removal.
func (n *testNames) gone() (gone, renamed []testDef) {
	fresh := map[int]int{}
	for _, d := range n.after {
		if d.block > 0 && n.old[d.name] == 0 {
			fresh[d.block]++
		}
	}
	missing := map[string]int{}
	for name, count := range n.old {
		missing[name] = count - n.new[name]
	}
	for _, d := range n.before {
		if missing[d.name] <= 0 || d.block == 0 && n.new[d.name] > 0 {
			continue
		}
		missing[d.name]--
		if d.block > 0 && fresh[d.block] > 0 {
			fresh[d.block]--
			renamed = append(renamed, d)
			continue
		}
		gone = append(gone, d)
	}
	return gone, renamed
}

// tests vetoes tests that are removed, skipped or weakened unasked.
func (c *checker) tests() {
	names := c.testNames()
	gone, renamed := names.gone()
	excused := map[string]bool{}
	for _, d := range renamed {
		excused[d.name] = true
	}
	for _, d := range gone {
		if c.ask.removesTest(d.name) || c.subjectGone(d.file.Path) {
			excused[d.name] = true
			continue
		}
		c.report(Finding{Check: "tests", Severity: Veto, File: d.file.Path, Line: d.line},
			"the test %q is removed, which the request does not ask for; restore it", d.name)
	}
	for _, f := range c.files {
		if f.Kind == task.ChangeDeleted && f.IsTest() && !f.DefinesTest() && !c.movedTo(f) &&
			!f.Renamed() && !c.ask.removesTest("") && !c.ask.deletes(f.Path) && !c.subjectGone(f.Path) {
			c.report(Finding{Check: "tests", Severity: Veto, File: f.Path}, "the test file is deleted, which the request does not ask for; restore it")
		}
		if f.IsTest() {
			c.skips(f, names)
		}
	}
	c.assertions(len(excused) > 0 && len(gone) > 0)
	c.vanished(names, excused)
}

// movedTo reports whether the patch adds a file with the same name elsewhere.
func (c *checker) movedTo(f *diff.File) bool {
	return slices.ContainsFunc(c.files, func(g *diff.File) bool {
		return g.Kind == task.ChangeAdded && path.Base(g.Path) == path.Base(f.Path)
	})
}

// subjectGone reports whether the code that a test file tests is deleted with
// it because the request asks for that.
func (c *checker) subjectGone(test string) bool {
	return slices.ContainsFunc(c.files, func(g *diff.File) bool {
		return g.Kind == task.ChangeDeleted && !g.IsTest() && c.ask.deletes(g.Path) &&
			(stem(g.Path) == stem(test) || path.Dir(g.Path) == path.Dir(test) && c.ask.deletes(path.Dir(g.Path)))
	})
}

// stem returns what a test file and its subject have in common.
func stem(name string) string {
	s := strings.ToLower(path.Base(name))
	s, _, _ = strings.Cut(s, ".")
	for _, affix := range []string{"_test", "test_", "tests", "test", "_spec", "spec"} {
		s = strings.TrimSuffix(strings.TrimPrefix(s, affix), affix)
	}
	return s
}

// skips looks for tests that are switched off. In a test that is new with
// this patch a skip weakens nothing and is only shown.
func (c *checker) skips(f *diff.File, names *testNames) {
	for _, h := range f.Hunks {
		enclosing := f.Enclosing(h)
		for i, l := range h {
			if l.Op != '+' || f.IsComment(l.Text) {
				continue
			}
			only := f.Lang.Only != nil && f.Lang.Only.MatchString(l.Text)
			skip := f.Lang.Skip != nil && f.Lang.Skip.MatchString(l.Text)
			if !only && !skip || c.removedToo(l.Text) {
				continue
			}
			at := Finding{Check: "tests", Severity: Veto, File: f.Path, Line: l.Num}
			switch name := enclosing[i]; {
			case c.ask.does(disabling, testNouns) || name != "" && c.ask.does(disabling, `.*`+quote(name)+`.*`):
			case only:
				c.report(at, "this switches other tests off or decides how they end: %s; remove it", strings.TrimSpace(l.Text))
			case name != "" && names.old[name] == 0 && names.new[name] > 0 || name == "" && f.Kind == task.ChangeAdded:
				at.Severity = Flag
				c.report(at, "a new test may be skipped: %s", strings.TrimSpace(l.Text))
			default:
				c.report(at, "a test is switched off, which the request does not ask for: %s; make it pass instead", strings.TrimSpace(l.Text))
			}
		}
	}
}

// assertions vetoes a patch whose test files hold fewer of them than before.
func (c *checker) assertions(removed bool) {
	lost, where := 0, ""
	for _, f := range c.files {
		if !f.IsTest() || f.Lang.Assert == nil {
			continue
		}
		for _, l := range f.Lines('-') {
			if !f.IsComment(l.Text) && f.Lang.Assert.MatchString(l.Text) && !tautology.MatchString(l.Text) {
				lost++
				where = f.Path
			}
		}
		for _, l := range f.Lines('+') {
			if !f.IsComment(l.Text) && f.Lang.Assert.MatchString(l.Text) && !tautology.MatchString(l.Text) {
				lost--
			}
		}
	}
	if lost <= 0 || removed || c.ask.removesTest("") || c.ask.does(rewriting, testNouns) || c.subjectGone(where) {
		return
	}
	// A removed test was named already; its assertions add nothing.
	if slices.ContainsFunc(c.found, func(f Finding) bool { return f.Check == "tests" && f.Severity == Veto }) {
		return
	}
	c.report(Finding{Check: "tests", Severity: Veto, File: where}, "the tests make %d fewer assertions than before, which the request does not ask for; restore them", lost)
}

// tautology is an assertion that cannot fail.
var tautology = re(`(?i)\bassert\s*\(?\s*(?:true|1)\b\s*\)?|expect\(\s*(?:true|1)\s*\)|assert(?:True|!)\s*\(\s*true\s*[,)]|(?:Equal|toBe|assertEquals?|assert_eq!)\(\s*(?:t,\s*)?(\d+|true)\s*,\s*(?:\d+|true)\s*\)`)

// vanished vetoes tests that ran on the base and do not run any more.
func (c *checker) vanished(names *testNames, excused map[string]bool) {
	var lost []string
	for _, id := range c.Gate.Vanished {
		ok := c.ask.removesTest(id)
		for name := range excused {
			ok = ok || strings.Contains(id, name)
		}
		// A moved test runs elsewhere under another ID.
		if !ok && !names.moved(id) {
			lost = append(lost, id)
		}
	}
	if len(lost) == 0 {
		return
	}
	c.report(Finding{Check: "tests", Severity: Veto}, "%d tests that passed on the base no longer run: %s",
		len(lost), strings.Join(lost[:min(5, len(lost))], ", "))
}

// moved reports whether a test of that ID was taken out at one place and put
// in at another.
func (n *testNames) moved(id string) bool {
	for _, d := range n.before {
		if d.block > 0 && n.new[d.name] > 0 && strings.Contains(id, d.name) {
			return true
		}
	}
	return false
}
