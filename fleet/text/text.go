// Package text renders the title and the body of a shift's pull requests.
package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode"

	"honk/fleet/manifest"
	"honk/internal/task"
)

const (
	maxTitle = 200
	maxBody  = 60 << 10
	// maxOutputs caps the JSON that a transform leaves.
	maxOutputs = 64 << 10
)

// Data is what a template may say. All of it is escaped.
type Data struct {
	Repo, Owner, Unit, Shift, Why, Diffstat string
	Params, Row                             map[string]string
	// Outputs is the transform's JSON object; it is hostile.
	Outputs map[string]any
}

// Texts renders a shift's pull requests. It is safe for concurrent use.
type Texts struct{ title, body *template.Template }

// Text is what one pull request says.
type Text struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// New parses the templates of a valid manifest.
func New(pr manifest.PullRequest) (*Texts, error) {
	title, err := manifest.ParseTemplate("title", pr.Title)
	if err != nil {
		return nil, fmt.Errorf("parsing the title: %w", err)
	}
	body, err := manifest.ParseTemplate("body", pr.Body.Text)
	if err != nil {
		return nil, fmt.Errorf("parsing the body: %w", err)
	}
	return &Texts{title: title, body: body}, nil
}

// Render returns the text of one pull request. Its error is for the author of
// the templates.
func (t *Texts) Render(d Data) (Text, error) {
	values := map[string]any{
		"repo": escape(d.Repo), "owner": escape(d.Owner), "unit": escape(d.Unit), "shift": escape(d.Shift),
		"why": escape(d.Why), "diffstat": escape(d.Diffstat), "params": escapeAll(d.Params),
		"row": escapeAll(d.Row), "outputs": escapeAny(d.Outputs),
	}
	title, err := run(t.title, values, maxTitle)
	if err != nil {
		return Text{}, task.Errorf(task.CodeInvalid, "the title for %s cannot be written: %w", d.Repo, err)
	}
	body, err := run(t.body, values, maxBody)
	if err != nil {
		return Text{}, task.Errorf(task.CodeInvalid, "the body for %s cannot be written: %w", d.Repo, err)
	}
	title = strings.Join(strings.Fields(unescape(title)), " ")
	if title == "" {
		return Text{}, task.Errorf(task.CodeInvalid, "the title for %s is empty; let it say something for every row", d.Repo)
	}
	return Text{Title: title, Body: body}, nil
}

var errLong = errors.New("it is too long; shorten it")

// capped refuses to grow beyond what is left.
type capped struct {
	strings.Builder
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, errLong
	}
	return c.Builder.Write(p)
}

func run(t *template.Template, values map[string]any, most int) (string, error) {
	if t.Tree == nil {
		return "", nil
	}
	out := &capped{left: most}
	if err := t.Execute(out, values); err != nil {
		if errors.Is(err, errLong) {
			return "", errLong
		}
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return out.String(), nil
}

// special are the characters that mean something in Markdown.
const special = "\\`*_{}[]()<>#+!|~"

// joiner keeps an @ from mentioning somebody and # from naming an issue.
const joiner = "\u2060"

// escape returns a value as plain text in Markdown.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(' ')
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf):
		case r == '@':
			b.WriteString("@" + joiner)
		case strings.ContainsRune(special, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unescape takes the backslashes out for a title, which is no Markdown; what
// would mention somebody stays harmless.
func unescape(s string) string {
	for _, r := range special {
		s = strings.ReplaceAll(s, `\`+string(r), string(r))
	}
	return s
}

func escapeAll(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for key, value := range m {
		out[key] = escape(value)
	}
	return out
}

// escapeKey leaves what a template may ask for by name as it is.
func escapeKey(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return escape(key)
	}
	return key
}

func escapeAny(v any) any {
	switch v := v.(type) {
	case string:
		return escape(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[escapeKey(key)] = escapeAny(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = escapeAny(value)
		}
		return out
	}
	return v
}

// Outputs reads what a transform left in its output file. Numbers are
// float64, so that no template can loop over one.
func Outputs(data []byte) (map[string]any, error) {
	if len(data) > maxOutputs {
		return nil, task.Errorf(task.CodeInvalid, "the transform left %d bytes of outputs; at most %d are read", len(data), maxOutputs)
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil, nil
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, task.Errorf(task.CodeInvalid, "the transform's outputs are no JSON object: %w", err)
	}
	return out, nil
}
