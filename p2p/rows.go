package p2p

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// A class says which of the messages to one peer goes first.
type class uint8

const (
	control class = iota // replies, errors, cancels: they were paid for when they were asked
	own                  // what this node asks for itself
	relayed              // what it asks in work for another
	classes
)

// classOf is the class of a message that an instance sends.
func classOf(m *graph.Message) class {
	switch {
	case m.Kind == graph.ReplyMsg || m.Kind == graph.ErrorMsg || m.Kind == graph.CancelMsg:
		return control
	case m.Relayed:
		return relayed
	}
	return own
}

// patience is the longest that a class waits for a better one before it has a turn: so none of them starves.
const patience = 100 * time.Millisecond

// rows are what waits, by class and in order within one.
type rows[T any] struct {
	row    [classes]fifo[T]
	served [classes]graph.Time // when the class last had a turn, or began to wait
}

func (r *rows[T]) push(c class, v T, now graph.Time) {
	if r.row[c].len() == 0 {
		r.served[c] = now
	}
	r.row[c].push(v)
}

func (r *rows[T]) len() (n int) {
	for c := range r.row {
		n += r.row[c].len()
	}
	return n
}

// next gives the class whose turn it is: the best that has something, unless a worse one is overdue, for having waited
// longer than it must. It gives classes when nothing waits.
func (r *rows[T]) next(now func() graph.Time) (c class, overdue bool) {
	best := classes
	for c := range classes {
		switch {
		case r.row[c].len() == 0:
		case best == classes:
			best = c
		case now().Sub(r.served[c]) > patience:
			return c, true
		}
	}
	return best, false
}

// merge puts a class behind another, which it then is.
func (r *rows[T]) merge(c, into class) {
	if r.row[into].len() == 0 {
		r.served[into] = r.served[c]
	}
	for r.row[c].len() > 0 {
		r.row[into].push(r.row[c].pop())
	}
}

// A fifo is a queue in one slice, whose front is used again.
type fifo[T any] struct {
	items []T
	head  int
}

func (f *fifo[T]) len() int { return len(f.items) - f.head }

func (f *fifo[T]) push(v T) {
	if len(f.items) == cap(f.items) && f.head > len(f.items)/2 {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, v)
}

// keptItems is how much room an empty fifo keeps.
const keptItems = 64

func (f *fifo[T]) pop() T {
	var zero T
	v := f.items[f.head]
	f.items[f.head] = zero
	f.head++
	if f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
		if cap(f.items) > keptItems {
			f.items = nil
		}
	}
	return v
}
