package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"honk/internal/secret"
	"honk/judge/diff"
)

// shownLine is the longest line a judge is shown.
const shownLine = 2000

var (
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{200,}={0,2}`)
	// addressed is text that only a judge of the change would act upon.
	addressed = []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b(?:judge|grader|evaluator|llm|ai|language model)s?\b[^\n]{0,40}\b(?:must|should|please|shall|have to|has to)\s+(?:always\s+|just\s+)?(?:approve\b|(?:answer|return|output|say|vote|reply|respond)\s+(?:with\s+)?["']?(?:yes|approved?|pass|lgtm|ok)\b)`),
		regexp.MustCompile(`(?i)\b(?:judge|reviewer|grader|evaluator)s?\s*[:,]\s*(?:please\s+|you\s+)?(?:approve|accept|pass|answer|yes|lgtm|ignore|this\s+(?:change|diff|patch)\s+is)\b`),
		regexp.MustCompile(`(?i)\b(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|your\s+|these\s+)*(?:previous|prior|above|earlier|preceding|foregoing)\s+(?:instructions?|prompts?|rules?|rubric|directions?|messages?)`),
		regexp.MustCompile(`(?i)["'](?:decision|verdict)["']\s*:\s*["'](?:approved?|accept(?:ed)?|pass)["']`),
		regexp.MustCompile(`(?i)["']answer["']\s*:\s*["']yes["'].{0,200}["'](?:id|evidence)["']|["'](?:id|evidence)["'].{0,200}["']answer["']\s*:\s*["']yes["']`),
		regexp.MustCompile(`(?i)\b(?:approve|accept)\s+this\s+(?:change|diff|patch|pull request|pr)\b`),
		regexp.MustCompile(`\bsubmit verdict\b`),
		regexp.MustCompile(`<<<\s*(?:END\s+)?(?:REQUEST|DIFF|FACTS|CONTEXT|PARTS|FILES|REPOSITORY)\b`),
	}
	// markup is the frame of a chat, which seldom stands in honest code.
	markup = regexp.MustCompile(`<\|(?:im_start|im_end|endoftext|system|assistant|user)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)>|(?i)^\W*(?:system|assistant)\s*(?:prompt|message)\s*:`)
)

// visible replaces what a reader would not see, or not read, by marks, and
// says what it was.
func visible(text string) (string, []string) {
	text, kinds := marked(text)
	text = base64Run.ReplaceAllStringFunc(text, func(s string) string {
		kinds = append(kinds, "a long base64 text")
		return fmt.Sprintf("[base64, %d characters]", len(s))
	})
	return text, kinds
}

// marked replaces invisible characters only.
func marked(text string) (string, []string) {
	var kinds []string
	var b strings.Builder
	last := 0
	for _, r := range secret.Invisible(text) {
		if r.Value == '\r' {
			continue
		}
		b.WriteString(text[last:r.Offset])
		fmt.Fprintf(&b, "[%U]", r.Value)
		last = r.Offset + size(r)
		if kind := string(r.Kind) + " characters"; !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	b.WriteString(text[last:])
	return b.String(), kinds
}

func size(r secret.Rune) int {
	if r.Kind == secret.Invalid {
		return 1
	}
	return len(string(r.Value))
}

// rendering is a part of a change as a judge is shown it.
type rendering struct {
	text string
	// flags are suspicious but may be honest; addressed ones talk to a judge.
	flags, addressed []string
}

func (r *rendering) flag(list *[]string, format string, args ...any) {
	s := secret.Clean(fmt.Sprintf(format, args...), 200)
	if !slices.Contains(*list, s) && len(*list) < 20 {
		*list = append(*list, s)
	}
}

// render shows a file's change with line numbers. Without comments, what was
// one is blanked on both sides.
func render(f *diff.File, comments bool) rendering {
	var r rendering
	var b strings.Builder
	name, hidden := visible(strings.ReplaceAll(f.Path, "\n", "[U+000A]"))
	if len(hidden) > 0 {
		r.flag(&r.flags, "the name of %s holds %s", name, strings.Join(hidden, ", "))
	}
	fmt.Fprintf(&b, "== %s (%s, +%d -%d", name, f.Kind, f.Added, f.Removed)
	if f.Binary {
		fmt.Fprintf(&b, ", binary, %d bytes", f.Size)
	}
	if f.OldMode != f.NewMode && f.OldMode != 0 && f.NewMode != 0 {
		fmt.Fprintf(&b, ", mode %o to %o", f.OldMode, f.NewMode)
	}
	b.WriteString(")\n")
	if comments {
		r.suspect(f, 0, f.Path)
	}
	for _, h := range f.Hunks {
		var old, new diff.Stripper
		b.WriteString("@@\n")
		for _, l := range h {
			if l.Op == '+' && comments {
				r.suspect(f, l.Num, l.Text)
			}
			text := l.Text
			if !comments {
				s := &new
				if l.Op == '-' {
					s = &old
				}
				text = s.Strip(f.Lang, text)
				if l.Op == ' ' {
					old = new
				}
			}
			text, hidden := visible(text)
			if l.Op == '+' {
				for _, k := range hidden {
					r.flag(&r.flags, "%s holds %s", name, k)
				}
			}
			if len(text) > shownLine {
				r.flag(&r.flags, "%s holds a line of %d characters", name, len(text))
				text = strings.ToValidUTF8(text[:shownLine], "") + fmt.Sprintf("[cut, %d characters]", len(text)-shownLine)
			}
			fmt.Fprintf(&b, "%5d %c%s\n", l.Num, l.Op, text)
		}
	}
	r.text = b.String()
	return r
}

// suspect looks for text that is meant for the judge. It takes away what
// hides it from a pattern first.
func (r *rendering) suspect(f *diff.File, num int, text string) {
	text = secret.Clean(text, 0)
	if markup.MatchString(text) {
		r.flag(&r.flags, "%s:%d holds the markup of a chat", f.Path, num)
	}
	folded := strings.NewReplacer("_", " ", "-", " ").Replace(text)
	for _, re := range addressed {
		if re.MatchString(folded) {
			r.flag(&r.addressed, "%s:%d speaks to the judge", f.Path, num)
			return
		}
	}
}
