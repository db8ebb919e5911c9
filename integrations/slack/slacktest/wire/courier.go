package wire

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Courier delivers events one after the other, and again where an app does
// not take one. It is safe for concurrent use.
type Courier struct {
	sender Sender
	delays []time.Duration
	now    func() time.Time
	ctx    context.Context // ended by Close
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	queue   []Delivery
	log     []Delivery
	more    chan struct{}
	pending int
	idle    chan struct{} // closed while nothing is pending
	held    chan struct{} // closed while nothing is held
	lose    int
}

// NewCourier makes a Courier that waits for so long before each further try.
func NewCourier(sender Sender, delays []time.Duration, now func() time.Time) *Courier {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // lives until Close
	c := &Courier{
		sender: sender, delays: delays, now: now, ctx: ctx, cancel: cancel,
		more: make(chan struct{}, 1), idle: make(chan struct{}), held: make(chan struct{}),
	}
	close(c.idle)
	close(c.held)
	c.done.Go(c.run)
	return c
}

// Close stops delivering, and waits for what is on its way.
func (c *Courier) Close() {
	c.cancel()
	c.done.Wait()
}

// Add queues an event.
func (c *Courier) Add(d Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == 0 {
		c.idle = make(chan struct{})
	}
	c.pending++
	if c.lose > 0 {
		c.lose--
		d.Lost = true
	}
	c.queue = append(c.queue, d)
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *Courier) run() {
	for {
		c.mu.Lock()
		held := c.held
		c.mu.Unlock()
		select {
		case <-held:
		case <-c.ctx.Done():
			return
		}
		d, ok := c.next()
		if !ok {
			select {
			case <-c.more:
				continue
			case <-c.ctx.Done():
				return
			}
		}
		if d.Lost || c.Try(c.ctx, &d) {
			if d.Lost {
				c.note(d)
			}
			c.end()
			continue
		}
		c.done.Go(func() {
			defer c.end()
			c.again(d)
		})
	}
}

func (c *Courier) next() (d Delivery, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return d, false
	}
	d = c.queue[0]
	c.queue = c.queue[1:]
	return d, true
}

func (c *Courier) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending--; c.pending == 0 {
		close(c.idle)
	}
}

// Try sends a delivery once, logs it and reports whether it needs no more.
func (c *Courier) Try(ctx context.Context, d *Delivery) bool {
	start := time.Now()
	d.At = c.now()
	c.sender.Send(ctx, d)
	d.Took = time.Since(start)
	c.note(*d)
	return d.OK() || d.stop
}

// again tries as often as there are delays.
func (c *Courier) again(d Delivery) {
	for _, delay := range c.delays {
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
			return
		}
		d = Delivery{
			Kind: d.Kind, Event: d.Event, ID: d.ID, Payload: d.Payload, Attempt: d.Attempt + 1, Reason: d.reason(),
		}
		if c.Try(c.ctx, &d) {
			return
		}
	}
}

func (c *Courier) note(d Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, d)
}

// Log returns all deliveries in the order they ended.
func (c *Courier) Log() []Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// Again queues the event with an ID once more, as new, and reports whether
// there is one.
func (c *Courier) Again(id string) bool {
	for _, d := range c.Log() {
		if d.ID == id {
			c.Add(Delivery{Kind: d.Kind, Event: d.Event, ID: d.ID, Payload: d.Payload})
			return true
		}
	}
	return false
}

// Lose loses the next n events.
func (c *Courier) Lose(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lose = n
}

// Hold keeps events back until the returned function is called.
func (c *Courier) Hold() (release func()) {
	held := make(chan struct{})
	c.mu.Lock()
	c.held = held
	c.mu.Unlock()
	return sync.OnceFunc(func() { close(held) })
}

// Wait waits until all events so far are delivered or given up.
func (c *Courier) Wait(ctx context.Context) error {
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for deliveries: %w", context.Cause(ctx))
	}
}
