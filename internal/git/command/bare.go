package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"honk/internal/task"
)

// Neutral switches off, with the highest precedence there is, every
// attribute that would change bytes or call a program.
const Neutral = "* -text !eol !crlf -ident !filter !working-tree-encoding !diff !merge " +
	"!conflict-marker-size !whitespace !export-subst !export-ignore\n"

// New makes a bare git directory that borrows objects from others, without
// running git.
func New(binary, dir string, alternates ...string) (Repo, error) {
	r := Repo{Binary: binary, Dir: dir}
	for _, sub := range []string{"objects/info", "objects/pack", "refs", "info"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return r, fmt.Errorf("making a git directory: %w", err)
		}
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if len(alternates) > 0 {
		// What borrows objects lives no longer than a task.
		config += "\tfsync = none\n"
	}
	var list strings.Builder
	for _, a := range alternates {
		if strings.Contains(a, "\n") {
			return r, task.Errorf(task.CodeInvalid, "the path %q holds a line break; move the repository", a)
		}
		list.WriteString(a + "\n")
	}
	for name, content := range map[string]string{
		"HEAD":                    "ref: refs/heads/none\n",
		"config":                  config,
		"info/attributes":         Neutral,
		"objects/info/alternates": list.String(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return r, fmt.Errorf("making a git directory: %w", err)
		}
	}
	return r, nil
}
