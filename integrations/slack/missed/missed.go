// Package missed looks for mentions of Honk that Slack could not tell of.
package missed

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/internal/postgres/people"
	"honk/internal/task"
)

const (
	// farthest is how far back missed mentions are looked for. Slack gives up
	// sending an event after about an hour.
	farthest = 24 * time.Hour
	// overlap is looked at twice: clocks differ.
	overlap = time.Minute
	// followedFor is how long a channel is read after Honk was last asked
	// there.
	followedFor = 30 * 24 * time.Hour
	maxFollowed = 50
)

// Seeker looks in the channels and threads where Honk was asked before. It is
// safe for concurrent use; the fields are required.
type Seeker struct {
	Slack  *client.Client
	People people.Store
	// TakeFunc stores what is found, once.
	TakeFunc func(ctx context.Context, in event.Incoming) error

	mu     sync.Mutex
	sought time.Time // what came before is known
}

// Seek looks for mentions since the last time. What is known already has the same
// name and changes nothing.
func (s *Seeker) Seek(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	self, err := s.Slack.Self(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	since := begun.Add(-farthest)
	if s.sought.After(since) {
		since = s.sought
	}
	threads, err := s.People.Threads(ctx, task.SourceSlack, followedFor, maxFollowed)
	if err != nil {
		return err
	}
	channels := map[string]bool{}
	var errs []error
	for _, name := range threads {
		p := strings.Split(name, "/")
		if len(p) != 3 || p[0] != self.TeamID {
			continue
		}
		at := client.Place{Channel: p[1], Thread: p[2]}
		if !channels[at.Channel] {
			channels[at.Channel] = true
			said, err := s.Slack.History(ctx, at.Channel, since.Add(-overlap))
			errs = append(errs, gone(err), s.take(ctx, self, client.Place{Channel: at.Channel}, said))
		}
		said, err := s.Slack.Since(ctx, at, since.Add(-overlap))
		errs = append(errs, gone(err), s.take(ctx, self, at, said))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.sought = begun
	return nil
}

// gone is err, unless it says that a channel is closed to us.
func gone(err error) error {
	if code := task.CodeOf(err); code == task.CodeNotFound || code == task.CodeForbidden {
		return nil
	}
	return err
}

// take stores the mentions among messages.
func (s *Seeker) take(ctx context.Context, self client.Self, at client.Place, said []client.Said) error {
	for _, m := range said {
		in, ok := event.Missed(self.TeamID, self.UserID, event.Found{
			Channel: at.Channel, TS: m.TS, ThreadTS: cmp.Or(m.ThreadTS, at.Thread), User: m.User, Text: m.Text, Files: m.Files,
			Edited: m.Edited, Bot: m.Bot,
		})
		if !ok {
			continue
		}
		if err := s.TakeFunc(ctx, in); err != nil {
			return err
		}
	}
	return nil
}
