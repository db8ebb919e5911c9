package manifest_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/fleet/manifest"
	"honk/fleet/strict"
	"honk/internal/task"
)

var update = flag.Bool("update", false, "write what was got to the golden files")

// reader returns the files of an archive.
func reader(a *txtar.Archive) manifest.ReadFunc {
	return func(name string) ([]byte, error) {
		for _, f := range a.Files {
			if f.Name == name {
				return f.Data, nil
			}
		}
		return nil, fs.ErrNotExist
	}
}

func TestParse_invalid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/invalid/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read := reader(archive)
			data, _ := read("shift.yaml")
			m, err := manifest.Parse("shift.yaml", data, manifest.Options{Read: read})
			if err == nil {
				t.Fatalf("Parse() = %+v, want an error", m)
			}
			if task.CodeOf(err) != task.CodeInvalid {
				t.Errorf("code = %q", task.CodeOf(err))
			}
			last := &archive.Files[len(archive.Files)-1]
			got := err.Error() + "\n"
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_large(t *testing.T) {
	t.Parallel()
	data := []byte("apiVersion: honk/v1\n#" + strings.Repeat("x", 5<<20))
	_, err := manifest.Parse("shift.yaml", data, manifest.Options{})
	want := "shift.yaml:1: has 5242901 bytes; at most 1048576 are read; split it"
	if err == nil || err.Error() != want {
		t.Errorf("Parse() = %v, want %q", err, want)
	}
}

// What costs the parser the square of its number is refused before it.
func TestParse_costly(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"a: b\n", "\"", "a:\n ", "|\n", ">\n", "? ", "a: 'b'\n", "[", "- "} {
		start := time.Now()
		_, err := manifest.Parse("shift.yaml", []byte(strings.Repeat(unit, 50_000)), manifest.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "shift.yaml:") {
			t.Errorf("%q: %v, want an error with file and line", unit, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%q took %v", unit, took)
		}
	}
}

func mustRead(t *testing.T, name string) (*manifest.Manifest, []byte) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata/valid", name))
	if err != nil {
		t.Fatal(err)
	}
	read := reader(archive)
	data, _ := read("shift.yaml")
	m, err := manifest.Parse("shift.yaml", data, manifest.Options{Read: read})
	if err != nil {
		t.Fatal(err)
	}
	return m, data
}

func TestParse_full(t *testing.T) {
	t.Parallel()
	m, _ := mustRead(t, "full.txtar")
	spec := m.Spec
	if m.Metadata.Name != "go-1-26" || spec.Params["to"] != "1.26" || spec.Targets.Limit != 500 {
		t.Errorf("got %+v", m)
	}
	if got := spec.PullRequest.Stale.CloseAfter; got != 30*24*time.Hour {
		t.Errorf("closeAfter = %v", got)
	}
	if got := spec.Rollout.Waves[1].Gate; *got.MaxCIFailPercent != 10 || got.MergedPercent != nil || got.Soak != 24*time.Hour {
		t.Errorf("gate = %+v", got)
	}
	if got := spec.PullRequest.Body.Text; got != "Upgrades {{.repo}}.\n" {
		t.Errorf("body = %q", got)
	}
	if len(spec.Targets.Data) == 0 {
		t.Error("the target file was not read")
	}
	if got := spec.Targets.Catalog["spec.type"]; !cmp.Equal(got, map[string]any{"$in": []any{"service"}}) {
		t.Errorf("catalog = %v", got)
	}
	if got := spec.Health.OnFail; !cmp.Equal(got, []string{"alert", "halt"}) {
		t.Errorf("onFail = %v", got)
	}
}

func TestParse_defaults(t *testing.T) {
	t.Parallel()
	m, _ := mustRead(t, "minimal.txtar")
	spec := m.Spec
	got := fmt.Sprintln(spec.Targets.Limit, spec.Verify.Auto, spec.Verify.Baseline, spec.Verify.Judge,
		spec.Rollout.Order, spec.Rollout.Limits, spec.Rollout.Stop, spec.Merge,
		spec.PullRequest.Publish, spec.PullRequest.OpenWhen, spec.PullRequest.Rebase,
		spec.Transform.Script.Network, spec.Transform.Script.Timeout, spec.Health == nil)
	got = strings.TrimSpace(got)
	want := "500 true true off coverage {8 100 40 60 10 5 1} {25 30 5 2} {manual squash 1 200 40} ready green conflicted none 15m0s true"
	if got != want {
		t.Errorf("defaults\n got %s\nwant %s", got, want)
	}
	prompt, _ := mustRead(t, "prompt.txtar")
	spec = prompt.Spec
	got = fmt.Sprintln(spec.PullRequest.Publish, spec.PullRequest.OpenWhen, spec.Verify.Judge, spec.Transform.Prompt.Limits.Timeout)
	if want := "draft pushed veto 30m0s\n"; got != want {
		t.Errorf("defaults of a prompt = %q, want %q", got, want)
	}
}

func TestParse_digest(t *testing.T) {
	t.Parallel()
	a, _ := mustRead(t, "full.txtar")
	b, data := mustRead(t, "full.txtar")
	if a.Digest == "" || a.Digest != b.Digest {
		t.Errorf("digests %q and %q of the same bytes differ", a.Digest, b.Digest)
	}
	other, err := manifest.Parse("shift.yaml", data, manifest.Options{Read: func(string) ([]byte, error) {
		return []byte("other\n"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if other.Digest == a.Digest {
		t.Error("another file beside the manifest gives the same digest")
	}
}

func TestParse_autoPrompt(t *testing.T) {
	t.Parallel()
	data := []byte(`apiVersion: honk/v1
kind: Shift
metadata: {name: go-1-26}
spec:
  targets: {repos: [acme/api]}
  transform: {prompt: {text: Upgrade}}
  pullRequest: {title: Upgrade, publish: ready}
  merge: {mode: auto}
`)
	if _, err := manifest.Parse("s", data, manifest.Options{}); err == nil {
		t.Error("a prompt may merge by itself")
	}
	if _, err := manifest.Parse("s", data, manifest.Options{AutoPrompt: []string{"go-1-26"}}); err != nil {
		t.Errorf("named by the organisation: %v", err)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	const golden = "../../docs/shift.schema.json"
	got := manifest.Schema()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil { //nolint:gosec // A document anybody may read.
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date; run make golden:\n%s", golden, diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/invalid/*.txtar", "testdata/valid/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(archive.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, report := manifest.Read("s", data, manifest.Options{})
		again, err := manifest.Parse("s", data, manifest.Options{})
		if (err == nil) != (len(report.Problems()) == 0) || err == nil && again.Digest != m.Digest {
			t.Errorf("Parse() and Read() differ: %v", err)
		}
		if err == nil && (m.Metadata.Name == "" || m.Spec.Transform.Kind() == "") {
			t.Errorf("a manifest without a name or transform is valid: %+v", m)
		}
		for _, p := range report.Problems() {
			if p.Line < 1 || p.What == "" || p.How == "" {
				t.Errorf("problem without place or remedy: %+v", p)
			}
		}
	})
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"5d": 120 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute,
		"": -1, "d": -1, "-2h": -1, "1.5d": -1, "99999d": -1, "5": -1, "5d5": -1,
	}
	for text, want := range tests {
		got, err := strict.ParseDuration(text)
		if want < 0 {
			if err == nil {
				t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
			}
			continue
		}
		if got != want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
