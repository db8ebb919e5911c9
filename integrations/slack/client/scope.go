package client

import (
	"context"
	"slices"
)

// Scope is something that the bot token has to be good for.
type Scope struct {
	Name string
	// Why says what Honk needs it for.
	Why string
}

// Scopes are those that Honk needs, in the order of their names.
func Scopes() []Scope {
	return []Scope{
		{"app_mentions:read", "to hear when somebody says @honk"},
		{"channels:history", "to read the thread of a request in a public channel, and mentions missed while Honk was down"},
		{"channels:read", "to know the channel's name, and whether it is shared with another organisation"},
		{"chat:write", "to answer"},
		{"commands", "for /honk and the shortcut at a message"},
		{"files:read", "to open the files that are attached to a request"},
		{"groups:history", "to read the thread of a request in a private channel that Honk was invited to"},
		{"groups:read", "to know the name of such a channel, and whether it is shared"},
		{"reactions:read", "to take a thumb on Honk's message as what somebody thinks of it"},
		{"reactions:write", "to show with 👀 that a request is accepted"},
		{"users:read", "to know guests and people of other organisations, and the names in a thread"},
		{"users:read.email", "to find out by a confirmed e-mail address who somebody is at GitHub"},
	}
}

// Missing returns the scopes that the bot token lacks.
func (c *Client) Missing(ctx context.Context) ([]Scope, error) {
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(Scopes(), func(s Scope) bool { return slices.Contains(self.Scopes, s.Name) }), nil
}
