package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"honk/internal/task"
)

// CanWrite reports whether a permission, as Permission returns it, is enough
// to give Honk work.
func CanWrite(permission string) bool {
	switch permission {
	case "admin", "maintain", "write":
		return true
	}
	return false
}

// Permission returns what a user may do in the repository: admin, maintain,
// write, triage, read or none. It is none for whoever GitHub does not know,
// and for any answer that does not fit the question.
func (r *Repo) Permission(ctx context.Context, login string) (string, error) {
	const none = "none"
	if login == "" || strings.ContainsAny(login, "/?#%\\") || strings.Trim(login, ".") == "" {
		return none, nil
	}
	var got struct {
		Permission string `json:"permission"`
		Role       string `json:"role_name"`
		User       struct {
			Login string `json:"login"`
		} `json:"user"`
	}
	doing := "reading the permission of " + login
	err := r.ask(ctx, http.MethodGet,
		fmt.Sprintf("collaborators/%s/permission", url.PathEscape(login)), nil, &got)
	err = r.at.Explain(err, doing, "metadata: read")
	switch {
	case task.CodeOf(err) == task.CodeNotFound:
		return none, nil
	case err != nil:
		return none, err
	case got.User.Login != "" && !strings.EqualFold(got.User.Login, login):
		return none, nil
	}
	switch got.Permission {
	case "admin", "write", "read":
	default:
		return none, nil
	}
	// The role is finer than the permission it stands on: maintain is write,
	// triage is read. A role of the organisation's own says nothing to us.
	switch {
	case got.Permission == "write" && got.Role == "maintain",
		got.Permission == "read" && got.Role == "triage":
		return got.Role, nil
	}
	return got.Permission, nil
}
