package script_test

import (
	"strings"
	"testing"

	"honk/agent"
	"honk/agent/script"
)

func TestRun_outputs(t *testing.T) {
	t.Parallel()
	const writing = `cat > "$SHIFT_OUTPUT" <<'EOT'` + "\n"
	heredoc := func(text string) string { return writing + text + "\nEOT\n" }
	const wrong = "what the script wrote to $SHIFT_OUTPUT "
	tests := map[string]struct {
		script string
		want   string // the outputs, or the reason of a run that failed
	}{
		"none":      {"true", ""},
		"good":      {heredoc(` { "b": [1, 2.50, "<&>", null, true], "a": {"x": 12345678901234567890} } `), `{"a":{"x":12345678901234567890},"b":[1,2.5,"<&>",null,true]}`},
		"empty one": {heredoc(`{}`), `{}`},
		"surrogate": {heredoc(`{"a": "\ud800"}`), `{"a":"` + "\ufffd" + `"}`},
		"deep":      {heredoc(strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16)), strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16)},
		"large":     {`printf '{"a":"%s"}' "$(head -c 65527 /dev/zero | tr '\0' x)" > "$SHIFT_OUTPUT"`, `{"a":"` + strings.Repeat("x", 65527) + `"}`},
		"unwanted":  {heredoc(`nonsense`) + "exit 20", ""},

		"too large":   {`head -c 65537 /dev/zero > "$SHIFT_OUTPUT"`, wrong + "is larger than 64 KiB"},
		"huge":        {`head -c 50000000 /dev/zero > "$SHIFT_OUTPUT"`, wrong + "is larger than 64 KiB"},
		"too deep":    {heredoc(strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17)), wrong + "is nested more than 16 deep"},
		"lists":       {heredoc(`{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}"), wrong + "is nested more than 16 deep"},
		"not JSON":    {heredoc(`{"a": 1,}`), wrong + "is not JSON: "},
		"cut":         {heredoc(`{"a": [1, 2`), wrong + "is not JSON: "},
		"key":         {heredoc(`{1: 2}`), wrong + "is not JSON: "},
		"list":        {heredoc(`[1]`), wrong + "is not a JSON object"},
		"string":      {heredoc(`"x"`), wrong + "is not a JSON object"},
		"two":         {heredoc(`{} {}`), wrong + "holds more than one JSON object"},
		"twice":       {heredoc(`{"a": 1, "\u0061": 2}`), wrong + `holds the key "a" twice`},
		"empty":       {`: > "$SHIFT_OUTPUT"`, wrong + "is empty; it must be a JSON object, or not exist"},
		"NUL":         {heredoc(`{"a": "\u0000"}`), wrong + "holds a NUL"},
		"NUL in key":  {heredoc(`{"a\u0000": 1}`), wrong + "holds a NUL"},
		"number":      {heredoc(`{"a": 1e999999}`), wrong + "holds a number that is too large or too long"},
		"long number": {heredoc(`{"a": 0.` + strings.Repeat("1", 100) + `}`), wrong + "holds a number that is too large or too long"},
		"latin":       {`printf '{"a": "\344"}' > "$SHIFT_OUTPUT"`, wrong + "is not UTF-8"},
		"directory":   {`mkdir "$SHIFT_OUTPUT"`, wrong + "is not a regular file"},
		"pipe":        {`mkfifo "$SHIFT_OUTPUT"`, wrong + "is not a regular file"},
		"link":        {`echo '{}' > "$TMPDIR/x"; ln -s "$TMPDIR/x" "$SHIFT_OUTPUT"`, wrong + "is not a regular file"},
		"device":      {`ln -s /dev/zero "$SHIFT_OUTPUT"`, wrong + "is not a regular file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			res := b.run(t, script.Options{Script: []byte("echo new > a.txt\n" + tt.script)})
			got := string(res.Outputs)
			if strings.HasPrefix(tt.want, wrong) {
				if res.Exit != agent.ExitFailed || !strings.HasPrefix(res.Reason, tt.want) || got != "" {
					t.Errorf("got %s: %q with %.80q, want %q", res.Exit, res.Reason, got, tt.want)
				}
				return
			}
			if res.Exit == agent.ExitFailed || got != tt.want {
				t.Errorf("got %s: %s with %.80q, want %.80q", res.Exit, res.Reason, got, tt.want)
			}
		})
	}
}
