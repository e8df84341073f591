package dag

import "slices"

// lane is a stretch of one branch that a peer lacks: witnessed deltas in order of seq, the last of them signed.
type lane struct{ nodes []uint32 }

// lanes gives what lacks to a peer that has the given tips: for each branch, what follows the last delta known to be had.
// Tips that are not held here say nothing.
func (g *Graph) lanes(have []Tip) []lane {
	had := make(map[uint32][]uint32) // by chain
	for _, t := range have {
		if i, ok := g.number(t.ID); ok {
			ch := g.node(i).chain
			had[ch] = append(had[ch], i)
		}
	}
	var lanes []lane
	for k := range g.chains {
		c := &g.chains[k]
		switch {
		case len(c.ends) == 0:
		case !c.forked:
			from := uint64(0)
			for _, i := range had[uint32(k)] {
				from = max(from, uint64(g.node(i).seq)+1)
			}
			if to := uint64(g.node(c.ends[0]).seq) + 1; from < to {
				lanes = append(lanes, lane{c.line[from:to]})
			}
		default:
			lanes = append(lanes, g.forkLanes(c, had[uint32(k)])...)
		}
	}
	return lanes
}

// forkLanes goes back from each end of a forked chain to what is had or in an earlier lane, side by side.
func (g *Graph) forkLanes(c *chain, had []uint32) (lanes []lane) {
	covered := make(map[int32]uint32) // by side: how many from its first on are had or in a lane
	back := func(i uint32) (parts [][]uint32) {
		for {
			g.walked++
			s, at := g.spot(i)
			from := covered[s]
			if from <= at {
				parts = append(parts, (*g.lineOf(c, s))[from:at+1])
				covered[s] = at + 1
			}
			if from > 0 || s == mainLine {
				slices.Reverse(parts)
				return parts
			}
			i = c.sides[s].from
		}
	}
	for _, i := range had {
		back(i)
	}
	ends := slices.Clone(c.ends)
	slices.Sort(ends)
	for _, i := range ends {
		if parts := back(i); len(parts) > 0 {
			lanes = append(lanes, lane{slices.Concat(parts...)})
		}
	}
	return lanes
}

// laneHeap orders lanes by their next delta: a page is filled oldest first.
type laneHeap []lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(a, b int) bool { return h[a].nodes[0] < h[b].nodes[0] }
func (h laneHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *laneHeap) Push(x any)        { *h = append(*h, x.(lane)) }
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	*h = old[:len(old)-1]
	return l
}
