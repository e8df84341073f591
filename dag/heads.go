package dag

import (
	"cmp"
	"slices"
)

// name counts that a held delta names p, which is then no head.
func (g *Graph) name(p uint32) {
	if g.node(p).head {
		g.removeHead(p)
	}
	g.node(p).link++
}

func (g *Graph) unname(p uint32) {
	nd := g.node(p)
	if nd.link--; nd.link == 0 {
		g.addHead(p)
	}
}

func (g *Graph) addHead(i uint32) {
	nd := g.node(i)
	nd.head, nd.link = true, uint32(len(g.heads))
	g.heads = append(g.heads, i)
}

func (g *Graph) removeHead(i uint32) {
	nd := g.node(i)
	if !nd.head {
		return
	}
	last := g.heads[len(g.heads)-1]
	g.heads[nd.link] = last
	g.node(last).link = nd.link
	nd.head, nd.link = false, 0
	g.heads = g.heads[:len(g.heads)-1]
}

// Heads gives the deltas that no held delta names as prev or parent, ascending.
func (g *Graph) Heads() []ID {
	ids := make([]ID, len(g.heads))
	for i, h := range g.heads {
		ids[i] = g.node(h).id
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
			x, y := g.node(b), g.node(a)
			return cmp.Or(cmp.Compare(x.ms, y.ms), cmp.Compare(x.n, y.n), x.id.Compare(y.id))
		})
		list = list[:MaxParents]
	}
	ids := make([]ID, len(list))
	for i, h := range list {
		ids[i] = g.node(h).id
	}
	slices.SortFunc(ids, ID.Compare) //lint:total-key equal ids are the same
	return ids
}
