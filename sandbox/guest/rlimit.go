package guest

import (
	"fmt"
	"runtime"
	"sync"

	"honk/sandbox/guest/wire"

	"golang.org/x/sys/unix"
)

// maxFiles is the number of files a process may have open.
const maxFiles = 65536

// reserveThreads makes the threads the guest may need before a command can use
// up what the sandbox is allowed: the Go runtime ends a program that cannot
// have one more. It keeps the threads it has.
func reserveThreads() {
	// A large machine would want one per processor at once.
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), 4))
	var ready, done sync.WaitGroup
	release := make(chan struct{})
	for range wire.Threads - 8 {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-release
		})
	}
	ready.Wait()
	close(release)
	done.Wait()
}

// setLimits sets what commands inherit on the guest itself, which is the only
// way that leaves no gap between fork and exec.
func setLimits(cfg wire.Config) error {
	limits := map[int]uint64{
		unix.RLIMIT_CORE:   0,
		unix.RLIMIT_FSIZE:  uint64(cfg.Limits.FileSize),
		unix.RLIMIT_NOFILE: maxFiles,
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

// limit sets the limits that the guest itself could not live with on a command
// that has just been started: CPU time, of which the guest uses a little for
// each command, and memory and processes where no cgroup counts them.
//
// Address space is not limited: Go, Java and Node reserve far more than they
// use. RLIMIT_DATA counts what is writable and private, which is close to
// what is used.
func limit(pid int, cfg wire.Config) {
	seconds := uint64(max(1, cfg.Limits.CPUTime.Seconds()))
	// A second after the signal that can be caught comes the one that
	// cannot.
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds + 1}, nil)
	if cfg.Contained {
		return
	}
	memory := uint64(cfg.Limits.Memory)
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: memory, Max: memory}, nil)
	if !cfg.Shared {
		processes := uint64(cfg.Limits.Processes + wire.Threads)
		_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: processes, Max: processes}, nil)
	}
}
