package slack

import (
	"context"
	"encoding/json"
	"fmt"

	"honk/integrations/slack/client"
	"honk/integrations/slack/page"
	"honk/internal/runner"
	"honk/internal/task"
)

// Notify implements runner.Notifier.
func (d *Door) Notify(ctx context.Context, n task.Notice, v runner.View) (string, error) {
	at, err := parseSpot(n.Thread)
	if err != nil {
		return "", err
	}
	if n.Kind == task.NoticeReply {
		var m client.Message
		if err := json.Unmarshal([]byte(n.Text), &m); err != nil {
			return "", task.Errorf(task.CodeInternal, "reading a message: %w", err)
		}
		return d.put(ctx, at, n, m, firstBlock(m))
	}
	id, err := d.put(ctx, at, n, d.Pages.Task(v), page.TaskBlock(v.Task.ID))
	if err != nil || !v.Task.Status.Final() {
		return id, err
	}
	return id, d.end(ctx, v)
}

// put posts or edits a message. One that somebody has deleted is posted anew.
func (d *Door) put(ctx context.Context, at spot, n task.Notice, m client.Message, block string) (string, error) {
	if id := n.MessageID; id != "" {
		err := d.Slack.Update(ctx, at.channel, id, m)
		if task.CodeOf(err) != task.CodeNotFound {
			return id, err
		}
	}
	if n.Tried {
		id, found, err := d.Slack.Find(ctx, at.place(), block)
		if err != nil {
			return "", err
		}
		if found {
			return id, d.Slack.Update(ctx, at.channel, id, m)
		}
	}
	return d.Slack.Post(ctx, at.place(), m)
}

func firstBlock(m client.Message) string {
	for _, b := range m.Blocks.BlockSet {
		if id := b.ID(); id != "" {
			return id
		}
	}
	return ""
}

// end takes back the promises that reactions gave, at the request and at what
// was said to the task since, and calls whoever asked if it took so long that
// they have gone: an edit notifies nobody.
func (d *Door) end(ctx context.Context, v runner.View) error {
	origin := v.Task.Request.Origin
	said, err := d.DB.NoteKeys(ctx, v.Task.ID)
	if err != nil {
		return err
	}
	for _, message := range append(said, origin.Message) {
		at, err := parseSpot(message)
		if err != nil {
			continue
		}
		if err := d.Slack.Unreact(ctx, at.channel, at.ts, accepted); ignoreGone(err) != nil {
			return err
		} else if err != nil {
			d.Log.WarnContext(ctx, "reaction not removed", "task_id", v.Task.ID, "error", err)
		}
	}
	if v.Elapsed <= d.Rules.QuietFor || origin.Asker == "" || v.Task.Status == task.StatusCancelled {
		return nil
	}
	if err := d.say(ctx, origin.Thread, "closing/"+string(v.Task.ID), d.Pages.Closing(v)); err != nil {
		return fmt.Errorf("calling who asked: %w", err)
	}
	return nil
}
