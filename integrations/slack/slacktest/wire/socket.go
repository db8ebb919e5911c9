package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Socket sends over the WebSockets that an app has opened. It is safe for
// concurrent use.
type Socket struct {
	appID   string
	timeout time.Duration
	done    sync.WaitGroup

	mu      sync.Mutex
	count   int
	tickets map[string]bool
	conns   []*conn        // those that get envelopes, the newest last
	live    map[*conn]bool // those that are open
	waiting map[string]chan json.RawMessage
	opened  chan struct{} // closed when a connection opens
	closed  bool
}

// conn is one WebSocket; mu is for those who write.
type conn struct {
	mu sync.Mutex
	ws *websocket.Conn
}

func (c *conn) write(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second)) // the write says so
	return c.ws.WriteJSON(v)
}

// NewSocket makes a Socket that waits so long for an ack.
func NewSocket(appID string, timeout time.Duration) *Socket {
	return &Socket{
		appID: appID, timeout: timeout, tickets: map[string]bool{}, waiting: map[string]chan json.RawMessage{},
		live: map[*conn]bool{}, opened: make(chan struct{}),
	}
}

// Ticket returns one for one connection.
func (s *Socket) Ticket() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	ticket := fmt.Sprintf("ticket-%d", s.count)
	s.tickets[ticket] = true
	return ticket
}

// ServeHTTP is where an app connects.
func (s *Socket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ticket := r.FormValue("ticket")
	s.mu.Lock()
	ok := s.tickets[ticket] && !s.closed
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !ok {
		http.Error(w, "link_disabled", http.StatusForbidden)
		return
	}
	// Clients name Slack as their origin; the ticket says who they are.
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c := &conn{ws: ws}
	defer ws.Close()
	if c.write(map[string]any{
		"type": "hello", "num_connections": s.Connections() + 1,
		"debug_info":      map[string]any{"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
		"connection_info": map[string]any{"app_id": s.appID},
	}) != nil {
		return
	}
	s.add(c)
	defer s.drop(c)
	stop := make(chan struct{})
	defer close(stop)
	s.done.Go(func() { c.ping(stop) })
	s.read(c)
}

// ping shows the app that the connection lives.
func (c *conn) ping(stop <-chan struct{}) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			_ = c.ws.WriteControl(websocket.PingMessage, []byte("ping"), now.Add(time.Second)) // reading notices
		}
	}
}

// read takes acks until the connection ends.
func (s *Socket) read(c *conn) {
	for {
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if c.ws.ReadJSON(&ack) != nil {
			return
		}
		s.mu.Lock()
		if to := s.waiting[ack.EnvelopeID]; to != nil {
			delete(s.waiting, ack.EnvelopeID)
			to <- ack.Payload // has room for one
		}
		s.mu.Unlock()
	}
}

func (s *Socket) add(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, c)
	s.live[c] = true
	close(s.opened)
	s.opened = make(chan struct{})
}

func (s *Socket) drop(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, c)
	s.conns = slices.DeleteFunc(slices.Clone(s.conns), func(one *conn) bool { return one == c })
}

// Connections is how many there are.
func (s *Socket) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Disconnect asks all connections to go, as Slack does for each after hours
// (reason warning or refresh_requested); they get nothing more. With hard
// they are cut without a word.
func (s *Socket) Disconnect(reason string, hard bool) {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, c := range conns {
		if hard {
			_ = c.ws.Close() // it is cut either way
			continue
		}
		_ = c.write(map[string]any{ // an app that has gone need not be told
			"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-1"},
		})
	}
}

// Close cuts all connections.
func (s *Socket) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.live {
		_ = c.ws.Close() // it is cut either way
	}
	s.mu.Unlock()
	s.done.Wait()
}

// pick returns the newest connection, waiting for one.
func (s *Socket) pick(ctx context.Context) (*conn, error) {
	for {
		s.mu.Lock()
		opened := s.opened
		var c *conn
		if n := len(s.conns); n > 0 {
			c = s.conns[n-1]
		}
		s.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-opened:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a connection: %w", ctx.Err())
		}
	}
}

// Send implements Sender.
func (s *Socket) Send(ctx context.Context, d *Delivery) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.pick(ctx)
	if err != nil {
		d.Err = err.Error()
		return
	}
	acked := make(chan json.RawMessage, 1)
	s.mu.Lock()
	s.count++
	id := fmt.Sprintf("envelope-%d", s.count)
	s.waiting[id] = acked
	s.mu.Unlock()
	envelope := map[string]any{
		"type": d.Kind, "envelope_id": id, "payload": json.RawMessage(d.Payload),
		"accepts_response_payload": d.Kind != Events,
	}
	if d.Kind == Events {
		envelope["retry_attempt"], envelope["retry_reason"] = d.Attempt, d.Reason
	}
	if err := c.write(envelope); err != nil {
		d.Err = fmt.Sprintf("writing an envelope: %v", err)
		return
	}
	select {
	case answer := <-acked:
		d.Status, d.Answer = http.StatusOK, answer
	case <-ctx.Done():
		d.Err, d.late = "no ack in time", true
	}
	s.mu.Lock()
	delete(s.waiting, id)
	s.mu.Unlock()
}
