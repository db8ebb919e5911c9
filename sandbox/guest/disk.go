package guest

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// measureEvery is the shortest pause between two measurements.
	measureEvery = 250 * time.Millisecond
	// measureShare keeps measuring below 1/21 of one processor.
	measureShare = 20
	// minFree is how little the file system may have left.
	minFree = 512 << 20
	// maxStrikes is how often the limit may be passed. After the others
	// there is room to clean up in.
	maxStrikes = 3
	// slack is that room.
	slack = 64 << 20
)

// disk measures how much the sandbox has written and ends the commands when
// it was too much. Files that were deleted while open and directories nobody
// may list escape it, so the space left on the file system is watched too.
type disk struct {
	dirs    []string
	limit   int64
	running atomic.Int64
	wake    chan struct{}

	mu      sync.Mutex
	full    chan struct{} // closed when over, then replaced
	strikes int
	allowed int64
}

func newDisk(dirs []string, limit int64) *disk {
	return &disk{
		dirs: dirs, limit: limit, allowed: limit, full: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// err says why nothing may be written any more, nil while it may.
func (d *disk) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.strikes >= maxStrikes {
		return fmt.Errorf("the sandbox has written more than its %d MiB of disk too often", d.limit>>20)
	}
	return nil
}

// over is closed when the commands that run now have written too much.
func (d *disk) over() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full
}

// judge ends the commands when too much is used. The next ones may clean up;
// a file system that runs full ends it all.
func (d *disk) judge(used int64, crowded bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if used <= d.limit {
		d.allowed = d.limit
	}
	if used <= d.allowed && !crowded {
		return
	}
	d.strikes++
	if crowded {
		d.strikes = maxStrikes
	}
	d.allowed = max(used, d.limit) + slack
	close(d.full)
	d.full = make(chan struct{})
}

func (d *disk) begin() {
	d.running.Add(1)
	d.nudge()
}

func (d *disk) done() {
	d.running.Add(-1)
	d.nudge()
}

func (d *disk) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// watch measures while commands run, and once after.
func (d *disk) watch(ctx context.Context) {
	base := d.measure(ctx)
	for {
		if d.running.Load() == 0 {
			select {
			case <-d.wake:
			case <-ctx.Done():
				return
			}
		}
		began := time.Now()
		d.judge(d.measure(ctx)-base, d.crowded())
		select {
		case <-time.After(max(measureEvery, measureShare*time.Since(began))):
		case <-ctx.Done():
			return
		}
	}
}

// measure sums the allocated blocks, so that a sparse file counts as little
// as it is.
func (d *disk) measure(ctx context.Context) int64 {
	var sum int64
	for _, dir := range d.dirs {
		_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, _ error) error {
			if e == nil {
				return ctx.Err()
			}
			// What cannot be looked at is left out.
			if info, err := e.Info(); err == nil {
				if stat, ok := info.Sys().(*syscall.Stat_t); ok {
					sum += stat.Blocks * 512
				}
			}
			return ctx.Err()
		})
	}
	return sum
}

// crowded reports whether a file system is nearly full.
func (d *disk) crowded() bool {
	for _, dir := range d.dirs {
		var fsStat syscall.Statfs_t
		if syscall.Statfs(dir, &fsStat) != nil {
			continue
		}
		free := int64(fsStat.Bavail) * fsStat.Bsize
		if free < minFree && free < int64(fsStat.Blocks)*fsStat.Bsize/20 {
			return true
		}
	}
	return false
}
