package verify_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/guest"
	"honk/sandbox/host"
	"honk/verify"
)

var (
	update   = flag.Bool("update", false, "rewrite the golden files")
	isolated = flag.Bool("isolated", false, "run the projects in bubblewrap")
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// newSandbox starts a real sandbox over dir with the machine's toolchains.
func newSandbox(t *testing.T, dir string) sandbox.Sandbox {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	tools := sandbox.DetectTools(map[string]string{"HOME": home, "PATH": os.Getenv("PATH")})
	var backend sandbox.Backend = host.New(host.Options{Tools: tools})
	spec := sandbox.Spec{Label: "test", Dir: dir}
	if *isolated {
		backend = bwrap.New(bwrap.Options{Tools: tools})
	} else {
		// The machine's own build cache saves a minute.
		out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
		if err != nil {
			t.Fatal(err)
		}
		spec.Env = map[string]string{"GOCACHE": strings.TrimSpace(string(out))}
	}
	sb, err := backend.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	return sb
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// project is a txtar file: a repository, the files that a change brings under
// head/ ("DELETED" removes one), and what is expected under want. Its comment
// has lines "needs TOOL", "changed PATH" and "command KIND RUN".
type project struct {
	base, head map[string][]byte
	changed    []string
	commands   []verify.Command
	want       string
}

func readProject(t *testing.T, ar *txtar.Archive) project {
	t.Helper()
	p := project{base: map[string][]byte{}, head: map[string][]byte{}}
	for line := range strings.Lines(string(ar.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "needs":
			switch {
			case installed(t, rest):
			case os.Getenv("CI") == "true" && (rest == "go" || rest == "node"):
				t.Fatalf("%s is not installed", rest)
			default:
				t.Skipf("%s is not installed", rest)
			}
		case "changed":
			p.changed = append(p.changed, rest)
		case "command":
			kind, run, _ := strings.Cut(rest, " ")
			p.commands = append(p.commands, verify.Command{Kind: kind, Run: run})
		}
	}
	for _, f := range ar.Files {
		name, isHead := strings.CutPrefix(f.Name, "head/")
		switch {
		case f.Name == "want":
			p.want = string(f.Data)
		case isHead:
			p.head[name] = f.Data
		default:
			p.base[name], p.head[name] = f.Data, orElse(p.head[name], f.Data)
		}
	}
	return p
}

func orElse(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// installed looks where the sandbox looks.
func installed(t *testing.T, tool string) bool {
	t.Helper()
	if tool == "pytest" {
		return exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import pytest").Run() == nil
	}
	_, err := exec.LookPath(tool)
	return err == nil
}

func (p project) tree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if string(data) != "DELETED\n" {
			writeFile(t, filepath.Join(dir, name), data)
		}
	}
	return dir
}

// TestCheck_projects runs real projects through detection, baseline and gate.
func TestCheck_projects(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/run/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no projects", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := readProject(t, ar)
			got := p.run(t)
			if !*update {
				if diff := cmp.Diff(p.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				return
			}
			ar.Files = append(withoutWant(ar.Files), txtar.File{Name: "want", Data: []byte(got)})
			if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func withoutWant(files []txtar.File) []txtar.File {
	var out []txtar.File
	for _, f := range files {
		if f.Name != "want" {
			out = append(out, f)
		}
	}
	return out
}

// varying are durations and versions, which are not the same everywhere.
var varying = []struct{ re, by string }{
	{`, [\d.]+m?s\b`, ""},
	{`\bsh: \d+: `, "sh: "},
	{`python3\.\d+`, "python3"},
	{`/tmp/\S+/report`, "<tmp>/report"},
	{`(?:\S+@v\S+: reading file:///no-network\S+: no such file or directory|open /\S+\.lock: read-only file system)`, "<not in the cache>"},
	{`maven-([a-z]+)-plugin\S*`, "maven-$1-plugin"},
	{`(?m)^\s*\[(?:INFO|WARNING)\].*\n`, ""},
}

func (p project) run(t *testing.T) string {
	t.Helper()
	baseDir := p.tree(t, p.base)
	plan := verify.Detect(os.DirFS(baseDir), p.commands)
	base, err := verify.Run(t.Context(), newSandbox(t, baseDir), plan, verify.Options{ConfirmFailures: true})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := verify.Check(t.Context(), newSandbox(t, p.tree(t, p.head)), plan, base, verify.Options{Changed: p.changed})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, v := range plan {
		fmt.Fprintf(&out, "plan: %s: %s [%s]\n", v.Name, v.Command, v.Why)
	}
	fmt.Fprintf(&out, "\nbase:\n%s\nhead:\n%s", base.Text(), gate.Text())
	text := out.String()
	for _, v := range varying {
		text = regexp.MustCompile(v.re).ReplaceAllString(text, v.by)
	}
	return text
}
