// Package mrkdwn is Slack's text: decoded into what a person sees, in plain
// Markdown for a model, and escaped so that other people's words do nothing but
// be read. Everything here is a pure function over hostile text.
package mrkdwn

import (
	"regexp"
	"slices"
	"strings"

	"honk/internal/secret"
)

// Names tells what people call those whom a text names by ID, "" for who is
// not known. Each may be nil.
type Names struct {
	User, Channel, Group func(id string) string
}

func (n Names) user(id string) string    { return call(n.User, id) }
func (n Names) channel(id string) string { return call(n.Channel, id) }
func (n Names) group(id string) string   { return call(n.Group, id) }

// maxName is how long a name can be, in bytes; Slack allows 80 characters.
const maxName = 320

// call asks for a name. Whoever chose it must not write lines of their own.
func call(name func(string) string, id string) string {
	if name == nil {
		return ""
	}
	return secret.Clean(strings.Join(strings.Fields(name(id)), " "), maxName)
}

// Decode returns what a person sees of a message's text, as Markdown, and the
// kinds of what they do not see, each once.
func Decode(text string, names Names) (plain string, hidden []string) {
	var b strings.Builder
	for _, p := range split(text) {
		if p.code {
			// Slack escapes within code too, and makes links of addresses.
			b.WriteString(p.mark + tokens(p.text, names, typed) + p.mark)
			continue
		}
		b.WriteString(tokens(emphasis(p.text), names, labelled))
	}
	return Plain(b.String())
}

// Plain takes out of a text what a person does not see, and names the kinds of
// it, each once.
func Plain(text string) (plain string, hidden []string) {
	// What is taken out can make its neighbours invisible in turn.
	for range 4 {
		runes := secret.Invisible(text)
		if len(runes) == 0 {
			return text, hidden
		}
		var b strings.Builder
		for i, r := range text {
			if len(runes) == 0 || runes[0].Offset != i {
				b.WriteRune(r)
				continue
			}
			if kind := string(runes[0].Kind) + " characters"; !slices.Contains(hidden, kind) {
				hidden = append(hidden, kind)
			}
			runes = runes[1:]
		}
		slices.Sort(hidden)
		text = b.String()
	}
	return secret.Clean(text, 0), hidden
}

// piece is a part of a message: code between marks, or not.
type piece struct {
	text, mark string
	code       bool
}

// split takes a message apart at its blocks and spans of code. What is opened
// and never closed is text.
func split(text string) (pieces []piece) {
	for text != "" {
		start := strings.IndexByte(text, '`')
		if start < 0 {
			break
		}
		mark := "`"
		if strings.HasPrefix(text[start:], "```") {
			mark = "```"
		}
		rest := text[start+len(mark):]
		end := strings.Index(rest, mark)
		// A span ends in its line.
		if end <= 0 || mark == "`" && strings.IndexByte(rest[:end], '\n') >= 0 {
			pieces = append(pieces, piece{text: text[:start+len(mark)]})
			text = rest
			continue
		}
		pieces = append(pieces, piece{text: text[:start]}, piece{text: rest[:end], mark: mark, code: true})
		text = rest[end+len(mark):]
	}
	return append(pieces, piece{text: text})
}

// style is how a link is shown.
type style func(address, label string) string

// typed is a link within code: as it was typed, where Slack made it.
func typed(address, label string) string {
	if label != "" && same(address, label) {
		return label
	}
	return labelled(address, label)
}

// labelled shows where a link leads, whatever its label says.
func labelled(address, label string) string {
	shown := strings.TrimPrefix(strings.TrimPrefix(address, "mailto:"), "tel:")
	if label == "" || same(address, label) {
		return shown
	}
	return label + " (" + shown + ")"
}

// same reports whether a label is no more than the address itself.
func same(address, label string) bool {
	for _, scheme := range []string{"", "https://", "http://", "mailto:", "tel:"} {
		if rest, ok := strings.CutPrefix(address, scheme); ok && (rest == label || rest == label+"/") {
			return true
		}
	}
	return false
}

// tokenSize is how long the <token> is that text begins with, 0 when it does
// not begin with one.
func tokenSize(text string) int {
	end := strings.IndexAny(text[1:], "<>\n")
	if end < 0 || text[1+end] != '>' {
		return 0
	}
	return end + 2
}

// tokens writes what stands in angle brackets as people see it, and entities as
// their characters, each once.
func tokens(text string, names Names, link style) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(text, '<')
		if start < 0 {
			break
		}
		b.WriteString(entities.Replace(text[:start]))
		text = text[start:]
		size := tokenSize(text)
		if size == 0 {
			b.WriteByte('<')
			text = text[1:]
			continue
		}
		b.WriteString(token(text[1:size-1], names, link))
		text = text[size:]
	}
	b.WriteString(entities.Replace(text))
	return b.String()
}

// entities are the three characters that Slack escapes.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

var id = regexp.MustCompile(`^[A-Z0-9]{2,32}$`)

// token is what <inside> stands for.
func token(inside string, names Names, link style) string {
	target, label, _ := strings.Cut(inside, "|")
	label = entities.Replace(label)
	raw := "<" + entities.Replace(inside) + ">"
	group, grouped := strings.CutPrefix(target, "!subteam^")
	switch {
	case strings.HasPrefix(target, "@") && id.MatchString(target[1:]):
		return "@" + first(names.user(target[1:]), strings.TrimPrefix(label, "@"), target[1:])
	case strings.HasPrefix(target, "#") && id.MatchString(target[1:]):
		return "#" + first(names.channel(target[1:]), strings.TrimPrefix(label, "#"), target[1:])
	case grouped && id.MatchString(group):
		return "@" + strings.TrimPrefix(first(names.group(group), label, group), "@")
	case strings.HasPrefix(target, "!date^"):
		return first(label, raw)
	case grouped || target == "!":
		return raw
	case strings.HasPrefix(target, "!"):
		return "@" + strings.TrimPrefix(first(label, target[1:]), "@")
	case strings.Contains(target, ":"):
		return link(entities.Replace(target), label)
	}
	return raw
}

// first is the first of some texts that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
