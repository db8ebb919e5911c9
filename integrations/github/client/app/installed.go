package app

import (
	"context"

	"github.com/google/go-github/v62/github"
)

// maxInstalled is how many installations are looked at.
const maxInstalled = 1000

// Installed is an account that has the App installed.
type Installed struct {
	Account string
	// Permissions are what the account has granted, which may be less than
	// the App's settings ask for.
	Permissions Permissions
	Suspended   bool

	// ID is the number of the installation.
	ID int64
}

// Installations lists where the App is installed.
func (a *App) Installations(ctx context.Context) (all []Installed, err error) {
	opts := &github.ListOptions{PerPage: 100}
	for {
		page, resp, err := a.gh.Apps.ListInstallations(ctx, opts)
		if err != nil {
			return nil, explain(err, act{doing: "listing the App's installations"}, Token{})
		}
		for _, i := range page {
			all = append(all, Installed{
				Account: i.GetAccount().GetLogin(), Permissions: permissionsOf(i.Permissions), Suspended: i.SuspendedAt != nil,
				ID: i.GetID(),
			})
		}
		if resp.NextPage == 0 || len(all) >= maxInstalled {
			return all, nil
		}
		opts.Page = resp.NextPage
	}
}
