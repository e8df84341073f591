package dag

// chain is one author's chain in a graph.
type chain struct {
	id     ID
	author Key
	line   []uint32 // the deltas by seq, while the chain is not forked
	forked bool
	role   string // that cred gives the author; empty when it was not looked up
	cred   uint32
	ends   []uint32 // on each branch the last witnessed delta: the tips
}

// witnessed notes that a synced signature is on i: i and what it reaches through prev are proved (DATA 1.4).
func (g *Graph) witnessed(i uint32) {
	g.node(i).signed = true
	p := i
	for p != none && !g.node(p).witness {
		g.node(p).witness = true
		p = g.node(p).prev
	}
	if p == i {
		return
	}
	c := &g.chains[g.node(i).chain]
	for k, e := range c.ends {
		if e == p {
			c.ends[k] = i
			return
		}
	}
	c.ends = append(c.ends, i)
}

func (g *Graph) tip(i uint32) Tip {
	nd := g.node(i)
	return Tip{Chain: g.chains[nd.chain].id, ID: nd.id, Seq: uint64(nd.seq)}
}

// ancestor gives the delta at seq on the branch of i, whose seq is not smaller.
func (g *Graph) ancestor(i uint32, seq uint64) uint32 {
	c := &g.chains[g.node(i).chain]
	if !c.forked {
		return c.line[seq]
	}
	for uint64(g.node(i).seq) > seq {
		i = g.node(i).prev
	}
	return i
}

// Forks gives the number of chains with several branches.
func (g *Graph) Forks() int { return g.forks }
