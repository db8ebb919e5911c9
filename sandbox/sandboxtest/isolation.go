package sandboxtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"honk/sandbox"
)

func isolationCases() []testCase {
	return []testCase{
		{name: "self_test", isolated: true, run: selfTest},
		{name: "files", isolated: true, run: hostFiles},
		{name: "network", isolated: true, run: network},
		{name: "secrets", isolated: true, run: secrets},
		{name: "processes", isolated: true, run: hostProcesses},
		{name: "kernel", isolated: true, run: kernel},
		{name: "foreign_calls", isolated: true, run: foreignCalls},
		{name: "helper", isolated: true, run: helper},
		{name: "mounts_are_read_only", isolated: true, run: readOnlyMounts},
		{name: "mount_point_behind_a_link", isolated: true, run: linkedMountPoint},
		{name: "same_root", isolated: true, run: sameRoot},
	}
}

func selfTest(t *testing.T, x *bundle) {
	if err := x.b.SelfTest(t.Context()); err != nil {
		t.Error(err)
	}
}

// fails fails the test for each script that succeeds or prints the canary.
func (x *bundle) fails(t *testing.T, scripts ...string) {
	t.Helper()
	for _, script := range scripts {
		result := x.bash(t, script, func(c *sandbox.Command) { c.Merge = true })
		out := string(result.Stdout.Bytes())
		if result.ExitCode == 0 || strings.Contains(out, Canary) {
			t.Errorf("worked inside: %s\n%.300s", script, out)
		}
	}
}

func hostFiles(t *testing.T, x *bundle) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(x.outside, "secret")
	x.link(t, secret, "link")
	if err := os.Link(secret, filepath.Join(x.outside, "hard")); err != nil {
		t.Fatal(err)
	}
	x.fails(t,
		"cat "+secret, "cat link", "cat ../outside/secret", "cat /proc/1/root"+secret, "cat /proc/self/root"+secret,
		"cat /proc/1/cwd/../outside/secret",
		"ls "+home+"/.", "cat /etc/shadow", "cat /etc/gshadow", "ls /etc/ssl/private", "cat /etc/machine-id",
		"ls /root/.ssh", "ls /var/lib", "ls /var/run/docker.sock", "ls /sys/kernel", "ls /boot", "ls /mnt",
		"echo x > "+filepath.Join(x.outside, "new"), "touch /usr/bin/x", "touch /etc/x", "touch /x", "touch /dev/x",
		"rm -f /run/honk && test ! -e /run/honk", "echo x >> /run/honk", "mount -t tmpfs x /tmp", "chroot / true",
	)
	if entries, _ := os.ReadDir(x.outside); len(entries) != 2 {
		t.Errorf("outside now holds %v", entries)
	}
	if out := x.bash(t, "cat /etc/passwd").Stdout.Bytes(); strings.Count(string(out), "\n") != 3 {
		t.Errorf("users of the host: %s", out)
	}
}

func network(t *testing.T, x *bundle) {
	var listen net.ListenConfig
	tcp, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	x.fails(t,
		"echo > /dev/tcp/127.0.0.1/"+port, "echo > /dev/tcp/169.254.169.254/80", "echo > /dev/tcp/192.0.2.1/443",
		"echo > /dev/udp/192.0.2.1/53", "getent hosts example.com", "echo > /dev/tcp/::1/"+port,
	)
	out := x.bash(t, "tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route").Stdout.Bytes()
	if got := strings.TrimSpace(string(out)); got != "lo" {
		t.Errorf("interfaces and routes: %q, want lo alone", got)
	}
	// Local servers of a test suite still work.
	if r := x.bash(t, "command -v python3 >/dev/null || exit 0; python3 -c 'import socket as s; a=s.create_server((\"127.0.0.1\",0)); "+
		"s.create_connection(a.getsockname())'"); r.ExitCode != 0 {
		t.Errorf("no loopback inside: %s", r.Stderr.Bytes())
	}
}

func secrets(t *testing.T, x *bundle) {
	if os.Getenv("HONK_SANDBOXTEST_SECRET") != Canary {
		t.Fatal("the canary is not planted: call sandboxtest.Main")
	}
	out := x.bash(t, "cat /proc/*/environ /proc/*/cmdline /proc/*/task/*/environ /proc/keys 2>&1; env; ulimit -c",
		func(c *sandbox.Command) { c.MaxOutput, c.Merge = 1<<20, true }).Stdout.Bytes()
	if strings.Contains(string(out), Canary) {
		t.Error("the worker's environment is visible inside")
	}
	for _, host := range []string{x.dir, x.outside} {
		if strings.Contains(string(out), host) {
			t.Errorf("the host path %q is visible inside", host)
		}
	}
	x.fails(t, "cat /proc/1/environ", "cat /proc/1/mem", "ls -l /proc/1/fd/ | grep -q pipe", "head -c 1 /proc/1/maps")
}

func hostProcesses(t *testing.T, x *bundle) {
	out := strings.Fields(string(x.bash(t, "ls -d /proc/[0-9]*; true").Stdout.Bytes()))
	if len(out) > 4 {
		t.Errorf("processes inside: %v", out)
	}
	x.fails(t, fmt.Sprintf("kill -0 %d && test ! -e /proc/%[1]d/cmdline", os.Getpid()))
}

