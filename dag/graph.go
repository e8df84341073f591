package dag

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
	nodes  nodes
	ids    ids
	chains []chain
	heads  []uint32
	sets   grantSets
	room   room
	forks  int
	tips   tipList
	walked int             // steps over forked chains
	half   map[uint32]bool // those that are proved by what is not admitted
}

// NewGraph gives the empty graph of a context; the first delta that it admits is the genesis whose id is ctx.
func NewGraph(ctx ID) *Graph {
	g := &Graph{ctx: ctx, ids: newIDs(), sets: newGrantSets(), half: make(map[uint32]bool)}
	g.room.init()
	return g
}

// Len gives the number of admitted deltas.
func (g *Graph) Len() int { return g.nodes.count }

// Has tells whether a delta is admitted.
func (g *Graph) Has(id ID) bool { _, ok := g.number(id); return ok }

// Add admits a delta whose past is held, by DATA 1.2, 1.8 and 2.3: its fields agree with prev's, its clock is one step,
// its credential is in its past, grants its author and allows the kind. The delta was decoded or made by this package, id is its hash, and
// its authenticity was checked. It costs O(parents), whatever the size of the graph. The reason is set for Refused alone.
func (g *Graph) Add(id ID, d *Delta) (Outcome, RefuseReason) {
	slot, n := g.find(&id)
	if n != none {
		return Held, ""
	}
	nd := node{id: id, ms: d.Ms, n: uint32(d.N), seq: uint32(d.Seq), prev: none} // n and seq are checked against prev and parents
	if d.Kind == KindGenesis {
		return g.addGenesis(&nd, d, slot)
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
	i := uint32(g.Len())
	if d.Kind == KindGrant && d.Version == Version1 {
		if gr, err := DecodeGrant(d.Payload); err == nil {
			nd.grants = g.sets.grant(nd.grants, i, gr)
		}
	}
	g.insert(&nd, d, parents, slot)
	return Admitted, ""
}

func (g *Graph) addGenesis(nd *node, d *Delta, slot uint32) (Outcome, RefuseReason) {
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
	g.insert(nd, d, nil, slot)
	return Admitted, ""
}

// resolve finds prev and the parents; ok is false when one is not held.
func (g *Graph) resolve(nd *node, d *Delta, parents []uint32) ([]uint32, bool) {
	if !d.Prev.IsZero() {
		if nd.prev = g.recent(&d.Prev); nd.prev == none {
			return nil, false
		}
	}
	for i := range d.Parents {
		p := g.recent(&d.Parents[i])
		if p == none {
			return nil, false
		}
		parents = append(parents, p)
	}
	return parents, true
}

// recent is number, and looks at the delta that was admitted last first: most are made on that one.
func (g *Graph) recent(id *ID) uint32 {
	if n := g.nodes.count; n > 0 && g.node(uint32(n-1)).id == *id {
		return uint32(n - 1)
	}
	_, n := g.find(id)
	return n
}

// admissible applies the rules that need the past, and fills in what the node inherits.
func (g *Graph) admissible(nd *node, d *Delta, parents []uint32) RefuseReason {
	var ms, n uint64
	if nd.prev != none {
		p := g.node(nd.prev)
		c := &g.chains[p.chain]
		if c.id != d.Chain || c.author != d.Author || d.Seq != uint64(p.seq)+1 {
			return Malformed
		}
		nd.chain, nd.grants, ms, n = p.chain, p.grants, p.ms, uint64(p.n)
	}
	for i, q := range parents {
		p := g.node(q)
		ms, n = later(ms, n, p.ms, uint64(p.n))
		if i == 0 && nd.prev == none {
			nd.grants = p.grants
		} else {
			nd.grants = g.sets.union(nd.grants, p.grants)
		}
	}
	if !stepsFrom(ms, n, d.Ms, d.N) {
		return BadClock
	}
	role, ok := g.credential(nd, d)
	if !ok {
		return UnknownAuthor
	}
	if !allows(role, d.Kind) {
		return NotAllowed
	}
	return ""
}

// credential finds the delta's credential, most often prev's, and the role that it gives the author.
func (g *Graph) credential(nd *node, d *Delta) (role string, ok bool) {
	if nd.prev != none {
		if cred := g.node(nd.prev).cred; g.node(cred).id == d.Credential {
			nd.cred = cred
			c := &g.chains[nd.chain]
			if c.role == "" || c.cred != cred {
				c.cred = cred
				c.role, _ = g.sets.role(d.Author, cred)
			}
			return c.role, c.role != ""
		}
	}
	c, ok := g.number(d.Credential)
	if !ok || !g.sets.inPast(nd.grants, c) {
		return "", false
	}
	nd.cred = c
	return g.sets.role(d.Author, c)
}

func (g *Graph) insert(nd *node, d *Delta, parents []uint32, slot uint32) {
	i := uint32(g.Len())
	if nd.prev == none {
		nd.chain = uint32(len(g.chains))
		g.chains = append(g.chains, chain{id: nd.id, author: d.Author, line: []uint32{i}})
	} else {
		g.grow(&g.chains[nd.chain], i, nd.prev, nd.seq)
	}
	g.nodes.push(nd)
	g.ids.put(slot, &nd.id, i)
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
	i := uint32(g.Len() - 1)
	nd := *g.node(i)
	g.removeHead(i)
	for _, p := range d.Parents {
		g.unname(g.held(p))
	}
	if nd.prev != none {
		g.unname(nd.prev)
	}
	c := &g.chains[nd.chain]
	c.role = ""
	g.shrink(c, i)
	if len(c.line) == 0 {
		g.chains = g.chains[:nd.chain]
	}
	g.sets.revoke(i)
	slot, _ := g.find(&nd.id)
	g.ids.remove(slot)
	g.nodes.pop()
}
