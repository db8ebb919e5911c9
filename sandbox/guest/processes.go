package guest

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processes are the commands of a guest and all that descends from them.
//
// A command may leave its session, its process group and its parent, but not
// the limits it was born with: each command is tagged with its own soft
// RLIMIT_MSGQUEUE, which every descendant inherits and nothing else uses. A
// forged tag names another command at best and lives as long as that one; an
// unknown tag is killed at the end of any command.
type processes struct {
	// alone says that the guest is PID 1 of its own namespace, where every
	// other process is a command's.
	alone bool

	mu      sync.Mutex // guards the fields below, and the limit at fork
	waiters map[int]chan exit
	running map[uint64]bool
	serial  uint64
}

// exit is how a process ended.
type exit struct {
	status unix.WaitStatus
}

const (
	tagTop   = 819200 // Linux's default limit
	tagCount = 100000
)

func newProcesses() *processes {
	p := &processes{
		alone:   os.Getpid() == 1,
		waiters: map[int]chan exit{},
		running: map[uint64]bool{},
	}
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	// Every signal there is: a command may send any, and the Go runtime ends
	// the program for most. Notified rather than ignored: ignored signals stay
	// ignored in children.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	go p.reap(ended)
	return p
}

// reap waits for every child, adopted ones too, and tells who waits for it.
func (p *processes) reap(ended <-chan os.Signal) {
	for range ended {
		p.mu.Lock()
		for {
			var status unix.WaitStatus
			pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
			if c := p.waiters[pid]; c != nil {
				delete(p.waiters, pid)
				c <- exit{status}
			}
		}
		p.mu.Unlock()
	}
}

// process is a started command.
type process struct {
	pid    int
	tag    uint64
	exited <-chan exit
}

// start runs argv0 in a session of its own.
func (p *processes) start(argv0 string, argv []string, attr *syscall.ProcAttr) (process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &limit); err != nil {
		return process{}, err
	}
	p.serial++
	tag := min(limit.Max, tagTop) - min(limit.Max, p.serial%tagCount)
	limit.Cur = tag
	if err := unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &limit); err != nil {
		return process{}, err
	}
	attr.Sys = &syscall.SysProcAttr{Setsid: true}
	pid, err := syscall.ForkExec(argv0, argv, attr)
	if err != nil {
		return process{}, err
	}
	// The first to die when memory runs out is a command, not the guest.
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
	c := make(chan exit, 1)
	p.waiters[pid] = c
	p.running[tag] = true
	return process{pid: pid, tag: tag, exited: c}, nil
}

// end kills what is left of a command. It reports whether all of it is gone.
func (p *processes) end(tag uint64) bool {
	p.mu.Lock()
	delete(p.running, tag)
	p.mu.Unlock()
	pause := time.Millisecond
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		idle := p.sweep()
		if !hasChildren() {
			return true
		}
		left, sure := p.members(tag)
		if !idle && sure && len(left) == 0 {
			return true
		}
		// Who is stopped cannot fork while the others are killed.
		for _, sig := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} {
			for _, pid := range left {
				_ = unix.Kill(pid, sig)
			}
		}
		wait(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
	return false
}

// sweep reports whether no command runs, and if so kills all processes of the
// namespace, in one call that no fork can outrun, where that is the guest's.
func (p *processes) sweep() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := len(p.running) == 0
	if p.alone && idle {
		_ = unix.Kill(-1, unix.SIGKILL)
	}
	return idle
}

// signal sends sig to a command and its descendants.
func (p *processes) signal(tag uint64, sig unix.Signal) {
	pids, _ := p.members(tag)
	for _, pid := range pids {
		_ = unix.Kill(pid, sig)
	}
}

// killAll ends every command.
func (p *processes) killAll() {
	p.mu.Lock()
	p.running = map[uint64]bool{}
	p.mu.Unlock()
	p.end(0)
}

// members returns the living processes that carry tag or one of no running
// command, and whether it can have missed none.
func (p *processes) members(tag uint64) (pids []int, sure bool) {
	family, sure := p.family()
	for _, pid := range family {
		var limit unix.Rlimit
		err := unix.Prlimit(pid, unix.RLIMIT_MSGQUEUE, nil, &limit)
		if errors.Is(err, unix.ESRCH) {
			sure = false
			continue
		}
		p.mu.Lock()
		other := p.running[limit.Cur] && limit.Cur != tag
		p.mu.Unlock()
		if err != nil || !other {
			pids = append(pids, pid)
		}
	}
	return pids, sure
}

// hasChildren is cheap and true while anything lives that the guest started:
// as subreaper it is the parent of every orphan.
func hasChildren() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return !errors.Is(err, unix.ECHILD)
}

// family returns the living processes below the guest. It is not sure when
// one vanished under its eyes, whose children it may have missed.
func (p *processes) family() (pids []int, sure bool) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, false
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	sure = err == nil
	parents := map[int]int{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		ppid, state := parentOf(pid)
		switch state {
		case gone:
			sure = false
		case zombie:
			sure = sure && ppid != os.Getpid()
		case living:
			parents[pid] = ppid
		}
	}
	for pid := range parents {
		if pid == os.Getpid() {
			continue
		}
		ours, known := descends(pid, os.Getpid(), parents)
		if p.alone || ours {
			pids = append(pids, pid)
		}
		sure = sure && known
	}
	return pids, sure
}

// descends reports whether ancestor is above pid, and whether the line is
// without gaps.
func descends(pid, ancestor int, parents map[int]int) (ours, known bool) {
	for range parents {
		ppid, ok := parents[pid]
		if !ok || ppid == ancestor {
			return ok, ok
		}
		if ppid == 0 {
			return false, true
		}
		pid = ppid
	}
	return false, false
}

// The states of a process that matter here.
const (
	living = iota
	zombie
	gone
)

// parentOf reads a process's parent and state.
func parentOf(pid int) (ppid, state int) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, gone
	}
	// The name is in parentheses and may hold any byte.
	rest := string(stat[bytes.LastIndexByte(stat, ')')+1:])
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0, gone
	}
	ppid, _ = strconv.Atoi(fields[1])
	if fields[0] == "Z" || fields[0] == "X" {
		return ppid, zombie
	}
	return ppid, living
}

// wait pauses for d.
func wait(d time.Duration) {
	<-time.After(d)
}