func kernel(t *testing.T, x *bundle) {
	x.fails(t,
		": >> /proc/sys/kernel/core_pattern", ": >> /proc/sys/vm/drop_caches", ": >> /proc/sysrq-trigger",
		": >> /proc/pressure/cpu", ": >> /proc/dynamic_debug/control",
		"unshare -U true", "unshare -r true", "unshare -n true", "setpriv --reuid 0 true", "mknod d b 254 0 && cat d",
		"grep -q 'CapEff:.*[1-9a-f]' /proc/self/status", "grep -q 'Seccomp:.*0' /proc/self/status",
		"grep -q 'NoNewPrivs:.*0' /proc/self/status", "head -c 1 /proc/kcore | grep -q .", "head -c 1 /dev/mem", "dmesg",
	)
}

// foreignCalls are those of the processor's other architectures, which a
// filter of one architecture's calls does not know.
func foreignCalls(t *testing.T, x *bundle) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the programs are for amd64")
	}
	// exit(code) with what the call returned.
	const exit = "\x89\xc7\xb8\x3c\x00\x00\x00\x0f\x05"
	for name, code := range map[string]string{
		"i386": "\xb8\x14\x00\x00\x00\xcd\x80", // getpid by int 0x80
		"x32":  "\xb8\x27\x00\x00\x40\x0f\x05", // getpid with the x32 bit
	} {
		x.put(t, "foreign", elf(code+exit))
		if r := x.bash(t, "chmod +x foreign && ./foreign"); r.ExitCode != 256-int(syscall.ENOSYS) {
			t.Errorf("%s: exit %d, want ENOSYS", name, r.ExitCode)
		}
	}
}

// elf makes a program of machine code.
func elf(code string) string {
	const base, head = 0x400000, 64 + 56
	var b bytes.Buffer
	for _, part := range []any{
		[]byte("\x7fELF\x02\x01\x01"), make([]byte, 9),
		[]uint16{2, 62},
		uint32(1),
		[]uint64{base + head, 64, 0},
		uint32(0),
		[]uint16{64, 56, 1, 0, 0, 0},
		[]uint32{1, 5},
		[]uint64{0, base, base, uint64(head + len(code)), uint64(head + len(code)), 0x1000},
		[]byte(code),
	} {
		_ = binary.Write(&b, binary.LittleEndian, part)
	}
	return b.String()
}

// helper is the process beside the commands, whom nothing inside may stop.
func helper(t *testing.T, x *bundle) {
	x.bash(t, "for s in $(seq 64); do kill -$s 1; done; sleep 0.1; kill -9 -1")
	x.usable(t)
	x.fails(t, "echo x > /proc/1/mem", "echo x > /proc/1/fd/1")
	x.usable(t)
}

func readOnlyMounts(t *testing.T, x *bundle) {
	writable := t.TempDir()
	sb, err := x.b.Start(t.Context(), sandbox.Spec{Label: "mounts", Dir: x.dir, Mounts: []sandbox.Mount{
		{Host: x.outside, Guest: "/opt/shown"},
		{Host: x.outside, Guest: "deep/shown"},
		{Host: writable, Guest: "/opt/writable", Writable: true},
		{Host: filepath.Join(x.outside, "secret"), Guest: "one/file"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sb.Close() }()
	y := &bundle{b: x.b, sb: sb}
	y.fails(t, "touch /opt/shown/x", "touch deep/shown/x", "echo x > one/file", "rm deep/shown/secret")
	if r := y.bash(t, "cat /opt/shown/secret deep/shown/secret one/file && touch /opt/writable/x"); r.ExitCode != 0 {
		t.Errorf("exit %d: %s", r.ExitCode, r.Stderr.Bytes())
	}
	if _, err := os.Stat(filepath.Join(writable, "x")); err != nil {
		t.Error(err)
	}
}

func linkedMountPoint(t *testing.T, x *bundle) {
	x.link(t, x.outside, "web")
	sb, err := x.b.Start(t.Context(), sandbox.Spec{
		Label: "mounts", Dir: x.dir,
		Mounts: []sandbox.Mount{{Host: t.TempDir(), Guest: "web/node_modules"}},
	})
	if err == nil {
		_ = sb.Close()
		t.Error("mounted through a symlink")
	}
	infrastructure(t, "Start", err)
	if entries, _ := os.ReadDir(x.outside); len(entries) != 1 {
		t.Errorf("outside now holds %v", entries)
	}
}

func sameRoot(t *testing.T, x *bundle) {
	y := newBundle(t, x.b, sandbox.Spec{})
	if x.sb.Root() != y.sb.Root() {
		t.Errorf("roots %q and %q differ: build caches would not be valid", x.sb.Root(), y.sb.Root())
	}
	x.bash(t, "echo x > /tmp/mine; echo x > $HOME/mine")
	y.fails(t, "cat /tmp/mine", "cat $HOME/mine")
}
