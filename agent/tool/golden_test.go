package tool_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/agent/tool"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest"
	"honk/sandbox/host"
)

var update = flag.Bool("update", false, "write what was got to the golden files")

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

// newSandbox starts a sandbox around a tree of files.
func newSandbox(t *testing.T, files map[string]string) (sandbox.Sandbox, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sb, err := host.New(host.Options{}).Start(t.Context(), sandbox.Spec{Label: "test", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Error(err)
		}
	})
	return sb, dir
}

func newSet(t *testing.T, cfg tool.Config) *tool.Set {
	t.Helper()
	if cfg.DiffFunc == nil {
		cfg.DiffFunc = func(context.Context) (task.Patch, error) { return task.Patch{}, nil }
	}
	set, err := tool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// call runs one call given as the model writes it.
func call(t *testing.T, set *tool.Set, name, arguments string) tool.Result {
	t.Helper()
	res, err := set.Run(t.Context(), set.Prepare(llm.ToolCall{ID: "c", Name: name, Arguments: arguments}))
	if err != nil {
		t.Fatalf("%s %s: %v", name, arguments, err)
	}
	return res
}

// TestGolden runs the calls of each archive in testdata, a line each, on the
// archive's files, and compares what the model is told.
func TestGolden(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	private := regexp.MustCompile(`/\S*honk-host-\S*?\.txt`)
	for _, file := range archives {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tree := map[string]string{}
			var want string
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				tree[f.Name] = string(f.Data)
			}
			sb, _ := newSandbox(t, tree)
			set := newSet(t, tool.Config{Sandbox: sb})
			var b strings.Builder
			for line := range strings.Lines(string(ar.Comment)) {
				name, arguments, _ := strings.Cut(strings.TrimSpace(line), " ")
				if name == "" || name == "#" {
					continue
				}
				res := call(t, set, name, arguments)
				fmt.Fprintf(&b, ">>> %s %s\n[%s]", name, arguments, private.ReplaceAllString(res.Title, "/FULL.txt"))
				if res.IsError {
					b.WriteString(" error")
				}
				fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(private.ReplaceAllString(res.Text, "/FULL.txt"), "\n"))
			}
			if *update {
				ar.Files = append(ar.Files[:len(tree):len(tree)], txtar.File{Name: "want", Data: []byte(b.String())})
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("what the model is told (-want +got); -update accepts it:\n%s", diff)
			}
		})
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
