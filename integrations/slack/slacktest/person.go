package slacktest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"honk/integrations/slack/slacktest/wire"
	"honk/integrations/slack/slacktest/world"
)

// AddUser adds a person, or changes one, and returns the ID.
func (s *Slack) AddUser(u User) (id string) {
	s.world.Lock()
	defer s.world.Unlock()
	return s.world.AddUser(u).ID
}

// AddChannel adds a channel with nobody in it and returns its ID.
func (s *Slack) AddChannel(c Channel) (id string) {
	s.world.Lock()
	defer s.world.Unlock()
	return s.world.AddChannel(world.Channel{
		ID: c.ID, Name: c.Name, Private: c.Private, External: c.External, Archived: c.Archived,
	}).ID
}

// Join puts people into a channel, or the app's bot.
func (s *Slack) Join(channel string, users ...string) error {
	return s.in(channel, users, func(c *world.Channel) error {
		c.Join(users...)
		return nil
	})
}

// Leave takes people out of a channel, or the app's bot.
func (s *Slack) Leave(channel string, users ...string) error {
	return s.in(channel, users, func(c *world.Channel) error {
		c.Members = slices.DeleteFunc(c.Members, func(u string) bool { return slices.Contains(users, u) })
		return nil
	})
}

// in does something in a channel as people. Somebody's ID in place of a
// channel's is their direct message with the app.
func (s *Slack) in(channel string, users []string, do func(*world.Channel) error) error {
	s.world.Lock()
	defer s.world.Unlock()
	for _, u := range users {
		if s.world.Users[u] == nil {
			return fmt.Errorf("there is no user %q", u)
		}
	}
	c := s.world.Channels[channel]
	if c == nil && s.world.Users[channel] != nil {
		c = s.world.Direct(channel)
	}
	if c == nil {
		return fmt.Errorf("there is no channel %q", channel)
	}
	return do(c)
}

// on does something to a message as a person.
func (s *Slack) on(user, channel, ts string, do func(*world.Channel, *world.Message) error) error {
	return s.in(channel, []string{user}, func(c *world.Channel) error {
		for _, m := range c.Messages {
			if m.TS == ts && !m.Deleted && (m.To == "" || m.To == user) {
				return do(c, m)
			}
		}
		return fmt.Errorf("%s sees no message %q in %q", user, ts, channel)
	})
}

// Message is what somebody says.
type Message struct {
	User, Channel string
	// Thread is the ts of what it answers, empty for a new one.
	Thread, Text string
	Files        []File
	// Bot says that an app says it.
	Bot bool
}

// File is an upload.
type File struct {
	Name, Mimetype, Content string
}

// Say says something in a channel and returns the message's ts.
func (s *Slack) Say(m Message) (ts string, err error) {
	err = s.in(m.Channel, []string{m.User}, func(c *world.Channel) error {
		if !c.Has(m.User) {
			return fmt.Errorf("%s is not in %q", m.User, m.Channel)
		}
		said := world.Message{
			User: m.User, Text: m.Text, Thread: m.Thread, Bot: m.Bot, Blocks: world.Rich(m.Text, s.world.ID("b")),
		}
		for _, f := range m.Files {
			file := &world.File{
				ID: s.world.ID("F0"), Name: f.Name, Content: f.Content, User: m.User,
				Mimetype: cmp.Or(f.Mimetype, "text/plain"),
			}
			s.world.Files[file.ID] = file
			said.Files = append(said.Files, file)
		}
		ts = s.world.Say(c, said).TS
		return nil
	})
	return ts, err
}

// Edit edits somebody's own message.
func (s *Slack) Edit(user, channel, ts, text string) error {
	return s.on(user, channel, ts, func(c *world.Channel, m *world.Message) error {
		if m.User != user {
			return fmt.Errorf("%s did not write %q", user, ts)
		}
		s.world.Edit(c, m, text)
		return nil
	})
}

// Delete deletes a message. Who may is not asked: an administrator may.
func (s *Slack) Delete(user, channel, ts string) error {
	return s.on(user, channel, ts, func(c *world.Channel, m *world.Message) error {
		s.world.Delete(c, m)
		return nil
	})
}

// React reacts to a message with an emoji.
func (s *Slack) React(user, channel, ts, name string) error {
	return s.on(user, channel, ts, func(c *world.Channel, m *world.Message) error {
		if !s.world.React(user, c, m, name) {
			return fmt.Errorf("%s has reacted with %q already", user, name)
		}
		return nil
	})
}

// Unreact takes a reaction back.
func (s *Slack) Unreact(user, channel, ts, name string) error {
	return s.on(user, channel, ts, func(c *world.Channel, m *world.Message) error {
		if !s.world.Unreact(user, c, m, name) {
			return fmt.Errorf("%s has not reacted with %q", user, name)
		}
		return nil
	})
}

// OpenHome opens the app's Home as a person.
func (s *Slack) OpenHome(user string) error {
	return s.in(user, []string{user}, func(*world.Channel) error {
		s.world.OpenHome(user)
		return nil
	})
}

// Uninstall takes the app out of the workspace; its token still works until
// the next SetScopes, as nothing here depends on it.
func (s *Slack) Uninstall() {
	s.world.Lock()
	defer s.world.Unlock()
	s.world.Uninstall()
}

// Command gives the app's slash command with a text, in a channel.
func (s *Slack) Command(ctx context.Context, user, channel, text string) error {
	var fields map[string]string
	var hook *world.Hook
	err := s.in(channel, []string{user}, func(c *world.Channel) error {
		w := s.world
		url := w.NewHook(user, c, nil)
		hook = w.Hooks[url[strings.LastIndexByte(url, '/')+1:]]
		name := c.Name
		if c.Direct != "" {
			name = "directmessage"
		} else if c.Private {
			name = "privategroup"
		}
		fields = map[string]string{
			"token": w.VerificationToken, "team_id": w.TeamID, "team_domain": w.Domain, "channel_id": c.ID,
			"channel_name": name, "user_id": user, "user_name": w.Users[user].Name, "command": s.opts.Command,
			"text": text, "api_app_id": w.AppID, "is_enterprise_install": "false", "response_url": url,
			"trigger_id": w.NewTrigger(user),
		}
		return nil
	})
	if err != nil {
		return err
	}
	answer, err := s.ask(ctx, wire.Command, s.opts.Command, fields)
	if err != nil || len(answer) == 0 {
		return err
	}
	args := map[string]json.RawMessage{}
	if json.Unmarshal(answer, &args) != nil {
		if args["text"], err = json.Marshal(string(answer)); err != nil {
			return fmt.Errorf("reading the answer to a command: %w", err)
		}
	}
	if len(args) == 0 {
		return nil
	}
	s.world.Lock()
	defer s.world.Unlock()
	return s.api.Answer(hook, args)
}
