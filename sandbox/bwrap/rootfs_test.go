package bwrap_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/sandboxtest"
)

// lookSource tells what can be seen from an image that has nothing but it.
const lookSource = `package main

import (
	"fmt"
	"net"
	"os"
	"sort"
	"strings"
)

func main() {
	switch os.Args[1] {
	case "env":
		env := os.Environ()
		sort.Strings(env)
		fmt.Print(strings.Join(env, "\n"))
	case "read":
		for _, name := range os.Args[2:] {
			_, err := os.ReadFile(name)
			if entries, listErr := os.ReadDir(name); listErr == nil && len(entries) > 0 {
				err = nil
			}
			if err == nil {
				fmt.Println("read", name)
			}
		}
	case "write":
		for _, name := range os.Args[2:] {
			if err := os.WriteFile(name, []byte("new\n"), 0o600); err == nil {
				fmt.Println("wrote", name)
			}
		}
	case "dial":
		for _, addr := range os.Args[2:] {
			network := "tcp"
			if strings.HasPrefix(addr, "udp:") {
				network, addr = "udp", addr[4:]
			}
			if _, err := net.Dial(network, addr); err == nil {
				fmt.Println("reached", addr)
			}
		}
	case "processes":
		entries, _ := os.ReadDir("/proc")
		n := 0
		for _, e := range entries {
			if e.Name()[0] >= '0' && e.Name()[0] <= '9' {
				n++
				text, _ := os.ReadFile("/proc/" + e.Name() + "/environ")
				fmt.Printf("%s", text)
			}
		}
		fmt.Println("processes", n)
	}
}
`

// image makes an unpacked image whose one program is /look.
func image(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"dev", "proc", "run", "tmp", "workspace", "etc"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("image\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(sandboxtest.Static(t, lookSource), filepath.Join(root, "look")); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestStart_image runs a program without libraries in an image without a shell.
func TestStart_image(t *testing.T) {
	t.Parallel()
	b := bwrap.New(bwrap.Options{Helper: sandboxtest.Helper(t), Tools: sandbox.Tools{
		Path: []string{"/opt/tools"}, Env: map[string]string{"TOOL": "x"},
		Mounts: []sandbox.Mount{{Host: t.TempDir(), Guest: "/opt/tools"}},
	}})
	sandboxtest.Need(t, b)
	root, dir, outside, out := image(t), t.TempDir(), t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte(sandboxtest.Canary), 0o600); err != nil {
		t.Fatal(err)
	}
	sb, err := b.Start(t.Context(), sandbox.Spec{
		Label: "image", Dir: dir, RootFS: root, Env: map[string]string{"PATH": "/", "MODE": "fast", "HOME": "/root"},
		Mounts: []sandbox.Mount{{Host: out, Guest: "/run/shift", Writable: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sb.Close() }()
	look := func(args ...string) string {
		t.Helper()
		res, err := sb.Exec(t.Context(), sandbox.Command{Args: append([]string{"look"}, args...), Merge: true, MaxOutput: 1 << 20})
		if err != nil || res.ExitCode != 0 {
			t.Fatalf("exit %d, %v: %s", res.ExitCode, err, res.Stdout.Bytes())
		}
		return string(res.Stdout.Bytes())
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()

	for _, tt := range []struct{ got, want string }{
		{look("read", "/usr", "/bin", "/lib", "/etc/shadow", "/etc/ssl", "/opt/tools", "/sys/kernel", "/var/lib", outside, secret, "/proc/1/root"+secret, "/run/output"), ""},
		{look("read", "/etc/passwd"), "read /etc/passwd\n"},
		{look("write", "/x", "/etc/passwd", "/look", "/run/x", "/run/honk", "/dev/x", "/proc/sys/kernel/core_pattern", outside+"/x"), ""},
		{look("write", "/tmp/x", "/dev/shm/x", "x", "/workspace/y", "/run/home/x", "/run/shift/x"), "wrote /tmp/x\nwrote /dev/shm/x\nwrote x\nwrote /workspace/y\nwrote /run/home/x\nwrote /run/shift/x\n"},
		{look("dial", l.Addr().String(), "udp:169.254.169.254:80", "udp:192.0.2.1:443", "udp:[2001:db8::1]:443"), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	env := "\n" + look("env")
	for _, want := range []string{"\nPATH=/\n", "\nMODE=fast\n", "\nHOME=/run/home\n", "\nTMPDIR=/tmp\n"} {
		if !strings.Contains(env, want) {
			t.Errorf("the environment lacks %q:%s", want, env)
		}
	}
	all := look("processes")
	if strings.Contains(env+all, sandboxtest.Canary) || strings.Contains(env, "TOOL=") || !strings.HasSuffix(all, fmt.Sprintln("processes", 2)) {
		t.Errorf("the environment or the processes of the machine are seen:%s\n%s", env, all)
	}
	for file, want := range map[string]bool{
		dir + "/x": true, dir + "/y": true, out + "/x": true, root + "/x": false, root + "/tmp/x": false, root + "/run/honk": false,
	} {
		if _, err := os.Stat(file); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", file, err == nil, want)
		}
	}
}

// A helper that needs libraries is refused with a remedy, not tried.
func TestStart_dynamicHelper(t *testing.T) {
	t.Parallel()
	sandboxtest.Need(t, bwrap.New(bwrap.Options{}))
	b := bwrap.New(bwrap.Options{Helper: "/bin/sh"})
	_, err := b.Start(t.Context(), sandbox.Spec{Label: "x", Dir: t.TempDir(), RootFS: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("got %v", err)
	}
}
