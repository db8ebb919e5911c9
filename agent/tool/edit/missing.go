package edit

import (
	"fmt"
	"strings"
)

// missing is the refusal of text that is nowhere: it says if the new text is
// there already, and shows the lines that come closest.
func (f *file) missing(old, text string) string {
	if at := strings.Index(f.lf, text); at >= 0 && strings.TrimSpace(text) != "" {
		return fmt.Sprintf("`old` is not in the file, and `new` already is, at line %d. Nothing was changed. If that is what you wanted, go on.", f.line(at))
	}
	want := strings.Split(strings.TrimSuffix(old, "\n"), "\n")
	have := strings.Split(f.lf, "\n")
	at, equal := closest(have, want)
	if equal == 0 || 2*equal < len(want) {
		return "`old` is not in the file, and nothing in it comes close. Nothing was changed. View the lines you want to change and copy them exactly."
	}
	const most = 60
	var b strings.Builder
	fmt.Fprintf(&b, "`old` is not in the file. Nothing was changed. The closest lines (%d of %d equal; → is a tab, · a space of indentation or at the end, ≠ a line that differs):\n", equal, len(want))
	for i := range min(len(want), most) {
		mark := " "
		if strings.TrimSpace(have[at+i]) != strings.TrimSpace(want[i]) {
			mark = "≠"
		}
		fmt.Fprintf(&b, "%6d %s %s\n", at+i+1, mark, visible(have[at+i]))
	}
	if len(want) > most {
		fmt.Fprintf(&b, "[%d more lines]\n", len(want)-most)
	}
	b.WriteString("Copy them exactly into `old`.")
	return b.String()
}

// closest returns the window of have in which most lines equal want's but
// for white space at the ends, and how many do. Blank lines alone are no
// resemblance.
func closest(have, want []string) (at, equal int) {
	ids := map[string]int{}
	id := func(l string) int {
		l = strings.TrimSpace(l)
		if l == "" {
			return 0
		}
		if _, ok := ids[l]; !ok {
			ids[l] = len(ids) + 1
		}
		return ids[l]
	}
	w := make([]int, len(want))
	for i, l := range want {
		w[i] = id(l)
	}
	h := make([]int, len(have))
	for i, l := range have {
		h[i] = id(l)
	}
	for i := 0; i+len(w) <= len(h); i++ {
		n, solid := 0, false
		for j := range w {
			if w[j] == h[i+j] {
				n++
				solid = solid || w[j] != 0
			}
		}
		if solid && n > equal {
			at, equal = i, n
		}
	}
	return at, equal
}

// visible shows the white space at both ends of a line.
func visible(line string) string {
	const most = 300
	body := strings.TrimLeft(line, " \t")
	core := strings.TrimRight(body, " \t")
	show := strings.NewReplacer(" ", "·", "\t", "→")
	lead, trail := line[:len(line)-len(body)], body[len(core):]
	if len(core) > most {
		core = strings.ToValidUTF8(core[:most], "") + "…"
	}
	return show.Replace(lead) + core + show.Replace(trail)
}
