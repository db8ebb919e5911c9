package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"honk/internal/task"
)

// Message is what Honk says. Text is what notifications show, and stands for
// the blocks where they cannot be shown.
type Message struct {
	Text   string       `json:"text"`
	Blocks slack.Blocks `json:"blocks"`
}

// Place is where a message stands: in a thread, or in the channel itself when
// Thread is empty. Channel may be a user, which is the app's own conversation
// with them.
type Place struct{ Channel, Thread string }

// options make a message of which nothing becomes a preview, a mention or a
// link by itself.
func (m Message) options(more ...slack.MsgOption) []slack.MsgOption {
	return append([]slack.MsgOption{
		slack.MsgOptionText(m.Text, false), // it is escaped already
		slack.MsgOptionBlocks(m.Blocks.BlockSet...),
		slack.MsgOptionParse(false),
		slack.MsgOptionLinkNames(false),
	}, more...)
}

// Post says something and returns the message's ts. It is the one thing that
// is done twice when it is asked for twice.
func (c *Client) Post(ctx context.Context, at Place, m Message) (ts string, err error) {
	opts := m.options(slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if at.Thread != "" {
		opts = append(opts, slack.MsgOptionTS(at.Thread))
	}
	_, ts, err = c.api.PostMessageContext(ctx, at.Channel, opts...)
	return ts, c.explain(err, act{"posting a message", "chat:write"})
}

// Update changes a message of Honk's. One that is gone is not_found.
func (c *Client) Update(ctx context.Context, channel, ts string, m Message) error {
	_, _, _, err := c.api.UpdateMessageContext(ctx, channel, ts, m.options()...)
	return c.explain(err, act{"changing a message", "chat:write"})
}

// Whisper says something that user alone sees, until they reload.
func (c *Client) Whisper(ctx context.Context, at Place, user string, m Message) error {
	opts := m.options()
	if at.Thread != "" {
		opts = append(opts, slack.MsgOptionTS(at.Thread))
	}
	_, err := c.api.PostEphemeralContext(ctx, at.Channel, user, opts...)
	return c.explain(err, act{"answering in private", "chat:write"})
}

// Respond answers a click or command at its response URL, to the one who made
// it alone. With replace it stands in the place of the message clicked.
func (c *Client) Respond(ctx context.Context, responseURL string, m Message, replace bool) error {
	what := act{doing: "answering a click or command"}
	u, err := url.Parse(responseURL)
	if err != nil || !c.mayRespond(u) {
		return task.Errorf(task.CodeForbidden, "%s: its address is not Slack's", what.doing)
	}
	no := false
	msg := &slack.WebhookMessage{
		Text: m.Text, Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no, ReplaceOriginal: replace, ResponseType: slack.ResponseTypeEphemeral,
	}
	if len(m.Blocks.BlockSet) > 0 {
		msg.Blocks = &m.Blocks
	}
	return c.explain(slack.PostWebhookCustomHTTPContext(ctx, u.String(), c.http, msg), what)
}

// mayRespond reports whether an address is one that Slack gives out.
func (c *Client) mayRespond(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	return u.Scheme == "https" && strings.EqualFold(u.Host, "hooks.slack.com") || c.isAPI(u)
}

// isAPI reports whether an address is at the server of the Web API.
func (c *Client) isAPI(u *url.URL) bool {
	return u.Scheme == c.host.Scheme && strings.EqualFold(u.Host, c.host.Host)
}

// React adds a reaction, unless it is there.
func (c *Client) React(ctx context.Context, channel, ts, name string) error {
	err := c.api.AddReactionContext(ctx, name, slack.NewRefToMessage(channel, ts))
	if saysOneOf(err, "already_reacted") {
		return nil
	}
	return c.explain(err, act{"adding a reaction", "reactions:write"})
}

// Unreact takes a reaction of Honk's back, if it is there.
func (c *Client) Unreact(ctx context.Context, channel, ts, name string) error {
	err := c.api.RemoveReactionContext(ctx, name, slack.NewRefToMessage(channel, ts))
	if saysOneOf(err, "no_reaction", "message_not_found") {
		return nil
	}
	return c.explain(err, act{"taking back a reaction", "reactions:write"})
}

func saysOneOf(err error, words ...string) bool {
	e, ok := errors.AsType[slack.SlackErrorResponse](err)
	return ok && slices.Contains(words, e.Err)
}

// Permalink returns the address of a message.
func (c *Client) Permalink(ctx context.Context, channel, ts string) (string, error) {
	link, err := c.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: ts})
	return link, c.explain(err, act{doing: "asking for a message's address"})
}

// OpenView shows a modal to whoever made the trigger, at most three seconds
// ago: later the code is timeout.
func (c *Client) OpenView(ctx context.Context, triggerID string, view slack.ModalViewRequest) error {
	_, err := c.api.OpenViewContext(ctx, triggerID, view)
	return c.explain(err, act{doing: "opening a form"})
}

// PublishHome shows user the app's home.
func (c *Client) PublishHome(ctx context.Context, user string, view slack.HomeTabViewRequest) error {
	_, err := c.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
	return c.explain(err, act{doing: "showing the app's home"})
}

// redirects follows a request to where the bot token may go, nowhere else.
func (c *Client) redirects(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 || !c.mayOpen(req.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}
