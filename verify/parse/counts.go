package parse

import (
	"regexp"
	"strconv"
	"strings"
)

// summaries are how test runners say how many tests ran: groups p (passed),
// f (failed), t (ran in all) and s (skipped). The first runner that matches
// is believed; its summaries are added up.
var summaries = []*regexp.Regexp{
	// node:test, tap
	regexp.MustCompile(`(?m)^(?:#|ℹ) tests (?P<t>\d+)$(?:\n^(?:#|ℹ) suites \d+$)?(?:\n^(?:#|ℹ) pass \d+$\n^(?:#|ℹ) fail \d+$\n^(?:#|ℹ) cancelled \d+$\n^(?:#|ℹ) skipped (?P<s>\d+)$)?`),
	// a TAP plan of nothing
	regexp.MustCompile(`(?m)^1\.\.(?P<t>0)\b`),
	// jest
	regexp.MustCompile(`(?m)^Tests:\s+(?:(?P<f>\d+) failed, )?(?:(?P<s>\d+) (?:skipped|todo|pending), )*(?:(?P<p>\d+) passed, )?\d+ total`),
	// vitest
	regexp.MustCompile(`(?m)^\s*Tests\s+(?:(?P<f>\d+) failed)?(?: \| )?(?:(?P<p>\d+) passed)?(?: \| (?P<s>\d+) skipped)?.*\(\d+\)\s*$`),
	// mocha
	regexp.MustCompile(`(?m)^\s*(?P<p>\d+) passing\b.*$(?:\n^\s*(?P<s>\d+) pending$)?(?:\n^\s*(?P<f>\d+) failing$)?`),
	// cargo
	regexp.MustCompile(`(?m)^test result: \w+\. (?P<p>\d+) passed; (?P<f>\d+) failed; (?P<s>\d+) ignored`),
	// unittest
	regexp.MustCompile(`(?m)^Ran (?P<t>\d+) tests? in `),
	// pytest
	regexp.MustCompile(`(?m)^=* ?(?:(?P<f>\d+) failed, )?(?:(?P<p>\d+) passed)?(?:, )?(?:(?P<s>\d+) skipped)?(?:, \d+ \w+)* in [\d.]+s`),
	regexp.MustCompile(`(?m)^=* ?no tests ran in `),
	// maven, phpunit
	regexp.MustCompile(`(?m)^(?:\[\w+\] )?Tests run: (?P<t>\d+), Failures: \d+, Errors: \d+, Skipped: (?P<s>\d+)\s*$`),
	regexp.MustCompile(`(?m)^(?:OK \(|Tests: )(?P<t>\d+)(?: tests?)?, (?:Assertions: )?\d+`),
	// rspec, jasmine, minitest, ctest, dotnet
	regexp.MustCompile(`(?m)^(?P<t>\d+) (?:examples?|specs?), \d+ failures?`),
	regexp.MustCompile(`(?m)^(?P<t>\d+) (?:runs|tests), \d+ assertions, `),
	regexp.MustCompile(`(?m)tests passed, \d+ tests failed out of (?P<t>\d+)`),
	regexp.MustCompile(`(?m)Failed:\s+(?P<f>\d+), Passed:\s+(?P<p>\d+), Skipped:\s+(?P<s>\d+), Total:`),
	// ava
	regexp.MustCompile(`(?m)^\s*(?:(?P<f>\d+) tests? failed\n\s*)?(?P<p>\d+) tests? passed$`),
}

// maxSummary is how much of the end is searched for summaries.
const maxSummary = 1 << 20

// Counts looks for a test runner's summary in text that is not understood
// otherwise, nil when there is none.
func Counts(text string) *Tests {
	text = text[max(0, len(text)-maxSummary):]
	for _, re := range summaries {
		all := re.FindAllStringSubmatch(text, 100)
		if all == nil {
			continue
		}
		var t Tests
		for _, m := range all {
			total, skips := 0, 0
			for i, name := range re.SubexpNames() {
				n, _ := strconv.Atoi(m[i])
				switch name {
				case "p", "f":
					t.Run += n
				case "t":
					total = n
				case "s":
					skips = n
				}
			}
			t.Run += max(0, total-skips*boolInt(total > 0))
			t.Skips += skips
		}
		return &t
	}
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Any reads the output of a test command that is not known: TAP and node's
// report where they appear, else a runner's summary and complaints with a
// place.
func Any(text string) Reading {
	for _, read := range []func(string) Reading{TAP, Spec} {
		if r := read(text); r.Tests != nil && r.Tests.Run+r.Tests.Skips > 0 {
			return r
		}
	}
	if strings.Contains(text, "test result: ") {
		return CargoTest(text)
	}
	r := Lines("", text)
	r.Tests = Counts(text)
	failures := namedFailures(text)
	for _, f := range failures {
		r.add(f)
	}
	return r
}

var (
	unittestFail = regexp.MustCompile(`(?m)^(?:FAIL|ERROR): (\w+) \(([\w.]+)\)((?:\n.+)*)`)
	unittestAt   = regexp.MustCompile(`(?m)^\s*File "([^"\n]+)", line (\d+)`)
	goTextFail   = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+) \(`)
	mochaFail    = regexp.MustCompile(`(?m)^  \d+\) (.+(?:\n {5,}\S.*)*):$`)
)

// namedFailures are the failed tests that common runners name in their text.
func namedFailures(text string) []Finding {
	var out []Finding
	for _, m := range unittestFail.FindAllStringSubmatch(text, 200) {
		f := Finding{TestID: m[2], Message: m[3][strings.LastIndexByte(m[3], '\n')+1:]}
		if !strings.HasSuffix(f.TestID, "."+m[1]) {
			f.TestID += "." + m[1]
		}
		if at := unittestAt.FindAllStringSubmatch(m[3], 50); at != nil {
			f.place(at[len(at)-1][1], at[len(at)-1][2])
		}
		out = append(out, f)
	}
	for _, m := range goTextFail.FindAllStringSubmatch(text, 200) {
		out = append(out, Finding{TestID: m[1], Message: "failed"})
	}
	for _, m := range mochaFail.FindAllStringSubmatch(text, 200) {
		out = append(out, Finding{TestID: strings.Join(strings.Fields(m[1]), " "), Message: "failed"})
	}
	return out
}
