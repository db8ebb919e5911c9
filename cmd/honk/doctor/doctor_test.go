package doctor_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"honk/cmd/honk/doctor"
	"honk/integrations/github/githubtest"
	"honk/internal/llm/llmtest"
	"honk/internal/postgres/pgtest"
	"honk/sandbox/guest"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

// newEnv is the environment of somebody who uses honk run. The sandbox is
// none, which is the quickest.
func newEnv(t *testing.T) map[string]string {
	t.Helper()
	model := httptest.NewServer(llmtest.NewServer())
	t.Cleanup(model.Close)
	dir := t.TempDir()
	config := filepath.Join(dir, "honk.yaml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": dir, "HONK_CONFIG": config, "HONK_DATA_DIR": filepath.Join(dir, "data"),
		"HONK_SANDBOX": "host", "HONK_LLM_BASE_URL": model.URL + "/v1", "HONK_LLM_MODEL": "scripted",
	}
}

// examine returns what the doctor says.
func examine(t *testing.T, env map[string]string) (lines string, well bool) {
	t.Helper()
	var out strings.Builder
	well, err := doctor.Run(t.Context(), doctor.Options{Env: env, Out: &out, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), well
}

// wantLines looks for lines, each a regular expression.
func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !regexp.MustCompile("(?m)^" + line).MatchString(got) {
			t.Errorf("no line that matches %q in:\n%s", line, got)
		}
	}
}

// Who only uses honk run is told that all is well.
func TestRun_well(t *testing.T) {
	t.Parallel()
	got, well := examine(t, newEnv(t))
	if !well {
		t.Errorf("not well:\n%s", got)
	}
	wantLines(t, got, "✓ configuration: read$", "✓ data directory: /", "✓ git: ", "– sandbox: host: no isolation",
		"✓ model: scripted at http", "[✓–] database: ", "– GitHub App: none is configured; .*docs/github-app.md")
}

func TestRun_ill(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"configuration": {map[string]string{"HONK_LISTEN": "x", "HONK_SANDBOX": "y"}, `✗ configuration: HONK_.*\n         HONK_`},
		"model":         {map[string]string{"HONK_LLM_BASE_URL": "http://127.0.0.1:1/v1"}, "✗ model: scripted at http://127.0.0.1:1/v1: "},
		"database": {
			map[string]string{"HONK_DATABASE_URL": "postgres://nobody@127.0.0.1:1/x"},
			"✗ database: the database does not answer; check HONK_DATABASE_URL",
		},
		"data directory": {map[string]string{"HONK_DATA_DIR": "/proc/honk"}, "✗ data directory: .*; set HONK_DATA_DIR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnv(t)
			maps.Copy(env, tt.env)
			got, well := examine(t, env)
			if well {
				t.Error("all is well")
			}
			wantLines(t, got, tt.want)
		})
	}
}

func TestRun_pending(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	env["HONK_DATABASE_URL"] = pgtest.New(t, func(context.Context, string) error { return nil }, "empty")
	got, _ := examine(t, env)
	wantLines(t, got, "– database: at HONK_DATABASE_URL, answers; [0-9]+ migrations are pending: .*honk migrate")
}

// newForge is a forge with the App installed, and the environment for it.
func newForge(t *testing.T, opts githubtest.Options) (*githubtest.Forge, map[string]string) {
	t.Helper()
	opts.Dir = t.TempDir()
	forge, err := githubtest.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := forge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forge.Close() })
	if _, err := forge.CreateRepo(t.Context(), githubtest.NewRepo{Name: "acme/api"}); err != nil {
		t.Fatal(err)
	}
	if _, err := forge.Install("acme"); err != nil {
		t.Fatal(err)
	}
	env := newEnv(t)
	maps.Copy(env, map[string]string{
		"HONK_GITHUB_APP_ID": fmt.Sprint(forge.AppID()), "HONK_GITHUB_PRIVATE_KEY": string(forge.PrivateKey()),
		"HONK_GITHUB_API_URL": strings.TrimSuffix(forge.APIURL(), "/"), "HONK_GITHUB_WEBHOOK_SECRET": "long-and-random",
	})
	return forge, env
}

