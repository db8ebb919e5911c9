package parse

import (
	"regexp"
	"strings"
)

var (
	tapResult   = regexp.MustCompile(`^( *)(not )?ok (\d+)(?: -)? ?(.*)$`)
	tapSubtest  = regexp.MustCompile(`^( *)# Subtest: (.*)$`)
	tapPlan     = regexp.MustCompile(`^1\.\.(\d+)`)
	tapLocation = regexp.MustCompile(`^\s*location: '?(.+?):(\d+):(\d+)'?$`)
	tapSkip     = regexp.MustCompile(`(?i)\s# (skip|todo)\b.*$`)
	// The parts of a node:test failure that say nothing of it.
	tapNoise = regexp.MustCompile(`^\s*(?:duration_ms|type|failureType|location|code|name|stack|generatedMessage):|\(?node:|<anonymous>\)(?: \{)?$|^\s*[{}]$`)
)

// TAP reads the Test Anything Protocol with the nested subtests of node:test.
// A test's ID is its path of names joined by " > ".
func TAP(text string) Reading {
	t := tap{parents: map[int]bool{}, seen: map[string]bool{}}
	found := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if t.block(line) {
			continue
		}
		if m := tapSubtest.FindStringSubmatch(line); m != nil {
			t.open(len(m[1])/4, m[2])
		} else if m := tapResult.FindStringSubmatch(line); m != nil {
			found = true
			t.flush()
			t.result(len(m[1])/4, m[2] == "", m[4])
		} else if tapPlan.MatchString(line) {
			found = true
		}
	}
	t.flush()
	if found {
		t.reading.Tests = &t.tests
	}
	return t.reading
}

type tap struct {
	reading Reading
	tests   Tests
	names   []string     // open subtests, outermost first
	parents map[int]bool // levels whose open subtest has children
	seen    map[string]bool
	failed  *Finding // waits for the block that explains it
	inBlock bool
	lines   []string
}

func (t *tap) open(level int, name string) {
	t.flush()
	t.names = append(t.names[:min(level, len(t.names))], name)
	t.parents[level] = false
	if level > 0 {
		t.parents[level-1] = true
	}
}

func (t *tap) result(level int, ok bool, name string) {
	skipped := tapSkip.MatchString(" " + name)
	name = tapSkip.ReplaceAllString(" "+name, "")[1:]
	outer := t.names[:min(level, len(t.names))]
	id := strings.Join(append(append([]string(nil), outer...), name), " > ")
	parent := t.parents[level]
	t.parents[level] = false
	switch {
	case parent: // its subtests are counted
		if ok || t.reading.Findings != nil {
			return
		}
	case skipped:
		t.tests.Skips++
		return
	}
	if !parent && !t.seen[id] {
		t.seen[id] = true
		t.tests.ran(id, ok)
	} else if !parent {
		t.tests.Run++ // unnamed assertions repeat
	}
	if !ok {
		t.failed = &Finding{TestID: id}
	}
}

// block collects the YAML under a failed test.
func (t *tap) block(line string) bool {
	switch trimmed := strings.TrimSpace(line); {
	case trimmed == "---":
		t.inBlock = true
	case t.inBlock && trimmed == "...":
		t.inBlock = false
		t.flush()
	case !t.inBlock:
		return false
	case t.failed != nil:
		if m := tapLocation.FindStringSubmatch(line); m != nil {
			t.failed.place(m[1], m[2])
		}
		if !tapNoise.MatchString(line) && trimmed != "|-" && trimmed != "" {
			trimmed = strings.TrimPrefix(strings.TrimSuffix(trimmed, "|-"), "error: ")
			t.lines = append(t.lines, strings.TrimSpace(trimmed))
		}
	}
	return true
}

func (t *tap) flush() {
	if t.failed != nil {
		t.failed.Message = strings.TrimSpace(strings.Join(t.lines, "\n"))
		if t.failed.Message == "" {
			t.failed.Message = "not ok"
		}
		t.reading.add(*t.failed)
	}
	t.failed, t.lines, t.inBlock = nil, nil, false
}
