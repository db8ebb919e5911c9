package rmtree_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"honk/internal/rmtree"
)

func gone(t *testing.T, dir string) {
	t.Helper()
	if err := rmtree.Remove(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", filepath.Base(dir), err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, kept := filepath.Join(top, "dir"), filepath.Join(top, "kept")
	for _, d := range []string{"a/b/c", "a/moved-1/x", "moved-1/y", "moved-2"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"dir/a/f": "", "dir/a/b/c/f": "", "kept": "x"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"a/link", "a/b/link"} {
		if err := os.Symlink(kept, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"up", "a/up"} {
		if err := os.Symlink(top, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, dir)
	gone(t, dir) // nothing is there
	if text, err := os.ReadFile(kept); err != nil || string(text) != "x" {
		t.Errorf("a link was followed: %q, %v", text, err)
	}
}

// What a stranger forbids, a mode or a depth, keeps nothing on the disk. The
// test runs as somebody whom modes hold, with few files to open.
func TestRemove_forbidden(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("RMTREE_TEST_DIR"); dir != "" {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
			t.Fatal(err)
		}
		gone(t, filepath.Join(dir, "tree"))
		return
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	build := `set -e; cd "$RMTREE_TEST_DIR"; mkdir tree; cd -P tree; i=0
		while [ $i -lt 300 ]; do mkdir x; cd -P x; touch f; i=$((i+1)); done
		cd -P "$RMTREE_TEST_DIR"; mkdir -p tree/shut/in tree/fixed/in; chmod 0 tree/shut/in tree/shut; chmod 500 tree/fixed/in tree/fixed tree`
	script := build + `; exec "$0" -test.run 'TestRemove_forbidden$'`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, self)
	if os.Getuid() == 0 {
		// Root without capabilities is an owner whom modes hold.
		cmd = exec.CommandContext(t.Context(), "setpriv", "--bounding-set=-all", "--inh-caps=-all", "sh", "-c", script, self)
	}
	cmd.Env = append(os.Environ(), "RMTREE_TEST_DIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
