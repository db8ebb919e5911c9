package githubtest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
)

// bundle is a forge with the repository acme/api, the people ada (write) and
// bob (read), the App installed, and somebody who listens to its webhooks.
type bundle struct {
	*githubtest.Forge
	t *testing.T
	// token is used for calls; "" is the App itself.
	token string
	inbox *inbox
}

// hook is a webhook as it arrived.
type hook struct {
	header  http.Header
	body    []byte
	payload map[string]any
}

type inbox struct {
	mu    sync.Mutex
	hooks []hook
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h := hook{header: r.Header, body: body}
	_ = json.Unmarshal(body, &h.payload)
	i.mu.Lock()
	i.hooks = append(i.hooks, h)
	i.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// events returns what arrived as event/action.
func (b *bundle) events() []string {
	b.t.Helper()
	if err := b.WaitDeliveries(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	var out []string
	for _, h := range b.inbox.hooks {
		name := h.header.Get("X-GitHub-Event")
		if action, ok := h.payload["action"].(string); ok {
			name += "/" + action
		}
		out = append(out, name)
	}
	return out
}

// client gives up in the end.
var client = &http.Client{Timeout: time.Minute}

const secret = "it is a secret"

func setup(t *testing.T, opts githubtest.Options) *bundle {
	t.Helper()
	in := &inbox{}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	opts.Dir, opts.WebhookURL, opts.WebhookSecret = t.TempDir(), server.URL, secret
	f, err := githubtest.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	b := &bundle{Forge: f, t: t, inbox: in}
	for _, name := range []string{"acme/api", "acme/secret"} {
		_, err := f.CreateRepo(t.Context(), githubtest.NewRepo{
			Name: name, Private: name == "acme/secret", Files: map[string]string{"README.md": "# api\n", "go.mod": "module api\n"},
		})
		must(t, err)
	}
	must(t, f.SetPermission("acme/api", "ada", "write"))
	must(t, f.SetPermission("acme/api", "bob", "read"))
	_, err = f.Install("acme")
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// jwt signs what the App says about itself.
func (b *bundle) jwt(claims map[string]any) string {
	b.t.Helper()
	block, _ := pem.Decode(b.PrivateKey())
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	must(b.t, err)
	return sign(b.t, key, claims)
}

func sign(t *testing.T, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(claims)
	must(t, err)
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(head))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	must(t, err)
	return head + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (b *bundle) claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": fmt.Sprint(b.AppID()), "iat": now - 30, "exp": now + 300}
}

// answer is what the forge said.
type answer struct {
	status int
	header http.Header
	object map[string]any
	list   []map[string]any
}

// call asks the API, with the bundle's token or as the App.
func (b *bundle) call(method, path string, body any) answer {
	b.t.Helper()
	token := b.token
	if token == "" {
		token = b.jwt(b.claims())
	}
	return b.callWith(token, method, path, body)
}

func (b *bundle) callWith(token, method, path string, body any) answer {
	b.t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		must(b.t, err)
		in = bytes.NewReader(raw)
	}
	url := path
	if !strings.HasPrefix(path, "http") {
		url = strings.TrimSuffix(b.APIURL(), "/") + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, url, in)
	must(b.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	must(b.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(b.t, err)
	a := answer{status: resp.StatusCode, header: resp.Header}
	if json.Unmarshal(raw, &a.object) != nil {
		_ = json.Unmarshal(raw, &a.list)
	}
	return a
}

// want calls and insists on a status.
func (b *bundle) want(status int, method, path string, body any) answer {
	b.t.Helper()
	a := b.call(method, path, body)
	if a.status != status {
		b.t.Fatalf("%s %s: got %d %v, want %d", method, path, a.status, a.object, status)
	}
	return a
}

// as returns the bundle with an installation token.
func (b *bundle) as(body any) *bundle {
	b.t.Helper()
	app := *b
	app.token = ""
	id := app.want(200, "GET", "/repos/acme/api/installation", nil).object["id"]
	app.token, _ = app.want(201, "POST", fmt.Sprintf("/app/installations/%.0f/access_tokens", id), body).object["token"].(string)
	return &app
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// remote is the address of acme/api with the bundle's token in it.
func (b *bundle) remote() string {
	return strings.Replace(b.GitURL(), "http://", "http://x-access-token:"+b.token+"@", 1) + "acme/api.git"
}
