package dag

// none is the number of no delta.
const none = ^uint32(0)

// node is what a graph keeps in memory of one delta. Its number is its place in the order of admission, in which every
// delta comes after its past.
type node struct {
	id      ID
	ms, n   uint64
	seq     uint64
	prev    uint32
	chain   uint32 // in Graph.chains
	cred    uint32 // the genesis or the grant that it is written under
	grants  uint32 // the interned set of grants in its past, itself included
	kids    uint32 // how many held deltas name it as prev or parent
	head    uint32 // 1 + its place in Graph.heads, 0 when it has kids
	signed  bool   // a signature on it is held
	witness bool   // it reaches a signed one through prev, backwards from there
	local   bool   // written by this node, not received
}

// Outcome is what Graph.Add did.
type Outcome int

// The outcomes.
const (
	// Admitted: it is in the graph now.
	Admitted Outcome = iota
	// Held: it was there already.
	Held
	// Waits: its prev or a parent is not held; nothing was kept of it.
	Waits
	// Refused: it breaks a rule that it and its past decide, so it is refused on every node.
	Refused
)

// Graph is the causal graph of one context in memory: which deltas are admitted, their chains, heads and grants. It is a
// pure core: it verifies no signature and keeps no payload. It is not safe for concurrent use.
type Graph struct {
	ctx    ID
	nodes  []node
	byID   map[ID]uint32
	chains []chain
	heads  []uint32
	sets   grantSets
	room   room
	forks  int
}

// NewGraph gives the empty graph of a context; the first delta that it admits is the genesis whose id is ctx.
func NewGraph(ctx ID) *Graph {
	g := &Graph{ctx: ctx, byID: make(map[ID]uint32), sets: newGrantSets()}
	g.room.init()
	return g
}

// Len gives the number of admitted deltas.
func (g *Graph) Len() int { return len(g.nodes) }

// Has tells whether a delta is admitted.
func (g *Graph) Has(id ID) bool { _, ok := g.byID[id]; return ok }

// Add admits a delta whose past is held, by DATA 1.2, 1.8 and 2.3: its fields agree with prev's, its clock is one step,
// its credential is in its past, grants its author and allows the kind. The delta was decoded or made by this package, id is its hash, and
// its authenticity was checked. It costs O(parents), whatever the size of the graph. The reason is set for Refused alone.
func (g *Graph) Add(id ID, d *Delta) (Outcome, RefuseReason) {
	if _, ok := g.byID[id]; ok {
		return Held, ""
	}
	nd := node{id: id, ms: d.Ms, n: d.N, seq: d.Seq, prev: none}
	if d.Kind == KindGenesis {
		return g.addGenesis(nd, d)
	}
	if d.Context != g.ctx {
		return Refused, WrongContext
	}
	var buf [MaxParents]uint32
	parents, ok := g.resolve(&nd, d, buf[:0])
	if !ok {
		return Waits, ""
	}
	if reason := g.admissible(&nd, d, parents); reason != "" {
		return Refused, reason
	}
	i := uint32(len(g.nodes))
	if d.Kind == KindGrant && d.Version == Version1 {
		if gr, err := DecodeGrant(d.Payload); err == nil {
			nd.grants = g.sets.grant(nd.grants, i, gr)
		}
	}
	g.insert(nd, d, parents)
	return Admitted, ""
}

func (g *Graph) addGenesis(nd node, d *Delta) (Outcome, RefuseReason) {
	if nd.id != g.ctx {
		return Refused, WrongContext
	}
	if !stepsFrom(0, 0, d.Ms, d.N) {
		return Refused, BadClock
	}
	g.sets.found(d.Author)
	if gr, err := DecodeGrant(d.Payload); err == nil && d.Version == Version1 {
		g.sets.grantIn(0, gr)
	}
	g.insert(nd, d, nil)
	return Admitted, ""
}

// resolve finds prev and the parents; ok is false when one is not held.
func (g *Graph) resolve(nd *node, d *Delta, parents []uint32) ([]uint32, bool) {
	if !d.Prev.IsZero() {
		p, ok := g.byID[d.Prev]
		if !ok {
			return nil, false
		}
		nd.prev = p
	}
	for _, id := range d.Parents {
		p, ok := g.byID[id]
		if !ok {
			return nil, false
		}
		parents = append(parents, p)
	}
	return parents, true
}

// admissible applies the rules that need the past, and fills in what the node inherits.
func (g *Graph) admissible(nd *node, d *Delta, parents []uint32) RefuseReason {
	var ms, n uint64
	if nd.prev != none {
		p := &g.nodes[nd.prev]
		c := &g.chains[p.chain]
		if c.id != d.Chain || c.author != d.Author || d.Seq != p.seq+1 {
			return Malformed
		}
		nd.chain, nd.grants, ms, n = p.chain, p.grants, p.ms, p.n
	}
	for i, q := range parents {
		p := &g.nodes[q]
		ms, n = later(ms, n, p.ms, p.n)
		if i == 0 && nd.prev == none {
			nd.grants = p.grants
		} else {
			nd.grants = g.sets.union(nd.grants, p.grants)
		}
	}
	if !stepsFrom(ms, n, d.Ms, d.N) {
		return BadClock
	}
	if nd.prev != none && g.nodes[g.nodes[nd.prev].cred].id == d.Credential {
		nd.cred = g.nodes[nd.prev].cred
	} else {
		c, ok := g.byID[d.Credential]
		if !ok || !g.sets.inPast(nd.grants, c) {
			return UnknownAuthor
		}
		nd.cred = c
	}
	role, ok := g.sets.role(d.Author, nd.cred)
	if !ok {
		return UnknownAuthor
	}
	if !allows(role, d.Kind) {
		return NotAllowed
	}
	return ""
}

func (g *Graph) insert(nd node, d *Delta, parents []uint32) {
	i := uint32(len(g.nodes))
	if nd.prev == none {
		nd.chain = uint32(len(g.chains))
		g.chains = append(g.chains, chain{id: nd.id, author: d.Author, line: []uint32{i}})
	} else if c := &g.chains[nd.chain]; c.line[len(c.line)-1] == nd.prev {
		c.line = append(c.line, i)
	} else if !c.forked {
		c.forked = true
		g.forks++
	}
	g.nodes = append(g.nodes, nd)
	g.byID[nd.id] = i
	if nd.prev != none {
		g.name(nd.prev)
	}
	for _, p := range parents {
		g.name(p)
	}
	g.addHead(i)
}

// undo takes the delta that was admitted last out again; d is its decoded form.
func (g *Graph) undo(d *Delta) {
	i := uint32(len(g.nodes) - 1)
	nd := g.nodes[i]
	g.removeHead(i)
	for _, p := range d.Parents {
		g.unname(g.byID[p])
	}
	if nd.prev != none {
		g.unname(nd.prev)
	}
	c := &g.chains[nd.chain]
	if c.line[len(c.line)-1] == i {
		c.line = c.line[:len(c.line)-1]
	}
	if len(c.line) == 0 {
		g.chains = g.chains[:nd.chain]
	}
	g.sets.revoke(i)
	delete(g.byID, nd.id)
	g.nodes = g.nodes[:i]
}
