package forge

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"

	"honk/internal/task"
)

// maxReviewers is how many are asked to review at most.
const maxReviewers = 3

// OwnersFiles are where a repository may say who owns its files. The first
// that is there counts.
func OwnersFiles() []string {
	return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}
}

// owners returns who owns the changed files by the CODEOWNERS of the base
// commit, the requester left out.
func owners(base fs.FS, patch task.Patch, requester string) (users, teams []string) {
	for _, name := range OwnersFiles() {
		raw, err := fs.ReadFile(base, name)
		if err != nil {
			continue
		}
		var paths []string
		for _, file := range patch.Files {
			paths = append(paths, file.Path)
		}
		return Owners(raw, paths, requester, maxReviewers)
	}
	return nil, nil
}

// Owners returns who owns paths by a CODEOWNERS file, those of most paths
// first, up to a number of them; one login is left out.
func Owners(file []byte, paths []string, not string, most int) (users, teams []string) {
	rules, err := codeowners.ParseFile(bytes.NewReader(file))
	if err != nil {
		return nil, nil // GitHub ignores a file with errors, too
	}
	count := map[codeowners.Owner]int{}
	var order []codeowners.Owner
	for _, path := range paths {
		rule, err := rules.Match(path)
		if err != nil || rule == nil {
			continue
		}
		for _, o := range rule.Owners {
			if count[o]++; count[o] == 1 {
				order = append(order, o)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b codeowners.Owner) int { return count[b] - count[a] })
	for _, o := range order {
		switch {
		case len(users)+len(teams) == most:
			return users, teams
		case o.Type == codeowners.TeamOwner:
			_, team, _ := strings.Cut(o.Value, "/")
			teams = append(teams, team)
		case o.Type == codeowners.UsernameOwner && !strings.EqualFold(o.Value, not):
			users = append(users, o.Value)
		}
	}
	return users, teams
}
