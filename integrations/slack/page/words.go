package page

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/integrations/slack/mrkdwn"
	"honk/internal/runner/fact"
	"honk/internal/secret"
	"honk/internal/task"
)

// mrk is text in Slack's markup that is safe to post.
type mrk string

// words makes other people's words safe for one text.
type words struct {
	scrub   *fact.Scrubber
	secrets *secret.Scanner
}

// line is text as a part of one line.
func (w *words) line(text string, most int) mrk {
	return mrk(mrkdwn.Line(w.scrub.Clean(text), most))
}

// sentence is text as a sentence of one line.
func (w *words) sentence(text string, most int) mrk {
	text = strings.Join(strings.Fields(w.scrub.Clean(text)), " ")
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	out := mrkdwn.Line(string(unicode.ToUpper(first))+text[size:], most)
	if strings.TrimRight(out, ".?!:…") == out {
		out += "."
	}
	return mrk(out)
}

// maxSummary is how many lines of a text are shown.
const maxSummary = 6

// lines are the first lines of text that hold something.
func (w *words) lines(text string, most int) []mrk {
	var out []mrk
	for l := range strings.Lines(w.scrub.Clean(text)) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if len(out) == maxSummary {
			out[maxSummary-1] += " …"
			break
		}
		out = append(out, mrk(mrkdwn.Line(l, most)))
	}
	return out
}

// maxQuote is how much of a request is quoted, in characters.
const maxQuote = 300

// quote is the begin of a request, quoted.
func (w *words) quote(text string) mrk {
	text = strings.TrimSpace(w.scrub.Clean(text))
	if runes := []rune(text); len(runes) > maxQuote {
		text = strings.TrimSpace(string(runes[:maxQuote])) + " …"
	}
	var out []string
	for _, l := range w.lines(text, 5*maxQuote) {
		out = append(out, "> "+string(l))
	}
	return mrk(strings.Join(out, "\n"))
}

// list are up to count of texts, an item each, and how many there are more.
func (w *words) list(texts []string, count, most int) []mrk {
	var out []mrk
	for _, t := range texts[:min(len(texts), count)] {
		out = append(out, "• "+w.line(t, most))
	}
	return more(out, len(texts)-len(out))
}

// more adds how many items are left out.
func more(items []mrk, left int) []mrk {
	if left > 0 {
		items = append(items, mrk("• and "+fact.Thousands(left)+" more"))
	}
	return items
}

// code is text as code within a line.
func (w *words) code(text string, most int) mrk {
	return mrk(mrkdwn.Code(w.scrub.Clean(text), most))
}

// codes are up to count of texts as code within a line.
func (w *words) codes(texts []string, count, most int) mrk {
	var parts []mrk
	for _, t := range texts[:min(len(texts), count)] {
		parts = append(parts, w.code(t, most))
	}
	if len(texts) > count {
		parts = append(parts, "…")
	}
	return join(", ", parts...)
}

// fence is text as a block of code.
func (w *words) fence(text string, lines int) mrk {
	return mrk(mrkdwn.Fence(w.scrub.Clean(text), lines, 1500))
}

// cut is text in at most so many characters.
func cut(text string, most int) string {
	if mrkdwn.Length(text) <= most {
		return text
	}
	used := 1 // the ellipsis
	for i, r := range text {
		if used += mrkdwn.Length(string(r)); used > most {
			return text[:i] + "…"
		}
	}
	return text
}

// repo is a repository's name, in bold.
func (w *words) repo(repo task.Repo) mrk { return bold(w.line(repo.String(), 150)) }

func bold(text mrk) mrk {
	if text == "" {
		return ""
	}
	return "*" + text + "*"
}

// link is text that leads somewhere, if that is to be trusted.
func link(address string, text mrk) mrk {
	if address = trusted(address); address == "" {
		return text
	}
	return mrk("<" + strings.ReplaceAll(address, "&", "&amp;") + "|" + strings.ReplaceAll(string(text), "|", "¦") + ">")
}

// amount is one of our own amounts, of which some are less than something.
func amount(text string) mrk { return mrk(strings.ReplaceAll(text, "<", "&lt;")) }

// user matches the ID of a user.
var user = regexp.MustCompile(`^[UW][A-Z0-9]{1,30}$`)

// mention calls a user, who is told by it.
func mention(id string) mrk {
	if !user.MatchString(id) {
		return ""
	}
	return mrk("<@" + id + ">")
}

// self is how Honk is called, given as the door writes it.
func self(called string) mrk {
	if id, ok := strings.CutPrefix(called, "<@"); ok {
		if m := mention(strings.TrimSuffix(id, ">")); m != "" {
			return m
		}
	}
	return "@honk"
}

// join joins what is not empty.
func join(sep string, parts ...mrk) mrk {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, string(p))
		}
	}
	return mrk(strings.Join(out, sep))
}
