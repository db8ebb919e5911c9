package page

import (
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"honk/integrations/slack/client"
	"honk/integrations/slack/mrkdwn"
)

// What Slack takes.
const (
	maxText    = 3000
	maxLabel   = 75
	maxValue   = 2000
	maxButtons = 5
	maxOptions = 100
	maxOption  = 150
	maxTitle   = 24
)

// board is blocks in the making.
type board struct {
	w      *words
	id     string
	blocks []slack.Block
}

// board begins blocks of which the first has an ID, if it is to be found again.
func (w *words) board(id string) *board { return &board{w: w, id: id} }

// first is the ID of the block to come.
func (b *board) first() string {
	if len(b.blocks) > 0 {
		return ""
	}
	return b.id
}

// text joins pieces as far as Slack takes them; what has no room is left out
// at the end. It looks at the whole once more: a secret may have come in parts.
func (b *board) text(sep string, pieces ...mrk) *slack.TextBlockObject {
	for n := len(pieces); n > 0; n-- {
		more := mrk("")
		if n < len(pieces) {
			more = "…"
		}
		text := string(join(sep, append(pieces[:n:n], more)...))
		if mrkdwn.Length(text) > maxText {
			continue
		}
		text = b.w.secrets.Redact(text)
		if mrkdwn.Length(text) <= maxText && strings.TrimSpace(text) != "" {
			return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
		}
	}
	return nil
}

// section adds lines that a person reads.
func (b *board) section(lines ...mrk) {
	if text := b.text("\n", lines...); text != nil {
		b.blocks = append(b.blocks, slack.NewSectionBlock(text, nil, nil, slack.SectionBlockOptionBlockID(b.first())))
	}
}

// small adds a line in small print.
func (b *board) small(parts ...mrk) {
	if text := b.text(" · ", parts...); text != nil {
		b.blocks = append(b.blocks, slack.NewContextBlock(b.first(), text))
	}
}

// actions adds what can be clicked, in a block of that ID. Nothing is what is
// nil.
func (b *board) actions(id string, elements ...slack.BlockElement) {
	var there []slack.BlockElement
	for _, e := range elements {
		if e != nil && len(there) < maxButtons {
			there = append(there, e)
		}
	}
	if len(there) > 0 {
		b.blocks = append(b.blocks, slack.NewActionBlock(id, there...))
	}
}

// message is the blocks with what stands for them where they are not shown.
func (b *board) message(text mrk) client.Message {
	return client.Message{Text: b.fallback(text), Blocks: b.set()}
}

func (b *board) set() slack.Blocks { return slack.Blocks{BlockSet: b.blocks} }

var (
	// ourMark matches a link, a mention or code: all that code makes, for
	// other text has no such marks.
	ourMark = regexp.MustCompile("(?s)```.*?```|`[^`]*`|<[^<>|]*\\|?([^<>]*)>|\\*")
	// halved matches an escape that a cut runs through.
	halved = regexp.MustCompile(`&[a-z]*…$`)
)

// fallback is text without a link and without a mention, and with no other
// markup than code, in which nothing is escaped but Slack's own three.
func (b *board) fallback(text mrk) string {
	var out strings.Builder
	at := 0
	for _, m := range ourMark.FindAllStringSubmatchIndex(string(text), -1) {
		out.WriteString(string(text[at:m[0]]))
		switch at = m[1]; {
		case text[m[0]] == '`':
			out.WriteString(string(text[m[0]:m[1]]))
		case m[2] >= 0:
			out.WriteString(string(text[m[2]:m[3]]))
		}
	}
	out.WriteString(string(text[at:]))
	plain := b.w.secrets.Redact(strings.TrimSpace(out.String()))
	return halved.ReplaceAllString(cut(plain, maxText), "…")
}

// button is a button with one of our own labels.
func button(action, label, value string) slack.BlockElement {
	return slack.NewButtonBlockElement(action, cut(value, maxValue), plainText(label, maxLabel))
}

// follow is a button that leads to an address, nil if that is not to be
// trusted.
func follow(action, label, value, address string) slack.BlockElement {
	address = trusted(address)
	if address == "" {
		return nil
	}
	b := slack.NewButtonBlockElement(action, cut(value, maxValue), plainText(label, maxLabel))
	b.URL = address
	return b
}

func plainText(text string, most int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, cut(text, most), false, false)
}

// fullName matches owner/name as forges allow it.
var fullName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+$`)

// menu is a menu of repositories, nil without any, and how many have no room
// in it. chosen is the one it begins with, "" for none.
func menu(action string, repos []string, chosen string) (m *slack.SelectBlockElement, left int) {
	var options []*slack.OptionBlockObject
	var first *slack.OptionBlockObject
	seen := map[string]bool{}
	for _, repo := range repos {
		if seen[repo] || len(repo) > maxOption || !fullName.MatchString(repo) {
			continue
		}
		seen[repo] = true
		if len(options) == maxOptions {
			left++
			continue
		}
		o := slack.NewOptionBlockObject(repo, plainText(repo, maxLabel), nil)
		options = append(options, o)
		if repo == chosen {
			first = o
		}
	}
	if len(options) == 0 {
		return nil, 0
	}
	m = slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainText("Another repository", maxLabel), action, options...)
	m.InitialOption = first
	return m, left
}
