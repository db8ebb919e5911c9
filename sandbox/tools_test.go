package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/sandbox"

	"github.com/google/go-cmp/cmp"
)

func TestDetectTools(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	home := filepath.Join(top, "home")
	program := func(name string) {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"go/bin/go", "go/VERSION", "home/go/pkg/mod/x",
		"home/.cargo/bin/cargo", "home/.cargo/credentials.toml", "home/.cargo/registry/x",
		"home/.rustup/toolchains/stable-x/bin/cargo",
		"home/.pyenv/shims/python3", "home/.pyenv/versions/3.12.1/bin/python3",
		"home/.nvm/versions/node/v20/bin/node", "home/.m2/settings.xml", "home/.m2/repository/x", "home/.netrc",
		"home/.npmrc",
	} {
		program(name)
	}
	if err := os.WriteFile(filepath.Join(home, ".pyenv", "version"), []byte("3.12.1\n../../..\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(top, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(home, ".nvm/versions/node/v20/bin/node"), filepath.Join(top, "bin/node")); err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{top + "/go/bin", home + "/.cargo/bin", home + "/.pyenv/shims", top + "/bin"}, ":")
	tools := sandbox.DetectTools(map[string]string{"HOME": home, "PATH": path})
	var shown []string
	for _, m := range tools.Mounts {
		if m.Writable || m.Host != m.Guest {
			t.Errorf("mount %+v", m)
		}
		shown = append(shown, strings.TrimPrefix(m.Guest, top))
	}
	want := []string{
		"/go", "/home/go/pkg/mod", "/home/.rustup/toolchains/stable-x", "/home/.cargo/registry",
		"/home/.pyenv/versions/3.12.1", "/home/.nvm/versions/node/v20", "/home/.m2/repository",
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	var bins []string
	for _, dir := range tools.Path {
		bins = append(bins, strings.TrimPrefix(dir, top))
	}
	want = []string{
		"/go/bin", "/home/.rustup/toolchains/stable-x/bin", "/home/.pyenv/versions/3.12.1/bin",
		"/home/.nvm/versions/node/v20/bin",
	}
	if diff := cmp.Diff(want, bins); diff != "" {
		t.Errorf("PATH (-want +got):\n%s", diff)
	}
	for key, want := range map[string]string{"GOPROXY": "off", "CARGO_NET_OFFLINE": "true"} {
		if got := tools.Env[key]; got != want {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
}

func TestDetectTools_nothing(t *testing.T) {
	t.Parallel()
	if tools := sandbox.DetectTools(map[string]string{"HOME": t.TempDir(), "PATH": "relative:/nonexistent"}); len(tools.Mounts)+len(tools.Path) > 0 {
		t.Errorf("found %+v", tools)
	}
}

// A person may keep the caches elsewhere and say so in the environment.
func TestDetectTools_moved(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for _, name := range []string{"go/bin/go", "go/VERSION", "mod/x", "gopath/pkg/mod/x", "cargo/registry/x"} {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"HOME": top + "/home", "PATH": top + "/go/bin", "GOPATH": top + "/gopath:" + top + "/other", "CARGO_HOME": top + "/cargo"}
	tools := sandbox.DetectTools(env)
	if got, want := tools.Env["GOMODCACHE"], top+"/gopath/pkg/mod"; got != want {
		t.Errorf("module cache %q, want %q", got, want)
	}
	if got, want := tools.Env["CARGO_HOME"], top+"/cargo"; got != want {
		t.Errorf("cargo home %q, want %q", got, want)
	}
	env["GOMODCACHE"] = top + "/mod"
	if got, want := sandbox.DetectTools(env).Env["GOMODCACHE"], top+"/mod"; got != want {
		t.Errorf("module cache %q, want %q", got, want)
	}
}
