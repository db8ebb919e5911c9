package githubtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
)

// hooks sends webhooks one after the other, in a goroutine of its own.
type hooks struct {
	forge  *Forge
	client *http.Client
	ctx    context.Context // the goroutine's, ended by close
	close  func()

	mu      sync.Mutex
	queue   []*record.Delivery
	more    chan struct{}
	pending int
	idle    chan struct{} // closed while nothing is pending
	drop    int
}

func newHooks(f *Forge) *hooks {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // lives as long as the forge
	h := &hooks{
		forge: f, ctx: ctx, close: cancel, more: make(chan struct{}, 1), idle: make(chan struct{}),
		// GitHub waits for an answer as long.
		client: &http.Client{Timeout: 10 * time.Second},
	}
	close(h.idle)
	go h.run()
	return h
}

// emit queues an event. The world's lock is held.
func (h *hooks) emit(e world.Event) {
	payload, err := json.Marshal(e.Payload)
	if err != nil {
		return // a payload is made of what JSON knows
	}
	d := &record.Delivery{GUID: guid(), Event: e.Name, Action: e.Action, Installation: e.Installation.ID, Payload: payload}
	if e.Repo != nil {
		d.Repo = e.Repo.ID
	}
	h.add(d)
}

// redeliver queues a copy of a delivery. The world's lock is held.
func (h *hooks) redeliver(old *record.Delivery) {
	h.add(&record.Delivery{
		GUID: old.GUID, Event: old.Event, Action: old.Action, Installation: old.Installation, Repo: old.Repo,
		Payload: old.Payload, Redelivery: true,
	})
}

func (h *hooks) add(d *record.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drop > 0 && !d.Redelivery {
		h.drop--
		d.Lost = true
	}
	if h.pending == 0 {
		h.idle = make(chan struct{})
	}
	h.pending++
	h.queue = append(h.queue, d)
	select {
	case h.more <- struct{}{}:
	default:
	}
}

func (h *hooks) run() {
	for {
		h.mu.Lock()
		var d *record.Delivery
		if len(h.queue) > 0 {
			d, h.queue = h.queue[0], h.queue[1:]
		}
		h.mu.Unlock()
		if d == nil {
			select {
			case <-h.more:
				continue
			case <-h.ctx.Done():
				return
			}
		}
		h.deliver(d)
		h.mu.Lock()
		if h.pending--; h.pending == 0 {
			close(h.idle)
		}
		h.mu.Unlock()
	}
}

// deliver sends one event, as often as the options say, and logs it.
func (h *hooks) deliver(d *record.Delivery) {
	copies := h.forge.opts.Repeat
	if d.Lost || d.Redelivery {
		copies = 1
	}
	results := make([]*record.Delivery, copies)
	var all sync.WaitGroup
	for n := range copies {
		all.Go(func() {
			one := *d
			one.At = h.forge.opts.NowFunc()
			one.Headers = h.headers(d.Event, d.GUID, d.Payload)
			if !d.Lost {
				_ = h.send(h.ctx, &one) // the log says so
			}
			results[n] = &one
		})
	}
	all.Wait()
	w := h.forge.world
	w.Lock()
	defer w.Unlock()
	for _, one := range results {
		one.ID = w.ID()
		w.Deliveries = append(w.Deliveries, one)
	}
}

// headers are those GitHub sends, with the signature over the very bytes.
func (h *hooks) headers(event, guid string, payload []byte) map[string]string {
	headers := map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/5c2fa07", "Accept": "*/*",
		"X-GitHub-Event": event, "X-GitHub-Delivery": guid, "X-GitHub-Hook-ID": "1",
		"X-GitHub-Hook-Installation-Target-ID":   strconv.FormatInt(h.forge.world.App.ID, 10),
		"X-GitHub-Hook-Installation-Target-Type": "integration",
	}
	if h.forge.opts.WebhookSecret != "" {
		headers["X-Hub-Signature-256"] = Sign(h.forge.opts.WebhookSecret, payload)
	}
	return headers
}

// Sign returns the value of the X-Hub-Signature-256 header.
func Sign(secret string, payload []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(payload)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// send posts a delivery and notes the answer in it.
func (h *hooks) send(ctx context.Context, d *record.Delivery) error {
	h.mu.Lock()
	d.TargetURL = h.forge.opts.WebhookURL
	h.mu.Unlock()
	start := time.Now()
	defer func() { d.Took = time.Since(start) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.TargetURL, bytes.NewReader(d.Payload))
	if err != nil {
		return fmt.Errorf("sending a webhook: %w", err)
	}
	for key, value := range d.Headers {
		req.Header.Set(key, value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("sending a webhook: %w", err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // as much as came
	d.Status, d.Answer, d.AnswerHeaders = resp.StatusCode, string(answer), map[string]string{}
	for key := range resp.Header {
		d.AnswerHeaders[key] = resp.Header.Get(key)
	}
	return nil
}

// guid is a random identifier in the form of a UUID.
func guid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// WaitDeliveries waits until all webhooks of what happened so far have been
// sent and answered. What they cause in turn may send new ones.
func (f *Forge) WaitDeliveries(ctx context.Context) error {
	f.hooks.mu.Lock()
	idle := f.hooks.idle
	f.hooks.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for webhooks: %w", context.Cause(ctx))
	}
}

// DropDeliveries loses the next n webhooks. The log shows them as failed, so
// that they may be found and sent again.
func (f *Forge) DropDeliveries(n int) {
	f.hooks.mu.Lock()
	defer f.hooks.mu.Unlock()
	f.hooks.drop = n
}

// Forgery is a webhook somebody makes up.
type Forgery struct {
	Event, GUID string
	Payload     []byte
	// Headers replace those of a genuine webhook; an empty value removes one.
	Headers map[string]string
}

// Deliver sends a made-up webhook, signed unless its headers say otherwise,
// and returns the status of the answer. It is not in the log.
func (f *Forge) Deliver(ctx context.Context, g Forgery) (status int, err error) {
	if g.GUID == "" {
		g.GUID = guid()
	}
	d := &record.Delivery{Payload: g.Payload, Headers: f.hooks.headers(g.Event, g.GUID, g.Payload)}
	for key, value := range g.Headers {
		if value == "" {
			delete(d.Headers, key)
		} else {
			d.Headers[key] = value
		}
	}
	err = f.hooks.send(ctx, d)
	return d.Status, err
}

// Delivery is a webhook that was sent, or lost.
type Delivery = record.Delivery

// Deliveries returns the log of webhooks, the oldest first.
func (f *Forge) Deliveries() []Delivery {
	f.world.Lock()
	defer f.world.Unlock()
	out := make([]Delivery, 0, len(f.world.Deliveries))
	for _, d := range f.world.Deliveries {
		out = append(out, *d)
	}
	return out
}

// Redeliver sends the webhooks with a GUID once more.
func (f *Forge) Redeliver(guid string) {
	f.world.Lock()
	defer f.world.Unlock()
	for _, d := range f.world.Deliveries {
		if d.GUID == guid {
			f.hooks.redeliver(d)
			return
		}
	}
}
