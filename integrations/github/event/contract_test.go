package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"honk/integrations/github/event"
)

// TestExamples parses what GitHub and its community publish as examples of
// payloads, of github.com and of each GitHub Enterprise Server.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "tools", "npm", "node_modules", "@octokit", "webhooks-examples")
	files, err := filepath.Glob(filepath.Join(dir, "*", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		const missing = "@octokit/webhooks-examples is not installed; run: npm ci --prefix tools/npm"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	seen := map[string]int{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Name     string            `json:"name"`
			Examples []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatalf("reading %q: %v", file, err)
		}
		for _, group := range list {
			for i, payload := range group.Examples {
				if !event.Wanted(group.Name, event.Action(payload)) {
					continue
				}
				e, err := event.Parse(group.Name, payload)
				if err != nil {
					t.Errorf("%s: %s %d: %v", file, group.Name, i, err)
					continue
				}
				seen[e.Name]++
				checkExample(t, e, payload)
			}
		}
	}
	for _, name := range []string{
		"ping", "issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment",
		"check_suite", "check_run", "workflow_run", "installation", "installation_repositories", "push",
	} {
		if seen[name] == 0 {
			t.Errorf("there is no example of %s", name)
		}
	}
}

// checkExample compares an event with what stands plainly in its payload.
func checkExample(t *testing.T, e event.Event, payload []byte) {
	t.Helper()
	var raw struct {
		Repository *struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
		Sender *struct {
			Login string `json:"login"`
		} `json:"sender"`
		Issue *struct {
			Number int `json:"number"`
		} `json:"issue"`
		PullRequest *struct {
			Number int `json:"number"`
		} `json:"pull_request"`
		Installation *struct {
			ID int64 `json:"id"`
		} `json:"installation"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		t.Fatal(err)
	}
	if raw.Repository != nil && e.Repository.String() != raw.Repository.FullName {
		t.Errorf("%s: repository %q, want %q", e.Name, e.Repository, raw.Repository.FullName)
	}
	if raw.Sender != nil && e.Sender.Login != raw.Sender.Login {
		t.Errorf("%s: sender %q, want %q", e.Name, e.Sender.Login, raw.Sender.Login)
	}
	if raw.Issue != nil && e.Subject.Number != raw.Issue.Number ||
		raw.PullRequest != nil && e.Subject.Number != raw.PullRequest.Number {
		t.Errorf("%s: number %d", e.Name, e.Subject.Number)
	}
	if raw.Installation != nil && e.InstallationID != raw.Installation.ID {
		t.Errorf("%s: installation %d, want %d", e.Name, e.InstallationID, raw.Installation.ID)
	}
}
