package see

import (
	"context"
	"time"

	"honk/internal/task"
)

// Forge is where pull requests are, as far as looking at them goes.
type Forge interface {
	Checks(ctx context.Context, repo, sha string) (Checks, error)
	// Required lists the checks without which nothing is merged into a branch.
	Required(ctx context.Context, repo, branch string) ([]string, error)
	Pull(ctx context.Context, repo string, number int) (Pull, error)
}

// Checks is what CI says about a commit.
type Checks struct {
	Pending int
	// Passed, Failed and Skipped are names.
	Passed, Failed, Skipped []string
	// Reports is what the failed ones say. It is hostile.
	Reports map[string]string
}

// Pull is a pull request as it stands.
type Pull struct {
	Number  int
	URL     string
	State   task.PullRequestState
	Draft   bool
	HeadSHA string
	// Base is the branch that it goes to.
	Base string
	// By is who closed or merged it, MergedSHA the commit on the base.
	By, MergedSHA string
	// ByHonk: that was Honk.
	ByHonk             bool
	Conflicted, Behind bool
	// ApprovedBy are who approved it as it is.
	ApprovedBy []string
	Objection  bool
	// Foreign: the branch holds a commit that Honk did not make.
	Foreign   bool
	UpdatedAt time.Time
}
