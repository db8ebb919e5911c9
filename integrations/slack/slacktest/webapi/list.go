package webapi

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"honk/integrations/slack/slacktest/world"
)

// page returns a part of a list, and the cursor of the next.
func page[T any](list []T, args Args, usual int) (part []T, next string, err error) {
	from := 0
	if cursor := args.Text("cursor"); cursor != "" {
		plain, err := base64.StdEncoding.DecodeString(cursor)
		if err != nil || !strings.HasPrefix(string(plain), "next:") {
			return nil, "", problem("invalid_cursor")
		}
		from, err = strconv.Atoi(strings.TrimPrefix(string(plain), "next:"))
		if err != nil || from < 0 || from > len(list) {
			return nil, "", problem("invalid_cursor")
		}
	}
	to := min(from+args.Count("limit", usual, 1000), len(list))
	if to < len(list) {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(to)))
	}
	return list[from:to], next, nil
}

// within keeps the messages between oldest and latest.
func within(list []*world.Message, args Args) []*world.Message {
	oldest, latest, inclusive := args.Text("oldest"), args.Text("latest"), args.True("inclusive")
	return slices.DeleteFunc(slices.Clone(list), func(m *world.Message) bool {
		early := oldest != "" && !world.After(m.TS, oldest)
		late := latest != "" && !world.After(latest, m.TS)
		if inclusive && (m.TS == oldest || m.TS == latest) {
			return false
		}
		return early || late
	})
}

// readable returns a channel whose messages the bot may read.
func (a *API) readable(args Args) (*world.Channel, error) {
	c, err := a.channel(args, false)
	switch {
	case err != nil:
		return nil, err
	case !a.World.Has(c.Scope("history")):
		return nil, a.missing(c.Scope("history"))
	case !c.Has(a.World.Bot.ID):
		return nil, problem("not_in_channel")
	}
	return c, nil
}

func (a *API) messages(c *world.Channel, list []*world.Message, args Args, usual int) (object, error) {
	part, next, err := page(list, args, usual)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, m := range part {
		out = append(out, a.World.MessagePayload(c, m))
	}
	answer := object{"messages": out, "has_more": next != ""}
	if next != "" {
		answer["response_metadata"] = object{"next_cursor": next}
	}
	return answer, nil
}

// replies answers a thread, the oldest first. What started it comes first on
// the first page, however old.
func (a *API) replies(args Args) (object, error) {
	c, err := a.readable(args)
	if err != nil {
		return nil, err
	}
	ts := args.Text("ts")
	if m := c.Find(ts); m != nil && m.Thread != "" {
		ts = m.Thread
	}
	all := c.Thread(ts)
	if len(all) == 0 {
		return nil, problem("thread_not_found")
	}
	list := append([]*world.Message{all[0]}, within(all[1:], args)...)
	return a.messages(c, list, args, 1000)
}

// history answers a channel without its threads, the newest first.
func (a *API) history(args Args) (object, error) {
	c, err := a.readable(args)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(within(c.Messages, args), func(m *world.Message) bool {
		return m.Thread != "" || m.To != "" || m.Deleted && len(c.Thread(m.TS)) == 0
	})
	slices.Reverse(list)
	answer, err := a.messages(c, list, args, 100)
	if err == nil {
		answer["pin_count"] = 0
	}
	return answer, err
}

func (a *API) members(args Args) (object, error) {
	c, err := a.channel(args, false)
	if err != nil {
		return nil, err
	}
	if !a.World.Has(c.Scope("read")) {
		return nil, a.missing(c.Scope("read"))
	}
	part, next, err := page(c.Members, args, 100)
	if err != nil {
		return nil, err
	}
	return object{"members": part, "response_metadata": object{"next_cursor": next}}, nil
}

func (a *API) permalink(args Args) (object, error) {
	c, err := a.channel(args, false)
	if err != nil {
		return nil, err
	}
	ts := args.Text("message_ts")
	m := c.Find(ts)
	if m == nil {
		return nil, problem("message_not_found")
	}
	link := "https://" + a.World.Domain + ".slack.com/archives/" + c.ID + "/p" + strings.ReplaceAll(ts, ".", "")
	if m.Thread != "" {
		link += "?thread_ts=" + m.Thread + "&cid=" + c.ID
	}
	return object{"channel": c.ID, "permalink": link}, nil
}
