package webapi

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"honk/integrations/slack/slacktest/blockkit"
	"honk/integrations/slack/slacktest/world"
)

// maxText is how much of a message's text Slack keeps.
const maxText = 40000

// content reads text and blocks from a call and holds them to the rules. It
// notes what Slack would refuse.
func (a *API) content(method string, args Args) (text string, blocks json.RawMessage, err error) {
	text = args.Text("text")
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText])
		a.violate(method, "the text has more than 40000 characters")
	}
	if args.Has("blocks") {
		raw := args.JSON("blocks")
		if raw == nil {
			a.violate(method, "blocks is not JSON")
			return "", nil, problem("invalid_blocks_format")
		}
		if err := a.refuse(method, "invalid_blocks", blockkit.Check(raw)); err != nil {
			return "", nil, err
		}
		if string(raw) != "[]" {
			blocks = blockkit.Fill(raw, func() string { return a.World.ID("b") })
		}
	}
	if text == "" && len(blocks) == 0 && !args.Has("blocks") {
		return "", nil, problem("no_text")
	}
	if text == "" && len(blocks) > 0 {
		// Slack only warns; the notification is empty then.
		a.violate(method, "missing_text_in_message")
	}
	return text, blocks, nil
}

func (a *API) violate(method, what string) {
	a.World.Violations = append(a.World.Violations, method+": "+what)
}

// refuse makes an answer of what is wrong, and notes it.
func (a *API) refuse(method, name string, faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	var messages []string
	for _, f := range faults {
		a.violate(method, f)
		messages = append(messages, "[ERROR] "+f)
	}
	return &Error{Name: name, Extra: object{
		"errors": faults, "response_metadata": object{"messages": messages},
	}}
}

// writable returns a channel the bot may post to.
func (a *API) writable(args Args) (*world.Channel, error) {
	c, err := a.channel(args, true)
	switch {
	case err != nil:
		return nil, err
	case c.Archived:
		return nil, problem("is_archived")
	case !c.Has(a.World.Bot.ID) && !a.World.Has("chat:write.public"):
		return nil, problem("not_in_channel")
	}
	if thread := args.Text("thread_ts"); thread != "" && len(c.Thread(thread)) == 0 {
		return nil, problem("thread_not_found")
	}
	return c, nil
}

// root is the start of the thread that a message with a ts is in.
func root(c *world.Channel, ts string) string {
	if m := c.Find(ts); m != nil && m.Thread != "" {
		return m.Thread
	}
	return ts
}

func (a *API) postMessage(args Args) (object, error) {
	c, err := a.writable(args)
	if err != nil {
		return nil, err
	}
	text, blocks, err := a.content("chat.postMessage", args)
	if err != nil {
		return nil, err
	}
	m := a.World.Say(c, world.Message{
		User: a.World.Bot.ID, Text: text, Blocks: blocks, Bot: true, Thread: root(c, args.Text("thread_ts")),
	})
	return object{"channel": c.ID, "ts": m.TS, "message": a.World.MessagePayload(c, m)}, nil
}

func (a *API) postEphemeral(args Args) (object, error) {
	c, err := a.writable(args)
	if err != nil {
		return nil, err
	}
	user := args.Text("user")
	if !c.Has(user) {
		return nil, problem("user_not_in_channel")
	}
	text, blocks, err := a.content("chat.postEphemeral", args)
	if err != nil {
		return nil, err
	}
	m := a.World.Say(c, world.Message{
		User: a.World.Bot.ID, Text: text, Blocks: blocks, Bot: true, Thread: root(c, args.Text("thread_ts")), To: user,
	})
	return object{"message_ts": m.TS}, nil
}

// own returns a message of the bot's, or the error Slack gives for others.
func (a *API) own(args Args, other string) (*world.Channel, *world.Message, error) {
	c, err := a.channel(args, false)
	if err != nil {
		return nil, nil, err
	}
	m := c.Find(args.Text("ts"))
	if m == nil {
		return nil, nil, problem("message_not_found")
	}
	if m.User != a.World.Bot.ID {
		return nil, nil, problem(other)
	}
	return c, m, nil
}

func (a *API) chatUpdate(args Args) (object, error) {
	c, m, err := a.own(args, "cant_update_message")
	if err != nil {
		return nil, err
	}
	text, blocks, err := a.content("chat.update", args)
	if err != nil {
		return nil, err
	}
	a.change(m, text, blocks, args)
	return object{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": a.World.MessagePayload(c, m)}, nil
}

// change puts a new content into a message. Blocks stay only where there is
// no text either; edited is said only of a message without blocks.
func (a *API) change(m *world.Message, text string, blocks json.RawMessage, args Args) {
	if text != "" || args.Has("blocks") {
		m.Text, m.Blocks = text, blocks
	}
	if m.Edits++; len(m.Blocks) == 0 {
		m.Edited = a.World.TS()
	}
}

func (a *API) chatDelete(args Args) (object, error) {
	c, m, err := a.own(args, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	a.World.Delete(c, m)
	return object{"channel": c.ID, "ts": m.TS}, nil
}

// emoji is how names of emoji look.
var emoji = regexp.MustCompile(`^[a-z0-9_+'-]+(::skin-tone-[2-6])?$`)

// reaction returns what a call is about.
func (a *API) reaction(args Args) (*world.Channel, *world.Message, string, error) {
	c, err := a.channel(args, false)
	if err != nil {
		return nil, nil, "", err
	}
	name := args.Text("name")
	if name = strings.Trim(name, ":"); !emoji.MatchString(name) {
		return nil, nil, "", problem("invalid_name")
	}
	if !c.Has(a.World.Bot.ID) {
		return nil, nil, "", problem("not_in_channel")
	}
	m := c.Find(args.Text("timestamp"))
	if m == nil {
		return nil, nil, "", problem("message_not_found")
	}
	return c, m, name, nil
}

func (a *API) reactionAdd(args Args) (object, error) {
	c, m, name, err := a.reaction(args)
	if err != nil {
		return nil, err
	}
	if !a.World.React(a.World.Bot.ID, c, m, name) {
		return nil, problem("already_reacted")
	}
	return object{}, nil
}

func (a *API) reactionRemove(args Args) (object, error) {
	c, m, name, err := a.reaction(args)
	if err != nil {
		return nil, err
	}
	if !a.World.Unreact(a.World.Bot.ID, c, m, name) {
		return nil, problem("no_reaction")
	}
	return object{}, nil
}
