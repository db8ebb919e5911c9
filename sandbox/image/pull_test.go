package image_test

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"honk/internal/task"
	"honk/sandbox/image"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestOpen_describes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	img := b.open(b.store(), b.push(built(t, v1.Config{
		Env: []string{"PATH=/bin:/x=y", "EMPTY=", "A-B=1", "nothing", "NUL=a\x00b"}, Entrypoint: []string{"/fix"}, Cmd: []string{"--all"},
	}, layer(t, entry{name: "fix", mode: 0o755}))))
	if diff := cmp.Diff(map[string]string{"PATH": "/bin:/x=y", "EMPTY": ""}, img.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/fix", "--all"}, img.Command); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
}

// Of an image for several machines this one's is taken.
func TestOpen_index(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := built(t, v1.Config{}, layer(t, entry{name: "own"}))
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: built(t, v1.Config{}, layer(t, entry{name: "other"})), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: own, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}}},
	)
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(b.host + "/tools/fix@" + digest.String())
	if err == nil {
		err = remote.WriteIndex(ref, index)
	}
	if err != nil {
		t.Fatal(err)
	}
	img := b.open(b.store(), ref.String())
	if _, err := os.Stat(filepath.Join(img.Root, "own")); err != nil {
		t.Error(err)
	}
}

func TestOpen_refuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.push(built(t, v1.Config{}, layer(t, entry{name: "a"})))
	foreign := built(t, v1.Config{})
	foreign, err := mutate.Append(foreign, mutate.Addendum{
		Layer: layer(t, entry{name: "a"}), URLs: []string{"http://169.254.169.254/latest"}, MediaType: types.DockerForeignLayer,
	})
	if err != nil {
		t.Fatal(err)
	}
	other := built(t, v1.Config{})
	file, err := other.ConfigFile()
	if err == nil {
		file = file.DeepCopy()
		file.OS = "windows"
		other, err = mutate.ConfigFile(other, file)
	}
	if err != nil {
		t.Fatal(err)
	}
	repo, digest, _ := strings.Cut(good, "@")
	for name, tt := range map[string]struct{ ref, want string }{
		"tag":        {repo + ":latest", "names no image with its digest"},
		"no digest":  {repo, "names no image with its digest"},
		"nonsense":   {"A b@" + digest, "names no image with its digest"},
		"unknown":    {repo + "@sha256:" + strings.Repeat("0", 64), "has no image"},
		"elsewhere":  {b.push(foreign), "lies elsewhere"},
		"other kind": {b.push(other), "is for windows/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.store().Open(t.Context(), tt.ref)
			if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Whatever the registry sends in place of what was asked for, nothing of it is
// kept.
func TestOpen_lies(t *testing.T) {
	t.Parallel()
	img := built(t, v1.Config{}, layer(t, entry{name: "a", text: "right"}))
	other := layer(t, entry{name: "a", text: "wrong"})
	raw, err := other.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := io.ReadAll(raw)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(next http.Handler, w http.ResponseWriter, r *http.Request){
		"manifest": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.Header().Set("Content-Type", string(types.DockerManifestSchema2))
				_, _ = io.WriteString(w, `{"schemaVersion": 2}`)
				return
			}
			next.ServeHTTP(w, r)
		},
		"layer": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/blobs/") {
				_, _ = w.Write(wrong)
				return
			}
			next.ServeHTTP(w, r)
		},
		"cut": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			_, _ = w.Write(body[:len(body)-8])
		},
		"refusal": func(_ http.Handler, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"bomb": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				next.ServeHTTP(w, r)
				return
			}
			z := gzip.NewWriter(w)
			_, _ = io.CopyN(z, zeros{}, 1<<20)
			_ = z.Close()
		},
	}
	for name, wrap := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ref := b.push(img)
			b.wrap = wrap
			if img, err := b.store().Open(t.Context(), ref); err == nil {
				t.Errorf("got %v", tree(t, img.Root))
			}
			if left := b.kept(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			b.wrap = nil
			b.open(b.store(), ref)
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// lying is a layer that says it unpacks to something else.
type lying struct{ v1.Layer }

func (l lying) DiffID() (v1.Hash, error) {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}, nil
}

// What a layer unpacks to is held against what the image says of it, whatever
// the digest of its packed form.
func TestOpen_otherContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.store().Open(t.Context(), b.push(built(t, v1.Config{}, lying{layer(t, entry{name: "a"})})))
	if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), "another content") {
		t.Errorf("got %v", err)
	}
}

func TestOpen_login(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.push(built(t, v1.Config{}, layer(t, entry{name: "a"})))
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("honk:pa55"))
	b.wrap = func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != want {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}
	_, err := b.store().Open(t.Context(), ref)
	if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), "HONK_REGISTRY_CONFIG_FILE") {
		t.Errorf("without a login: %v", err)
	}
	b.open(b.store(func(o *image.Options) {
		o.Logins = map[string]image.Login{b.host: {Username: "honk", Password: "pa55"}}
	}), ref)
}

// Nothing goes over a network in the clear, redirected or not.
func TestOpen_plain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	digest := "@sha256:" + strings.Repeat("1", 64)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(addr); host != "127.0.0.1" {
			return nil, errors.New("no such machine")
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	b.wrap = func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		http.Redirect(w, r, "http://plain.example/x", http.StatusFound)
	}
	for _, host := range []string{b.host, "10.0.0.1:5000", "registry.local", "127.0.0.1.example:80"} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := b.store(func(o *image.Options) { o.Transport = transport }).Open(ctx, host+"/fix"+digest)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "without encryption") {
			t.Errorf("%s: got %v", host, err)
		}
	}
}
