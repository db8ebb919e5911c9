package openai

import (
	"errors"
	"strings"
	"unicode"
)

const maxMessage = 300

// scrub makes a text of the endpoint fit to be shown: no key, also none that
// the endpoint has starred out itself, no control characters, 300 characters.
func (c *Client) scrub(text string) string {
	if c.cfg.APIKey != "" {
		text = strings.ReplaceAll(text, c.cfg.APIKey, "[redacted]")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
	words := strings.Fields(text)
	for i, w := range words {
		if strings.Contains(w, "***") {
			words[i] = "[redacted]"
		}
	}
	text = strings.Join(words, " ")
	if r := []rune(text); len(r) > maxMessage {
		return string(r[:maxMessage-1]) + "…"
	}
	return text
}

// clean returns err as it is when its text is fit to be shown, otherwise an
// error with the scrubbed text.
func (c *Client) clean(err error) error {
	if err == nil || c.scrub(err.Error()) == err.Error() {
		return err
	}
	return errors.New(c.scrub(err.Error()))
}
