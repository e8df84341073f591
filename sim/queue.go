package sim

import "github.com/merograph/merograph/graph"

// An entry is what the scheduler will do. It holds no pointer: what it needs beside is kept by its reference.
type entry struct {
	at   graph.Time // of the world
	seq  uint64
	kind entryKind
	node int32
	ref  int32
}

type entryKind uint8

const (
	doTurn   entryKind = iota + 1 // node takes an event, if it has one
	doTimer                       // node has something due
	doArrive                      // a parcel reaches its node
	doTell                        // a parcel of the host itself: a call has failed
	doHop                         // a copy of a publication reaches its node
	doDialed                      // link: the handshake is over, or the peer was not there
	doRedial                      // link: neighbours connect again
	doNotice                      // link and node: a broken connection is noticed
	doWork                        // a task is complete
	doScript                      // the scenario's function
	doCrash                       // node
	doStart                       // node
	doCheck                       // properties, each virtual second
	doCut                         // a partition or a one-way cut: its slot, its begin, its end
	doSever                       // link: a keepalive runs out
	doJump                        // node: its calendar
	doDisk                        // node: what happens to its disk, by slot and step
	doQuit                        // node: its program gives up
)

// late orders entries of one instant: turns come after everything that arrives.
const late = 1 << 63

func (e *entry) before(o *entry) bool {
	return e.at < o.at || e.at == o.at && e.seq < o.seq
}

// A queue is a heap of entries with four children a node, ordered by time and sequence.
type queue struct {
	heap []entry
	seq  uint64
}

func (q *queue) push(at graph.Time, kind entryKind, node, ref int32) {
	q.seq++
	e := entry{at: at, seq: q.seq, kind: kind, node: node, ref: ref}
	if kind == doTurn || kind == doTimer {
		e.seq |= late
	}
	q.heap = append(q.heap, e)
	h := q.heap
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !e.before(&h[p]) {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = e
}

func (q *queue) pop() entry {
	h := q.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	q.heap = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= len(h) {
			break
		}
		least := c
		for k := c + 1; k < min(c+4, len(h)); k++ {
			if h[k].before(&h[least]) {
				least = k
			}
		}
		if !h[least].before(&last) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = last
	return top
}

// A slab keeps values by small numbers that are used again.
type slab[T any] struct {
	items []T
	free  []int32
}

func (s *slab[T]) put(v T) int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.items[i] = v
		return i
	}
	s.items = append(s.items, v)
	return int32(len(s.items) - 1)
}

func (s *slab[T]) take(i int32) T {
	var zero T
	v := s.items[i]
	s.items[i] = zero
	s.free = append(s.free, i)
	return v
}
