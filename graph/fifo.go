package graph

// keepAtMost is how many elements of room an empty queue keeps.
const keepAtMost = 1024

// fifo is a queue over one slice that is moved to its front before it grows, so that it is never longer than twice what
// it has held at once, and that lets go of the room of a burst.
type fifo[T any] struct {
	items []T
	first int
}

func (q *fifo[T]) len() int { return len(q.items) - q.first }

func (q *fifo[T]) peek() *T { return &q.items[q.first] }

func (q *fifo[T]) push(v T) {
	if len(q.items) == cap(q.items) && q.first > len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

// all gives what is queued, in order; the queue still owns it.
func (q *fifo[T]) all() []T { return q.items[q.first:] }

func (q *fifo[T]) pop() T {
	var zero T
	v := q.items[q.first]
	q.items[q.first] = zero
	if q.first++; q.first == len(q.items) {
		q.first = 0
		if q.items = q.items[:0]; cap(q.items) > keepAtMost {
			q.items = nil
		}
	}
	return v
}
