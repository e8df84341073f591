package store

import (
	"errors"
	"iter"
	"strings"
)

// The bounds of what waits for a watcher.
const (
	MaxQueue      = 4096     // changes
	MaxQueueBytes = 16 << 20 // bytes of their keys and values
)

// ErrBehind ends a watcher that takes its changes too slowly; nothing else of the store waits for it.
var ErrBehind = errors.New("the watcher fell behind, more than 4096 changes or 16 MiB waited for it: watch again, beginning with the present")

// ErrClosed is what a store answers that is closed; it ends its watchers too, and those that are closed themselves.
var ErrClosed = errors.New("the store is closed")

// An Event is a change of what is shown under a key: created, updated or deleted. Of a deletion the version and the time are
// those of the delta that removed it, and there is no value.
type Event struct {
	Entry
	Status Status
}

// A Watcher is told of the changes under a prefix. Next, Present and Close are for one goroutine.
type Watcher struct {
	c      *present
	prefix string
	cursor Cursor // of the present, until it was read

	// under the store's lock
	queue []Event
	size  int
	err   error
	ready chan struct{} // closed when there is something to take
	woken bool          // it is closed
}

// Watch tells of every change from now on of the keys that begin with prefix. With withPresent the watcher gives what the
// store held before the first of them, see Present. The caller closes the watcher.
func (k *KV) Watch(prefix string, withPresent bool) (*Watcher, error) {
	s := k.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.applying { // what is being applied is shown or told, and not both
		s.applied.Wait()
	}
	if s.closed {
		return nil, ErrClosed
	}
	w := &Watcher{c: k.c, prefix: prefix, ready: make(chan struct{})}
	if withPresent {
		var err error
		if w.cursor, err = k.c.cursor(prefix, ""); err != nil {
			return nil, err
		}
	}
	k.c.watchers[w] = struct{}{}
	return w, nil
}

// Present gives, once, the entries that the store held when Watch was called, in the order of their keys. It keeps a
// picture of the whole store while it runs, so do not let it wait.
func (w *Watcher) Present() iter.Seq2[Entry, error] {
	c := w.cursor
	w.cursor = nil
	return w.c.entries(c, nil)
}

// Close ends the watcher; a Next that waits returns ErrClosed.
func (w *Watcher) Close() error {
	s := w.c.s
	s.mu.Lock()
	w.end(ErrClosed)
	delete(w.c.watchers, w)
	s.mu.Unlock()
	if c := w.cursor; c != nil {
		w.cursor = nil
		return c.Close()
	}
	return nil
}

// end stops a watcher for a reason; the store's lock is held.
func (w *Watcher) end(why error) {
	if w.err != nil {
		return
	}
	w.err, w.queue, w.size = why, nil, 0
	w.wake()
}

func (w *Watcher) wake() {
	if !w.woken {
		w.woken = true
		close(w.ready)
	}
}

// take gives what waits, or a channel that is closed when something does.
func (w *Watcher) take() ([]Event, <-chan struct{}, error) {
	s := w.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(w.queue) == 0 && w.err == nil {
		return nil, w.ready, nil
	}
	out := w.queue
	w.queue, w.size = nil, 0
	if w.err == nil {
		w.ready, w.woken = make(chan struct{}), false
	}
	return out, nil, w.err
}

// offer queues the events that are meant for the watcher; the store's lock is held.
func (w *Watcher) offer(events []Event) {
	for _, e := range events {
		if w.err != nil || !strings.HasPrefix(e.Key, w.prefix) {
			continue
		}
		w.queue = append(w.queue, e)
		w.size += len(e.Key) + len(e.Value)
		if len(w.queue) > MaxQueue || w.size > MaxQueueBytes {
			w.end(ErrBehind)
			delete(w.c.watchers, w)
			return
		}
	}
	if len(w.queue) > 0 {
		w.wake()
	}
}
