package dag

import (
	"cmp"
	"slices"
)

// name counts that a held delta names p, which is then no head.
func (g *Graph) name(p uint32) {
	g.nodes[p].kids++
	if g.nodes[p].head != 0 {
		g.removeHead(p)
	}
}

func (g *Graph) unname(p uint32) {
	if g.nodes[p].kids--; g.nodes[p].kids == 0 {
		g.addHead(p)
	}
}

func (g *Graph) addHead(i uint32) {
	g.heads = append(g.heads, i)
	g.nodes[i].head = uint32(len(g.heads))
}

func (g *Graph) removeHead(i uint32) {
	at := g.nodes[i].head
	if at == 0 {
		return
	}
	last := g.heads[len(g.heads)-1]
	g.heads[at-1] = last
	g.nodes[last].head = at
	g.nodes[i].head = 0
	g.heads = g.heads[:len(g.heads)-1]
}

// Heads gives the deltas that no held delta names as prev or parent, ascending.
func (g *Graph) Heads() []ID {
	ids := make([]ID, len(g.heads))
	for i, h := range g.heads {
		ids[i] = g.nodes[h].id
	}
	slices.SortFunc(ids, ID.Compare) //lint:total-key equal ids are the same
	return ids
}

// frontier gives the parents of a delta made on everything held: the heads without prev, at most MaxParents, those with
// the greatest clock, ascending by id (DATA 1.2).
func (g *Graph) frontier(prev uint32) []ID {
	list := make([]uint32, 0, len(g.heads))
	for _, h := range g.heads {
		if h != prev {
			list = append(list, h)
		}
	}
	if len(list) > MaxParents {
		slices.SortFunc(list, func(a, b uint32) int { //lint:total-key the id is the last of the key
			x, y := &g.nodes[b], &g.nodes[a]
			return cmp.Or(cmp.Compare(x.ms, y.ms), cmp.Compare(x.n, y.n), x.id.Compare(y.id))
		})
		list = list[:MaxParents]
	}
	ids := make([]ID, len(list))
	for i, h := range list {
		ids[i] = g.nodes[h].id
	}
	slices.SortFunc(ids, ID.Compare) //lint:total-key equal ids are the same
	return ids
}
