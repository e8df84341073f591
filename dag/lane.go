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

// forkLanes walks back from each end of a forked chain to what is had or in an earlier lane.
func (g *Graph) forkLanes(c *chain, had []uint32) (lanes []lane) {
	seen := make(map[uint32]bool)
	for _, i := range had {
		for i != none && !seen[i] {
			seen[i] = true
			i = g.node(i).prev
		}
	}
	ends := slices.Clone(c.ends)
	slices.Sort(ends)
	for _, i := range ends {
		var l lane
		for i != none && !seen[i] {
			seen[i] = true
			l.nodes = append(l.nodes, i)
			i = g.node(i).prev
		}
		if len(l.nodes) > 0 {
			slices.Reverse(l.nodes)
			lanes = append(lanes, l)
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
