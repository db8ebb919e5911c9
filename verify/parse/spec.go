package parse

import (
	"regexp"
	"strings"
)

const specFailing = "✖ failing tests:"

var (
	specLine  = regexp.MustCompile(`^( *)([✔✖▶﹣]) (.*?)(?: \([\d.]+ms\))?( # (?:SKIP|TODO).*)?$`)
	specTimed = regexp.MustCompile(` \([\d.]+ms\)`)
	specAt    = regexp.MustCompile(`^test at (.+?):(\d+):\d+$`)
)

// Spec reads the default report of node --test on newer versions.
func Spec(text string) Reading {
	main, details, _ := strings.Cut(text, specFailing)
	s := spec{}
	for line := range strings.Lines(main) {
		s.line(strings.TrimRight(line, "\n"))
	}
	s.details(details)
	var r Reading
	for _, f := range s.failed {
		r.add(*f)
	}
	if s.seen {
		r.Tests = &s.tests
	}
	return r
}

type spec struct {
	tests  Tests
	seen   bool
	names  []string
	failed []*Finding
}

func (s *spec) line(line string) {
	m := specLine.FindStringSubmatch(line)
	if m == nil {
		return
	}
	level, name := len(m[1])/2, m[3]
	closing := level < len(s.names) && s.names[level] == name
	if closing {
		s.names = s.names[:level]
		return
	}
	s.names = s.names[:min(level, len(s.names))]
	if m[2] == "▶" && !specTimed.MatchString(line) {
		s.names = append(s.names, name)
		return
	}
	s.seen = true
	if m[2] == "﹣" || m[4] != "" {
		s.tests.Skips++
		return
	}
	id := strings.Join(append(append([]string(nil), s.names...), name), " > ")
	s.tests.ran(id, m[2] == "✔")
	if m[2] == "✖" {
		s.failed = append(s.failed, &Finding{TestID: id, Message: "failed"})
	}
}

// details reads the explanations at the end, which come in the order of the
// failures.
func (s *spec) details(text string) {
	var current *Finding
	var place []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := specAt.FindStringSubmatch(line); m != nil {
			place = m
			continue
		}
		if m := specLine.FindStringSubmatch(line); m != nil {
			current = nil
			for _, f := range s.failed {
				if f.Message == "failed" && strings.HasSuffix(" > "+f.TestID, " > "+m[3]) {
					current, f.Message = f, ""
					if place != nil {
						f.place(place[1], place[2])
					}
					break
				}
			}
			continue
		}
		if current != nil && strings.TrimSpace(line) != "" && !tapNoise.MatchString(line) {
			current.Message = strings.TrimSpace(current.Message + "\n" + strings.TrimSpace(line))
		}
	}
}
