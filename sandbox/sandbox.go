// Package sandbox is the boundary between Honk and the code it works on.
// Everything a model or a repository makes run, runs inside a Sandbox: shell
// commands, and file reads and writes too. Backends live in the packages
// below; sandboxtest holds them all to one contract.
package sandbox

import (
	"context"
	"time"
)

// Backend starts sandboxes of one kind. It is safe for concurrent use.
type Backend interface {
	// Name is what --sandbox calls it.
	Name() string
	// Isolates reports whether the host is kept from what runs inside. A
	// backend that does not is for tests and for people who trust the code;
	// it can show a mount only where it lies.
	Isolates() bool
	// Start makes a sandbox around spec.Dir. The caller closes it. An error
	// is a *task.Error of code sandbox and leaves nothing running.
	Start(ctx context.Context, spec Spec) (Sandbox, error)
	// SelfTest runs the escape probes in a sandbox of its own and returns an
	// error that names the first probe which got out, or what is missing on
	// this machine with its remedy. Nobody works when it fails.
	SelfTest(ctx context.Context) error
}

// Sandbox is one running sandbox. Its methods are safe for concurrent use.
// Paths given to the file methods are relative to the work tree, slash
// separated; whatever leaves it (absolute, .., through a symlink) is refused
// with a *PathError. After Close every method returns ErrClosed.
//
// A method's error is infrastructure's unless documented otherwise: a
// *task.Error of code sandbox. What a command did is never an error. When ctx
// ends, a method stops what it was doing inside and returns ctx's cause,
// wrapped. Once Limits.Disk is exceeded, Exec and Write fail for good.
type Sandbox interface {
	// Root is the work tree's absolute path as commands see it.
	Root() string
	// Exec runs one command in a fresh process and waits for it and all its
	// children, which are dead when Exec returns. Time-outs, exit codes and
	// killed processes are in the result.
	Exec(ctx context.Context, cmd Command) (ExecResult, error)
	// Read returns a regular file, at most max bytes of it. Errors:
	// fs.ErrNotExist, *PathError.
	Read(ctx context.Context, path string, max int64) (File, error)
	// Write replaces or creates a regular file through a temporary file and
	// a rename. Errors: ErrChanged when the file is not as expected,
	// *PathError.
	Write(ctx context.Context, w Write) (File, error)
	// Search looks for a pattern in file contents. It never follows
	// symlinks and skips .git, binary files and what .gitignore names.
	// A bad pattern is a *PathError with the parser's words.
	Search(ctx context.Context, q Query) (SearchResult, error)
	// List returns the regular files and symlinks below path, sorted, at
	// most max, without .git and what .gitignore names.
	List(ctx context.Context, path string, max int) (Listing, error)
	// Close kills every process and frees everything but Spec.Dir and the
	// writable mounts. It is idempotent, and once it has returned nothing
	// of the sandbox can touch Spec.Dir any more.
	Close() error
}

// Spec says what a sandbox is made of.
type Spec struct {
	// Label is shown in process lists and logs: the task's ID.
	Label string
	// Dir is the host directory that is the work tree.
	Dir string
	// RootFS is a host directory that commands see, read-only, as / in place
	// of the machine's own programs: an unpacked image. It holds the empty
	// directories dev, proc, run, tmp and workspace. Env says all of the
	// environment then but for what is fixed, PATH included. Empty means the
	// machine's own; a backend that does not isolate refuses any other.
	RootFS string
	// Mounts are further directories, read-only unless they say otherwise.
	Mounts []Mount
	// Env is added to the fixed environment of every command.
	Env    map[string]string
	Limits Limits
}

// Mount shows a host directory or file inside. Guest is absolute, or relative
// to the work tree.
type Mount struct {
	Host     string
	Guest    string
	Writable bool
}

// Limits caps what a sandbox may use. Zero means the backend's default.
type Limits struct {
	// CPUTime is per process of a command.
	CPUTime time.Duration
	// Memory in bytes, for the sandbox as a whole where a cgroup can be had,
	// else per process.
	Memory int64
	// Processes counts processes and threads of the sandbox as a whole.
	Processes int
	// FileSize is the largest file a process may write, in bytes.
	FileSize int64
	// Disk is how much the work tree, the writable mounts and the temporary
	// directory may grow, in bytes. The command that passes it is killed; the
	// next may clean up. After the third time nothing runs any more.
	Disk int64
	// Output is how many bytes of one command are kept inside in all; past
	// it the command is killed.
	Output int64
	// Lifetime is the wall-clock limit of the sandbox.
	Lifetime time.Duration
}

// Command is one process to run.
type Command struct {
	// Args is the argument vector; Args[0] is looked up in the sandbox's
	// PATH.
	Args []string
	// Dir is relative to the work tree.
	Dir string
	Env map[string]string
	// Timeout is wall-clock; 0 means the sandbox's lifetime.
	Timeout time.Duration
	// MaxOutput is how many bytes of each stream come back, the first 40 %
	// and the last 60 %; 0 means 64 KiB.
	MaxOutput int
	// Merge sends standard error to standard output, in order.
	Merge bool
	// Keep leaves the whole output of a truncated stream in a file outside
	// the work tree, named in the result.
	Keep bool
}

// ExecResult is what a command did.
type ExecResult struct {
	// ExitCode is the process's, 128+n when signal n killed it, 127 when
	// Args[0] was not found, 126 when it could not be run. It is never 0
	// when TimedOut.
	ExitCode int
	Stdout   Output
	Stderr   Output
	Duration time.Duration
	// TimedOut says that Timeout or the lifetime ended it.
	TimedOut bool
	// Limit names the limit that killed it (memory, processes, disk, output,
	// cpu, file_size), empty when none is known to have.
	Limit string
}

// Output is a stream, cut in the middle when it was too long. Head and Tail
// end and begin at line ends where there are any.
type Output struct {
	Head []byte
	Tail []byte
	// OmittedBytes and OmittedLines count what lies between.
	OmittedBytes int64
	OmittedLines int
	// File is where the whole stream lies inside the sandbox, if kept.
	File string
}

// Truncated reports whether something is missing between Head and Tail.
func (o Output) Truncated() bool { return o.OmittedBytes > 0 }

// Bytes returns Head and Tail joined, without a mark for what is missing.
func (o Output) Bytes() []byte {
	return append(append([]byte(nil), o.Head...), o.Tail...)
}
