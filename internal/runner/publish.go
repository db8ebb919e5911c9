package runner

import (
	"context"
	"fmt"

	"honk/internal/git"
	"honk/internal/runner/message"
	"honk/internal/task"
)

// publish hands the change to the forge, or ends with the patch alone.
func (a *attempt) publish(ctx context.Context) error {
	if !a.opts.Publish {
		a.res.Status = task.StatusDelivered
		return nil
	}
	asked := a.opts.Secrets.Redact(a.task.Request.Prompt)
	branch, onto := a.task.Request.Branch, true
	if branch == "" {
		branch, onto = git.Branch(a.task.ID, asked), false
	}
	if err := a.phase(ctx, "publish", branch); err != nil {
		return err
	}
	text, err := message.Commit(a.task, asked, a.base.BaseSHA)
	if err != nil {
		return err
	}
	title := message.Title(asked)
	for _, out := range []string{branch, text, title} {
		if hits := a.opts.Secrets.Scan(out); len(hits) > 0 {
			a.end(task.StatusVetoed, "The commit message would hold a secret ("+hits[0].Rule+
				"); take it out of the request.")
			return nil
		}
	}
	a.res.Usage = a.usage()
	pr, err := a.opts.Forge.Publish(ctx, Publication{
		Task: a.task, Checkout: a.base, Patch: a.res.Patch, Branch: branch, Onto: onto, BaseRef: a.base.BaseRef,
		Title: title, Message: text, Result: a.res,
	})
	if err != nil {
		return fmt.Errorf("publishing %s: %w", branch, err)
	}
	a.res.PullRequest, a.res.Branch = &pr, pr.Branch
	a.res.Status = task.StatusDelivered
	return nil
}
