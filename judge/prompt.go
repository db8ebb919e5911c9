package judge

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	"honk/internal/llm"
	"honk/verify"
)

//go:embed rubric.md
var rubric string

// prompt is what the template of the rubric sees.
type prompt struct {
	Nonce        string
	Part, Parts  int
	Synthesis    bool
	Schema, Tool bool
}

// Version names the rubric and the shape of its answers: it changes when one
// of them does, so that figures are kept apart.
func Version() string {
	sum := sha256.Sum256([]byte(rubric + verdictSchema))
	return "rubric-" + hex.EncodeToString(sum[:6])
}

// newNonce returns a word that no data can hold, since it is drawn after the
// data was written.
func newNonce() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // Never fails; it ends the program instead.
	return hex.EncodeToString(b[:])
}

// fence puts data between marks that it cannot forge.
func fence(b *strings.Builder, nonce, name, data string) {
	data, _ = marked(strings.ReplaceAll(data, nonce, "[nonce]"))
	fmt.Fprintf(b, "<<<%s %s>>>\n%s\n<<<END %s %s>>>\n\n", name, nonce, strings.TrimRight(data, "\n"), name, nonce)
}

// messages builds one question: the rubric, and the data in fences.
func messages(p prompt, in Input, sections [][2]string) ([]llm.Message, error) {
	t, err := template.New("rubric").Option("missingkey=error").Parse(rubric)
	if err != nil {
		return nil, fmt.Errorf("reading the rubric: %w", err)
	}
	p.Nonce = newNonce()
	var system, user strings.Builder
	if err := t.Execute(&system, p); err != nil {
		return nil, fmt.Errorf("filling in the rubric: %w", err)
	}
	fence(&user, p.Nonce, "REPOSITORY", in.Repo)
	fence(&user, p.Nonce, "REQUEST", in.Prompt)
	if len(in.Context) > 0 {
		var notes strings.Builder
		for _, n := range in.Context {
			fmt.Fprintf(&notes, "%s at %s:\n%s\n\n", n.Author, n.At.UTC().Format("2006-01-02 15:04"), n.Text)
		}
		fence(&user, p.Nonce, "CONTEXT", notes.String())
	}
	fence(&user, p.Nonce, "FACTS", facts(in))
	for _, s := range sections {
		fence(&user, p.Nonce, s[0], s[1])
	}
	user.WriteString("Now answer the rubric for the change in the data above.")
	return []llm.Message{
		{Role: llm.RoleSystem, Content: strings.TrimSpace(system.String())},
		{Role: llm.RoleUser, Content: user.String()},
	}, nil
}

// facts tells what code established: never what the agent says of its work.
func facts(in Input) string {
	var b strings.Builder
	for _, r := range in.Gate.Report.Results {
		fmt.Fprintf(&b, "%s: %s", r.Name, r.Status)
		if r.Kind == verify.Test {
			fmt.Fprintf(&b, ", %d tests run", r.TestsRun)
		}
		b.WriteString("\n")
	}
	for _, list := range [][]string{in.Gate.Notes, in.Gate.Reasons} {
		for _, s := range list {
			fmt.Fprintf(&b, "%s\n", s)
		}
	}
	for _, f := range in.Findings {
		fmt.Fprintf(&b, "check %s, %s: %s %s\n", f.Check, f.Severity, f.File, f.Message)
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}
