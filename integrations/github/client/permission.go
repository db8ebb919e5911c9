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
	a, err := r.Access(ctx, login)
	return a.Permission, err
}

// none is the permission of strangers.
const none = "none"

// Access is what somebody may do in a repository.
type Access struct {
	// Permission is as the method of that name returns it.
	Permission string
	// UserID is the account's number, 0 where GitHub does not say. A name
	// may have gone to another account since it was proved.
	UserID int64
}

// Access returns what a user may do in the repository, and which account it
// is.
func (r *Repo) Access(ctx context.Context, login string) (Access, error) {
	if login == "" || strings.ContainsAny(login, "/?#%\\") || strings.Trim(login, ".") == "" {
		return Access{Permission: none}, nil
	}
	var got struct {
		Permission string `json:"permission"`
		Role       string `json:"role_name"`
		User       struct {
			Login string `json:"login"`
			ID    int64  `json:"id"`
		} `json:"user"`
	}
	doing := "reading the permission of " + login
	err := r.ask(ctx, http.MethodGet,
		fmt.Sprintf("collaborators/%s/permission", url.PathEscape(login)), nil, &got)
	err = r.at.Explain(err, doing, "metadata: read")
	switch {
	case task.CodeOf(err) == task.CodeNotFound:
		return Access{Permission: none}, nil
	case err != nil:
		return Access{Permission: none}, err
	case got.User.Login != "" && !strings.EqualFold(got.User.Login, login):
		return Access{Permission: none}, nil
	}
	switch got.Permission {
	case "admin", "write", "read":
	default:
		return Access{Permission: none}, nil
	}
	// The role is finer than the permission it stands on: maintain is write,
	// triage is read. A role of the organisation's own says nothing to us.
	switch {
	case got.Permission == "write" && got.Role == "maintain",
		got.Permission == "read" && got.Role == "triage":
		return Access{got.Role, got.User.ID}, nil
	}
	return Access{got.Permission, got.User.ID}, nil
}
