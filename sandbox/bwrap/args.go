package bwrap

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"honk/sandbox"

	"golang.org/x/sys/unix"
)

// Where things lie inside. The work tree's path is the same for every task,
// so that build caches stay valid between them.
const (
	guestRoot   = "/workspace"
	guestHome   = "/home/agent"
	guestOutput = "/run/output"
	guestHelper = "/run/honk"
	// imageHome is the home directory where / is an image's: what is not in
	// the image can be made below /run only.
	imageHome = "/run/home"
)

// etc are the files of /etc that compilers and libraries read. Users, hosts
// and name services are made up, and private keys stay outside.
var etc = [...]string{
	"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/ca-certificates.conf",
	"/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/crypto-policies",
	"/etc/localtime", "/etc/mime.types", "/etc/protocols", "/etc/services", "/etc/fonts",
	"/etc/os-release", "/etc/debian_version", "/etc/maven/m2.conf", "/etc/maven/logging",
}

// etcPatterns are files whose names hold a version.
var etcPatterns = [...]string{"/etc/java-*", "/etc/java", "/etc/python3*"}

// madeUp are files of /etc with our own content.
var madeUp = map[string]string{
	"passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\n" +
		"agent:x:1000:1000:agent:" + guestHome + ":/bin/bash\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	"group":         "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
	"hosts":         "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n",
	"hostname":      "sandbox\n",
	"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
	"resolv.conf":   "",
}

// procReadOnly and procHidden are the parts of /proc that belong to the
// machine. Their modes let root write or read them, and that is who runs the
// commands, as the kernel sees it, when the worker is root.
var (
	procReadOnly = [...]string{
		"acpi", "asound", "bus", "driver", "dynamic_debug", "fs", "irq", "latency_stats", "mtrr",
		"pressure", "scsi", "sys", "sysrq-trigger", "timer_stats", "tty",
	}
	procHidden = [...]string{
		"kcore", "keys", "kmsg", "kpagecount", "kpageflags", "sched_debug",
		"slabinfo", "timer_list", "vmallocinfo",
	}
)

// args returns bubblewrap's options for a prepared sandbox.
func (p *prepared) args(f features) []string {
	a := []string{
		"--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--as-pid-1",
		"--cap-drop", "ALL", "--clearenv", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox",
		"--info-fd", strconv.Itoa(infoFD), "--block-fd", strconv.Itoa(blockFD),
		"--seccomp", strconv.Itoa(seccompFD),
	}
	if f.disableUserns {
		a = append(a, "--disable-userns")
	}
	if root := p.spec.RootFS; root != "" {
		a = append(a, "--ro-bind", root, "/")
	}
	a = append(a, "--proc", "/proc", "--dev", "/dev")
	for _, name := range procReadOnly {
		a = append(a, "--ro-bind-try", "/proc/"+name, "/proc/"+name)
	}
	for _, name := range procHidden {
		if _, err := os.Stat("/proc/" + name); err == nil {
			a = append(a, "--ro-bind", "/dev/null", "/proc/"+name)
		}
	}
	if p.spec.RootFS == "" {
		a = append(a, machine(p.scratch)...)
	} else {
		a = append(a, "--tmpfs", "/run")
	}
	a = append(a, p.space(f)...)
	a = append(a,
		"--bind", filepath.Join(p.scratch, "home"), p.home(),
		"--bind", filepath.Join(p.scratch, "output"), guestOutput,
		"--ro-bind", p.helper, guestHelper,
		"--bind", p.spec.Dir, guestRoot)
	for _, m := range p.mounts {
		option := "--ro-bind"
		if m.Writable {
			option = "--bind"
		}
		a = append(a, option, m.Host, m.Guest)
	}
	if p.spec.RootFS != "" {
		a = append(a, "--remount-ro", "/run")
	}
	return append(a, "--remount-ro", "/", "--chdir", guestRoot)
}

// home is the home directory as commands see it.
func (p *prepared) home() string {
	if p.spec.RootFS != "" {
		return imageHome
	}
	return guestHome
}

// machine shows the programs and libraries of this machine.
func machine(scratch string) []string {
	a := []string{"--ro-bind", "/usr", "/usr", "--dir", "/var", "--symlink", "/tmp", "/var/tmp"}
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if target, err := os.Readlink(dir); err == nil {
			a = append(a, "--symlink", target, dir)
		} else {
			a = append(a, "--ro-bind-try", dir, dir)
		}
	}
	return append(a, etcArgs(scratch)...)
}

func etcArgs(scratch string) []string {
	var a []string
	for name := range madeUp {
		a = append(a, "--ro-bind", filepath.Join(scratch, "etc", name), "/etc/"+name)
	}
	files := etc[:len(etc):len(etc)]
	for _, pattern := range etcPatterns {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	for _, file := range files {
		a = append(a, "--ro-bind-try", file, file)
	}
	return a
}

// space is what may be written beside the work tree and the home directory.
// Old versions cannot limit a tmpfs: they get a directory that is measured.
func (p *prepared) space(f features) []string {
	if !f.size {
		return []string{"--bind", filepath.Join(p.scratch, "tmp"), "/tmp", "--remount-ro", "/dev"}
	}
	size := strconv.FormatInt(p.limits.Disk/4, 10)
	return []string{
		"--perms", "1777", "--size", size, "--tmpfs", "/tmp",
		"--perms", "1777", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
	}
}

// memFile returns a file of memory that holds data, read from its start.
func memFile(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("writing a memory file: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("rewinding a memory file: %w", err)
	}
	return f, nil
}

// environ is the environment of commands.
func (b *Backend) environ(p *prepared) map[string]string {
	env := sandbox.BaseEnv()
	env["USER"] = "agent"
	env["PATH"] = sandbox.BasePath
	if p.spec.RootFS == "" {
		env["PATH"] = strings.Join(append(slices.Clip(b.opts.Tools.Path), sandbox.BasePath), ":")
		env["HOME"], env["TMPDIR"] = p.home(), "/tmp"
		maps.Copy(env, b.opts.Tools.Env)
	}
	maps.Copy(env, p.spec.Env)
	if p.spec.RootFS != "" {
		// What the image says of them can be read only.
		env["HOME"], env["TMPDIR"] = p.home(), "/tmp"
	}
	return env
}
