package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"honk/internal/task"
)

// maxAnswer is far above what GitHub tells of an account.
const maxAnswer = 256 << 10

// loginShape is what GitHub's logins look like, those of companies' own
// accounts too.
var loginShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// user returns whose token it is.
func (c *Client) user(ctx context.Context, token string) (login string, id int64, err error) {
	req, err := c.request(ctx, http.MethodGet, "/user", nil)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.http.Do(req)
	if err != nil {
		return "", 0, unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", 0, answered(resp)
	}
	var user struct {
		Login string
		ID    int64
		Type  string
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&user)
	if ctx.Err() != nil {
		return "", 0, unreachable(ctx.Err())
	}
	if err != nil || user.ID <= 0 || !loginShape.MatchString(user.Login) {
		return "", 0, task.Errorf(task.CodeUnavailable, "GitHub's answer names no account; try again in a minute")
	}
	if user.Type != "" && user.Type != "User" {
		return "", 0, task.Errorf(task.CodeForbidden,
			"%q is not the account of a person; sign in to GitHub as yourself and open the link again", user.Login)
	}
	return user.Login, user.ID, nil
}

// giveBack makes a token worthless. One that cannot be given back ends by
// itself within hours, and nobody has it.
func (c *Client) giveBack(ctx context.Context, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	status, err := c.revoke(ctx, token)
	switch {
	case err != nil:
		c.log.WarnContext(ctx, "user token not revoked", "error", unreachable(err))
	case status != http.StatusNoContent && status != http.StatusNotFound:
		c.log.WarnContext(ctx, "user token not revoked", "status", status)
	}
}

func (c *Client) revoke(ctx context.Context, token string) (status int, err error) {
	body, err := json.Marshal(map[string]string{"access_token": token})
	if err != nil {
		return 0, err
	}
	req, err := c.request(ctx, http.MethodDelete, "/applications/"+url.PathEscape(c.config.ClientID)+"/token", body)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(c.config.ClientID, c.config.ClientSecret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, bytes.NewReader(body))
	if err != nil {
		return nil, task.Errorf(task.CodeInternal, "making a request for %s: %w", path, err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("User-Agent", "honk")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	return req, nil
}
