package bwrap

import (
	"bytes"
	"encoding/binary"
	"fmt"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// denied are the calls no build needs and kernel exploits do: namespaces,
// mounts, keys, modules, and the parts of the kernel with the worst record.
// Names an architecture lacks are left out.
var denied = [...]string{
	"unshare", "setns",
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
	"open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"swapon", "swapoff", "quotactl", "quotactl_fd", "acct",
	"add_key", "request_key", "keyctl",
	"bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
	"open_by_handle_at", "lookup_dcookie", "fanotify_init", "nfsservctl",
	"reboot", "syslog", "iopl", "ioperm", "vm86", "vm86old", "modify_ldt",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime",
	"move_pages", "mbind", "migrate_pages", "vhangup", "uselib", "ustat", "_sysctl",
}

// filter returns the system call filter as the kernel reads it.
func filter() ([]byte, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("finding the architecture: %w", err)
	}
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{
			{Action: errno(unix.EPERM), Names: known(info, denied[:]), NamesWithCondtions: namespaces()},
			// The C library falls back to clone, whose flags can be seen.
			{Action: errno(unix.ENOSYS), Names: known(info, []string{"clone3"})},
			{Action: errno(unix.EAFNOSUPPORT), NamesWithCondtions: sockets()},
		},
	}
	program, err := policy.Assemble()
	if err != nil {
		return nil, fmt.Errorf("assembling the system call filter: %w", err)
	}
	// Assemble lets calls of other architectures through, such as the 32-bit
	// ones of the same processor.
	raw, err := bpf.Assemble(append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipTrue: 1},
		bpf.RetConstant{Val: uint32(errno(unix.ENOSYS))},
	}, program...))
	if err != nil {
		return nil, fmt.Errorf("assembling the system call filter: %w", err)
	}
	var buf bytes.Buffer
	if err := binary.Write(&buf, binary.NativeEndian, raw); err != nil {
		return nil, fmt.Errorf("encoding the system call filter: %w", err)
	}
	return buf.Bytes(), nil
}

func errno(e unix.Errno) seccomp.Action {
	return seccomp.ActionErrno | seccomp.Action(e)
}

func known(info *arch.Info, names []string) []string {
	var list []string
	for _, name := range names {
		if _, ok := info.SyscallNames[name]; ok {
			list = append(list, name)
		}
	}
	return list
}

// namespaces matches a clone that makes a namespace.
func namespaces() []seccomp.NameWithConditions {
	var list []seccomp.NameWithConditions
	for _, flag := range []uint64{
		unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWPID, unix.CLONE_NEWNET,
		unix.CLONE_NEWIPC, unix.CLONE_NEWUTS, unix.CLONE_NEWCGROUP,
	} {
		list = append(list, seccomp.NameWithConditions{Name: "clone", Conditions: []seccomp.Condition{
			{Argument: 0, Operation: seccomp.BitsSet, Value: flag},
		}})
	}
	return list
}

// sockets matches every socket but local, IP and routing ones. An argument
// with high bits set, which the kernel ignores, equals nothing and matches.
func sockets() []seccomp.NameWithConditions {
	var other []seccomp.Condition
	for _, family := range []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} {
		other = append(other, seccomp.Condition{Operation: seccomp.NotEqual, Value: family})
	}
	return []seccomp.NameWithConditions{
		{Name: "socket", Conditions: other},
		{Name: "socket", Conditions: []seccomp.Condition{
			{Operation: seccomp.Equal, Value: unix.AF_NETLINK},
			{Argument: 2, Operation: seccomp.NotEqual, Value: unix.NETLINK_ROUTE},
		}},
	}
}
