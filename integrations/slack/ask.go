package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"honk/integrations/slack/record"
	"honk/integrations/slack/route"
	"honk/internal/grammar"
	"honk/internal/postgres"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// ask makes a request of a command: where it is about, what was said before,
// and what it goes on top of.
func (a *asking) ask(ctx context.Context, cmd grammar.Command, tasks []postgres.Record, hidden []string) (string, error) {
	req := task.Request{
		Source: task.SourceSlack, DeliveryID: a.key, Ref: cmd.Base, Prompt: cmd.Prompt, Actor: a.actor(), Options: cmd.Options,
		Origin: task.Origin{Thread: a.thread.String(), Message: a.message(), Asker: a.e.User},
	}
	if url, err := a.d.Slack.Permalink(ctx, a.e.Channel, cmp.Or(a.e.TS, a.e.ThreadTS)); err == nil {
		req.Origin.URL = url
	}
	rec, err := a.reader().Read(ctx, a.e, cmd.Prompt)
	if err != nil {
		return "", err
	}
	req.Context, req.Images = append(fact.Earlier(tasks), rec.Notes...), rec.Images
	for _, h := range hidden {
		req.Context = append(req.Context, task.Note{Author: "honk", At: a.e.At(), Text: "Hidden text was removed from the request: " + h + "."})
	}
	if len(rec.Refused) > 0 {
		// An answer that lacks it must not look like one that had it.
		if err := a.whisper(ctx, a.d.Pages.MissingScope(rec.Refused[0])); err != nil {
			return "", err
		}
	}
	found, err := a.route(ctx, cmd, tasks, rec.Said)
	if err != nil {
		return "", err
	}
	switch {
	case found.Unknown != "":
		return a.unknown(ctx, found.Unknown, nil)
	case found.Reason == "":
		return a.question(ctx, req)
	}
	req.Repo, req.Origin.Reason = found.Repo, found.Reason
	if err := record.Follow(ctx, a.d.DB, &req, tasks); err != nil {
		return "", err
	}
	return a.submit(ctx, req)
}

// reader reads what belongs to a request.
func (a *asking) reader() *record.Reader {
	return &record.Reader{
		Slack: a.d.Slack, Self: a.self, Forge: a.d.Forge, Host: a.d.GitHost,
		FindFunc: func(ctx context.Context, name string) (task.Repo, error) {
			at, err := a.named(ctx, name, "linked")
			if err != nil {
				return task.Repo{}, err
			}
			if at.Unknown == "" {
				r, err := a.rights(ctx, at.Repo)
				if err != nil || r.Read {
					return at.Repo, err
				}
			}
			return task.Repo{}, task.Errorf(task.CodeNotFound, "%s is not a repository that Honk works in and %s can read", name, a.login)
		},
	}
}

// route finds the repository of a request.
func (a *asking) route(ctx context.Context, cmd grammar.Command, tasks []postgres.Record, said string) (route.Found, error) {
	repos, err := a.d.Forge.Repos(ctx)
	if err != nil {
		return route.Found{}, err
	}
	clues := route.Clues{Named: cmd.Repo, Prompt: cmd.Prompt, Said: said, Rules: a.d.Rules, Host: a.d.GitHost}
	if len(tasks) > 0 {
		clues.Thread = tasks[0].Request.Repo
	}
	if clues.Channel, err = a.channelRepo(ctx); err != nil {
		return route.Found{}, err
	}
	return route.Find(repos, clues), nil
}

// channelRepo is the repository of the channel: the operator's, else the one
// that people have set.
func (a *asking) channelRepo(ctx context.Context) (string, error) {
	if ruled := a.d.Rules.Channels[a.e.Channel]; ruled != "" {
		return ruled, nil
	}
	set, found, err := a.d.People.Channel(ctx, task.SourceSlack, a.self.TeamID, a.e.Channel)
	if err != nil || !found {
		return "", err
	}
	return set.String(), nil
}

// named finds a repository by owner/name.
func (a *asking) named(ctx context.Context, name, reason string) (route.Found, error) {
	repos, err := a.d.Forge.Repos(ctx)
	return route.Catalogue(repos).Named(name, reason), err
}

// maxRights is how many repositories are asked for whether somebody may write
// there.
const maxRights = 40

// choices are the repositories that the asker may write to, those first that a
// text is closest to.
func (a *asking) choices(ctx context.Context, text string) (route.Catalogue, error) {
	repos, err := a.d.Forge.Repos(ctx)
	if err != nil {
		return nil, err
	}
	return route.Catalogue(repos).Closest(text).Which(ctx, maxRights, a.mayWrite)
}

// handleNotesLeft makes a request of what was said to a task in its last
// moments.
func (d *Door) handleNotesLeft(ctx context.Context, del task.Delivery) (string, error) {
	var id task.ID
	if err := json.Unmarshal(del.Payload, &id); err != nil {
		return "", task.Errorf(task.CodeInternal, "reading which task it was: %w", err)
	}
	rec, err := d.DB.Task(ctx, id)
	if err != nil {
		return "", err
	}
	notes, err := d.DB.NotesOf(ctx, id)
	if err != nil || len(notes) == 0 {
		return "nothing was left", err
	}
	req := rec.Request
	req.DeliveryID, req.Resume, req.Ref, req.Branch = del.ID, "", "", ""
	req.Origin.Answers = nil
	req.Context = append(req.Context, fact.Earlier([]postgres.Record{rec})...)
	var said []string
	for _, n := range notes {
		said = append(said, n.Text)
		if n.Author != req.Actor.Login {
			req.Actor = task.Actor{Login: n.Author, Name: n.Author}
		}
	}
	req.Prompt = strings.Join(said, "\n\n")
	if err := record.Follow(ctx, d.DB, &req, []postgres.Record{rec}); err != nil {
		return "", err
	}
	t, _, err := d.Queue.Submit(ctx, req)
	return "task " + string(t.ID), err
}
