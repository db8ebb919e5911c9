package task

import "strings"

// Repo names a repository. Host, Owner and Name identify it; URL is where it
// is fetched from and may be a path of this machine for the command line.
type Repo struct {
	// Host is the forge's host name, "local" for a path of this machine.
	Host  string `json:"host"`
	Owner string `json:"owner"`
	Name  string `json:"name"`
	URL   string `json:"url"`
}

// String returns owner/name, or the name alone where there is no owner.
func (r Repo) String() string {
	return strings.TrimPrefix(r.Owner+"/"+r.Name, "/")
}
