package dag

// side is a branch of a forked chain beside its line: the deltas that follow each other from one on that somebody else follows too.
// With sides no walk over a chain is longer than the forks of it, whatever its length.
type side struct {
	line   []uint32 // by seq
	first  uint32   // the seq of the first of them
	from   uint32   // whose prev that is
	parent int32    // the side of from
	jump   int32    // a side further down, so that any is reached in a few steps
	depth  int32
}

// mainLine stands for the line of a chain among its sides.
const mainLine int32 = -1

// grow puts i, which the graph does not have yet, behind prev.
func (g *Graph) grow(c *chain, i, prev, seq uint32) {
	s, at := g.spot(prev)
	if line := g.lineOf(c, s); int(at) == len(*line)-1 {
		*line = append(*line, i)
		if s != mainLine {
			c.sideOf[i] = s
		}
		return
	}
	if !c.forked {
		c.forked, c.sideOf, c.next = true, make(map[uint32]int32), make(map[uint32]uint32)
		g.forks++
	}
	n := side{line: []uint32{i}, first: seq, from: prev, parent: s, jump: s}
	if s != mainLine {
		p := &c.sides[s]
		n.depth = p.depth
		if d, down := c.depth(p.jump), c.down(p.jump); p.depth-d == d-c.depth(down) {
			n.jump = down
		}
	}
	n.depth++
	c.sideOf[i] = int32(len(c.sides))
	c.sides = append(c.sides, n)
}

// shrink takes i, which was admitted last, out.
func (g *Graph) shrink(c *chain, i uint32) {
	s, _ := g.spot(i)
	line := g.lineOf(c, s)
	*line = (*line)[:len(*line)-1]
	if s == mainLine {
		return
	}
	delete(c.sideOf, i)
	if len(*line) == 0 { // no other began after it
		c.sides = c.sides[:s]
	}
}

func (c *chain) depth(s int32) int32 {
	if s == mainLine {
		return 0
	}
	return c.sides[s].depth
}

func (c *chain) down(s int32) int32 {
	if s == mainLine {
		return mainLine
	}
	return c.sides[s].jump
}

func (g *Graph) lineOf(c *chain, s int32) *[]uint32 {
	if s == mainLine {
		return &c.line
	}
	return &c.sides[s].line
}

// spot gives the side that a delta is on, and its place there.
func (g *Graph) spot(i uint32) (s int32, at uint32) {
	nd := g.node(i)
	c := &g.chains[nd.chain]
	if !c.forked || int(nd.seq) < len(c.line) && c.line[nd.seq] == i {
		return mainLine, nd.seq
	}
	s = c.sideOf[i]
	return s, nd.seq - c.sides[s].first
}

// ancestor gives the delta at seq on the branch of i, whose seq is not smaller.
func (g *Graph) ancestor(i uint32, seq uint64) uint32 {
	c := &g.chains[g.node(i).chain]
	s, _ := g.spot(i)
	for s != mainLine && uint64(c.sides[s].first) > seq {
		g.walked++
		if down := c.sides[s].jump; down != mainLine && uint64(c.sides[down].first) > seq {
			s = down
		} else {
			s = c.sides[s].parent
		}
	}
	if s == mainLine {
		return c.line[seq]
	}
	return c.sides[s].line[seq-uint64(c.sides[s].first)]
}

// leads notes that p, which is not signed, is proved through child, when it is not the next on its side.
func (g *Graph) leads(p, child uint32) {
	c := &g.chains[g.node(p).chain]
	if !c.forked {
		return
	}
	s, at := g.spot(p)
	if line := *g.lineOf(c, s); int(at)+1 == len(line) || line[at+1] != child {
		c.next[p] = child
	}
}

// after gives the delta that a proved one which is not signed is proved through.
func (g *Graph) after(i uint32) uint32 {
	g.walked++
	c := &g.chains[g.node(i).chain]
	if n, ok := c.next[i]; ok {
		return n
	}
	s, at := g.spot(i)
	return (*g.lineOf(c, s))[at+1]
}