func TestRun_app(t *testing.T) {
	t.Parallel()
	_, env := newForge(t, githubtest.Options{})
	env["HONK_PUBLIC_URL"] = "https://honk.example.com/"
	got, _ := examine(t, env)
	wantLines(t, got, `✓ GitHub App: honk\[bot\], number [0-9]+, of github: GitHub takes its key`, "✓ clock: ",
		"✓ permissions: checks: read, contents: write, ", "✓ events: check_run, ", "✓ installations: 1: acme",
		"✗ service: HONK_SANDBOX is host", "✓ public URL: .* https://honk.example.com/webhooks/github$")
}

func TestRun_appIll(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts githubtest.Options
		set  func(t *testing.T, f *githubtest.Forge, env map[string]string)
		want []string
	}{
		"another App's key": {
			set: func(t *testing.T, _ *githubtest.Forge, env map[string]string) {
				t.Helper()
				_, other := newForge(t, githubtest.Options{})
				env["HONK_GITHUB_PRIVATE_KEY"] = other["HONK_GITHUB_PRIVATE_KEY"]
			},
			want: []string{"✗ GitHub App: GitHub does not accept our credentials .* its private key and this machine's clock", "✓ clock: "},
		},
		"unreachable": {
			set: func(_ *testing.T, _ *githubtest.Forge, env map[string]string) {
				env["HONK_GITHUB_API_URL"] = "http://127.0.0.1:1/api/v3"
			},
			want: []string{"✗ GitHub App: GitHub cannot be reached"},
		},
		"permission": {
			opts: githubtest.Options{Permissions: githubtest.Permissions{
				"metadata": "read", "contents": "read", "issues": "write", "pull_requests": "write", "checks": "read",
			}},
			want: []string{"✗ permissions: the App lacks contents: write, statuses: read; grant it at ", "✗ installations: acme has not granted contents: write"},
		},
		"permission not accepted": {
			set: func(_ *testing.T, f *githubtest.Forge, _ map[string]string) {
				f.SetInstallationPermissions("acme", githubtest.Permissions{"metadata": "read"})
			},
			want: []string{"✓ permissions: ", "✗ installations: acme has not granted .*contents: write.*Review request"},
		},
		"event": {
			opts: githubtest.Options{Events: []string{"issue_comment", "issues", "pull_request", "check_run", "check_suite"}},
			want: []string{"✗ events: the App is not told of pull_request_review, pull_request_review_comment, push; "},
		},
		"suspended": {
			set:  func(_ *testing.T, f *githubtest.Forge, _ map[string]string) { f.Suspend("acme", true) },
			want: []string{"✗ installations: acme has suspended it"},
		},
		"not installed": {
			set:  func(_ *testing.T, f *githubtest.Forge, _ map[string]string) { f.Uninstall("acme") },
			want: []string{"✗ installations: the App is installed nowhere; install it at .*/installations/new"},
		},
		"webhook secret": {
			set: func(_ *testing.T, _ *githubtest.Forge, env map[string]string) {
				delete(env, "HONK_GITHUB_WEBHOOK_SECRET")
			},
			want: []string{"(✗ service|         ).*HONK_GITHUB_WEBHOOK_SECRET is not set", "– public URL: HONK_PUBLIC_URL is not set"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forge, env := newForge(t, tt.opts)
			if tt.set != nil {
				tt.set(t, forge, env)
			}
			got, well := examine(t, env)
			if well {
				t.Error("all is well")
			}
			wantLines(t, got, tt.want...)
		})
	}
}

// A clock that is off is said, whether GitHub still takes the key or not.
func TestRun_clock(t *testing.T) {
	t.Parallel()
	for off, want := range map[time.Duration]string{
		time.Hour:    "✗ clock: this machine is 1h0m[0-9]s behind GitHub, .*set its clock",
		-time.Minute: "✗ clock: this machine is (59s|1m[01]s) ahead of GitHub, .*set its clock",
	} {
		forge, env := newForge(t, githubtest.Options{})
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			forge.ServeHTTP(w, r)
		}))
		t.Cleanup(front.Close)
		env["HONK_GITHUB_API_URL"] = front.URL + "/api/v3"
		got, _ := examine(t, env)
		wantLines(t, got, want)
	}
}
