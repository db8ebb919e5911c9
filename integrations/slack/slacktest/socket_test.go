package slacktest_test

import (
	"context"
	"testing"
	"time"

	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"honk/integrations/slack/slacktest"
)

// listen runs the real client's Socket Mode and returns what it gets.
func (b *bundle) listen() <-chan socketmode.Event {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	c := socketmode.New(b.client)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.RunContext(ctx)
	}()
	out := make(chan socketmode.Event, 100)
	go func() {
		for {
			select {
			case e := <-c.Events:
				out <- e
			case <-done:
				return
			}
		}
	}()
	b.t.Cleanup(func() {
		cancel()
		<-done
	})
	b.ack = func(e socketmode.Event, payload any) { must(b.t, c.Ack(*e.Request, payload)) }
	return out
}

// next waits for an event of a type.
func next(t *testing.T, from <-chan socketmode.Event, kind socketmode.EventType) socketmode.Event {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case e := <-from:
			if e.Type == kind {
				return e
			}
		case <-late:
			t.Fatalf("no %s comes", kind)
		}
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{SocketMode: true, Timeout: time.Second, RetryDelays: short()})
	events := b.listen()
	next(t, events, socketmode.EventTypeHello)
	b.say(b.mention() + " one")
	first := next(t, events, socketmode.EventTypeEventsAPI)
	if first.Request.RetryAttempt != 0 {
		t.Errorf("the attempt is %d", first.Request.RetryAttempt)
	}
	// Without an ack it comes again.
	again := next(t, events, socketmode.EventTypeEventsAPI)
	if again.Request.RetryAttempt != 1 || again.Request.EnvelopeID == first.Request.EnvelopeID {
		t.Errorf("the request is %+v", again.Request)
	}
	b.ack(again, nil)
	e, ok := again.Data.(slackevents.EventsAPIEvent)
	if m, is := e.InnerEvent.Data.(*slackevents.AppMentionEvent); !ok || !is || m.User != b.ada {
		t.Errorf("the event is %+v", again.Data)
	}
	must(t, b.WaitDeliveries(t.Context()))
	if log := b.Deliveries(); len(log) != 2 || log[0].OK() || !log[1].OK() {
		t.Errorf("the log is %+v", log)
	}

	answered := make(chan error, 1)
	go func() { answered <- b.Command(t.Context(), b.ada, b.channel, "help") }()
	b.ack(next(t, events, socketmode.EventTypeSlashCommand), map[string]any{"text": "Help!"})
	must(t, <-answered)
	if w := b.Whispers(b.ada); len(w) != 1 || w[0].Shown != "Help!" {
		t.Errorf("whispered %+v", w)
	}

	b.Disconnect("refresh_requested", false)
	next(t, events, socketmode.EventTypeHello)
	go func() { answered <- b.Shortcut(t.Context(), b.ada, b.channel, b.Messages(b.channel)[0].TS) }()
	b.ack(next(t, events, socketmode.EventTypeInteractive), nil)
	must(t, <-answered)
	if n := b.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestSocket_cut holds events until there is a connection again.
func TestSocket_cut(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{SocketMode: true, Timeout: 5 * time.Second, RetryDelays: short()})
	b.Fail("apps.connections.open", slacktest.Fault{Error: "internal_error"})
	events := b.listen()
	b.say(b.mention() + " one")
	b.ack(next(t, events, socketmode.EventTypeEventsAPI), nil)
	must(t, b.WaitDeliveries(t.Context()))
	b.Disconnect("", true)
	b.say(b.mention() + " two")
	b.ack(next(t, events, socketmode.EventTypeEventsAPI), nil)
	must(t, b.WaitDeliveries(t.Context()))
}
