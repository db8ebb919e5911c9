package bwrap_test

import (
	"os"
	"path/filepath"
	"testing"

	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/sandboxtest"
)

// Every ecosystem whose compiler this machine has must build inside.
func TestExec_toolchains(t *testing.T) {
	t.Parallel()
	sandboxtest.Need(t, bwrap.New(bwrap.Options{}))
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	tools := sandbox.DetectTools(map[string]string{"HOME": home, "PATH": os.Getenv("PATH")})
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go/go.mod":        "module x\n\ngo 1.21\n",
		"go/x.go":          "package x\n\nfunc X() int { return 1 }\n",
		"rust/Cargo.toml":  "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
		"rust/src/main.rs": "fn main() { println!(\"hi\"); }\n",
		"x_test.py":        "import multiprocessing, ssl, sqlite3, socket\nmultiprocessing.Queue()\nsocket.socketpair()\nprint('ok')\n",
		"x.js":             "require('child_process').execSync('true'); new (require('worker_threads').Worker)('0', {eval: true}); console.log('ok')\n",
		"X.java":           "class X { public static void main(String[] a) throws Exception { Thread t = new Thread(() -> {}); t.start(); t.join(); System.out.println(\"ok\"); } }\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sb, err := bwrap.New(bwrap.Options{Tools: tools}).Start(t.Context(), sandbox.Spec{Label: "tools", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sb.Close() }()
	for _, c := range []struct{ tool, dir, script string }{
		{"go", "go", "go build ./..."},
		{"cargo", "rust", "cargo build && target/debug/x"},
		{"python3", "", "python3 x_test.py"},
		{"node", "", "node x.js"},
		{"npm", "", "npm --version"},
		{"java", "", "java X.java"},
		{"mvn", "", "mvn --version"},
		{"git", "", "git init -q g && cd g && git commit -q --allow-empty -m x -c user.name=x || git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x"},
	} {
		have, err := sb.Exec(t.Context(), sandbox.Command{Args: []string{"sh", "-c", "command -v " + c.tool}})
		if err != nil {
			t.Fatal(err)
		}
		if have.ExitCode != 0 {
			t.Logf("%s is not installed", c.tool)
			continue
		}
		res, err := sb.Exec(t.Context(), sandbox.Command{Args: []string{"bash", "-c", c.script}, Dir: c.dir, Merge: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %v", c.tool, res.Duration)
		if res.ExitCode != 0 {
			t.Errorf("%s: exit %d, limit %q\n%s", c.tool, res.ExitCode, res.Limit, res.Stdout.Bytes())
		}
	}
}
