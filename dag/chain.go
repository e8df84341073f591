package dag

import "slices"

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
	g.tips.moved = true
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
