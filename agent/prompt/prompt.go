// Package prompt holds everything the loop says to the model, as templates,
// and the version that names them.
package prompt

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"text/template"

	"honk/internal/task"
	"honk/verify"
)

//go:embed *.md
var files embed.FS

// Prompts are the parsed templates.
type Prompts struct {
	templates *template.Template
	version   string
}

// New parses the templates.
func New() (*Prompts, error) {
	t, err := template.New("").Option("missingkey=error").ParseFS(files, "*.md")
	if err != nil {
		return nil, fmt.Errorf("parsing prompts: %w", err)
	}
	sum := sha256.New()
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, fmt.Errorf("listing prompts: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading prompt %q: %w", name, err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return &Prompts{templates: t, version: hex.EncodeToString(sum.Sum(nil))[:12]}, nil
}

// Version is equal for equal prompts, 12 hexadecimal digits.
func (p *Prompts) Version() string { return p.version }

// Text fills the template of a name (without .md). A value that the template
// names and data lacks is an error.
func (p *Prompts) Text(name string, data any) (string, error) {
	var b strings.Builder
	if err := p.templates.ExecuteTemplate(&b, name+".md", data); err != nil {
		return "", fmt.Errorf("filling prompt %q: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Task is the data of the first user message. Nonce fences what others wrote
// and must not be known to them.
type Task struct {
	Repo, Prompt, Nonce string
	Notes               []Note
	Instructions        []Instruction
	Verifiers           []verify.Verifier
	Tree                string
}

// Note is one message of the conversation around the request.
type Note struct{ Author, At, Text string }

// Instruction is a file of the repository meant for agents.
type Instruction struct{ Path, Text string }

// Notes makes notes fit to be shown.
func Notes(notes []task.Note) []Note {
	var out []Note
	for _, n := range notes {
		at := "time unknown"
		if !n.At.IsZero() {
			at = n.At.UTC().Format("2006-01-02 15:04 MST")
		}
		author := strings.Join(strings.Fields(n.Author), " ")
		if author == "" {
			author = "somebody"
		}
		out = append(out, Note{Author: author, At: at, Text: strings.TrimSpace(n.Text)})
	}
	return out
}
