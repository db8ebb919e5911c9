package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"honk/internal/task"
)

const (
	// maxEnvelope is the most an envelope of Socket Mode may weigh.
	maxEnvelope = 2 << 20
	// pause is how long to wait before a socket that ended is opened anew.
	pause = time.Second
)

// TakeFunc takes in an envelope of Socket Mode by its type, and stores it.
type TakeFunc func(ctx context.Context, kind string, payload json.RawMessage, retry int) error

// Listen takes in what Slack sends over Socket Mode until ctx ends, which is
// no error. An envelope is acknowledged once takeFunc has returned nil; else
// Slack sends it again. Lost connections are made anew. A token that Slack does
// not take ends it at once.
func (c *Client) Listen(ctx context.Context, takeFunc TakeFunc) error {
	if c.opts.AppToken == "" {
		return task.Errorf(task.CodeInvalid, "HONK_SLACK_APP_TOKEN is not set; make one on the app's page, Basic Information, App-Level Tokens, "+
			"with the scope connections:write")
	}
	for ctx.Err() == nil {
		err := c.listenOnce(ctx, takeFunc)
		if ctx.Err() == nil && task.CodeOf(err) == task.CodeForbidden {
			return err
		}
		c.opts.Log.InfoContext(ctx, "socket ended", "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return nil
}

// Connects reports whether Slack would let Listen connect.
func (c *Client) Connects(ctx context.Context) error {
	if _, _, err := c.api.StartSocketModeContext(ctx); err != nil {
		return c.explainSocket(err)
	}
	return nil
}

// listenOnce listens until the connection cannot be made anew.
func (c *Client) listenOnce(ctx context.Context, takeFunc TakeFunc) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	socket := socketmode.New(c.api, socketmode.OptionReadLimit(maxEnvelope), socketmode.OptionLog(silent{}))
	ended := make(chan error, 1)
	go func() { ended <- socket.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return c.explainSocket(err)
		case e := <-socket.Events:
			if err := c.heard(ctx, socket, e, takeFunc); err != nil {
				cancel(err)
			}
		}
	}
}

// heard deals with what a socket tells. An error ends it.
func (c *Client) heard(ctx context.Context, socket *socketmode.Client, e socketmode.Event, takeFunc TakeFunc) error {
	switch data := e.Data.(type) {
	case *slack.ConnectionErrorEvent:
		// slack-go tries again whatever it is, for some that cannot help.
		err := c.explainSocket(data.ErrorObj)
		if task.CodeOf(err) == task.CodeForbidden {
			return err
		}
		c.opts.Log.WarnContext(ctx, "socket not connected", "error", err, "wait", data.Backoff)
		return nil
	case *socketmode.ErrorBadMessage:
		// What slack-go cannot parse, the caller may.
		var req socketmode.Request
		if json.Unmarshal(data.Message, &req) == nil {
			c.pass(ctx, socket, &req, takeFunc)
		}
		return nil
	}
	if e.Type == socketmode.EventTypeHello {
		c.opts.Log.InfoContext(ctx, "socket connected")
	}
	c.pass(ctx, socket, e.Request, takeFunc)
	return nil
}

// pass hands an envelope on, and acknowledges it once it is taken. What is none
// has no ID.
func (c *Client) pass(ctx context.Context, socket *socketmode.Client, req *socketmode.Request, takeFunc TakeFunc) {
	if req == nil || req.EnvelopeID == "" {
		return
	}
	if err := takeFunc(ctx, req.Type, req.Payload, req.RetryAttempt); err != nil {
		c.opts.Log.WarnContext(ctx, "envelope not taken", "kind", req.Type, "retry", req.RetryAttempt, "error", err)
		return
	}
	if err := socket.AckCtx(ctx, req.EnvelopeID, nil); err != nil && ctx.Err() == nil {
		c.opts.Log.WarnContext(ctx, "envelope not acknowledged", "kind", req.Type, "error", err)
	}
}

// explainSocket is explain with the remedies for the app-level token.
func (c *Client) explainSocket(err error) error {
	what := act{"opening the socket", "connections:write"}
	const remedy = "compare HONK_SLACK_APP_TOKEN with the app's page, Basic Information, App-Level Tokens: " +
		"it starts with xapp- and has the scope connections:write; and turn Socket Mode on"
	if err == nil {
		return task.Errorf(task.CodeUnavailable, "the socket has ended")
	}
	e, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return c.explain(err, what)
	}
	if code, _ := refusal(e.Err); code != task.CodeForbidden {
		return c.explain(err, what)
	}
	return &task.Error{
		Code: task.CodeForbidden, Message: fmt.Sprintf("Slack refuses %s (%s); %s", what.doing, word(e.Err), remedy),
	}
}
