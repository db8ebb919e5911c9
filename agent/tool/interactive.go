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

// simple is one command of a script: its words without redirections, and
// whether something is fed to it.
type simple struct {
	words []string
	fed   bool
}

// splitter splits a script into commands.
type splitter struct {
	out []simple
	cur simple
	// word is being read if started is set; skip says that it is the target
	// of a redirection.
	word          strings.Builder
	started, skip bool
}

func (s *splitter) put(c byte) {
	s.word.WriteByte(c)
	s.started = true
}

func (s *splitter) endWord() {
	w := s.word.String()
	s.word.Reset()
	if !s.started {
		return
	}
	s.started = false
	if s.skip {
		s.skip = false
		return
	}
	// Assignments and keywords before the name are no words of the command.
	first := len(s.cur.words) == 0
	before := []string{"sudo", "exec", "time", "env", "then", "do", "else", "{", "!"}
	if first && (strings.Contains(w, "=") || slices.Contains(before, w)) {
		return
	}
	s.cur.words = append(s.cur.words, w)
}

func (s *splitter) endCommand(pipe bool) {
	s.endWord()
	s.out = append(s.out, s.cur)
	s.cur, s.skip = simple{fed: pipe}, false
}

// commands splits a script at its top level, minding quotes.
func commands(script string) []simple {
	var s splitter
	quote := byte(0)
	for i := 0; i < len(script); i++ {
		c := script[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			s.put(c)
		case c == '\'' || c == '"':
			quote, s.started = c, true
		case c == '\\' && i+1 < len(script):
			i++
			s.put(script[i])
		case strings.HasPrefix(script[i:], "<<"):
			s.cur.fed = true
			s.endCommand(false)
			return s.out
		case c == '<' || c == '>':
			s.endWord()
			s.cur.fed = s.cur.fed || c == '<'
			s.skip = true
		case c == '#' && !s.started:
			for i+1 < len(script) && script[i+1] != '\n' {
				i++
			}
		case strings.IndexByte(";|&\n()", c) >= 0:
			s.endCommand(c == '|' && !strings.HasPrefix(script[i+1:], "|"))
		case c == ' ' || c == '\t':
			s.endWord()
		default:
			s.put(c)
		}
	}
	s.endCommand(false)
	return s.out
}
