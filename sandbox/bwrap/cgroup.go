package bwrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"honk/sandbox"
	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

// cgroup caps a sandbox as a whole. It has one directory under cgroup v2 and
// one per controller under v1.
type cgroup struct {
	dirs []string
}

// newCgroup makes a cgroup called name, or returns nil when this process may
// not: rlimits are what is left then.
func newCgroup(name string, l sandbox.Limits) *cgroup {
	for _, dir := range unifiedParents() {
		if g := try([]string{filepath.Join(dir, name)}, l); g != nil {
			return g
		}
		// Controllers are handed down one level at a time.
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+memory +pids +cpu"), 0)
		if g := try([]string{filepath.Join(dir, name)}, l); g != nil {
			return g
		}
	}
	for _, memory := range v1Parents("memory") {
		for _, pids := range v1Parents("pids") {
			if g := try([]string{filepath.Join(memory, name), filepath.Join(pids, name)}, l); g != nil {
				return g
			}
		}
	}
	return nil
}

// try makes the directories and sets the limits, or leaves nothing.
func try(dirs []string, l sandbox.Limits) *cgroup {
	g := &cgroup{}
	for _, dir := range dirs {
		if os.Mkdir(dir, 0o755) != nil {
			_ = g.remove()
			return nil
		}
		g.dirs = append(g.dirs, dir)
	}
	memory := g.set("memory.max", l.Memory) || g.set("memory.limit_in_bytes", l.Memory)
	pids := g.set("pids.max", int64(l.Processes+wire.Threads))
	if !memory || !pids {
		_ = g.remove()
		return nil
	}
	// No swap beyond the limit, and less of the processors than the worker:
	// good to have.
	_ = g.set("memory.swap.max", 0) || g.set("memory.memsw.limit_in_bytes", l.Memory)
	_ = g.set("cpu.weight", 50)
	return g
}

func (g *cgroup) set(file string, value int64) bool {
	for _, dir := range g.dirs {
		// Never created: the kernel made the files there are.
		f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		_, err = f.WriteString(strconv.FormatInt(value, 10))
		_ = f.Close()
		return err == nil
	}
	return false
}

// add moves a process, which has no children yet, into the cgroup.
func (g *cgroup) add(pid int) error {
	for _, dir := range g.dirs {
		err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		if err != nil {
			return fmt.Errorf("entering the control group: %w", err)
		}
	}
	return nil
}

// hits counts processes killed for memory and forks refused.
func (g *cgroup) hits() map[string]int64 {
	counts := map[string]int64{}
	for _, source := range []struct{ file, key, limit string }{
		{"memory.events", "oom_kill", "memory"},
		{"memory.oom_control", "oom_kill", "memory"},
		{"pids.events", "max", "processes"},
	} {
		for _, dir := range g.dirs {
			text, err := os.ReadFile(filepath.Join(dir, source.file))
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(text)) {
				if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && key == source.key {
					n, _ := strconv.ParseInt(value, 10, 64)
					counts[source.limit] = n
				}
			}
		}
	}
	return counts
}

// remove deletes the cgroup, whose processes are dead but may not all have
// left it yet.
func (g *cgroup) remove() error {
	var errs []error
	for _, dir := range g.dirs {
		var err error
		for range 200 {
			err = unix.Rmdir(dir)
			if !errors.Is(err, unix.EBUSY) {
				break
			}
			<-time.After(5 * time.Millisecond)
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("removing control group %q: %w", dir, err))
		}
	}
	return errors.Join(errs...)
}

// unifiedParents are the directories of cgroup v2 in which a cgroup might be
// made: below this process's own, beside it, at the root.
func unifiedParents() []string {
	mount := mountOf("cgroup2", "")
	if mount == "" {
		return nil
	}
	own := filepath.Join(mount, ownPath(""))
	return []string{own, filepath.Dir(own), mount}
}

// v1Parents are the same for one controller of cgroup v1.
func v1Parents(controller string) []string {
	mount := mountOf("cgroup", controller)
	if mount == "" {
		return nil
	}
	return []string{filepath.Join(mount, ownPath(controller)), mount}
}

// mountOf finds where a hierarchy is mounted, "" for nowhere.
func mountOf(fsType, controller string) string {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[2] != fsType {
			continue
		}
		if controller == "" || strings.Contains(","+f[3]+",", ","+controller+",") {
			return f[1]
		}
	}
	return ""
}

// ownPath is this process's cgroup in a hierarchy.
func ownPath(controller string) string {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "/"
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && strings.Contains(","+f[1]+",", ","+controller+",") {
			return f[2]
		}
	}
	return "/"
}
