package dag

import (
	"container/heap"
	"fmt"
	"slices"
)

// MaxBack is for how many deltas a peer is asked back, before all that lacks is compared (DATA 4.4).
const MaxBack = 64

// ServeBack gives a page of what a peer lacks that heard of deltas whose past it does not hold: the named ones and what they stand
// on, the newest first, as far as those that the peer knows; at most most deltas, each with its run up to the next kept
// signature, at most maxBytes (and MaxPage) long. What is not held here is left out. It reads at most most records to find them.
func (j *Journal) ServeBack(ctx ID, ids, known []ID, most, maxBytes int) (page []byte, err error) {
	w := &walk{j: j, seen: make(map[uint32]bool)}
	j.mu.Lock()
	if w.c, err = j.known(ctx); err == nil {
		for _, id := range known {
			if i, ok := w.c.g.number(id); ok {
				w.seen[i] = true
			}
		}
		w.meet(ids...)
	}
	j.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("dag: serve back: %w", err)
	}
	for len(w.next) > 0 && len(w.found) < most {
		w.step()
	}
	slices.Reverse(w.found) // oldest first
	page, _, err = j.ServeIDs(ctx, w.found, maxBytes)
	return page, err
}

// walk goes back through a graph, the newest first.
type walk struct {
	j     *Journal
	c     *context
	seen  map[uint32]bool
	next  newest
	found []ID
}

// meet notes deltas that are to be visited, when they are held and proved; mu is held.
func (w *walk) meet(ids ...ID) {
	for _, id := range ids {
		if i, ok := w.c.g.number(id); ok && !w.seen[i] && w.c.g.node(i).witness {
			w.seen[i] = true
			heap.Push(&w.next, i)
		}
	}
}

// step visits the newest; what is damaged has no past here.
func (w *walk) step() {
	i := heap.Pop(&w.next).(uint32)
	e, _, err := (&pageBuilder{j: w.j, c: w.c, log: ahead{w: w.j.w, next: aheadLeast}}).load(i, false)
	if err != nil {
		return
	}
	w.found = append(w.found, e.ID)
	w.j.mu.Lock()
	w.meet(e.Delta.Prev)
	w.meet(e.Delta.Parents...)
	w.j.mu.Unlock()
}

// newest is a heap of numbers, the greatest on top.
type newest []uint32

func (h newest) Len() int           { return len(h) }
func (h newest) Less(a, b int) bool { return h[a] > h[b] }
func (h newest) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *newest) Push(x any)        { *h = append(*h, x.(uint32)) }
func (h *newest) Pop() any {
	old := *h
	i := old[len(old)-1]
	*h = old[:len(old)-1]
	return i
}

// Recent gives the tips of a context that were admitted last, at most most, the newest first: with them a peer knows how far back
// a ServeBack has to go.
func (j *Journal) Recent(ctx ID, most int) []ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	if c == nil {
		return nil
	}
	var h newest
	for k := range c.g.chains {
		h = append(h, c.g.chains[k].ends...)
	}
	heap.Init(&h)
	var ids []ID
	for len(h) > 0 && len(ids) < most {
		ids = append(ids, c.g.node(heap.Pop(&h).(uint32)).id)
	}
	return ids
}

// lacks gives what given deltas of the waiting room, and those in it that they stand on, name and this node has not seen: at most
// most, ascending.
func (g *Graph) lacks(ids []ID, most int) []ID {
	seen := make(map[ID]bool)
	var out []ID
	for stack := slices.Clone(ids); len(stack) > 0; {
		w := g.room.waiting[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		if w == nil {
			continue
		}
		for _, id := range append([]ID{w.e.Delta.Prev}, w.e.Delta.Parents...) {
			switch {
			case id.IsZero() || seen[id] || g.Has(id):
				continue
			case g.room.waiting[id] != nil:
				stack = append(stack, id)
			default:
				out = append(out, id)
			}
			seen[id] = true
		}
	}
	slices.SortFunc(out, ID.Compare) //lint:total-key equal ids are the same
	return out[:min(len(out), most)]
}

// waits counts those of the given deltas that are in the waiting room.
func (g *Graph) waits(ids []ID) (n int) {
	for _, id := range ids {
		if g.room.waiting[id] != nil {
			n++
		}
	}
	return n
}
