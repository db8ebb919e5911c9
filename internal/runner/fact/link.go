package fact

import (
	"net/url"
	"regexp"
	"strings"

	"honk/internal/task"
)

// CheckPublicURL says what is wrong with the address at which people reach
// Honk; "" is none, and right.
func CheckPublicURL(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(raw, " ()<>|") {
		return task.Errorf(task.CodeInvalid, "the public URL %q is none; write https:// and a host", raw)
	}
	return nil
}

// TaskURL is the address of a task's page below a public URL, "" where there
// is none.
func TaskURL(public string, id task.ID) string {
	if public == "" {
		return ""
	}
	return strings.TrimRight(public, "/") + "/tasks/" + url.PathEscape(string(id))
}

// What an address is made of without a second thought.
var (
	plainPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)
	plainRef  = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9/_.#+,@-]*$`)
)

// OpenURL is where a pull request can be opened for a branch that has none, ""
// where that is not known.
func OpenURL(repo task.Repo, pr task.PullRequest) string {
	if pr.Number != 0 || repo.Host == "local" ||
		!plainPart.MatchString(repo.Host) || !plainPart.MatchString(repo.Owner) || !plainPart.MatchString(repo.Name) ||
		!plainRef.MatchString(pr.Base) || !plainRef.MatchString(pr.Branch) {
		return ""
	}
	u := url.URL{Scheme: "https", Host: repo.Host, RawQuery: "expand=1"}
	return u.JoinPath(repo.Owner, repo.Name, "compare", pr.Base+"..."+pr.Branch).String()
}
