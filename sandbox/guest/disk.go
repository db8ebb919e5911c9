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
)

// disk measures how much the sandbox has written and ends the commands when
// it was too much. Files that were deleted while open and directories nobody
// may list escape it, so the space left on the file system is watched too.
type disk struct {
	dirs    []string
	limit   int64
	full    chan struct{} // closed when over
	once    sync.Once
	running atomic.Int64
	wake    chan struct{}
}

func newDisk(dirs []string, limit int64) *disk {
	return &disk{dirs: dirs, limit: limit, full: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// err says why nothing may be written any more, nil while it may.
func (d *disk) err() error {
	select {
	case <-d.full:
		return fmt.Errorf("the sandbox has written more than its %d MiB of disk", d.limit>>20)
	default:
		return nil
	}
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
		if d.measure(ctx)-base > d.limit || d.crowded() {
			d.once.Do(func() { close(d.full) })
			return
		}
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
