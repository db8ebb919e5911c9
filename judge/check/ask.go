package check

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// ask answers whether a request asks for something that is vetoed unasked. It
// reads clause by clause and errs on the side of no: whoever wants a test
// removed can say so.
type ask struct {
	clauses []string
	// refusals are clauses that forbid something.
	refusals []string
}

var (
	clauseEnd = regexp.MustCompile(`[,;:!?\n]|\.(?:\s|$)|\s(?:but|and then)\s`)
	negation  = regexp.MustCompile(`(?i)\b(?:not|never|without|don'?t|doesn'?t|mustn'?t|shouldn'?t|won'?t|cannot|avoid|except|instead of|rather than|leave|keep|untouched|unchanged)\b`)
)

// Verbs by what they do to their object.
const (
	removal   = `(?:remov|delet|drop|prun|retir|rip|obsolet)\w*`
	disabling = `(?:skip|disabl|ignor|quarantin|mut)\w*`
	rewriting = `(?:rewrit|refactor|simplif|consolidat|combin|merg|parametri[sz]|convert|replac|restructur|dedup)\w*`
	lowering  = `(?:downgrad|revert|pin|roll\w*|lower)\w*`
)

func newAsk(prompt string) ask {
	var a ask
	for _, c := range clauseEnd.Split(prompt, -1) {
		if c = strings.TrimSpace(c); c == "" {
			continue
		}
		if negation.MatchString(c) {
			a.refusals = append(a.refusals, c)
		} else {
			a.clauses = append(a.clauses, c)
		}
	}
	return a
}

// matches reports whether some clause matches and no refusal does.
func (a ask) matches(re *regexp.Regexp) bool {
	return !slices.ContainsFunc(a.refusals, re.MatchString) && slices.ContainsFunc(a.clauses, re.MatchString)
}

// names reports whether the request names the path: in full, or by its last
// element where that is a file name of its own.
func (a ask) names(name string) bool {
	base := path.Base(name)
	re := `(?i)(?:^|[^\w./-])(?:\./)?(?:` + regexp.QuoteMeta(name)
	if strings.ContainsAny(base, ".") || base != strings.ToLower(base) {
		re += "|" + regexp.QuoteMeta(base)
	}
	return a.matches(regexp.MustCompile(re + `)(?:$|[^\w/-])`))
}

// does reports whether a clause holds one of the verbs and, within the next
// few words, one of the nouns. Words that start another thought end the reach:
// "remove the flag and add a test" asks for no test's removal.
func (a ask) does(verbs, nouns string) bool {
	verb := regexp.MustCompile(`(?i)^(?:` + verbs + `)$`)
	noun := regexp.MustCompile(`(?i)^(?:` + nouns + `)$`)
	hit := func(clause string) bool { return near(clause, verb, noun) }
	return !slices.ContainsFunc(a.refusals, hit) && slices.ContainsFunc(a.clauses, hit)
}

// reach is how many words may stand between a verb and its object.
const reach = 6

var otherThought = regexp.MustCompile(`(?i)^(?:and|then|add\w*|write|fix\w*|keep|so|to|in|from|for|with|by|via|using|that|which|when|if|because)$`)

func near(clause string, verb, noun *regexp.Regexp) bool {
	left := 0
	for w := range strings.FieldsSeq(clause) {
		w = strings.Trim(w, "`'\"()[]{}<>*_.,")
		switch {
		case verb.MatchString(w):
			left = reach
		case left > 0 && noun.MatchString(w):
			return true
		case otherThought.MatchString(w):
			left = 0
		default:
			left--
		}
	}
	return false
}

const testNouns = `(?:[\w.-]*-)?tests?|specs?|test-?cases?|testcases?|test suites?|assertions?|expectations?`

// removesTest reports whether the request asks for the removal of tests in
// general, of the one named, or of the code that the name shows it tests.
func (a ask) removesTest(name string) bool {
	if a.does(removal, testNouns) {
		return true
	}
	if name == "" {
		return false
	}
	if a.does(removal+"|"+rewriting+"|renam\\w*", regexp.QuoteMeta(name)) {
		return true
	}
	flat := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for _, id := range a.removed() {
		if strings.Contains(flat(name), flat(id)) {
			return true
		}
	}
	return false
}

// identifier is a word that can only name code: it has an inner capital, an
// underscore, parentheses or back quotes.
var identifier = regexp.MustCompile("`([\\w.]{4,})`|\\b(\\w{3,})\\(\\)|\\b([a-zA-Z]+_\\w{2,}|[a-z]+[A-Z]\\w{2,}|[A-Z][a-z]+[A-Z]\\w+)\\b")

// removed returns the identifiers whose removal is asked for.
func (a ask) removed() []string {
	var out []string
	for _, c := range a.clauses {
		for _, m := range identifier.FindAllStringSubmatch(c, -1) {
			id := m[1] + m[2] + m[3]
			id = id[strings.LastIndexByte(id, '.')+1:]
			if len(id) >= 4 && a.does(removal, `(?:[\w.]*\.)?`+regexp.QuoteMeta(id)) {
				out = append(out, id)
			}
		}
	}
	return out
}

// deletes reports whether the request asks for the deletion of this path, its
// directory or the code of its name.
func (a ask) deletes(name string) bool {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	stem := strings.TrimSuffix(base, path.Ext(base))
	nouns := regexp.QuoteMeta(name) + "|" + regexp.QuoteMeta(base) + "|" + regexp.QuoteMeta(stem)
	if dir != "" {
		nouns += "|" + regexp.QuoteMeta(dir) + "/?|" + regexp.QuoteMeta(path.Base(dir))
	}
	return a.does(removal, nouns)
}
