package image_test

import (
	"archive/tar"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"honk/sandbox/image"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// bundle is a registry and where its images are kept here.
type bundle struct {
	testing.TB
	host string
	dir  string
	// wrap stands before the registry, if set.
	wrap func(next http.Handler, w http.ResponseWriter, r *http.Request)
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{TB: t, dir: filepath.Join(t.TempDir(), "images")}
	next := registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.wrap != nil {
			b.wrap(next, w, r)
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	b.host = strings.TrimPrefix(web.URL, "http://")
	return b
}

// entry is one of a layer: a file unless it says otherwise.
type entry struct {
	name, text string
	kind       byte
	link       string
	mode       int64
}

// layer makes a layer of entries as they are, whatever they are.
func layer(t testing.TB, entries ...entry) v1.Layer {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Mode: e.mode, Size: int64(len(e.text))}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// built makes an image for this machine.
func built(t testing.TB, cfg v1.Config, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err == nil {
		var file *v1.ConfigFile
		if file, err = img.ConfigFile(); err == nil {
			file = file.DeepCopy()
			file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, cfg
			img, err = mutate.ConfigFile(img, file)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// push puts an image into the registry and returns its name with the digest.
func (b *bundle) push(img v1.Image) string {
	b.Helper()
	digest, err := img.Digest()
	if err != nil {
		b.Fatal(err)
	}
	ref, err := name.NewDigest(b.host + "/tools/fix@" + digest.String())
	if err == nil {
		err = remote.Write(ref, img)
	}
	if err != nil {
		b.Fatal(err)
	}
	return ref.String()
}

func (b *bundle) store(change ...func(*image.Options)) *image.Store {
	opts := image.Options{Dir: b.dir}
	for _, f := range change {
		f(&opts)
	}
	return image.New(opts)
}

// open opens an image that there must be.
func (b *bundle) open(s *image.Store, ref string) *image.Image {
	b.Helper()
	img, err := s.Open(b.Context(), ref)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = img.Close() })
	return img
}

// kept are the names in the directory of images, without the locks.
func (b *bundle) kept() []string {
	b.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}
