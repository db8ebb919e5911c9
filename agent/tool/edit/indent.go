package edit

import "strings"

// reindent moves text, written against the lines old, to where the lines
// matched stand: their depth, in the file's own unit.
func reindent(text string, old, matched, all []string) string {
	known := map[string]string{}
	baseOld, baseFile, found := "", "", false
	for i := range old {
		if strings.TrimSpace(old[i]) == "" {
			continue
		}
		from, to := indentOf(old[i]), indentOf(matched[i])
		if _, ok := known[from]; !ok {
			known[from] = to
		}
		if !found {
			baseOld, baseFile, found = from, to, true
		}
	}
	lines := strings.Split(text, "\n")
	unitOld := unit(append(append([]string(nil), old...), lines...))
	unitFile := unit(all)
	for i, l := range lines {
		body := strings.TrimLeft(l, " \t")
		if body == "" {
			continue
		}
		own := indentOf(l)
		to, ok := known[own]
		if !ok {
			to = shift(baseFile, width(own, unitOld)-width(baseOld, unitOld), unitOld, unitFile)
		}
		lines[i] = to + body
	}
	return strings.Join(lines, "\n")
}

func indentOf(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// width is an indentation in columns, a tab being as wide as the unit.
func width(indent, unit string) int {
	tab := len(unit)
	if unit == "\t" {
		tab = 4
	}
	n := 0
	for _, c := range indent {
		if c == '\t' {
			n += tab
		} else {
			n++
		}
	}
	return n
}

// shift deepens base by a number of columns of the unit from, written in the
// unit to; a negative number takes away.
func shift(base string, columns int, from, to string) string {
	step := width(from, from)
	levels, rest := columns/step, columns%step
	if levels >= 0 && rest >= 0 {
		return base + strings.Repeat(to, levels) + strings.Repeat(" ", rest)
	}
	for range -levels {
		base = strings.TrimSuffix(base, to)
	}
	return base
}

// unit guesses what one level of indentation is: a tab, or the smallest step
// between lines that are indented by spaces.
func unit(lines []string) string {
	tabs, spaces, step, last := 0, 0, 0, 0
	for _, l := range lines {
		if strings.TrimSpace(l) == "" {
			continue
		}
		in := indentOf(l)
		if strings.HasPrefix(in, "\t") {
			tabs++
			continue
		}
		if in != "" {
			spaces++
		}
		if d := len(in) - last; d > 1 && (step == 0 || d < step) {
			step = d
		}
		last = len(in)
	}
	switch {
	case tabs > spaces:
		return "\t"
	case step == 0:
		return "    "
	}
	return strings.Repeat(" ", min(step, 8))
}
