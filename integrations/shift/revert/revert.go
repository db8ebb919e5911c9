// Package revert takes back what another shift merged.
package revert

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/target"
	"honk/fleet/wave"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/task"
)

// Timeout bounds the taking back of one change.
const Timeout = 5 * time.Minute

// Targets returns what a shift takes back: the targets of another that are
// merged, in the waves that are named. It is nil for one that takes nothing
// back.
func Targets(ctx context.Context, k *keep.Store, m *manifest.Manifest) ([]target.Target, error) {
	r := m.Spec.Transform.Revert
	if r == nil {
		return nil, nil
	}
	w, err := k.Found(ctx, r.Shift)
	if err != nil {
		return nil, err
	}
	rows, err := k.Rows(ctx, r.Shift)
	if err != nil {
		return nil, err
	}
	waves := w.Manifest.Spec.Rollout.Waves
	if len(waves) == 0 {
		waves = wave.Default(len(rows))
	}
	for _, name := range r.Waves {
		if !slices.ContainsFunc(waves, func(w manifest.Wave) bool { return w.Name == name }) {
			return nil, task.Errorf(task.CodeInvalid, "spec.transform.revert.waves: %s has no wave %q; honk shift plan shows its waves", r.Shift, name)
		}
	}
	found := []target.Target{}
	for i := range rows {
		row := &rows[i]
		in := len(r.Waves) == 0 || slices.Contains(r.Waves, waves[min(row.Wave, len(waves)-1)].Name)
		if in && row.State.Merged() && row.State != fleet.Reverted {
			found = append(found, target.Target{Repo: row.Key.Repo, Unit: row.Key.Unit, Owner: row.Owner, Sources: []string{"revert"}})
		}
	}
	return found, nil
}

// Script returns the script that takes a merged change back: what Honk pushed,
// whatever was done to it since. Where that does not come off any more, a
// person must.
func Script(ctx context.Context, k *keep.Store, key fleet.Key) ([]byte, error) {
	row, err := k.Row(ctx, key)
	if err != nil {
		return nil, err
	}
	patch, err := k.DB.Patch(ctx, row.TaskID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil, task.Errorf(task.CodeInvalid, "the change of %s is no longer kept; revert %s by hand", key, row.PR.MergeSHA)
	}
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, script, base64.StdEncoding.EncodeToString(patch.Diff)), nil
}

const script = `set -eu
cd "$(git rev-parse --show-toplevel)"
patch=$(mktemp)
base64 -d >"$patch" <<'END'
%s
END
if git apply --check --reverse "$patch" 2>"$patch.why"; then
	git apply --reverse "$patch"
elif git apply --check "$patch" 2>/dev/null; then
	exit 0 # It is not there any more.
else
	tail -n 1 "$patch.why" >&2
	exit 21
fi
`
