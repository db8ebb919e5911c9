package client

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"
)

const (
	// userAge is how long what is known of somebody holds.
	userAge  = 5 * time.Minute
	maxUsers = 5000
	// maxMembers is how many members of a channel are looked through.
	maxMembers = 20_000
)

// User is somebody in Slack.
type User struct {
	ID     string
	TeamID string
	// Name is what people call them; RealName is in their profile.
	Name     string
	RealName string
	// Email is empty where the app may not see it.
	Email          string
	EmailConfirmed bool
	// Guest: they see some channels only. Stranger: they belong to another
	// organisation.
	Guest    bool
	Stranger bool
	Bot      bool
	Deleted  bool
}

// known is what is known of somebody, and since when.
type known struct {
	user User
	at   time.Time
}

// User returns who somebody is. The answer may be five minutes old.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	c.mu.Lock()
	k, ok := c.users[id]
	c.mu.Unlock()
	if ok && time.Since(k.at) < userAge {
		return k.user, nil
	}
	self, err := c.Self(ctx)
	if err != nil {
		return User{}, err
	}
	u, err := c.api.GetUserInfoContext(ctx, id)
	if err != nil {
		return User{}, c.explain(err, act{"asking who somebody is", "users:read"})
	}
	user := newUser(u, self)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.users) >= maxUsers {
		clear(c.users)
	}
	c.users[id] = known{user: user, at: time.Now()}
	return user, nil
}

func newUser(u *slack.User, self Self) User {
	// Slack says stranger only of people with whom no channel is shared.
	sameTeam := u.TeamID == self.TeamID || u.TeamID == ""
	sameHouse := self.EnterpriseID != "" && u.Enterprise.EnterpriseID == self.EnterpriseID
	return User{
		ID: u.ID, TeamID: u.TeamID, Name: cmp.Or(u.Profile.DisplayName, u.RealName, u.Name), RealName: u.RealName,
		Email: u.Profile.Email, EmailConfirmed: u.IsEmailConfirmed && u.Profile.Email != "",
		Guest: u.IsRestricted || u.IsUltraRestricted, Stranger: u.IsStranger || !sameTeam && !sameHouse,
		Bot: u.IsBot || u.IsAppUser || u.IsWorkflowBot || u.IsConnectorBot || u.ID == "USLACKBOT", Deleted: u.Deleted,
	}
}

// Channel is where people talk.
type Channel struct {
	ID      string
	Name    string
	Private bool
	// External: people of another organisation are in it, or are invited.
	External      bool
	DirectMessage bool
	// Member: Honk is in it.
	Member bool
}

// Channel returns a channel. A private one that Honk is not in is not_found.
func (c *Client) Channel(ctx context.Context, id string) (Channel, error) {
	ch, err := c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	if err != nil {
		return Channel{}, c.explain(err, act{"asking about a channel", "channels:read, or groups:read for a private channel"})
	}
	return Channel{
		ID: ch.ID, Name: ch.Name, Private: ch.IsPrivate || ch.IsGroup, External: ch.IsExtShared || ch.IsPendingExtShared,
		DirectMessage: ch.IsIM || ch.IsMpIM, Member: ch.IsMember,
	}, nil
}

// IsMember reports whether user is in a channel.
func (c *Client) IsMember(ctx context.Context, channel, user string) (bool, error) {
	params := slack.GetUsersInConversationParameters{ChannelID: channel, Limit: 1000}
	for range maxMembers / 1000 {
		members, cursor, err := c.api.GetUsersInConversationContext(ctx, &params)
		if err != nil {
			return false, c.explain(err, act{"asking who is in a channel", "channels:read, or groups:read for a private channel"})
		}
		if slices.Contains(members, user) {
			return true, nil
		}
		if params.Cursor = cursor; cursor == "" {
			break
		}
	}
	return false, nil
}
