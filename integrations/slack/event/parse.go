package event

import "strings"

// Parse reads the payload of a delivery by its name. What Honk acts on must be
// there and make sense; the rest may be missing. The error's code is invalid.
func Parse(name string, payload []byte) (Event, error) {
	var e Event
	switch name {
	case NameEvent:
		var o outer
		if err := decode(name, payload, &o); err != nil {
			return Event{}, err
		}
		e = o.parse()
	case NameInteraction:
		var i interaction
		if err := decode(name, payload, &i); err != nil {
			return Event{}, err
		}
		e = i.parse()
	case NameCommand:
		var c command
		if err := decode(name, payload, &c); err != nil {
			return Event{}, err
		}
		e = c.parse()
	}
	if problem := e.check(); problem != "" {
		return Event{}, malformed("delivery", problem)
	}
	e.DirectMessage = e.DirectMessage || strings.HasPrefix(e.Channel, "D")
	// Within an organisation people belong to many workspaces; whether they
	// are strangers is seen by what Slack tells of the user.
	if e.EnterpriseID == "" && e.UserTeam != "" && e.UserTeam != e.TeamID {
		e.External = true
	}
	return e, nil
}

func (o outer) parse() Event {
	in := o.Event
	e := Event{
		TeamID: o.TeamID, AppID: o.AppID, EnterpriseID: o.EnterpriseID, External: o.External,
		User: in.User, UserTeam: in.UserTeam, Channel: in.Channel, Bot: in.bot() || o.self(in.User),
		DirectMessage: in.ChannelType == "im" || in.ChannelType == "mpim",
	}
	switch in.Type {
	case "app_mention":
		e.Kind, e.TS, e.ThreadTS = Mention, in.TS, in.ThreadTS
		e.Text, e.Edited, e.Files = in.Text, in.edited(), files(in.Files)
	case "app_home_opened":
		e.Kind = Home
	case "reaction_added", "reaction_removed":
		e.Kind, e.Channel = Reaction, in.Item.Channel
		e.Reaction, e.Added = in.Reaction, in.Type == "reaction_added"
		e.ItemUser, e.ItemTS = in.ItemUser, in.Item.TS
	}
	return e
}

// files are those that have the form of one.
func files(list []file) (out []File) {
	for _, f := range list[:min(len(list), maxFiles)] {
		if !idPattern.MatchString(f.ID) {
			continue
		}
		url := address(f.Download)
		if url == "" {
			url = address(f.URL)
		}
		out = append(out, File{ID: f.ID, Name: f.Name, Mimetype: f.Mimetype, Size: max(f.Size, 0), URL: url})
	}
	return out
}

func (i interaction) parse() Event {
	e := Event{
		AppID: i.AppID, User: i.User.ID, UserTeam: i.User.TeamID, TeamID: i.User.TeamID,
		TriggerID: i.TriggerID, ResponseURL: address(i.ResponseURL),
	}
	if i.Team != nil {
		e.TeamID = i.Team.ID
	}
	if i.Enterprise != nil {
		e.EnterpriseID = i.Enterprise.ID
	}
	if e.Channel = i.Container.ChannelID; i.Channel != nil {
		e.Channel = i.Channel.ID
	}
	switch i.Type {
	case "block_actions":
		a, ok := i.clicked()
		if !ok {
			return e
		}
		e.Kind, e.ActionTS = Action, a.ActionTS
		e.Action = Clicked{ID: a.ID, BlockID: a.BlockID, Value: a.value()}
	case "message_action":
		e.Kind, e.ActionTS, e.Callback = Shortcut, i.ActionTS, i.Callback
	case "view_submission":
		e.Kind, e.Callback, e.Metadata, e.ViewID = Submission, i.View.Callback, i.View.Metadata, i.View.ID
		e.Values = map[string]string{}
		for _, block := range i.View.State.Values {
			for id, f := range block {
				e.Values[id] = f.value()
			}
		}
		return e
	}
	e.Message = Message(i.Message)
	if e.Message.TS == "" {
		e.Message.TS = i.Container.MessageTS
	}
	if e.Message.ThreadTS == "" {
		e.Message.ThreadTS = i.Container.ThreadTS
	}
	e.TS, e.ThreadTS = e.Message.TS, e.Message.ThreadTS
	return e
}

func (c command) parse() Event {
	return Event{
		Kind: Command, TeamID: c.TeamID, AppID: c.AppID, EnterpriseID: c.EnterpriseID,
		User: c.UserID, Channel: c.ChannelID, Command: c.Command, Text: c.Text,
		DirectMessage: c.ChannelName == "directmessage" || strings.HasPrefix(c.ChannelName, "mpdm-"),
		TriggerID:     c.TriggerID, ResponseURL: address(c.ResponseURL),
	}
}

// check returns what is wrong with an event.
func (e Event) check() (problem string) {
	for _, id := range []string{e.AppID, e.EnterpriseID, e.UserTeam, e.Channel, e.Message.User, e.ItemUser, e.ViewID} {
		if !optional(idPattern, id) {
			return "an ID in it is none"
		}
	}
	for _, ts := range []string{e.TS, e.ThreadTS, e.ActionTS, e.Message.TS, e.Message.ThreadTS, e.ItemTS} {
		if !optional(tsPattern, ts) {
			return "a time in it is none"
		}
	}
	named := max(len(e.Action.ID), len(e.Action.BlockID), len(e.Callback)) <= maxName &&
		max(len(e.Action.Value), len(e.Metadata)) <= maxValue
	switch {
	case e.Kind == "":
		return "it is of no known kind"
	case !idPattern.MatchString(e.TeamID):
		return "it names no workspace"
	case !idPattern.MatchString(e.User) && !e.Bot:
		return "it names no user"
	case !optional(idPattern, e.User):
		return "its user's ID is none"
	case !optional(triggerPattern, e.TriggerID):
		return "its trigger is none"
	case !named:
		return "a name in it is too long"
	}
	return e.checkKind()
}

// checkKind asks for what an event of its kind cannot be without.
func (e Event) checkKind() (problem string) {
	switch {
	case e.Channel == "" && (e.Kind == Mention || e.Kind == Reaction || e.Kind == Shortcut || e.Kind == Command):
		return "it names no channel"
	case e.TS == "" && (e.Kind == Mention || e.Kind == Shortcut):
		return "it names no message"
	case e.Kind == Reaction && (e.ItemTS == "" || !reactionPattern.MatchString(e.Reaction)):
		return "it is no reaction to a message"
	case e.Kind == Submission && e.ViewID == "":
		return "it names no modal"
	case e.Kind == Command && !commandPattern.MatchString(e.Command):
		return "it names no command"
	}
	return ""
}
