package guest

import (
	"fmt"

	"honk/sandbox"

	"golang.org/x/sys/unix"
)

// maxFiles is the number of files a process may have open.
const maxFiles = 65536

// setLimits sets what commands inherit on the guest itself, which is the only
// way that leaves no gap between fork and exec. The time limit is not among
// them, it would end the guest one day: setCPULimit.
//
// Address space is not limited: Go, Java and Node reserve far more than they
// use. RLIMIT_DATA counts what is writable and private, which is close to
// what is used, and stands in where no cgroup counts memory.
func setLimits(cfg Config) error {
	limits := map[int]uint64{
		unix.RLIMIT_CORE:   0,
		unix.RLIMIT_FSIZE:  uint64(cfg.Limits.FileSize),
		unix.RLIMIT_NOFILE: maxFiles,
	}
	if !cfg.Contained {
		limits[unix.RLIMIT_DATA] = uint64(cfg.Limits.Memory)
	}
	if !cfg.Contained && !cfg.Shared {
		limits[unix.RLIMIT_NPROC] = uint64(cfg.Limits.Processes)
	}
	for resource, value := range limits {
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err != nil {
			return fmt.Errorf("reading limit %d: %w", resource, err)
		}
		value = min(value, now.Max)
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value}); err != nil {
			return fmt.Errorf("setting limit %d: %w", resource, err)
		}
	}
	return nil
}

// setCPULimit limits the CPU time of a command that has just been started.
func setCPULimit(pid int, l sandbox.Limits) {
	seconds := uint64(max(1, l.CPUTime.Seconds()))
	// A second after the signal that can be caught comes the one that
	// cannot.
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds + 1}, nil)
}
