package fact

import (
	"fmt"
	"strings"

	"honk/verify"
)

// Verified names the verifiers of a gate by how they ended: "go build, go test
// passed (212 tests run, 210 before)".
func Verified(g verify.Gate) string {
	if g.Checked == 0 {
		return Unverified
	}
	var passed, others []string
	run, before := 0, 0
	for _, res := range g.Report.Results {
		name := strings.Join(strings.Fields(res.Name), " ")
		if res.Kind == verify.Test && res.TestsKnown {
			run += res.TestsRun
			if base := ResultOf(g.Base, res.Name); base != nil {
				before += base.TestsRun
			}
		}
		if s := StandingOf(g, res); s.Word == "pass" {
			passed = append(passed, name)
		} else {
			others = append(others, name+": "+s.Word+s.More)
		}
	}
	var parts []string
	if len(passed) > 0 {
		part := strings.Join(some(passed, 6), ", ") + " passed"
		switch {
		case run > 0 && before > 0:
			part += fmt.Sprintf(" (%s run, %s before)", Count(run, "test"), Thousands(before))
		case run > 0:
			part += fmt.Sprintf(" (%s run)", Count(run, "test"))
		}
		parts = append(parts, part)
	}
	parts = append(parts, some(others, 4)...)
	if len(parts) == 0 {
		return Proof(g)
	}
	return strings.Join(parts, "; ")
}

// some are up to count of texts, and how many there are more.
func some(texts []string, count int) []string {
	if len(texts) <= count {
		return texts
	}
	return append(texts[:count:count], fmt.Sprintf("%d more", len(texts)-count))
}
