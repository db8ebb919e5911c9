package grammar

import (
	"strconv"
	"strings"
	"unicode"

	"honk/internal/task"
)

// Parse takes apart what follows the trigger. The error is a *task.Error of
// code invalid that says what to write instead; then nothing may run.
func Parse(rest string, rules Rules) (Command, error) {
	text := strings.TrimSpace(tidy(rest))
	leading, prompt := split(text, rules)
	if prompt == "" {
		// Options without a request are answered with how to make one, but
		// a slip among them is named.
		if err := apply(&Command{}, leading, rules); err != nil {
			return Command{}, err
		}
		return Command{Verb: VerbHelp}, nil
	}
	if k, following, ok := command(prompt, rules); ok {
		return k.parse(append(leading, following...), rules)
	}
	cmd := Command{Verb: VerbTask, Prompt: prompt}
	if err := apply(&cmd, leading, rules); err != nil {
		return Command{}, err
	}
	if len(prompt) > MaxPrompt {
		return Command{}, task.Errorf(task.CodeInvalid,
			"the request is %d KiB long, at most %d are read; shorten it, or put details into a file of the repository",
			(len(prompt)+1023)>>10, MaxPrompt>>10)
	}
	return cmd, nil
}

// command reports whether prompt is a keyword with nothing but options after
// it. "cancel the subscription" is a request.
func command(prompt string, rules Rules) (k keyword, following []string, ok bool) {
	word, after := cutWord(prompt)
	word = strings.TrimRight(word, ".!?")
	for _, k := range keywords {
		if strings.EqualFold(word, string(k.verb)) {
			following, more := split(after, rules)
			return k, following, more == ""
		}
	}
	return keyword{}, nil, false
}

// parse is the command k with the options words.
func (k keyword) parse(words []string, rules Rules) (Command, error) {
	if !k.options && len(words) > 0 {
		return Command{}, task.Errorf(task.CodeInvalid,
			"%s takes no options; leave out %s", k.verb, show(words[0]))
	}
	cmd := Command{Verb: k.verb}
	if err := apply(&cmd, words, rules); err != nil {
		return Command{}, err
	}
	return cmd, nil
}

// split parts the words that are options, or were meant to be, from the text
// that follows them.
func split(text string, rules Rules) (words []string, rest string) {
	for {
		word, after := cutWord(text)
		if _, _, _, ok := lookup(word, rules); !ok {
			return words, text
		}
		words, text = append(words, word), after
	}
}

func cutWord(text string) (word, after string) {
	i := strings.IndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeftFunc(text[i:], unicode.IsSpace)
}

// tidy makes text storable: valid UTF-8 without NUL, lines ending in a line
// feed.
func tidy(text string) string {
	return strings.NewReplacer("\x00", "", "\r\n", "\n").Replace(strings.ToValidUTF8(text, "\uFFFD"))
}

// show quotes a word of the asker's, cut short.
func show(word string) string {
	const most = 60
	if runes := []rune(word); len(runes) > most {
		word = string(runes[:most]) + "…"
	}
	return strconv.Quote(word)
}
