package service_test

import "honk/integrations/github/githubtest"

// manifestActs are what people do with manifests beside commits.
var manifestActs = map[string]command{
	"removed": {"LOGIN OWNER/NAME@BRANCH PATH", 3, 3, false, actRemoved},
}

// actRemoved pushes a commit that removes a file.
func actRemoved(s *scene, args []string) error {
	at, p, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	_, err = s.forge.Commit(s.Context(), githubtest.Change{Repo: at.Repo, Branch: p.branch, Login: at.Login, Remove: args[2:]})
	return err
}
