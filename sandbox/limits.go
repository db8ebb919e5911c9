package sandbox

import "time"

// DefaultLimits returns what a zero field of Limits stands for:
//
//	CPUTime    30 min   per process
//	Memory     4 GiB    the sandbox as a whole (cgroup), else per process
//	Processes  512      processes and threads together
//	FileSize   2 GiB    per file
//	Disk       4 GiB    growth of work tree, writable mounts, home; a quarter
//	                    of it is the size of the temporary directory
//	Output     64 MiB   per command
//	Lifetime   1 h      of the sandbox
func DefaultLimits() Limits {
	return Limits{
		CPUTime:   30 * time.Minute,
		Memory:    4 << 30,
		Processes: 512,
		FileSize:  2 << 30,
		Disk:      4 << 30,
		Output:    64 << 20,
		Lifetime:  time.Hour,
	}
}

// WithDefaults returns l with every zero field set from DefaultLimits.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		CPUTime:   or(l.CPUTime, d.CPUTime),
		Memory:    or(l.Memory, d.Memory),
		Processes: or(l.Processes, d.Processes),
		FileSize:  or(l.FileSize, d.FileSize),
		Disk:      or(l.Disk, d.Disk),
		Output:    or(l.Output, d.Output),
		Lifetime:  or(l.Lifetime, d.Lifetime),
	}
}

func or[T ~int | ~int64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}
