package event

import "encoding/json"

// outer is the envelope of the Events API.
type outer struct {
	Type           string `json:"type"`
	Challenge      string `json:"challenge"`
	TeamID         string `json:"team_id"`
	AppID          string `json:"api_app_id"`
	EnterpriseID   string `json:"enterprise_id"`
	EventID        string `json:"event_id"`
	External       bool   `json:"is_ext_shared_channel"`
	Event          inner  `json:"event"`
	Authorizations []struct {
		UserID string `json:"user_id"`
		IsBot  bool   `json:"is_bot"`
	} `json:"authorizations"`
}

// inner is what happened.
type inner struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype"`
	User        string          `json:"user"`
	UserTeam    string          `json:"user_team"`
	BotID       string          `json:"bot_id"`
	BotProfile  json.RawMessage `json:"bot_profile"`
	Channel     string          `json:"channel"`
	ChannelType string          `json:"channel_type"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	EventTS     string          `json:"event_ts"`
	Text        string          `json:"text"`
	Edited      json.RawMessage `json:"edited"`
	Files       []file          `json:"files"`
	Tab         string          `json:"tab"`
	Reaction    string          `json:"reaction"`
	ItemUser    string          `json:"item_user"`
	Item        struct {
		Type    string `json:"type"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	} `json:"item"`
}

type file struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Mimetype string `json:"mimetype"`
	Size     int64  `json:"size"`
	URL      string `json:"url_private"`
	Download string `json:"url_private_download"`
}

// named is whatever Slack names by an ID.
type named struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
}

// interaction is a click, a modal sent off, or a shortcut.
type interaction struct {
	Type        string  `json:"type"`
	AppID       string  `json:"api_app_id"`
	Team        *named  `json:"team"`
	Enterprise  *named  `json:"enterprise"`
	User        named   `json:"user"`
	Channel     *named  `json:"channel"`
	TriggerID   string  `json:"trigger_id"`
	ResponseURL string  `json:"response_url"`
	Callback    string  `json:"callback_id"`
	ActionTS    string  `json:"action_ts"`
	Message     message `json:"message"`
	Container   struct {
		ChannelID string `json:"channel_id"`
		MessageTS string `json:"message_ts"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"container"`
	Actions []action `json:"actions"`
	View    struct {
		ID       string `json:"id"`
		Callback string `json:"callback_id"`
		Metadata string `json:"private_metadata"`
		State    struct {
			Values map[string]map[string]field `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

type message struct {
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
	Text     string `json:"text"`
	User     string `json:"user"`
}

type action struct {
	ID       string `json:"action_id"`
	BlockID  string `json:"block_id"`
	ActionTS string `json:"action_ts"`
	field
}

// field is something that holds a value, whichever kind it is.
type field struct {
	Value    string `json:"value"`
	Selected *struct {
		Value string `json:"value"`
	} `json:"selected_option"`
}

func (f field) value() string {
	if f.Selected != nil {
		return f.Selected.Value
	}
	return f.Value
}

// command is a slash command, from a form or from Socket Mode.
type command struct {
	TeamID       string `json:"team_id"`
	AppID        string `json:"api_app_id"`
	EnterpriseID string `json:"enterprise_id"`
	UserID       string `json:"user_id"`
	ChannelID    string `json:"channel_id"`
	ChannelName  string `json:"channel_name"`
	Command      string `json:"command"`
	Text         string `json:"text"`
	TriggerID    string `json:"trigger_id"`
	ResponseURL  string `json:"response_url"`
	SSLCheck     string `json:"ssl_check"`
}
