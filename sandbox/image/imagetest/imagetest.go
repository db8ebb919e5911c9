// Package imagetest is a registry of container images on this machine, for
// tests of what fetches them.
package imagetest

import (
	"archive/tar"
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Registry is a registry at a loopback address.
type Registry struct {
	server *httptest.Server
	next   http.Handler

	mu             sync.Mutex
	user, password string
}

// New starts a registry. The caller closes it.
func New() *Registry {
	r := &Registry{next: registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))}
	r.server = httptest.NewServer(r)
	return r
}

// Login makes the registry answer nobody any more but who has this login.
func (r *Registry) Login(user, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user, r.password = user, password
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	user, password := r.user, r.password
	r.mu.Unlock()
	if u, p, _ := req.BasicAuth(); user != "" && (u != user || p != password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.next.ServeHTTP(w, req)
}

// Host is the address that names of its images begin with.
func (r *Registry) Host() string { return strings.TrimPrefix(r.server.URL, "http://") }

// Close ends the registry, and with it all that it holds.
func (r *Registry) Close() { r.server.Close() }

// Image is what an image holds: programs by their path, and what it says of
// its process.
type Image struct {
	Programs map[string][]byte
	Env      []string
	Command  []string
}

// Push puts an image for this machine into a repository of the registry and
// returns its name with the digest. The same image has the same name.
func (r *Registry) Push(repo string, i Image) (string, error) {
	layer, err := i.layer()
	if err != nil {
		return "", err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return "", err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, v1.Config{Env: i.Env, Entrypoint: i.Command}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	ref, err := name.NewDigest(r.Host() + "/" + repo + "@" + digest.String())
	if err != nil {
		return "", err
	}
	return ref.String(), remote.Write(ref, img)
}

func (i Image) layer() (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, path := range slices.Sorted(maps.Keys(i.Programs)) {
		data := i.Programs[path]
		if err := w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(path, "/"), Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
}
