package dag

import (
	"container/heap"
	"fmt"
	"slices"
)

// A Stretch is a piece of a chain: Count deltas, one after the other, of which Last is the last. Every node that holds Last has
// the same in mind.
type Stretch struct {
	Last  ID
	Count uint64
}

// LotBounds are the bounds of Lots: how many lots and stretches in all, and the deltas and about the bytes of one lot in a page,
// which a single piece up to a signature may exceed.
type LotBounds struct {
	Lots, Stretches, Deltas, Bytes int
}

// Lots gives what a peer lacks that has the given tips, as Serve would, cut into lots without reading it: oldest first, each
// stretch up to a kept signature, so that who takes in the lots in order has the past of each, but for what stands in the same
// pages. A stretch is had from any node that holds its last delta (ServeLot). more tells that something is left.
func (j *Journal) Lots(ctx ID, have []Tip, b LotBounds) (lots [][]Stretch, more bool, err error) {
	j.mu.Lock()
	c, err := j.known(ctx)
	if err != nil {
		j.mu.Unlock()
		return nil, false, fmt.Errorf("dag: lots: %w", err)
	}
	cut := newCutter(c.g, have, b)
	j.mu.Unlock()
	for !cut.over { // one at a time, so that others get at the journal meanwhile
		j.mu.Lock()
		lot := cut.lot()
		j.mu.Unlock()
		if len(lot) > 0 {
			lots = append(lots, lot)
		}
	}
	return lots, cut.more, nil
}

// cutter cuts what a peer lacks into lots. Its lanes do not change, whatever is admitted meanwhile.
type cutter struct {
	g     *Graph
	lanes laneHeap
	b     LotBounds // what is left of it
	over  bool      // no lot follows
	more  bool      // something is left
}

func newCutter(g *Graph, have []Tip, b LotBounds) *cutter {
	c := &cutter{g: g, lanes: g.lanes(have), b: b}
	heap.Init(&c.lanes)
	return c
}

// lot gives the next lot.
func (c *cutter) lot() (lot []Stretch) {
	places := make(map[uint32]int) // in the lot, by the last delta of the lane
	deltas, size := 0, 0
	for len(c.lanes) > 0 {
		nodes := c.lanes[0].nodes
		n, bytes := c.g.piece(nodes)
		if len(lot) > 0 && (deltas+n > c.b.Deltas || size+bytes > c.b.Bytes) {
			break
		}
		lane := nodes[len(nodes)-1]
		at, begun := places[lane]
		if c.b.Lots == 0 || !begun && c.b.Stretches == 0 {
			c.over, c.more = true, true
			return lot
		}
		if !begun {
			at, c.b.Stretches = len(lot), c.b.Stretches-1
			places[lane], lot = at, append(lot, Stretch{})
		}
		lot[at] = Stretch{Last: c.g.node(nodes[n-1]).id, Count: lot[at].Count + uint64(n)}
		deltas, size = deltas+n, size+bytes
		if c.lanes[0].nodes = nodes[n:]; n == len(nodes) {
			heap.Pop(&c.lanes)
		} else {
			heap.Fix(&c.lanes, 0)
		}
	}
	c.b.Lots--
	c.over = len(c.lanes) == 0
	return lot
}

// implied is what a page leaves out of a delta's record at least: context, author, chain, prev and credential.
const (
	implied   = 5*34 - 30
	minRecord = 64
)

// piece gives the length of the first piece of a lane, as pageBuilder.add would cut it, and about the bytes that it takes in a page at
// most.
func (g *Graph) piece(nodes []uint32) (n, bytes int) {
	size, paged := 0, 0
	for k, i := range nodes {
		if n > 0 && (k+1 > MaxRun || size > MaxRunBytes) {
			break
		}
		record := g.node(i).place.unpack().Size
		size, paged = size+record, paged+max(record-implied, minRecord)
		if g.node(i).signed {
			n, bytes = k+1, paged
		}
	}
	if n == 0 { // not of a lane, which ends in a signature
		return len(nodes), paged
	}
	return n, bytes
}

// ServeLot gives the page of a lot, at most maxBytes (and MaxPage) long. held is false when the last delta of a stretch is not
// proved here. A stretch whose last delta is not signed here goes on to the next signature, or ends before it on a forked
// chain. What does not fit is left out. A lot of more than MaxPageDeltas deltas gives ErrTooLarge: that bounds what a request costs.
func (j *Journal) ServeLot(ctx ID, lot []Stretch, maxBytes int) (page []byte, held bool, err error) {
	total := uint64(0)
	for _, s := range lot {
		if total += max(1, min(s.Count, MaxPageDeltas+1)); total > MaxPageDeltas {
			return nil, false, fmt.Errorf("dag: serve: a lot of more than %d deltas: %w", MaxPageDeltas, ErrTooLarge)
		}
	}
	j.mu.Lock()
	c, err := j.known(ctx)
	if err != nil {
		j.mu.Unlock()
		return nil, false, fmt.Errorf("dag: serve: %w", err)
	}
	var h laneHeap
	for _, s := range lot {
		l, ok := c.g.stretch(s)
		if !ok {
			j.mu.Unlock()
			return nil, false, nil
		}
		if len(l.nodes) > 0 {
			h = append(h, l)
		}
	}
	heap.Init(&h)
	j.mu.Unlock()
	b := &pageBuilder{j: j, c: c, log: ahead{w: j.w, next: aheadLeast}, most: min(maxBytes, MaxPage), size: pageHead, deltas: MaxPageDeltas}
	if _, refused, err := b.fill(h); err != nil || len(b.runs) == 0 {
		if err == nil {
			err = refused
		}
		return nil, true, err
	}
	return EncodePage(ctx, b.runs), true, nil
}

// stretch gives the deltas of a stretch, up to a signature.
func (g *Graph) stretch(s Stretch) (l lane, ok bool) {
	i, ok := g.number(s.Last)
	if !ok || !g.node(i).witness {
		return lane{}, false
	}
	for at := i; at != none && uint64(len(l.nodes)) < s.Count; at = g.node(at).prev {
		l.nodes = append(l.nodes, at)
	}
	if len(l.nodes) == 0 { // a count of nothing comes from outside
		return l, true
	}
	slices.Reverse(l.nodes)
	if c := &g.chains[g.node(i).chain]; !c.forked {
		for k := g.node(i).seq + 1; int(k) < len(c.line) && !g.node(l.nodes[len(l.nodes)-1]).signed; k++ {
			l.nodes = append(l.nodes, c.line[k])
		}
		return l, true
	}
	n := len(l.nodes)
	for n > 0 && !g.node(l.nodes[n-1]).signed {
		n--
	}
	l.nodes = l.nodes[:n]
	return l, true
}
