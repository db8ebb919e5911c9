package grammar

import (
	"cmp"
	"slices"
	"strings"

	"honk/internal/task"
)

// Allow holds a command's options against what the organisation allows. The
// error is a *task.Error of code invalid that says what to write instead.
func (r Rules) Allow(cmd Command) error {
	if m := cmd.Options.Model; m != "" && !slices.Contains(r.Models, m) {
		return task.Errorf(task.CodeInvalid, "the model %q cannot be chosen here; those that can: %s", m, cmp.Or(strings.Join(r.Models, ", "), "none"))
	}
	if j := cmd.Options.Judge; j != "" && !slices.Contains(r.Judges, j) {
		return task.Errorf(task.CodeInvalid, "the judge %q is milder than this organisation allows; use judge:%s", j, r.Judges[0])
	}
	return nil
}
