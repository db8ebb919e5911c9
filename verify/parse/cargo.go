package parse

import (
	"regexp"
	"strings"
)

var (
	cargoTarget = regexp.MustCompile(`^\s+(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))`)
	cargoTest   = regexp.MustCompile(`^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)`)
	cargoLine   = regexp.MustCompile(` \(line \d+\)$`) // of a documentation test
	cargoOutput = regexp.MustCompile(`^---- (.+?) stdout ----$`)
	cargoThread = regexp.MustCompile(`^(thread '.*') \(\d+\) panicked`)
	cargoPlace  = regexp.MustCompile(`panicked at (?:.*, )?([^\s,:]+\.rs):(\d+):(\d+)`)
)

// CargoTest reads the text of cargo test, whose two streams must be one. A
// test's ID is "target:name".
func CargoTest(text string) Reading {
	var r Reading
	var tests Tests
	seen := false
	target := ""
	failed := map[string]*Finding{}
	var order []*Finding
	var current *Finding
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := cargoTarget.FindStringSubmatch(line); m != nil {
			target, current = m[1]+m[2], nil
			clear(failed)
		} else if m := cargoTest.FindStringSubmatch(line); m != nil {
			seen = true
			if m[2] == "ignored" {
				tests.Skips++
				continue
			}
			id := target + ":" + cargoLine.ReplaceAllString(m[1], "")
			tests.ran(id, m[2] == "ok")
			if m[2] == "FAILED" {
				failed[m[1]] = &Finding{TestID: id}
				order = append(order, failed[m[1]])
			}
		} else if m := cargoOutput.FindStringSubmatch(line); m != nil {
			current = failed[m[1]]
		} else if line == "failures:" || strings.HasPrefix(line, "test result:") {
			seen = true
			current = nil
		} else if current != nil && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "note: ") {
			if m := cargoPlace.FindStringSubmatch(line); m != nil {
				current.place(m[1], m[2])
			}
			line = cargoThread.ReplaceAllString(line, "$1 panicked")
			current.Message = strings.TrimSpace(current.Message + "\n" + line)
		}
	}
	for _, f := range order {
		if f.Message == "" {
			f.Message = "FAILED"
		}
		r.add(*f)
	}
	if !seen {
		return Lines("cargo-check", text)
	}
	r.Tests = &tests
	return r
}
