package tool

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// interactive says why a command would wait for a person, empty when nothing
// tells so. It reads the commands up to the first here-document; what hides
// deeper finds no input and runs into its time limit.
func interactive(script string) string {
	editors := []string{"vi", "vim", "nvim", "view", "nano", "pico", "emacs", "ed", "ex", "joe", "mcedit"}
	pagers := []string{"less", "more", "most", "watch"}
	interpreters := []string{"python", "python2", "python3", "node", "irb", "ruby", "perl", "php", "lua", "R", "ghci", "jshell", "psql", "mysql", "sqlite3", "bash", "sh", "zsh", "fish", "dash"}
	for _, cmd := range commands(script) {
		if len(cmd.words) == 0 {
			continue
		}
		name := path.Base(cmd.words[0])
		switch {
		case slices.Contains(editors, name):
			return fmt.Sprintf("%q is an editor, and there is no terminal. Use `edit` or `write`.", name)
		case slices.Contains(pagers, name):
			return fmt.Sprintf("%q needs a terminal, and there is none. Print the text itself, for example with head, tail or sed -n.", name)
		case slices.Contains(interpreters, name) && len(cmd.words) == 1 && !cmd.fed:
			return fmt.Sprintf("%q alone waits for input, and there is none. Give it a file, or code with a flag such as -c or -e.", name)
		}
	}
	return ""
}

// simple is one command of a script: its words up to the first redirection,
// and whether something is fed to it.
type simple struct {
	words []string
	fed   bool
}

// commands splits a script at its top level, minding quotes.
func commands(script string) []simple {
	var out []simple
	var cur simple
	var word strings.Builder
	started, skip := false, false
	flush := func() {
		w := word.String()
		word.Reset()
		// Assignments before the name are no words of the command.
		assign := len(cur.words) == 0 && strings.Contains(w, "=")
		if started && skip {
			skip, started = false, false
			return
		}
		if started && !assign && !slices.Contains([]string{"sudo", "exec", "time", "env", "then", "do", "else", "(", "{", "!"}, w) {
			cur.words = append(cur.words, w)
		}
		started = false
	}
	next := func(fed bool) {
		flush()
		out = append(out, cur)
		cur, skip = simple{fed: fed}, false
	}
	quote := byte(0)
	for i := 0; i < len(script); i++ {
		c := script[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, started = c, true
		case c == '\\' && i+1 < len(script):
			i++
			word.WriteByte(script[i])
			started = true
		case strings.HasPrefix(script[i:], "<<"):
			cur.fed = true
			next(false)
			return out
		case c == '<' || c == '>':
			flush()
			cur.fed = cur.fed || c == '<'
			skip = true
		case c == '#' && !started:
			for i+1 < len(script) && script[i+1] != '\n' {
				i++
			}
		case c == '|' && i+1 < len(script) && script[i+1] != '|':
			next(true)
		case strings.IndexByte(";|&\n()", c) >= 0:
			next(false)
		case c == ' ' || c == '\t':
			flush()
		default:
			word.WriteByte(c)
			started = true
		}
	}
	next(false)
	return out
}
