package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"

	"honk/internal/runner/disk"
	"honk/verify"
)

// cacheGuest is where a sandbox sees its private copy of the caches. It is the
// same in every task, since compilers put paths in cache keys.
const cacheGuest = "/cache"

// openCache opens what is kept for this branch of the repository and these
// lockfiles.
func (a *attempt) openCache() (*disk.Cache, error) {
	base := a.base.BaseFS()
	key := sha256.New()
	// A stranger's branch has the lockfiles of the branch it left.
	fmt.Fprintf(key, "%q\n", a.base.BaseRef)
	for _, path := range verify.Lockfiles(base) {
		content, err := fs.ReadFile(base, path)
		if err != nil {
			return nil, fmt.Errorf("reading lockfile %q: %w", path, err)
		}
		fmt.Fprintf(key, "%q %x\n", path, sha256.Sum256(content))
	}
	c, err := disk.OpenCache(filepath.Join(a.opts.Dir, "caches", a.repoKey()), hex.EncodeToString(key.Sum(nil)[:8]), a.opts.TasksDir)
	if err != nil {
		return nil, fmt.Errorf("opening the build cache: %w", err)
	}
	return c, nil
}

// repoKey is a directory name for the task's repository.
func (a *attempt) repoKey() string {
	r := a.task.Request.Repo
	sum := sha256.Sum256([]byte(r.Host + "\x00" + r.String() + "\x00" + r.URL))
	return hex.EncodeToString(sum[:12])
}
