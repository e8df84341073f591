package crdt

import "math/bits"

// write is one thing that a change made, at a place: a value, an amount, an element, or that the place exists.
type write struct {
	delta, index uint32 // its name
	node         *node
	value        []byte
	amount       int64
	continues    *write // of an amount: the one of the same chain before it, which goes when this one goes
	kind         uint8  // the change that made it
	gone         bool
	continued    bool // a later amount continues it
	told, dirty  bool // told: it is in the root; dirty: it must be looked at for the next root
	waits        bool // it lies in an item that is not placed
}

// node is a place of a Doc.
type node struct {
	in     *spot // nil: the root
	kind   Kind
	live   int      // its live writes, and its spots that are shown
	writes []*write // a heap, the greatest stamp first; the gone ones are dropped now and then
	gone   int      // how many of writes are gone
	spots  map[string]*spot
	keys   sortedKeys // of the spots that are shown
	list   *list
	sum    sum
	last   map[uint32]*write // of a counter: the last amount of each line
	place  *[32]byte         // what stands for it in digests; nil until a root needs it
}

// spot is a key of a map, an element of a set or an item of a list. It may hold places of several kinds.
type spot struct {
	of    *node
	key   string
	item  *item   // of a list
	nodes []*node // sorted by kind
	live  int32   // how many of nodes are live

	listed, moves bool // listed: its key is in the order of keys; moves: that must be looked at
}

// node gives the place of a kind, and makes it.
func (s *spot) node(k Kind) *node {
	at := 0
	for ; at < len(s.nodes) && s.nodes[at].kind <= k; at++ {
		if s.nodes[at].kind == k {
			return s.nodes[at]
		}
	}
	n := &node{in: s, kind: k}
	s.nodes = append(s.nodes, nil)
	copy(s.nodes[at+1:], s.nodes[at:])
	s.nodes[at] = n
	return n
}

// spot gives the spot of a key, and makes it.
func (n *node) spot(key string) *spot {
	s := n.spots[key]
	if s == nil {
		if n.spots == nil {
			n.spots = map[string]*spot{}
		}
		s = &spot{of: n, key: key}
		n.spots[key] = s
	}
	return s
}

// bump adds to what is live at a place; what begins or ends to be shown by that is shown or hidden above.
func (d *Doc) bump(n *node, by int) {
	for n != nil {
		n.live += by
		if n.in == nil || (by > 0 && n.live != 1) || (by < 0 && n.live != 0) {
			return
		}
		s := n.in
		s.live += int32(by)
		if (by > 0 && s.live != 1) || (by < 0 && s.live != 0) || !d.show(s, by > 0) {
			return
		}
		n = s.of
	}
}

// show shows or hides a spot in its container; false when it has no place there yet.
func (d *Doc) show(s *spot, on bool) bool {
	switch {
	case s.item == nil:
		if !s.moves {
			s.moves = true
			d.moving = append(d.moving, s)
		}
	case !s.item.placed:
		return false
	default:
		s.item.self.show(on)
		s.of.list.touch(s.item)
	}
	return true
}

// move puts keys into their orders, or takes them out, when a delta's changes are done. A key may be long, and the changes may
// show and hide it many times.
func (d *Doc) move() {
	for _, s := range d.moving {
		s.moves = false
		switch on := s.live > 0; {
		case on == s.listed:
			continue
		case on:
			s.of.keys.add(s.key)
		default:
			s.of.keys.remove(s.key)
		}
		s.listed = !s.listed
		d.moved++
	}
	clear(d.moving)
	d.moving = d.moving[:0]
}

// reachable reports whether every item above a place is placed.
func (n *node) reachable() bool {
	for ; n.in != nil; n = n.in.of {
		if n.in.item != nil && !n.in.item.placed {
			return false
		}
	}
	return true
}

// id is the id of the path to a place.
func (d *Doc) idOf(n *node) []byte {
	if n.in == nil {
		return nil
	}
	return d.step(n).append(d.idOf(n.in.of), n.in.of.kind)
}

// step leads to a place that is not the root from the one above it.
func (d *Doc) step(n *node) Step {
	s := Step{Kind: n.kind, Key: n.in.key}
	if n.in.item != nil {
		s.Item = d.nameOf(n.in.item.delta, n.in.item.index)
	}
	return s
}

// sum is a sum of int64s that does not overflow.
type sum struct {
	hi int64
	lo uint64
}

func (s *sum) add(v int64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(v), 0)
	s.hi += v>>63 + int64(carry)
}

func (s *sum) subtract(v int64) {
	var borrow uint64
	s.lo, borrow = bits.Sub64(s.lo, uint64(v), 0)
	s.hi -= v>>63 + int64(borrow)
}

// int64 is the sum, or the nearest number that an int64 holds.
func (s sum) int64() int64 {
	switch v := int64(s.lo); {
	case s.hi == v>>63:
		return v
	case s.hi < 0:
		return -1 << 63
	}
	return 1<<63 - 1
}
