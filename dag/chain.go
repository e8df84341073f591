package dag

import "slices"

// chain is one author's chain in a graph.
type chain struct {
	id     ID
	author Key
	line   []uint32 // the deltas by seq; of a forked chain those of one branch
	forked bool
	sides  []side            // of a forked chain the other branches
	sideOf map[uint32]int32  // their deltas
	next   map[uint32]uint32 // of some that are not signed: what they are proved through
	role   string            // that cred gives the author; empty when it was not looked up
	cred   uint32
	ends   []uint32       // on each branch the last witnessed delta: the tips
	endAt  map[uint32]int // the places in ends, when they are many
}

// manyEnds is how many branches of a chain are not looked through one by one.
const manyEnds = 16

// witnessed notes that a synced signature is on i: i and what it reaches through prev are proved (DATA 1.4).
func (g *Graph) witnessed(i uint32) {
	g.node(i).signed = true
	p, child := i, none
	for p != none && !g.node(p).witness {
		g.node(p).witness = true
		if child != none && !g.node(p).signed {
			g.leads(p, child)
		}
		child, p = p, g.node(p).prev
	}
	if p == i {
		return
	}
	if p != none && g.half[p] { // an admitted one proves it now
		delete(g.half, p)
		g.node(p).signed = false
		g.leads(p, child)
	}
	g.tips.moved = true
	g.chains[g.node(i).chain].moveEnd(p, i)
}

// halfWitnessed notes that a synced proof is of i, unless something admitted proves it by now.
func (g *Graph) halfWitnessed(i uint32) {
	if !g.node(i).witness {
		g.half[i] = true
		g.witnessed(i)
	}
}

// moveEnd makes i an end, in place of p if that is one.
func (c *chain) moveEnd(p, i uint32) {
	if c.endAt == nil && len(c.ends) == manyEnds {
		c.endAt = make(map[uint32]int)
		for k, e := range c.ends {
			c.endAt[e] = k
		}
	}
	k, ok := c.endAt[p]
	if c.endAt == nil {
		k = slices.Index(c.ends, p)
		ok = k >= 0
	}
	if !ok {
		k = len(c.ends)
		c.ends = append(c.ends, i)
	}
	c.ends[k] = i
	if c.endAt != nil {
		delete(c.endAt, p)
		c.endAt[i] = k
	}
}

func (g *Graph) tip(i uint32) Tip {
	nd := g.node(i)
	return Tip{Chain: g.chains[nd.chain].id, ID: nd.id, Seq: uint64(nd.seq)}
}

// Forks gives the number of chains with several branches.
func (g *Graph) Forks() int { return g.forks }

// Fork is a chain that goes on from one delta in several ways, since two homes wrote on it: a restored disk, a clone. All of it
// is kept, and folded as concurrent (DATA 1.6).
type Fork struct {
	// Context, Chain and Author are whose it is.
	Context, Chain ID
	Author         Key
	// Ends are the last provable deltas of its branches, sorted.
	Ends []Tip
}

// Forks gives the forked chains of a context of which something can be proved, in the order in which they began here. An
// unknown context has none.
func (j *Journal) Forks(ctx ID) (list []Fork) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	if c == nil {
		return nil
	}
	for k := range c.g.chains {
		ch := &c.g.chains[k]
		if !ch.forked || len(ch.ends) == 0 {
			continue
		}
		f := Fork{Context: ctx, Chain: ch.id, Author: ch.author}
		for _, i := range ch.ends {
			f.Ends = append(f.Ends, c.g.tip(i))
		}
		slices.SortFunc(f.Ends, Tip.Compare) //lint:total-key equal tips are the same
		list = append(list, f)
	}
	return list
}
