package mrkdwn

import "strings"

// Command takes the first mention of a bot out of a message, as Slack encodes
// it: what stands before it, and what follows. ok is false when the bot is
// mentioned in quotes and code only.
func Command(text, bot string) (before, after string, ok bool) {
	own := unquoted(text)
	for from := 0; ; {
		at := strings.Index(own[from:], "<@"+bot)
		if at < 0 || bot == "" {
			return "", "", false
		}
		start := from + at
		from = start + len("<@") + len(bot)
		// Anything else is somebody whose ID begins alike.
		if rest := own[from:]; strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "|") {
			if size := tokenSize(own[start:]); size > 0 {
				return text[:start], text[start+size:], true
			}
		}
	}
}

// unquoted is text of the same length in which quotes and code say nothing.
func unquoted(text string) string {
	var b strings.Builder
	hide := func(text string) { b.WriteString(strings.Repeat("\x00", len(text))) }
	for _, p := range split(text) {
		if p.code {
			hide(p.mark + p.text + p.mark)
			continue
		}
		b.WriteString(p.text)
	}
	own := b.String()
	b.Reset()
	for rest := own; rest != ""; {
		line, _, _ := strings.Cut(rest, "\n")
		switch start := strings.ReplaceAll(strings.TrimSpace(line), "&gt;", ">"); {
		case strings.HasPrefix(start, ">>>"):
			// All that is below is quoted as well.
			hide(rest)
			return b.String()
		case strings.HasPrefix(start, ">"):
			hide(line)
		default:
			b.WriteString(line)
		}
		if rest = rest[len(line):]; rest != "" {
			b.WriteByte('\n')
			rest = rest[1:]
		}
	}
	return b.String()
}
