package ending

import (
	"honk/fleet"
	"honk/fleet/manifest"
	"honk/integrations/shift/keep"
	"honk/internal/runner"
	"honk/internal/task"
)

// Outside is outside.
var Outside = outside

// TaskFact is what the end of a task of a recipe says.
func TaskFact(m *manifest.Manifest, recipe string, row *fleet.Row, t task.Task, res runner.Result) *fleet.TaskFact {
	return Of(&keep.Work{Shift: fleet.Shift{Recipe: recipe}, Manifest: m}, row, t, res)
}
