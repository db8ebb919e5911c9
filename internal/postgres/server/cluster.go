package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"honk/internal/task"
)

// handedDown is where a server that is not to see the directories above its
// cluster finds it.
const handedDown = "/proc/self/fd/3"

// account is the user that PostgreSQL runs as when Honk is root.
type account struct{ uid, gid uint32 }

// cluster is PostgreSQL's own directory.
type cluster struct {
	dir string // holds the cluster and what belongs to it
	// version is the major version that made it, "" before init.
	version string
	// user is nil when Honk is not root: the server runs as Honk's user then.
	user *account
	file *os.File // the directory, opened; nil before init
}

// data returns where the cluster is.
func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// path returns where PostgreSQL is told that it is.
func (c *cluster) path() string {
	if c.user != nil {
		return handedDown
	}
	return c.file.Name()
}

func (c *cluster) close() {
	if c.file != nil {
		_ = c.file.Close()
	}
}

// openCluster looks at what is in a directory.
func openCluster(dir string) (*cluster, error) {
	c := &cluster{dir: dir}
	info, err := os.Stat(c.data())
	if errors.Is(err, fs.ErrNotExist) {
		if os.Geteuid() == 0 {
			c.user, err = unprivileged()
			return c, err
		}
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the database: %w", err)
	}
	// The cluster stays with the user that made it, whatever users there are
	// by now.
	owner := ownerOf(info)
	switch euid := uint32(os.Geteuid()); {
	case euid == owner.uid && euid != 0:
	case euid == 0 && owner.uid != 0:
		c.user = &owner
	default:
		return nil, task.Errorf(task.CodeInvalid, "the database in %q belongs to user %d; "+
			"run honk as that user or as root, or set HONK_DATABASE_URL", dir, owner.uid)
	}
	if c.version, err = readVersion(c.data()); err != nil {
		return nil, task.Errorf(task.CodeInvalid, "%q holds no PostgreSQL cluster: %w; move it away", c.data(), err)
	}
	c.file, err = os.Open(c.data())
	return c, err
}

// unprivileged returns the user to run as in place of root.
func unprivileged() (*account, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(uidErr, gidErr) == nil && uid != 0 {
			return &account{uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, task.Errorf(task.CodeInvalid, "PostgreSQL does not run as root, and there is no user postgres or nobody; "+
		"make one, run honk as an ordinary user, or set HONK_DATABASE_URL")
}

func ownerOf(info fs.FileInfo) account {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}
	}
	return account{sys.Uid, sys.Gid}
}

// readVersion returns the major version that made a cluster. What is in there
// is the server's to write, so no link is followed out of it.
func readVersion(data string) (string, error) {
	root, err := os.OpenRoot(data)
	if err != nil {
		return "", err
	}
	defer root.Close()
	f, err := root.Open("PG_VERSION")
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	version := strings.TrimSpace(string(text))
	if err == nil && version == "" {
		err = errors.New("PG_VERSION is empty")
	}
	return version, err
}

// init makes the cluster. It gets its name when it is complete, so that one
// that was cut short is never taken for a database.
func (c *cluster) init(ctx context.Context, bin string, output *logFile, ephemeral bool) error {
	fresh := c.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("removing a database that was cut short: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("making the database's directory: %w", err)
	}
	if c.user != nil {
		if err := os.Lchown(fresh, int(c.user.uid), int(c.user.gid)); err != nil {
			return task.Errorf(task.CodeInvalid, "giving the database to user %d: %w; "+
				"run honk as an ordinary user, or set HONK_DATABASE_URL", c.user.uid, err)
		}
	}
	var err error
	if c.file, err = os.Open(fresh); err != nil {
		return fmt.Errorf("opening the database's directory: %w", err)
	}
	argv := []string{
		filepath.Join(bin, "initdb"), "-D", c.path(), "--username=" + superuser, "--encoding=UTF8",
		"--locale=C", "--auth-local=trust", "--auth-host=reject", "--no-instructions",
	}
	if ephemeral {
		argv = append(argv, "--no-sync")
	}
	p, err := c.launch(ctx, argv, output.File)
	if err != nil {
		return fmt.Errorf("starting initdb: %w", err)
	}
	<-p.dead
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	if !p.cmd.ProcessState.Success() {
		return task.Errorf(task.CodeUnavailable, "making the database in %q: initdb: %s; its log %q ends: %s",
			c.dir, p.state(), output.Name(), output.tail())
	}
	if err := os.Rename(fresh, c.data()); err != nil {
		return fmt.Errorf("naming the database: %w", err)
	}
	// The name changed with the directory open.
	_ = c.file.Close()
	c.file, err = os.Open(c.data())
	return err
}

// settings returns the server's options: ours, then the caller's.
func settings(sockets string, opts Options) []string {
	all := map[string]string{
		"listen_addresses":        "",
		"port":                    port,
		"unix_socket_directories": sockets,
		"unix_socket_permissions": "0700",
		// A small machine, and one process that uses it.
		"shared_buffers":  "64MB",
		"max_connections": "100",
		"max_wal_size":    "256MB",
		"fsync":           "on",
		"timezone":        "UTC",
		"log_timezone":    "UTC",
		"log_checkpoints": "off",
	}
	if opts.Ephemeral {
		maps.Copy(all, map[string]string{
			"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB",
		})
	}
	maps.Copy(all, opts.Settings)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}
