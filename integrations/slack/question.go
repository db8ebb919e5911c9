package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"honk/integrations/slack/client"
	"honk/integrations/slack/page"
	"honk/integrations/slack/route"
	"honk/internal/postgres"
	"honk/internal/postgres/people"
	"honk/internal/task"
)

// question asks which repository a request is about. It waits for a while in
// our table; then it is withdrawn, which is said.
func (a *asking) question(ctx context.Context, req task.Request) (string, error) {
	choices, err := a.choices(ctx, req.Prompt)
	if err != nil {
		return "", err
	}
	if len(choices) == 0 {
		return "refused: no write access", a.whisper(ctx, a.d.Pages.NoAccess("", a.login))
	}
	q := people.Question{Source: task.SourceSlack, Key: a.key, Thread: a.thread.String(), Request: req}
	fresh, err := a.d.People.AddQuestion(ctx, q)
	if err != nil {
		return "", err
	}
	if !fresh {
		if q, err = a.d.People.Question(ctx, task.SourceSlack, a.key); err != nil || q.Answered {
			return "asked before", err
		}
	}
	view := a.d.questionPage(q)
	view.Repos = choices.Names()
	if repos, err := a.d.Forge.Repos(ctx); err == nil {
		view.More = max(0, len(route.Catalogue(repos).Active())-maxRights)
	}
	if a.d.GuessFunc != nil {
		// A guess is a proposal; without one the menu does as well.
		view.Guess, view.Reason, err = a.d.GuessFunc(ctx, req.Prompt, choices)
		if err != nil {
			a.d.Log.WarnContext(ctx, "no guess which repository", "error", err)
		}
	}
	if err := a.d.say(ctx, a.thread.String(), questionKey(a.key), a.d.Pages.Question(view)); err != nil {
		return "", err
	}
	payload, err := json.Marshal(a.key)
	if err != nil {
		return "", fmt.Errorf("encoding which question it is: %w", err)
	}
	_, err = a.d.Queue.Receive(ctx, task.Delivery{
		Source: task.SourceSlack, ID: eventExpired + "/" + a.key, Event: eventExpired, Payload: payload, After: a.d.Rules.QuestionTime,
	})
	return "asked which repository", err
}

func questionKey(key string) string { return "question/" + key }

func (d *Door) questionPage(q people.Question) page.Question {
	return page.Question{
		Key: q.Key, Asker: q.Request.Origin.Asker, Prompt: q.Request.Prompt, Wait: d.Rules.QuestionTime,
	}
}

// say owes a thread a message of its own; it is given once per key.
func (d *Door) say(ctx context.Context, thread, key string, m client.Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	return d.Queue.Reply(ctx, task.Notice{Source: task.SourceSlack, Thread: thread, Text: string(text)}, key)
}

// choose answers a question: only who asked may.
func (a *asking) choose(ctx context.Context, key, name string) (string, error) {
	q, err := a.d.People.Question(ctx, task.SourceSlack, key)
	if isMissing(err) || err == nil && q.Answered && q.Answer != name {
		return "too late", a.whisper(ctx, a.d.Pages.Expired())
	}
	if err != nil {
		return "", err
	}
	if q.Request.Origin.Asker != a.e.User {
		return "refused: another's question", a.whisper(ctx, a.d.Pages.NotYours())
	}
	at, err := a.named(ctx, name, "you chose it")
	if err != nil {
		return "", err
	}
	if at.Unknown != "" {
		return a.unknown(ctx, name, nil)
	}
	req := q.Request
	req.Repo, req.Origin.Reason, req.Actor = at.Repo, at.Reason, a.actor()
	result, err := a.submit(ctx, req, func(ctx context.Context, tx *postgres.Tx) (bool, error) {
		return people.Answer(ctx, tx.Store, task.SourceSlack, key, at.Repo.String())
	})
	if err != nil {
		return "", err
	}
	// It may have been withdrawn meanwhile.
	if q, err = a.d.People.Question(ctx, task.SourceSlack, key); err != nil || q.Answer != at.Repo.String() {
		return result, err
	}
	return result, a.d.replace(ctx, q, a.d.Pages.Chosen(a.d.questionPage(q), at.Repo.String(), a.e.User))
}

// replace puts another message where a question was asked.
func (d *Door) replace(ctx context.Context, q people.Question, m client.Message) error {
	at, err := parseSpot(q.Thread)
	if err != nil {
		return err
	}
	ts, found, err := d.Slack.Find(ctx, at.place(), page.ReplyBlock(questionKey(q.Key)))
	if err != nil || !found {
		return ignoreGone(err)
	}
	return ignoreGone(d.Slack.Update(ctx, at.channel, ts, m))
}

// ignoreGone is err, unless it says that what it is about is gone or closed to
// us.
func ignoreGone(err error) error {
	if code := task.CodeOf(err); code == task.CodeNotFound || code == task.CodeForbidden {
		return nil
	}
	return err
}

// handleExpired withdraws a question that nobody has answered.
func (d *Door) handleExpired(ctx context.Context, del task.Delivery) (string, error) {
	var key string
	if err := json.Unmarshal(del.Payload, &key); err != nil {
		return "", task.Errorf(task.CodeInternal, "reading which question it is: %w", err)
	}
	q, err := d.People.Question(ctx, task.SourceSlack, key)
	if err != nil {
		return "", err
	}
	if strings.Contains(q.Answer, "/") {
		return "answered", nil
	}
	// One that was cancelled may not say so yet.
	return "withdrawn", d.withdraw(ctx, q, q.Answer)
}

// withdraw ends a question unanswered; by is who wants that, "" for the clock.
func (d *Door) withdraw(ctx context.Context, q people.Question, by string) error {
	if ok, err := d.People.Answer(ctx, task.SourceSlack, q.Key, by); !ok || err != nil {
		return err
	}
	return d.replace(ctx, q, d.Pages.Withdrawn(d.questionPage(q), by))
}
