// Package slacktest is a Slack of one's own: a stand-in for Slack for tests
// and demonstrations. It serves the part of the Web API that Honk uses, sends
// signed requests or envelopes over a WebSocket, holds every message and view
// to the rules of Block Kit, and has methods to do what people do there.
//
//	<url>/api/<method>      the Web API
//	<url>/response/<id>     response_urls
//	<url>/files-pri/...     files, for who has the bot's token
//	<url>/link/             the WebSocket of Socket Mode
//
// It records what it was asked, and fails on request. It imports nothing of
// what it is to test.
package slacktest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"honk/integrations/slack/slacktest/webapi"
	"honk/integrations/slack/slacktest/wire"
	"honk/integrations/slack/slacktest/world"
)

// Options configures a Slack.
type Options struct {
	// SigningSecret is what requests are signed with.
	SigningSecret string
	// BotToken and AppToken are those the app must show. The defaults are
	// xoxb-slacktest and xapp-slacktest.
	BotToken, AppToken string
	// EventsURL is the app's address; requests go to /webhooks/slack/events,
	// /interactions and /commands below it. SetEventsURL sets it later.
	EventsURL string
	// SocketMode sends envelopes over a WebSocket in place of requests; so
	// does an empty EventsURL with an AppToken.
	SocketMode bool
	// Timeout is how long an answer may take, 3 seconds by default;
	// RetryDelays how long Slack waits before each further try, three times
	// and far shorter than Slack by default.
	Timeout     time.Duration
	RetryDelays []time.Duration
	// Scopes are those of the bot's token, Events what the app has subscribed
	// to; nil means all that Honk may ask for. message.channels is an event,
	// too.
	Scopes, Events []string
	// Command is the app's slash command, /honk by default, Callback its
	// message shortcut, honk.ask by default.
	Command, Callback string
	// NowFunc tells the time, time.Now by default.
	NowFunc func() time.Time
}

// User is somebody's account.
type User = world.User

// Channel is a channel to be added.
type Channel struct {
	// ID is made up where it is empty.
	ID, Name          string
	Private, External bool
	Archived          bool
}

// Slack is a workspace with one app. It is safe for concurrent use.
type Slack struct {
	opts    Options
	world   *world.World
	api     *webapi.API
	post    *wire.Post
	socket  *wire.Socket
	sender  wire.Sender
	courier *wire.Courier
	server  *http.Server

	mu       sync.Mutex
	requests []Request
	faults   []*planned
}

// New makes a workspace without people or channels.
func New(opts Options) *Slack {
	opts.SocketMode = opts.SocketMode || opts.EventsURL == "" && opts.AppToken != ""
	opts.BotToken, opts.AppToken = cmp.Or(opts.BotToken, "xoxb-slacktest"), cmp.Or(opts.AppToken, "xapp-slacktest")
	opts.Timeout = cmp.Or(opts.Timeout, 3*time.Second)
	opts.Command, opts.Callback = cmp.Or(opts.Command, "/honk"), cmp.Or(opts.Callback, "honk.ask")
	if opts.RetryDelays == nil {
		opts.RetryDelays = []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}
	}
	if opts.NowFunc == nil {
		opts.NowFunc = time.Now
	}
	if opts.Scopes == nil {
		opts.Scopes = []string{
			"app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:read",
			"groups:history", "groups:read", "im:history", "im:read", "im:write", "reactions:read", "reactions:write",
			"users:read", "users:read.email",
		}
	}
	if opts.Events == nil {
		opts.Events = []string{
			"app_mention", "app_home_opened", "app_uninstalled", "reaction_added", "reaction_removed", "tokens_revoked",
		}
	}
	s := &Slack{opts: opts, world: world.New(opts.NowFunc)}
	s.world.Scopes, s.world.Subscribed = opts.Scopes, opts.Events
	s.post = wire.NewPost(opts.SigningSecret, opts.EventsURL, opts.Timeout, opts.NowFunc)
	s.socket = wire.NewSocket(s.world.AppID, opts.Timeout)
	s.api = &webapi.API{World: s.world, BotToken: opts.BotToken, AppToken: opts.AppToken}
	s.sender = s.post
	if opts.SocketMode {
		s.sender, s.api.LinkFunc = s.socket, s.link
	}
	s.courier = wire.NewCourier(s.sender, opts.RetryDelays, opts.NowFunc)
	s.world.EmitFunc = s.emit
	return s
}

// Start serves Slack on a free port of this machine until Close.
func (s *Slack) Start(ctx context.Context) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	s.world.Lock()
	s.world.URL = "http://" + listener.Addr().String()
	s.world.Unlock()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // ends by Close
	return nil
}

// Close stops serving and sending.
func (s *Slack) Close() error {
	s.courier.Close()
	s.socket.Close()
	s.post.Close()
	if s.server == nil {
		return nil
	}
	if err := s.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("closing Slack: %w", err)
	}
	return nil
}

// URL is Slack's address.
func (s *Slack) URL() string {
	s.world.Lock()
	defer s.world.Unlock()
	return s.world.URL
}

// APIURL is the address of the Web API, with a slash at its end.
func (s *Slack) APIURL() string { return s.URL() + "/api/" }

// link is called with the world's lock held.
func (s *Slack) link() string {
	return "ws" + s.world.URL[len("http"):] + "/link/?ticket=" + s.socket.Ticket() + "&app_id=" + s.world.AppID
}

// SetEventsURL says where the app is from now on.
func (s *Slack) SetEventsURL(url string) { s.post.SetURL(url) }

// SetScopes changes the scopes of the bot's token.
func (s *Slack) SetScopes(scopes ...string) {
	s.world.Lock()
	defer s.world.Unlock()
	s.world.Scopes = slices.Clone(scopes)
}

// BotToken is the token for the Web API.
func (s *Slack) BotToken() string { return s.opts.BotToken }

// AppToken is the token for Socket Mode.
func (s *Slack) AppToken() string { return s.opts.AppToken }

// BotUser is the ID of the app's bot, by which people mention it.
func (s *Slack) BotUser() string { return s.world.Bot.ID }

// BotID is the bot's own ID, which messages carry as bot_id.
func (s *Slack) BotID() string { return s.world.BotID }

// AppID is the app's ID.
func (s *Slack) AppID() string { return s.world.AppID }

// TeamID is the workspace's ID.
func (s *Slack) TeamID() string { return s.world.TeamID }
