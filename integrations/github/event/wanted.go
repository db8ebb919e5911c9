package event

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Wanted reports whether Honk does anything with an event: the rest is
// answered and forgotten.
func Wanted(name, action string) bool {
	var actions []string
	switch name {
	case "ping":
		return true
	case "issue_comment", "pull_request_review_comment":
		actions = []string{"created"}
	case "issues":
		actions = []string{"labeled", "assigned"}
	case "pull_request_review":
		actions = []string{"submitted"}
	case "pull_request":
		actions = []string{"closed", "reopened", "synchronize"}
	case "check_suite", "check_run", "workflow_run":
		actions = []string{"completed"}
	case "installation":
		actions = []string{"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"}
	case "installation_repositories":
		actions = []string{"added", "removed"}
	}
	return slices.Contains(actions, action)
}

// Action returns a payload's action without parsing the rest of it, "" when
// there is none.
func Action(payload []byte) string {
	dec := json.NewDecoder(bytes.NewReader(payload))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return ""
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return ""
		}
		if key != "action" {
			var skip json.RawMessage
			if dec.Decode(&skip) != nil {
				return ""
			}
			continue
		}
		var action string
		if dec.Decode(&action) != nil {
			return ""
		}
		return action
	}
	return ""
}
