package client

import (
	"context"

	"honk/integrations/github/client/app"
)

// Installed is an account that has the App installed.
type Installed = app.Installed

// Installations lists where the App is installed.
func (a *App) Installations(ctx context.Context) ([]Installed, error) { return a.id.Installations(ctx) }
