package text_test

import (
	"strings"
	"testing"

	"honk/fleet/manifest"
	"honk/fleet/text"
	"honk/internal/task"
)

func TestTexts_Render(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		title, body         string
		data                text.Data
		wantTitle, wantBody string
		err                 string
	}{
		"plain": {
			title: "Upgrade {{.repo}} to Go {{.params.to}}", body: "Why: {{.why}}",
			data:      text.Data{Repo: "acme/api", Params: map[string]string{"to": "1.26"}, Why: "https://wiki.example/x_y"},
			wantTitle: "Upgrade acme/api to Go 1.26", wantBody: `Why: https://wiki.example/x\_y`,
		},
		"hostile outputs": {
			title: "T {{.outputs.name}}", body: "{{range .outputs.list}}* {{.}}\n{{end}}",
			data:      text.Data{Outputs: map[string]any{"name": "a\nb @ada", "list": []any{"<img src=x>", "@org/team", "[x](y)\n# h\u202e"}}},
			wantTitle: "T a b @\u2060ada",
			wantBody:  "* \\<img src=x\\>\n* @\u2060org/team\n* \\[x\\]\\(y\\) \\# h\n",
		},
		"hostile keys": {
			title: "T", body: "{{range $k, $v := .outputs}}{{$k}} {{end}}{{.outputs.a_b}}",
			data:      text.Data{Outputs: map[string]any{"a_b": "x", "<!-- @ada\n": "y"}},
			wantTitle: "T", wantBody: "\\<\\!-- @\u2060ada  a_b x",
		},
		"missing key":   {title: "T {{.row.ticket}}", data: text.Data{Repo: "acme/api"}, err: "the title for acme/api cannot be written"},
		"empty title":   {title: "{{.unit}}", data: text.Data{Repo: "acme/api"}, err: "is empty"},
		"endless":       {title: "T", body: `{{printf "%70000d" 1}}`, data: text.Data{Repo: "r"}, err: "too long"},
		"number looped": {title: "T", body: "{{range .outputs.n}}x{{end}}", data: text.Data{Repo: "r", Outputs: map[string]any{"n": 1e9}}, err: "cannot be written"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			texts, err := text.New(manifest.PullRequest{Title: tt.title, Body: manifest.Body{Text: tt.body}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := texts.Render(tt.data)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || task.CodeOf(err) != task.CodeInvalid {
					t.Errorf("Render() = %q, %v, want %q", got, err, tt.err)
				}
				return
			}
			if err != nil || got.Title != tt.wantTitle || got.Body != tt.wantBody {
				t.Errorf("Render() = %q, %v\nwant %q, %q", got, err, tt.wantTitle, tt.wantBody)
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	got, err := text.Outputs([]byte(`{"n": 3}`))
	if err != nil || got["n"] != 3.0 {
		t.Errorf("Outputs() = %v, %v", got, err)
	}
	for _, bad := range []string{"[1]", "{", strings.Repeat(" ", 70<<10)} {
		if _, err := text.Outputs([]byte(bad)); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("Outputs(%.10q) = %v", bad, err)
		}
	}
	if got, err := text.Outputs(nil); got != nil || err != nil {
		t.Errorf("Outputs(nil) = %v, %v", got, err)
	}
}
