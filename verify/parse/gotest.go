package parse

import (
	"encoding/json"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// goEvent is a line of go test -json.
type goEvent struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	FailedBuild string
}

// maxTestOutput is how much of one test's output is looked at.
const maxTestOutput = 64 << 10

type goTests struct {
	module  string
	reading Reading
	tests   Tests
	output  map[string]*strings.Builder // by ID
	started map[string]bool             // begun and not ended
	failed  map[string][]string         // package -> IDs of failed tests
	built   strings.Builder             // what the compiler said
	seen    bool
}

// GoTest reads the output of go test -json of a module. Files are relative to
// it. A test's ID is "package:TestName/sub".
func GoTest(stdout, stderr, module string) Reading {
	g := &goTests{
		module:  module,
		output:  map[string]*strings.Builder{},
		started: map[string]bool{},
		failed:  map[string][]string{},
	}
	for line := range strings.Lines(stdout) {
		var e goEvent
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
			// Before go 1.24 compilers spoke plain text here.
			g.built.WriteString(line)
			continue
		}
		g.event(e)
	}
	g.built.WriteString(stderr)
	g.reading.Text = Clean([]byte(g.built.String()))
	for _, f := range Lines("", g.reading.Text).Findings {
		f.Rule = "build"
		g.reading.add(f)
	}
	if g.seen {
		g.reading.Tests = &g.tests
	}
	return g.reading
}

func (g *goTests) event(e goEvent) {
	id := e.Package
	if e.Test != "" {
		id += ":" + e.Test
	}
	switch e.Action {
	case "build-output":
		g.built.WriteString(e.Output)
	case "start":
		g.seen = true
	case "run":
		g.started[id] = true
	case "output":
		g.keep(id, e.Output)
	case "pass", "skip", "fail":
		g.seen = true
		g.ended(e, id)
		delete(g.output, id)
		delete(g.started, id)
	}
}

func (g *goTests) keep(id, text string) {
	b := g.output[id]
	if b == nil {
		b = new(strings.Builder)
		g.output[id] = b
	}
	if b.Len()+len(text) <= maxTestOutput {
		b.WriteString(text)
	}
}

func (g *goTests) ended(e goEvent, id string) {
	switch {
	case e.Test == "" && e.Action == "fail":
		g.packageFailed(e)
	case e.Test == "":
		// a package that passed or has no test files
	case e.Action == "skip":
		g.tests.Skips++
	default:
		g.tests.ran(id, e.Action == "pass")
		if e.Action == "fail" {
			g.testFailed(e, id)
		}
	}
}

func (g *goTests) testFailed(e goEvent, id string) {
	for _, child := range g.failed[e.Package] {
		if strings.HasPrefix(child, id+"/") {
			g.failed[e.Package] = append(g.failed[e.Package], id)
			return // its subtests say what is wrong
		}
	}
	g.failed[e.Package] = append(g.failed[e.Package], id)
	f := g.finding(e.Package, g.text(id))
	f.TestID = id
	g.reading.add(f)
}

// packageFailed handles a package whose test binary could not be built, or
// which failed outside its tests or in the middle of one.
func (g *goTests) packageFailed(e goEvent) {
	text := g.text(e.Package)
	if e.FailedBuild != "" || strings.Contains(text, "[build failed]") {
		return // the compiler's lines are the findings
	}
	unfinished := false
	for id := range g.started {
		if !strings.HasPrefix(id, e.Package+":") {
			continue
		}
		unfinished = true
		g.tests.ran(id, false)
		f := g.finding(e.Package, g.text(id)+text)
		f.TestID, f.Message = id, "did not finish: "+f.Message
		g.reading.add(f)
		delete(g.started, id)
	}
	if unfinished || len(g.failed[e.Package]) > 0 {
		return
	}
	f := g.finding(e.Package, text)
	f.Rule = "package " + e.Package
	g.reading.add(f)
}

func (g *goTests) text(id string) string {
	if b := g.output[id]; b != nil {
		return Clean([]byte(b.String()))
	}
	return ""
}

var (
	goNoise = regexp.MustCompile(`^\s*(?:=== (?:RUN|PAUSE|CONT|NAME)|--- (?:FAIL|PASS|SKIP)|FAIL\b|PASS$|ok\s|exit status|goroutine \d+ \[|\[signal )`)
	goPlace = regexp.MustCompile(`^\s*([^\s:]+\.go):(\d+)(?:: | \+0x|$)`)
	goFrame = regexp.MustCompile(`^\t(\S+\.go):(\d+)( \+0x[0-9a-f]+)?$`)
)

// finding takes the place and the telling lines from a test's output. Of a
// stack only the repository's own frames are kept, which are relative here.
func (g *goTests) finding(pkg, text string) Finding {
	var f Finding
	var kept []string
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if goNoise.MatchString(line) || strings.TrimSpace(line) == "" {
			continue
		}
		if i+1 < len(lines) && goFrame.MatchString(lines[i+1]) {
			continue // the function's line: its place follows
		}
		if m := goFrame.FindStringSubmatch(line); m != nil {
			if path.IsAbs(m[1]) {
				continue
			}
			line = "\tat " + m[1] + ":" + m[2]
			f.place(path.Clean(m[1]), m[2])
		} else if m := goPlace.FindStringSubmatch(line); m != nil {
			f.place(path.Join(g.dirOf(pkg), m[1]), m[2])
		}
		kept = append(kept, strings.TrimPrefix(line, "    "))
	}
	f.Message = strings.TrimSpace(strings.Join(kept, "\n"))
	if f.Message == "" {
		f.Message = "failed without a message"
	}
	if strings.Contains(text, "WARNING: DATA RACE") {
		f.Rule = "data race"
	}
	return f
}

func (f *Finding) place(file, line string) {
	if f.File == "" {
		f.File = file
		f.Line, _ = strconv.Atoi(line)
	}
}

func (g *goTests) dirOf(pkg string) string {
	pkg = strings.TrimSuffix(pkg, "_test")
	if rest, ok := strings.CutPrefix(pkg, g.module); ok {
		return strings.TrimPrefix(rest, "/")
	}
	return ""
}
