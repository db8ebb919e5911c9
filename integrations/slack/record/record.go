// Package record reads what belongs to a request in Slack beside its words:
// the thread before it, what its links show, what is attached. It is a record
// for a model to read; it instructs nobody.
package record

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/integrations/slack/mrkdwn"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

const (
	// maxSaid and maxWords bound what of a thread is passed on; its opening
	// is kept.
	maxSaid  = 20
	maxWords = 1024
	// maxNames bounds how many people and channels are looked up for one
	// request.
	maxNames = 30
	// maxLinks and maxLinked bound what links show.
	maxLinks  = 5
	maxLinked = 16 << 10
	// maxFiles and maxFile bound the files of a message.
	maxFiles = 8
	maxFile  = 64 << 10
)

// Forge is where links lead, as the one who asks may see it.
type Forge interface {
	// Subject returns an issue or pull request as a person sees it.
	Subject(ctx context.Context, repo task.Repo, number int) (string, error)
	// File returns a file at a ref, the default branch where it is empty, and
	// whether there is one.
	File(ctx context.Context, repo task.Repo, ref, path string) (string, bool, error)
}

// Reader reads for one request. All fields are required.
type Reader struct {
	Slack *client.Client
	Self  client.Self
	Forge Forge
	// Host is that of links to repositories.
	Host string
	// FindFunc returns a repository that Honk works in and that the asker may
	// read; the error's code is not_found when there is none of that name.
	FindFunc func(ctx context.Context, name string) (task.Repo, error)

	// names that are left to be looked up.
	left int
}

// Record is what belongs to a request.
type Record struct {
	Notes  []task.Note
	Images []task.Image
	// Said is what the thread says.
	Said string
	// Refused are what Slack lacks the right to show, one error each.
	Refused []error
}

// reading is a record on its way.
type reading struct {
	*Reader
	Record
	e      event.Event
	prompt string
	// until is when it was asked: what was said or changed later is not read.
	until string
}

// Read reads what belongs to the mention e, whose request is prompt. What
// cannot be read is said in the record.
func (r *Reader) Read(ctx context.Context, e event.Event, prompt string) (Record, error) {
	g := &reading{Reader: r, e: e, prompt: prompt, until: cmp.Or(e.TS, e.ActionTS)}
	for _, add := range []func(context.Context) error{g.thread, g.links, g.files} {
		if err := add(ctx); err != nil {
			return Record{}, err
		}
	}
	return g.Record, nil
}

// Names looks up the people and channels that a text speaks of.
func (r *Reader) Names(ctx context.Context, here string) mrkdwn.Names {
	r.left = maxNames
	return mrkdwn.Names{
		User: func(id string) string {
			if id == r.Self.UserID {
				return "honk"
			}
			if r.left--; r.left < 0 {
				return ""
			}
			u, err := r.Slack.User(ctx, id)
			if err != nil {
				return "" // the ID stands for it
			}
			return u.Name
		},
		Channel: func(id string) string {
			if r.left--; r.left < 0 {
				return ""
			}
			c, err := r.Slack.Channel(ctx, id)
			if err != nil || c.Private && id != here {
				return ""
			}
			return c.Name
		},
	}
}

// remark adds a note of Honk's own.
func (g *reading) remark(text string) {
	g.Notes = append(g.Notes, task.Note{Author: "honk", At: g.e.At(), Text: text})
}

// kept passes over what cannot be read, and says so.
func (g *reading) kept(what string, err error) error {
	switch task.CodeOf(err) {
	case "":
		return nil
	case task.CodeForbidden:
		g.Refused = append(g.Refused, err)
	case task.CodeNotFound, task.CodeInvalid:
	default:
		return err
	}
	g.remark(what + " could not be read: " + err.Error())
	return nil
}

// thread adds the conversation up to the mention: its opening and the last of
// what was said. What was changed since is left out.
func (g *reading) thread(ctx context.Context) error {
	if g.e.ThreadTS == "" {
		return nil
	}
	said, err := g.Slack.Replies(ctx, client.Place{Channel: g.e.Channel, Thread: g.e.ThreadTS}, g.until, 0)
	if err != nil {
		return g.kept("The thread", err)
	}
	names := g.Names(ctx, g.e.Channel)
	var notes []task.Note
	for i, s := range slices.Backward(said) {
		if i > 0 && len(notes) >= maxSaid-1 || s.TS == g.e.TS || s.User == g.Self.UserID {
			continue
		}
		author, ok, err := g.author(ctx, s)
		if err != nil {
			return err
		}
		text := g.text(s, names)
		if ok && text != "" {
			notes = append(notes, task.Note{Author: author, At: s.At(), Text: text})
		}
	}
	slices.Reverse(notes)
	for _, n := range notes {
		g.Said += n.Text + "\n"
	}
	g.Notes = append(g.Notes, notes...)
	return nil
}

// text is what a message says, with the names of its files.
func (g *reading) text(s client.Said, names mrkdwn.Names) string {
	text, _ := mrkdwn.Decode(s.Text, names)
	for _, f := range s.Files {
		name, _ := mrkdwn.Decode(f.Name, names)
		text += "\n(attached: " + name + ")"
	}
	return fact.Clip(strings.TrimSpace(text), maxWords)
}

// author names who said something: people of this workspace and apps. ok is
// false for others, and for what was changed after the mention.
func (g *reading) author(ctx context.Context, s client.Said) (name string, ok bool, err error) {
	if s.Edited && s.EditedTS >= g.until {
		return "", false, nil
	}
	if s.Bot || s.User == "" {
		return "an app", true, nil
	}
	u, err := g.Slack.User(ctx, s.User)
	if task.CodeOf(err) == task.CodeNotFound {
		return "", false, nil
	}
	return u.Name, !u.Guest && !u.Stranger && (u.TeamID == g.Self.TeamID || g.Self.EnterpriseID != ""), err
}

// when is a time as the model reads it.
func when(t time.Time) string { return t.UTC().Format(time.RFC3339) }
