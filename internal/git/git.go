// Package git is the only way Honk touches repositories on the host. It runs
// the git command with an environment and flags under which nothing that a
// repository says is executed, reads hostile work trees itself, and publishes
// exactly one commit on exactly one branch.
//
// The layout below Options.Dir:
//
//	mirrors/<host>/<owner>/<name>.git  one bare mirror per remote repository
//	bases/<key>/<commit>/              the objects of a base commit, one pack
//
// and below Options.TasksDir:
//
//	task-<random>/git                  a task's trusted git directory
//	task-<random>/work                 its work tree, shown to the sandbox
//
// A base commit's pack is linked into the trusted directory, so neither the
// collection of garbage in a user's own repository nor the renewal of a
// mirror takes objects from a running task.
package git

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"honk/internal/git/command"
	"honk/internal/git/origin"
	"honk/internal/task"
)

// minMajor and minMinor are the oldest git that knows safe.bareRepository.
const (
	minMajor = 2
	minMinor = 38
)

// Options says where a Git works. Dir and Log are required.
type Options struct {
	// Dir is the data directory for mirrors and base commits. It is owned by
	// Honk alone; nobody else may write to it.
	Dir string
	// TasksDir is where task directories are made, one that this process
	// owns (see runner.OpenTasks). Empty means tasks below Dir, which fits
	// where no other process cleans up.
	TasksDir string
	Log      *slog.Logger
}

// Source says where a repository is fetched from and pushed to.
type Source = origin.Source

// Header is an HTTP header line that holds a secret and shows [redacted].
type Header = origin.Header

// LocalInfo describes a repository of this machine.
type LocalInfo = origin.Info

// BasicAuth returns the header for a user name and a password or token.
func BasicAuth(user, password string) Header { return origin.BasicAuth(user, password) }

// Git runs the git command hardened. It is safe for concurrent use, by several
// processes on one Dir too.
type Git struct {
	dir    string
	tasks  string
	binary string
	origin origin.Cache
	limits limits
}

// New finds the git command, checks its version and prepares the data
// directory.
func New(opts Options) (*Git, error) {
	binary, err := exec.LookPath("git")
	if err != nil {
		return nil, task.Errorf(task.CodeInvalid,
			"git is not installed; install git %d.%d or newer", minMajor, minMinor)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("resolving data directory %q: %w", opts.Dir, err)
	}
	tasks, err := filepath.Abs(cmp.Or(opts.TasksDir, filepath.Join(dir, "tasks")))
	if err != nil {
		return nil, fmt.Errorf("resolving task directory %q: %w", opts.TasksDir, err)
	}
	for _, sub := range []string{filepath.Join(dir, "mirrors"), filepath.Join(dir, "bases"), tasks} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, fmt.Errorf("preparing data directory: %w", err)
		}
	}
	g := &Git{
		dir: dir, tasks: tasks, binary: binary, limits: limits{file: maxBaseFile, total: maxBaseTotal},
		origin: origin.Cache{Binary: binary, Dir: dir, Scratch: tasks, Log: opts.Log},
	}
	return g, g.checkVersion()
}

func (g *Git) checkVersion() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) //nolint:forbidigo // a probe at start, nothing to inherit
	defer cancel()
	out, err := command.Repo{Binary: g.binary}.Run(ctx, command.Command{Args: []string{"version"}})
	if err != nil {
		return err
	}
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "git version ")
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("reading git version %q: %w", version, err)
	}
	if major < minMajor || major == minMajor && minor < minMinor {
		return task.Errorf(task.CodeInvalid, "git %s is too old; install git %d.%d or newer",
			version, minMajor, minMinor)
	}
	return nil
}

// Resolve finds the repository that path lies in. It reads, and executes
// nothing of what the repository's configuration says. Errors: not_found
// when there is no such path, invalid when it is no repository we can use.
func (g *Git) Resolve(ctx context.Context, path string) (LocalInfo, error) {
	return g.origin.Resolve(ctx, path)
}
