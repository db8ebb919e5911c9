package slack

import (
	"context"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/internal/task"
)

// eventExpired is the delivery that the door sends itself for a question that
// has waited long enough.
const eventExpired = "honk.question_expired"

// Handle does what a delivery asks for and returns what became of it in a few
// words. It bears repetition.
func (d *Door) Handle(ctx context.Context, del task.Delivery) (string, error) {
	switch del.Event {
	case eventExpired:
		return d.handleExpired(ctx, del)
	case task.EventNotesLeft:
		return d.handleNotesLeft(ctx, del)
	}
	e, err := event.Parse(del.Event, del.Payload)
	if err != nil {
		return "", task.Errorf(task.CodeInvalid, "reading the payload: %w", err)
	}
	self, err := d.Slack.Self(ctx)
	if err != nil {
		return "", err
	}
	if reason := ignores(self, e); reason != "" {
		return reason, nil
	}
	do := map[event.Kind]func(*asking, context.Context) (string, error){
		event.Mention: (*asking).mention, event.Action: (*asking).click, event.Shortcut: (*asking).shortcut,
		event.Submission: (*asking).submitted, event.Command: (*asking).command,
	}[e.Kind]
	switch {
	case e.Kind == event.Reaction:
		return d.handleReaction(ctx, e, self)
	case e.Kind == event.Home:
		return d.handleHome(ctx, e)
	case do == nil:
		return "nothing to do", nil
	}
	a, refusal, err := d.who(ctx, e, self)
	if a == nil || err != nil {
		return refusal, err
	}
	result, err := do(a, ctx)
	if code := task.CodeOf(err); code == task.CodeNotFound || code == task.CodeInvalid || code == task.CodeConflict {
		// It is not tried again, so who asked has to know.
		return "refused: " + err.Error(), a.whisper(ctx, d.Pages.NearMiss(err))
	}
	return result, err
}

// ignores says why nothing is done about an event: it is not for this app, not
// by a person, or tells of an edit.
func ignores(self client.Self, e event.Event) string {
	switch {
	case e.TeamID != self.TeamID && (e.EnterpriseID == "" || e.EnterpriseID != self.EnterpriseID):
		return "ignored: another workspace"
	case e.AppID != "" && self.AppID != "" && e.AppID != self.AppID:
		return "ignored: another app"
	case e.Bot, e.User == self.UserID, e.User == "":
		return "ignored: not a person"
	case e.Edited:
		return "ignored: an edit"
	}
	return ""
}
