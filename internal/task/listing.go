package task

import "time"

// Listing is what a forge tells of a repository that Honk may work in.
type Listing struct {
	Repo
	Description string
	Language    string
	Topics      []string
	// DefaultBranch is empty where there is no commit yet.
	DefaultBranch string
	Private       bool
	Archived      bool
	Fork          bool
	// Size is in KiB.
	Size     int
	PushedAt time.Time
}

// Rights are what an account may do in a repository.
type Rights struct {
	Read, Write bool
	// AccountID is the forge's number of the account, 0 when it does not say.
	AccountID int64
}
