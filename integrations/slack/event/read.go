package event

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"

	"honk/internal/task"
)

// Path is the last part of the address that Slack sends something to.
type Path string

// The three addresses of the app's settings.
const (
	PathEvents       Path = "events"
	PathInteractions Path = "interactions"
	PathCommands     Path = "commands"
)

// Incoming is what Slack has sent, before it is understood.
type Incoming struct {
	Delivery task.Delivery
	// Challenge is to be sent back, when Slack asks whether anybody is there.
	Challenge string
	// Wanted is false for what means nothing to Honk, which need not be
	// stored.
	Wanted bool
}

// Read takes in the body of a verified request. The error's code is invalid.
func Read(path Path, contentType string, body []byte) (Incoming, error) {
	want := "application/x-www-form-urlencoded"
	if path == PathEvents {
		want = "application/json"
	}
	if got, _, err := mime.ParseMediaType(contentType); err != nil || got != want {
		return Incoming{}, task.Errorf(task.CodeInvalid, "the content type is %q; Slack sends %s here", contentType, want)
	}
	switch path {
	case PathEvents:
		return readEvent(body)
	case PathInteractions:
		form, err := parseForm(body)
		if err != nil {
			return Incoming{}, err
		}
		if form["ssl_check"] != "" {
			return Incoming{}, nil
		}
		return readInteraction([]byte(form["payload"]))
	case PathCommands:
		form, err := parseForm(body)
		if err != nil {
			return Incoming{}, err
		}
		payload, err := json.Marshal(form)
		if err != nil {
			return Incoming{}, fmt.Errorf("encoding a slash command: %w", err)
		}
		return readCommand(payload)
	}
	return Incoming{}, task.Errorf(task.CodeInvalid, "nothing of Slack's is taken in at %q", path)
}

// ReadSocket takes in an envelope of Socket Mode by its type.
func ReadSocket(kind string, payload json.RawMessage) (Incoming, error) {
	switch kind {
	case "events_api":
		return readEvent(payload)
	case "interactive":
		return readInteraction(payload)
	case "slash_commands":
		return readCommand(payload)
	}
	return Incoming{}, nil
}

// parseForm decodes a form in which every field stands once.
func parseForm(body []byte) (map[string]string, error) {
	if len(body) > MaxPayload {
		return nil, malformed("form", "it is too large")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, malformed("form", "it cannot be decoded")
	}
	form := map[string]string{}
	for name, list := range values {
		if len(list) != 1 {
			return nil, malformed("form", "a field stands in it twice")
		}
		form[name] = list[0]
	}
	return form, nil
}

func malformed(name, problem string) error {
	return task.Errorf(task.CodeInvalid, "Slack's %s cannot be used: %s", name, problem)
}

// decode reads JSON of at most MaxPayload.
func decode(name string, raw []byte, into any) error {
	if len(raw) > MaxPayload {
		return malformed(name, "it is too large")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return task.Errorf(task.CodeInvalid, "Slack's %s cannot be read: %w", name, err)
	}
	return nil
}

// incoming makes a delivery of a payload, without the token that Slack used to
// be recognised by before it signed: it is still valid and nobody needs it.
func incoming(id, name string, raw []byte) (Incoming, error) {
	var fields map[string]json.RawMessage
	if err := decode(name, raw, &fields); err != nil {
		return Incoming{}, err
	}
	delete(fields, "token")
	payload, err := json.Marshal(fields)
	if err != nil {
		return Incoming{}, fmt.Errorf("encoding Slack's %s: %w", name, err)
	}
	return Incoming{
		Wanted:   true,
		Delivery: task.Delivery{Source: task.SourceSlack, ID: id, Event: name, Payload: payload},
	}, nil
}
