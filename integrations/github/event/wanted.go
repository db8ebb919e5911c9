package event

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Wanted reports whether Honk does anything with an event: the rest is
// answered and forgotten.
func Wanted(name, action string) bool {
	return name == "ping" || slices.Contains(wanted()[name], action)
}

// wanted are the actions of the events Honk does something with.
func wanted() map[string][]string {
	completed := []string{"completed"}
	return map[string][]string{
		"issue_comment":               {"created"},
		"pull_request_review_comment": {"created"},
		"issues":                      {"labeled", "assigned"},
		"pull_request_review":         {"submitted"},
		"pull_request":                {"opened", "closed", "reopened", "synchronize", "ready_for_review"},
		"push":                        {""},
		"check_suite":                 completed,
		"check_run":                   completed,
		"workflow_run":                completed,
		"installation":                {"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"},
		"installation_repositories":   {"added", "removed"},
	}
}

// Subscribed lists the events that the App's settings must name, sorted. It
// leaves out what every App is told, and workflow runs, which take a
// permission of their own and come as checks as well.
func Subscribed() []string {
	all := wanted()
	for _, name := range []string{"installation", "installation_repositories", "workflow_run"} {
		delete(all, name)
	}
	return slices.Sorted(maps.Keys(all))
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
