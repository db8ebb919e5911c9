package sandboxtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// guestSource is a program that is nothing but the helper.
const guestSource = "package main\n\nimport \"honk/sandbox/guest\"\n\nfunc main() { guest.Main() }\n"

// Helper returns a helper for sandboxes whose / is an image, which the test's
// own program may need libraries for.
func Helper(t testing.TB) string {
	t.Helper()
	return Static(t, guestSource)
}

// Static builds a Go program that needs no library, and returns where it is.
func Static(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	err := os.WriteFile(file, []byte(source), 0o600)
	if err == nil {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, file)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		var said []byte
		if said, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("building a program: %w\n%s", err, said)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
