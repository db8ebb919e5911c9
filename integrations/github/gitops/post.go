package gitops

import (
	"context"
	"strings"
	"time"

	"honk/integrations/github/client"
)

// The first lines of comments, by which they are found again.
const (
	markPlan   = "<!-- honk:shifts plan -->"
	markMerged = "<!-- honk:shifts merged -->"
)

// find looks for our comment that a mark begins.
func (d *Door) find(ctx context.Context, talk *client.Repo, number int, mark string) (c client.Comment, found bool, err error) {
	self, err := d.App.Self(ctx)
	if err != nil {
		return c, false, err
	}
	all, err := talk.Comments(ctx, number, time.Time{})
	if err != nil {
		return c, false, err
	}
	for _, c := range all {
		if first, _, _ := strings.Cut(c.Body, "\n"); c.Author.Login == self.Login() && strings.TrimRight(first, "\r") == mark {
			c.Body = strings.ReplaceAll(c.Body, "\r\n", "\n")
			return c, true, nil
		}
	}
	return c, false, nil
}

// post makes text the one comment of a mark, which begins it.
func (d *Door) post(ctx context.Context, talk *client.Repo, number int, mark, text string) error {
	old, found, err := d.find(ctx, talk, number, mark)
	switch {
	case err != nil:
		return err
	case !found:
		_, err = talk.CreateComment(ctx, number, text)
	case old.Body != text:
		_, err = talk.EditComment(ctx, old.ID, text)
	}
	return err
}
