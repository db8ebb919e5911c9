package keep

import (
	"context"
	"errors"

	"honk/fleet"
	"honk/internal/postgres"
	"honk/internal/task"
)

// Found is a shift that somebody names.
func (k *Tx) Found(ctx context.Context, name string) (fleet.Shift, error) {
	s, err := k.Shift(ctx, name)
	if isMissing(err) {
		return s, task.Errorf(task.CodeNotFound, "there is no shift %q; honk shift status shows those there are", name)
	}
	return s, err
}

func isMissing(err error) bool { return errors.Is(err, postgres.ErrNotFound) }
