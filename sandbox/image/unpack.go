package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

const (
	// maxName caps a path in a layer, as Linux does, and maxNames all paths
	// of a layer together.
	maxName, maxNames = 4096, 128 << 20
	// maxHops is how many symbolic links lie on one path at most.
	maxHops = 40
	// block is what even an empty file takes.
	block = 4096
	// whiteout begins the name of what a layer takes away; opaque stands for
	// all that is below its directory.
	whiteout, opaque = ".wh.", ".wh..wh..opq"
)

// unpacker lays the layers of an image on top of one another. Only the
// process itself writes to the tree: what has been looked at stays as it is.
type unpacker struct {
	root *os.Root
	// left, files and stream are how many bytes and entries may still be
	// made, and how many bytes be read.
	left   int64
	files  int
	stream int64
	// names are how many bytes of paths this layer may still have, and here
	// what it has put there: it does not take that away.
	names int
	here  map[string]bool
}

func newUnpacker(dir string, maxBytes int64, maxFiles int) (*unpacker, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	// What a layer takes away again counts, and so do its headers.
	return &unpacker{root: root, left: maxBytes, files: maxFiles, stream: 2 * maxBytes}, nil
}

// Close lets go of the tree.
func (u *unpacker) Close() error { return u.root.Close() }

// layer unpacks one layer.
func (u *unpacker) layer(ctx context.Context, r io.Reader) error {
	u.names, u.here = maxNames, map[string]bool{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := u.name(h.Name)
		if err != nil {
			return err
		}
		if err := u.entry(h, name, tr); err != nil {
			return fmt.Errorf("unpacking %.200q: %w", h.Name, err)
		}
	}
}

// name returns where an entry goes, relative to the root.
func (u *unpacker) name(raw string) (string, error) {
	u.files--
	u.names -= len(raw)
	switch {
	case u.files < 0 || u.names < 0:
		return "", refusal("holds more files than it may")
	case len(raw) > maxName || strings.ContainsRune(raw, 0):
		return "", refusal("holds a path that is too long or has a NUL")
	}
	for part := range strings.SplitSeq(raw, "/") {
		if part == ".." {
			return "", refusal("holds the path %.200q, which leads out of it", raw)
		}
	}
	return strings.TrimPrefix(path.Clean("/"+raw), "/"), nil
}

// entry unpacks one entry. Owners, device nodes, pipes and extended attributes
// are left out.
func (u *unpacker) entry(h *tar.Header, name string, r io.Reader) error {
	if name == "" {
		return nil // the root itself
	}
	dir, err := u.resolve(path.Dir(name))
	if err != nil {
		return err
	}
	base := path.Base(name)
	if strings.HasPrefix(base, whiteout) {
		return u.whiteout(dir, base)
	}
	switch h.Typeflag {
	case tar.TypeDir, tar.TypeReg, tar.TypeSymlink, tar.TypeLink:
	default:
		return nil
	}
	if u.left -= block; u.left < 0 {
		return tooLarge()
	}
	if err := u.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	at := path.Join(dir, base)
	u.mark(at)
	mode := fs.FileMode(h.Mode).Perm() // no set-user-ID and the like
	if h.Typeflag == tar.TypeDir {
		return u.dir(at, mode|0o700)
	}
	if h.Typeflag == tar.TypeLink {
		return u.link(h.Linkname, at)
	}
	if err := u.root.RemoveAll(at); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeSymlink {
		// It may lead anywhere: inside it is the image's own / that counts,
		// and here nobody follows it.
		if u.names -= len(h.Linkname); u.names < 0 || len(h.Linkname) > maxName || strings.ContainsRune(h.Linkname, 0) {
			return refusal("holds a link that is too long or has a NUL")
		}
		return u.root.Symlink(h.Linkname, at)
	}
	if err := u.file(at, h.Size, r); err != nil {
		return err
	}
	// Interpreters compare the times of sources with those of what they have
	// compiled.
	return errors.Join(u.root.Chmod(at, mode|0o400), u.root.Chtimes(at, h.ModTime, h.ModTime))
}

// mark notes that a path, and so all above it, is of this layer.
func (u *unpacker) mark(at string) {
	for ; at != "." && !u.here[at]; at = path.Dir(at) {
		u.here[at] = true
	}
}

func (u *unpacker) dir(at string, mode fs.FileMode) error {
	if info, err := u.root.Lstat(at); err == nil && !info.IsDir() {
		if err := u.root.Remove(at); err != nil {
			return err
		}
	}
	if err := u.root.Mkdir(at, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return u.root.Chmod(at, mode)
}

// link makes a further name of a file that is there.
func (u *unpacker) link(raw, at string) error {
	old, err := u.name(raw)
	if err != nil {
		return err
	}
	dir, err := u.resolve(path.Dir(old))
	if err != nil {
		return err
	}
	old = path.Join(dir, path.Base(old))
	info, err := u.root.Lstat(old)
	if err != nil || !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return refusal("holds a link to %.200q, which is no file", raw)
	}
	if old == at {
		return nil
	}
	if err := u.root.RemoveAll(at); err != nil {
		return err
	}
	return u.root.Link(old, at)
}

func (u *unpacker) file(at string, size int64, r io.Reader) error {
	if size < 0 || size > u.left {
		return tooLarge()
	}
	f, err := u.root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, r)
	u.left -= n
	return errors.Join(err, f.Close())
}

func tooLarge() error { return refusal("is larger than it may be when unpacked") }

// whiteout takes away what lower layers have put there.
func (u *unpacker) whiteout(dir, base string) error {
	if base != opaque {
		if strings.HasPrefix(base, whiteout+whiteout) {
			return nil // a builder's own notes
		}
		return u.hide(path.Join(dir, strings.TrimPrefix(base, whiteout)))
	}
	return u.clear(dir)
}

// hide removes what is at a path but for what this layer has put there.
func (u *unpacker) hide(at string) error {
	if at == "." || !u.here[at] {
		if at == "." {
			return nil
		}
		return u.root.RemoveAll(at)
	}
	if info, err := u.root.Lstat(at); err != nil || !info.IsDir() {
		return err
	}
	return u.clear(at)
}

func (u *unpacker) clear(dir string) error {
	entries, err := fs.ReadDir(u.root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := u.hide(path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// resolve follows the links of a directory as the image itself would, with the
// tree as /, and returns a path that has none. What is missing stays as it is
// named.
func (u *unpacker) resolve(dir string) (string, error) {
	at, hops := ".", 0
	left := strings.Split(dir, "/")
	for len(left) > 0 {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := u.root.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			if hops++; hops > maxHops {
				return "", refusal("holds links that lead in circles")
			}
			target, err := u.root.Readlink(next)
			if err != nil {
				return "", err
			}
			if path.IsAbs(target) {
				at = "."
			}
			left = append(strings.Split(target, "/"), left...)
			continue
		case !info.IsDir():
			return "", refusal("holds a file below the file %.200q", next)
		}
		at = next
	}
	return at, nil
}

// finish makes the directories that a sandbox needs, whatever is in their
// place: what is mounted there hides what they hold.
func (u *unpacker) finish() error {
	for _, name := range []string{"dev", "proc", "run", "tmp", "workspace"} {
		if err := u.dir(name, 0o755); err != nil {
			return err
		}
	}
	info, err := u.root.Lstat("var")
	if err != nil || !info.IsDir() {
		return nil //nolint:nilerr // Most images without one need none.
	}
	return errors.Join(u.root.RemoveAll("var/tmp"), u.root.Symlink("/tmp", "var/tmp"))
}
