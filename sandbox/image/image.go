// Package image brings container images to this machine without a daemon: it
// fetches them by digest from a registry, checks them and unpacks them into
// directories that a sandbox shows as its root. It runs nothing of them.
//
// What a registry sends is a stranger's, even where the digest is right: paths
// that leave the tree, device nodes, set-user-ID bits and bombs are refused or
// left out.
package image

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	// defaultMaxBytes and defaultMaxFiles bound an unpacked image,
	// defaultTimeout its fetching.
	defaultMaxBytes = 4 << 30
	defaultMaxFiles = 500_000
	defaultTimeout  = 15 * time.Minute
	// defaultKeep is how long an image stays that nobody has used.
	defaultKeep = 14 * 24 * time.Hour
)

// Login is what a registry is shown: a name and password, or a token.
type Login struct {
	Username, Password string
	// IdentityToken is exchanged for others, RegistryToken sent as it is.
	IdentityToken, RegistryToken string
}

// Options is what a Store is made with. Dir is required.
type Options struct {
	// Dir is where images are kept. Several processes may share it.
	Dir string
	// Logins are for registries by their host, with the port if there is one;
	// the others are asked as nobody.
	Logins map[string]Login
	// MaxBytes and MaxFiles cap an unpacked image: 4 GiB and 500,000 entries
	// where they are 0.
	MaxBytes int64
	MaxFiles int
	// Timeout caps the fetching of an image: 15 minutes where it is 0.
	Timeout time.Duration
	// Keep is how long an image stays that nobody uses: 14 days where it is 0.
	Keep time.Duration
	// Transport carries the requests; nil means a fresh one.
	Transport http.RoundTripper
	Log       *slog.Logger
}

// Store keeps unpacked images. It is safe for concurrent use, also by several
// processes on one directory.
type Store struct {
	opts Options
}

// New returns a Store.
func New(opts Options) *Store {
	opts.MaxBytes = cmp.Or(opts.MaxBytes, defaultMaxBytes)
	opts.MaxFiles = cmp.Or(opts.MaxFiles, defaultMaxFiles)
	opts.Timeout = cmp.Or(opts.Timeout, defaultTimeout)
	opts.Keep = cmp.Or(opts.Keep, defaultKeep)
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	if opts.Transport == nil {
		opts.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute,
		}
	}
	opts.Transport = guarded{opts.Transport}
	return &Store{opts: opts}
}

// Image is an unpacked image. It stays until Close.
type Image struct {
	// Root is the directory that is / of the image. It must not be written to.
	Root string
	// Env and Command are what the image says of its process. Command is
	// empty where it says nothing.
	Env     map[string]string
	Command []string

	held *os.File
}

// Close lets the image be removed some day.
func (i *Image) Close() error { return i.held.Close() }

// platform is what is fetched of an image for several machines.
const platformOS, platformArch = "linux", runtime.GOARCH

// place is the directory of an image.
func (s *Store) place(digest string) string {
	return filepath.Join(s.opts.Dir, digest+"-"+platformArch)
}

// prepare makes the directory of all images.
func (s *Store) prepare() error {
	return errors.Join(os.MkdirAll(s.opts.Dir, 0o700), os.Chmod(s.opts.Dir, 0o700))
}
