package p2p

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// theirIdle is how many times longer than ours a stream of another may be idle: so it is its opener who ends it, between
// two calls, and not we under one of its calls.
const theirIdle = 3

// keepIdle ends the streams that nobody has used for long, until the host closes.
func (h *Host) keepIdle() {
	again := time.NewTicker(max(h.limits.IdleTime/4, time.Millisecond))
	defer again.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-again.C:
			h.endIdle(h.now())
		}
	}
}

// endIdle retires our idle links, and resets the streams on which a peer is silent. A stream that was used since it
// looked last counts as used now, so that nobody asks for the time at each frame.
func (h *Host) endIdle(now graph.Time) {
	ours, theirs := now.Add(-h.limits.IdleTime), now.Add(-theirIdle*h.limits.IdleTime)
	h.mu.Lock()
	for key, l := range h.links {
		if l.retire(now, ours) {
			delete(h.links, key)
			h.retired[l] = true
		}
	}
	var silent []*inbound
	for _, streams := range h.inbound {
		for _, in := range streams {
			if in.active.Swap(false) || in.owed.Load() > 0 {
				in.used = now
			} else if in.used < theirs {
				silent = append(silent, in)
			}
		}
	}
	h.mu.Unlock()
	for _, in := range silent {
		h.count.refuse(in.e.info.Name, refusedIdle)
		in.s.Reset()
	}
}

// retire lets an idle link write its last and end; false when it is in use. The caller holds the host's lock, so that
// nobody finds the link afterwards.
func (l *link) retire(now, before graph.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active || len(l.calls) > 0 || l.s == nil || !l.out.quiet() {
		l.active, l.used = false, now
	}
	if l.failed || l.used >= before {
		return false
	}
	l.failed, l.retired = true, true
	l.out.finish()
	return true
}

// reset ends the stream at once, whatever the link still waits for.
func (l *link) reset() {
	l.mu.Lock()
	s := l.s
	l.mu.Unlock()
	if s != nil {
		s.Reset()
	}
}

// gone takes a retired link off the books once its stream has ended.
func (l *link) gone() {
	l.out.close()
	l.h.mu.Lock()
	delete(l.h.retired, l)
	l.h.mu.Unlock()
}
