package p2p

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merograph/merograph/graph"
)

// An outbox is what the streams to one peer share: the bytes that may wait for it, and whose turn it is to write.
type outbox struct {
	users int // senders; under the host's lock
	bytes atomic.Int64
	most  int64
	turns turns
}

// outbox gives the outbox of a peer to one more sender. The caller holds the host's lock.
func (h *Host) outbox(p graph.Peer) *outbox {
	o := h.outboxes[p]
	if o == nil {
		o = &outbox{most: int64(max(h.limits.AllQueueBytes/8, h.limits.QueueBytes))}
		h.outboxes[p] = o
	}
	o.users++
	return o
}

// leaveOutbox takes a sender off; the outbox goes with the last.
func (h *Host) leaveOutbox(p graph.Peer, o *outbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.users--; o.users == 0 && h.outboxes[p] == o {
		delete(h.outboxes, p)
	}
}

// turns keeps the writers of the streams to one peer in the order of their classes: a writer waits while another has
// something of a better class to write, though not longer than patience for each batch. Writers of one class do not
// wait for each other, so a stream whose reader is stuck holds up no other of its class, and the others only so long.
type turns struct {
	mu   sync.Mutex
	busy [classes]int // senders that have something of the class
	wait []waiter
}

type waiter struct {
	class class
	free  chan struct{}
}

// clear tells whether nobody has something better than c. The caller holds the lock.
func (t *turns) clear(c class) bool {
	for better := range c {
		if t.busy[better] > 0 {
			return false
		}
	}
	return true
}

// set says that a sender has something of a class, or has nothing of it any more.
func (t *turns) set(c class, has bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if has {
		t.busy[c]++
		return
	}
	t.busy[c]--
	kept := t.wait[:0]
	for _, w := range t.wait {
		if t.clear(w.class) {
			close(w.free)
		} else {
			kept = append(kept, w)
		}
	}
	clear(t.wait[len(kept):])
	t.wait = kept
}

// await returns true when it is the turn of a class, and false when the waiter has something better to do.
func (t *turns) await(c class, better <-chan struct{}) bool {
	t.mu.Lock()
	if t.clear(c) {
		t.mu.Unlock()
		return true
	}
	free := make(chan struct{})
	t.wait = append(t.wait, waiter{c, free})
	t.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	turn := true
	select {
	case <-free:
		return true
	case <-late.C:
	case <-better:
		turn = false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wait = slices.DeleteFunc(t.wait, func(w waiter) bool { return w.free == free })
	return turn
}
