package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// Permissions are what a token may do, by GitHub's own names: read or write
// for contents, issues and so on.
type Permissions map[string]string

// ForCheckout is what cloning and fetching need.
func ForCheckout() Permissions {
	return Permissions{"contents": "read", "metadata": "read"}
}

// ForPublish is what pushing one branch and opening its pull request need.
// It lacks workflows, so that GitHub refuses a push that changes them.
func ForPublish() Permissions {
	return Permissions{"contents": "write", "metadata": "read", "pull_requests": "write"}
}

// ForReview is what a pull request itself needs, whose branch is there: its
// text, labels, reviewers and end.
func ForReview() Permissions {
	return Permissions{"contents": "read", "metadata": "read", "pull_requests": "write"}
}

// ForMerge is what merging a pull request and deleting its branch need.
func ForMerge() Permissions {
	return Permissions{"contents": "write", "metadata": "read", "pull_requests": "read"}
}

// ForTalk is what a conversation needs: comments, reactions, assignees,
// reviews, and reading checks, branches and policy files.
func ForTalk() Permissions {
	return Permissions{
		"checks": "read", "contents": "read", "issues": "write",
		"metadata": "read", "pull_requests": "write", "statuses": "read",
	}
}

// Required is what the App needs as a whole, for telling an operator what its
// installation lacks.
func Required() Permissions {
	all := ForTalk()
	maps.Copy(all, ForPublish())
	return all
}

// Missing lists what want has and p lacks, as "contents: write", sorted.
func (p Permissions) Missing(want Permissions) []string {
	rank := map[string]int{"read": 1, "write": 2, "admin": 3}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if rank[p[name]] < rank[want[name]] {
			missing = append(missing, name+": "+want[name])
		}
	}
	return missing
}

// String lists the permissions, sorted.
func (p Permissions) String() string { return strings.Join(Permissions{}.Missing(p), ", ") }

// wire returns p as GitHub's client wants it. A name the client does not know
// is an error: it would be left out, and an empty list means all.
func (p Permissions) wire() (*github.InstallationPermissions, error) {
	if len(p) == 0 {
		return nil, task.Errorf(task.CodeInternal, "a token needs at least one permission")
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding permissions: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	out := new(github.InstallationPermissions)
	if err := dec.Decode(out); err != nil {
		return nil, fmt.Errorf("encoding permissions %v: %w", p, err)
	}
	return out, nil
}

func permissionsOf(from *github.InstallationPermissions) Permissions {
	p := Permissions{}
	raw, err := json.Marshal(from)
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return Permissions{}
	}
	return p
}
