package queue

import "sync"

// crowd collects what comes while others are being served, to be served
// together: a burst costs a few transactions, not one each, and who comes
// alone waits for nobody.
type crowd[T any] struct {
	mu      sync.Mutex
	waiting []T
	servers int
}

// join adds one to the crowd. It reports whether the caller has to see to it
// that the crowd is served: when fewer than most do.
func (c *crowd[T]) join(one T, most int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, one)
	if c.servers >= most {
		return false
	}
	c.servers++
	return true
}

// next takes from the crowd while fits allows, and at least one. It returns
// none when nobody waits; the caller then serves no more.
func (c *crowd[T]) next(fits func(n int, one T) bool) (group []T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) > 0 {
		if !fits(len(group), c.waiting[0]) && len(group) > 0 {
			break
		}
		group, c.waiting = append(group, c.waiting[0]), c.waiting[1:]
	}
	if len(group) == 0 {
		c.servers--
	}
	return group
}
