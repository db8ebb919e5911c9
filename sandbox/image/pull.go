package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"honk/internal/rmtree"
	"honk/internal/task"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sys/unix"
)

const (
	// maxLayers is more than any builder makes.
	maxLayers = 512
	// maxConfig caps the file that describes an image.
	maxConfig = 8 << 20
)

// variable matches the names of an image's environment that are kept.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parse reads the name of an image, which must have a digest: what a tag means
// changes.
func parse(ref string) (name.Digest, error) {
	d, err := name.NewDigest(ref)
	if err != nil || !strings.HasPrefix(d.DigestStr(), "sha256:") {
		return d, task.Errorf(task.CodeInvalid, "%.300q names no image with its digest; write registry.example/name@sha256:...", ref)
	}
	return d, nil
}

// make fetches an image and puts it at place. On an error nothing is left.
func (s *Store) make(ctx context.Context, ref name.Digest, place string) (err error) {
	dir, err := os.MkdirTemp(s.opts.Dir, making)
	if err != nil {
		return fmt.Errorf("making room for an image: %w", err)
	}
	held, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("making room for an image: %w", err)
	}
	defer func() { err = errors.Join(err, rmtree.Remove(dir), held.Close()) }()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("making room for an image: %w", err)
	}
	a, err := s.fetch(ctx, ref, filepath.Join(dir, rootDir))
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return fmt.Errorf("fetching image %s: %w", ref, cause)
	}
	if err != nil {
		return said(ref, err)
	}
	if err := publish(dir, place, a); err != nil {
		return fmt.Errorf("keeping image %s: %w", ref, err)
	}
	s.opts.Log.InfoContext(ctx, "image fetched", "image", ref.String())
	// Not by closing it alone: a process that is just being started may have
	// it open for a moment.
	return unix.Flock(int(held.Fd()), unix.LOCK_UN)
}

// fetch unpacks an image into root. The digest vouches for the manifest, that
// for the description, and that for each layer as it is unpacked.
func (s *Store) fetch(ctx context.Context, ref name.Digest, root string) (about, error) {
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithTransport(s.opts.Transport),
		remote.WithAuth(s.auth(ref)), remote.WithUserAgent("honk"),
		remote.WithPlatform(v1.Platform{OS: platformOS, Architecture: platformArch}))
	if err != nil {
		return about{}, err
	}
	m, err := img.Manifest()
	if err != nil {
		return about{}, err
	}
	if err := s.fits(m); err != nil {
		return about{}, err
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return about{}, err
	}
	if (cfg.OS != platformOS && cfg.OS != "") || (cfg.Architecture != platformArch && cfg.Architecture != "") {
		return about{}, refusal("is for %s/%s, and this machine is %s/%s", cfg.OS, cfg.Architecture, platformOS, platformArch)
	}
	layers, err := img.Layers()
	if err != nil {
		return about{}, err
	}
	if len(layers) != len(cfg.RootFS.DiffIDs) {
		return about{}, refusal("has %d layers and describes %d", len(layers), len(cfg.RootFS.DiffIDs))
	}
	u, err := newUnpacker(root, s.opts.MaxBytes, s.opts.MaxFiles)
	if err != nil {
		return about{}, err
	}
	for i, layer := range layers {
		if err := u.fetch(ctx, layer, cfg.RootFS.DiffIDs[i]); err != nil {
			return about{}, errors.Join(fmt.Errorf("layer %d: %w", i+1, err), u.Close())
		}
	}
	return describe(cfg.Config), errors.Join(u.finish(), u.Close())
}

// fits refuses a manifest that is too much, or that leads elsewhere.
func (s *Store) fits(m *v1.Manifest) error {
	if len(m.Layers) > maxLayers || m.Config.Size > maxConfig {
		return refusal("has %d layers and a description of %d bytes, which is too much", len(m.Layers), m.Config.Size)
	}
	left := s.opts.MaxBytes
	for _, l := range m.Layers {
		if len(l.URLs) > 0 || !l.MediaType.IsDistributable() {
			return refusal("has a layer that lies elsewhere than in its registry")
		}
		if l.Size < 0 || l.Size > left {
			return refusal("is larger than %d MiB", s.opts.MaxBytes>>20)
		}
		left -= l.Size
	}
	return nil
}

// fetch unpacks one layer, which must come to what the image says of it.
func (u *unpacker) fetch(ctx context.Context, layer v1.Layer, want v1.Hash) (err error) {
	r, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	sum := sha256.New()
	all := io.TeeReader(&bounded{r: r, left: &u.stream}, sum)
	if err := u.layer(ctx, all); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, all); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); want.Algorithm != "sha256" || got != want.Hex {
		return refusal("holds another content than it is said to, sha256:%s in place of %s", got, want)
	}
	return nil
}

// describe keeps what matters of an image's description.
func describe(cfg v1.Config) about {
	a := about{Env: map[string]string{}, Command: slices.Concat(cfg.Entrypoint, cfg.Cmd)}
	for _, line := range cfg.Env {
		key, value, ok := strings.Cut(line, "=")
		if ok && variable.MatchString(key) && !strings.ContainsRune(value, 0) {
			a.Env[key] = value
		}
	}
	return a
}

// auth is what the registry of an image is shown.
func (s *Store) auth(ref name.Digest) authn.Authenticator {
	l, ok := s.opts.Logins[ref.RegistryStr()]
	if !ok {
		return authn.Anonymous
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: l.Username, Password: l.Password, IdentityToken: l.IdentityToken, RegistryToken: l.RegistryToken,
	})
}

// refused is what is wrong with an image, after its name.
type refused string

func (r refused) Error() string { return string(r) }

func refusal(format string, args ...any) error { return refused(fmt.Sprintf(format, args...)) }

// said puts an error into words for whoever wants the image.
func said(ref name.Digest, err error) error {
	if bad, ok := errors.AsType[refused](err); ok {
		return task.Errorf(task.CodeInvalid, "the image %s %w", ref, bad)
	}
	answer, ok := errors.AsType[*transport.Error](err)
	switch {
	case !ok:
		return task.Errorf(task.CodeUnavailable, "the image %s could not be fetched: %w", ref, err)
	case answer.StatusCode == http.StatusNotFound:
		return task.Errorf(task.CodeInvalid, "the registry %s has no image %s", ref.RegistryStr(), ref)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return task.Errorf(task.CodeInvalid, "the registry %s does not let Honk have the image %s; "+
			"give it a login in HONK_REGISTRY_CONFIG_FILE", ref.RegistryStr(), ref)
	}
	return task.Errorf(task.CodeUnavailable, "the registry %s answers with status %d", ref.RegistryStr(), answer.StatusCode)
}

// guarded lets nothing go in the clear but to this machine itself.
type guarded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	if ip := net.ParseIP(host); req.URL.Scheme != "https" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, refusal("would be fetched from %s without encryption", req.URL.Host)
	}
	return g.next.RoundTrip(req)
}

// bounded ends with a refusal where too much is read.
type bounded struct {
	r    io.Reader
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, refusal("unpacks to more than it may")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	return n, err
}
