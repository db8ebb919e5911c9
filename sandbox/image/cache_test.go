package image_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"honk/sandbox/image"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// However many ask at once, in one process or several, the image is fetched
// once and whole.
func TestOpen_atOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.push(built(t, v1.Config{}, layer(t, entry{name: "a", text: "x"})))
	var blobs atomic.Int64
	b.wrap = func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			blobs.Add(1)
		}
		next.ServeHTTP(w, r)
	}
	var all sync.WaitGroup
	for range 8 {
		s := b.store() // locks are of files: another store is as another process
		all.Go(func() {
			img, err := s.Open(t.Context(), ref)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = img.Close() }()
			if text, err := os.ReadFile(filepath.Join(img.Root, "a")); err != nil || string(text) != "x" {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
	all.Wait()
	if n := blobs.Load(); n != 2 { // the layer and the description
		t.Errorf("%d blobs were fetched, want 2", n)
	}
	if kept := b.kept(); len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
}

// Who waits for another's fetching waits no longer than it may, and a fetching
// that is cancelled leaves nothing.
func TestOpen_cancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.push(built(t, v1.Config{}, layer(t, entry{name: "a", text: "x"})))
	began, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.wrap = func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			once.Do(func() { close(began) })
			select {
			case <-release:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := b.store().Open(ctx, ref)
		first <- err
	}()
	<-began
	short, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if _, err := b.store().Open(short, ref); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the one that waits got %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one got %v", err)
	}
	if left := b.kept(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	close(release)
	b.open(b.store(), ref)
}

// What a killed process left goes, and so does what nobody has used for long;
// what is in use or young stays.
func TestOpen_sweeps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	short := func(o *image.Options) { o.Keep = time.Hour }
	push := func(text string) string { return b.push(built(t, v1.Config{}, layer(t, entry{name: "a", text: text}))) }
	unused, used := push("unused"), push("used")
	img, err := b.store().Open(t.Context(), unused)
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Close(); err != nil {
		t.Fatal(err)
	}
	inUse := b.open(b.store(), used)
	old := time.Now().Add(-2 * time.Hour)
	for _, dir := range []string{filepath.Dir(img.Root), filepath.Dir(inUse.Root), filepath.Join(b.dir, "new-dead"), filepath.Join(b.dir, "new-young")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(dir, "young") {
			continue
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	b.open(b.store(short), push("fresh"))
	kept := strings.Join(b.kept(), " ")
	if n := len(b.kept()); n != 3 || strings.Contains(kept, "dead") || strings.Contains(kept, filepath.Base(filepath.Dir(img.Root))) {
		t.Errorf("kept %s, want the fresh one, the one in use and the young one", kept)
	}
	if _, err := os.Stat(filepath.Join(inUse.Root, "a")); err != nil {
		t.Error(err)
	}
	if n := len(b.kept()); n == 3 {
		b.open(b.store(), unused) // it comes again
	}
}
