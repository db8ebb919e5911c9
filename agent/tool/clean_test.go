package tool_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"honk/agent/tool"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "a\tb\nc\n", "a\tb\nc\n"},
		{"colours", "\x1b[1;31mred\x1b[0m", "red"},
		{"title", "\x1b]0;evil title\x07text", "text"},
		{"link", "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"},
		{"unfinished title", "\x1b]0;swallow\nkept", "\nkept"},
		{"two-byte escape", "\x1b(Bx\x1b=y", "xy"},
		{"lone escape", "a\x1b", "a"},
		{"progress", "10%\r50%\r100%\ndone\r\n", "100%\ndone\n"},
		{"control bytes", "a\x00b\x08c\x7fd\u0085e", "abcde"},
		{"invalid", "a\xffb", "a\ufffdb"},
		{"three equal lines stay", "x\nx\nx\ny", "x\nx\nx\ny"},
		{"five equal lines", "x\nx\nx\nx\nx\ny", "x\n[the line above 5 times in all]\ny"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tool.Clean([]byte(tt.in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("\x1b]0;a\x07\x1b[31m\r\n\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := tool.Clean(in)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\x00\r\x07") {
			t.Errorf("%q became %q", in, got)
		}
	})
}

func TestFit(t *testing.T) {
	t.Parallel()
	small, big := strings.Repeat("s", 1000), strings.Repeat("line\n", 40_000)
	got := tool.Fit([]string{small, big, small, big})
	total := 0
	for _, s := range got {
		total += len(s)
	}
	if total > tool.StepBytes || total < tool.StepBytes*9/10 {
		t.Errorf("total = %d, want nearly %d", total, tool.StepBytes)
	}
	if got[0] != small || got[2] != small {
		t.Error("a small text was cut although a big one was there")
	}
	if !strings.Contains(got[1], "lines, ") || !strings.HasSuffix(got[1], "line\n") {
		t.Errorf("no mark or no end in %q", got[1][:200])
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = strings.Repeat("ä", 5000)
	}
	total = 0
	for _, s := range tool.Fit(many) {
		total += len(s)
		if !utf8.ValidString(s) {
			t.Fatal("cut inside a rune")
		}
	}
	if total > tool.StepBytes {
		t.Errorf("total of many = %d", total)
	}
}

func TestBash_interactive(t *testing.T) {
	t.Parallel()
	tests := []struct {
		command string
		refused bool
	}{
		{"vi a", true},
		{"FOO=1 sudo nano a", true},
		{"ls && /usr/bin/vim a", true},
		{"git diff | less -R", true},
		{"python3 >out.txt", true},
		{"node", true},
		{"echo 'vi a; less'", false},
		{"echo \"a; vi b\"", false},
		{"python3 x.py", false},
		{"echo 1 | python3", false},
		{"python3 < x.py", false},
		{"python3 - <<EOF\nvi\nEOF", false},
		{"cat <<EOF\nvi x\nEOF", false},
		{"# vi a\nls", false},
		{"grep -rn less .", false},
		{"go test ./... 2>&1 | tail -5", false},
		{"ls view", false},
	}
	sb, _ := newSandbox(t, nil)
	set := newSet(t, tool.Config{Sandbox: sb})
	for _, tt := range tests {
		raw := `{"command":` + quoted(t, tt.command) + `,"timeout_s":5}`
		got := call(t, set, "bash", raw)
		if refused := strings.HasSuffix(got.Text, "Nothing ran."); refused != tt.refused {
			t.Errorf("%q: refused = %v, want %v (%s)", tt.command, refused, tt.refused, got.Text)
		}
	}
}
