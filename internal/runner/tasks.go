package runner

import "honk/internal/runner/disk"

// Tasks is a process's own directory for running tasks, see OpenTasks.
type Tasks = disk.Tasks

// OpenTasks makes a directory below the data directory dir that this process
// owns until Close or its end, however it ends: Options.TasksDir, and that of
// git.Options. What processes that were killed have left behind is removed,
// whoever else runs.
func OpenTasks(dir string) (*Tasks, error) { return disk.OpenTasks(dir) }
