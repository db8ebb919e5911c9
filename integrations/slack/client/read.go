package client

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"honk/integrations/slack/event"
)

const (
	// pageSize is how many messages are asked for at once, maxSaid how many
	// are read of a thread or channel.
	pageSize = 200
	maxSaid  = 1000
)

// Said is a message that somebody wrote.
type Said struct {
	TS       string
	ThreadTS string
	User     string
	// Bot: no person wrote it.
	Bot      bool
	Text     string
	Files    []event.File
	Edited   bool
	EditedTS string

	blocks []string // their IDs
	botID  string
}

// At is when it was said.
func (s Said) At() time.Time { return event.Event{TS: s.TS}.At() }

// Replies returns what was said in a thread before until, oldest first: its
// opening and the last of the rest, at most limit in all, 0 being all that is
// read of a thread. Without until it goes up to now.
func (c *Client) Replies(ctx context.Context, at Place, until string, limit int) ([]Said, error) {
	said, err := c.replies(ctx, at, slack.GetConversationRepliesParameters{Latest: until})
	if err != nil {
		return nil, err
	}
	if limit > 0 && len(said) > limit {
		said = append(said[:1:1], said[len(said)-limit+1:]...)
	}
	return said, nil
}

// Since returns what was said in a thread after a time, oldest first.
func (c *Client) Since(ctx context.Context, at Place, since time.Time) ([]Said, error) {
	said, err := c.replies(ctx, at, slack.GetConversationRepliesParameters{Oldest: tsOf(since)})
	if len(said) > 0 && said[0].TS <= tsOf(since) {
		said = said[1:] // Slack adds the opening
	}
	return said, err
}

// tsOf is a time as Slack writes it.
func tsOf(t time.Time) string {
	micros := strconv.FormatInt(t.UnixMicro()%1e6+1e6, 10)
	return strconv.FormatInt(t.Unix(), 10) + "." + micros[1:]
}

// replies reads a thread page by page, keeping its opening and the last of it.
func (c *Client) replies(ctx context.Context, at Place, params slack.GetConversationRepliesParameters) ([]Said, error) {
	params.ChannelID, params.Timestamp, params.Limit = at.Channel, at.Thread, pageSize
	var said []Said
	for range maxSaid / pageSize * 2 {
		messages, more, cursor, err := c.api.GetConversationRepliesContext(ctx, &params)
		if err != nil {
			return nil, c.explain(err, act{"reading a thread", historyScope(at.Channel)})
		}
		for _, m := range messages {
			if params.Latest == "" || m.Timestamp < params.Latest {
				said = append(said, newSaid(m))
			}
		}
		if len(said) > maxSaid {
			said = append(said[:1:1], said[len(said)-maxSaid+1:]...)
		}
		if !more || cursor == "" {
			break
		}
		params.Cursor = cursor
	}
	return said, nil
}

// historyScope is the scope for reading a channel, by its kind.
func historyScope(channel string) string {
	if strings.HasPrefix(channel, "G") {
		return "groups:history"
	}
	return "channels:history, or groups:history for a private channel"
}

// History returns what was said in a channel after a time, outside threads,
// oldest first.
func (c *Client) History(ctx context.Context, channel string, since time.Time) ([]Said, error) {
	params := slack.GetConversationHistoryParameters{ChannelID: channel, Oldest: tsOf(since), Limit: pageSize}
	var said []Said // the newest is first
	for len(said) < maxSaid {
		resp, err := c.api.GetConversationHistoryContext(ctx, &params)
		if err != nil {
			return nil, c.explain(err, act{"reading a channel", historyScope(channel)})
		}
		for _, m := range resp.Messages {
			said = append(said, newSaid(m))
		}
		params.Cursor = resp.ResponseMetaData.NextCursor
		if !resp.HasMore || params.Cursor == "" || len(resp.Messages) == 0 {
			break
		}
	}
	slices.Reverse(said)
	return said, nil
}

// Find returns the message of Honk's own that has a block of this ID.
func (c *Client) Find(ctx context.Context, at Place, blockID string) (ts string, found bool, err error) {
	self, err := c.Self(ctx)
	if err != nil || blockID == "" {
		return "", false, err
	}
	var said []Said
	if at.Thread != "" {
		said, err = c.Replies(ctx, at, "", 0)
	} else {
		said, err = c.History(ctx, at.Channel, time.Now().Add(-24*time.Hour))
	}
	if err != nil {
		return "", false, err
	}
	for _, s := range slices.Backward(said) {
		if (s.User == self.UserID || s.botID == self.BotID) && slices.Contains(s.blocks, blockID) {
			return s.TS, true, nil
		}
	}
	return "", false, nil
}

func newSaid(m slack.Message) Said {
	s := Said{
		TS: m.Timestamp, ThreadTS: m.ThreadTimestamp, User: m.User, Text: m.Text, botID: m.BotID,
		Bot: m.BotID != "" || m.BotProfile != nil || m.User == "USLACKBOT" ||
			m.SubType != "" && m.SubType != slack.MsgSubTypeFileShare && m.SubType != slack.MsgSubTypeThreadBroadcast,
	}
	if m.Edited != nil {
		s.Edited, s.EditedTS = true, m.Edited.Timestamp
	}
	for _, f := range m.Files {
		address := f.URLPrivateDownload
		if address == "" {
			address = f.URLPrivate
		}
		s.Files = append(s.Files, event.File{ID: f.ID, Name: f.Name, Mimetype: f.Mimetype, Size: int64(f.Size), URL: address})
	}
	for _, b := range m.Blocks.BlockSet {
		if id := b.ID(); id != "" {
			s.blocks = append(s.blocks, id)
		}
	}
	return s
}
