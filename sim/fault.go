package sim

import (
	"fmt"

	"github.com/merograph/merograph/graph"
)

// A Fault is something that went wrong in a run: the choice that let it, and what it was. As an override of a run in which
// nothing else goes wrong it happens again.
type Fault struct {
	At     graph.Time // of the world
	Choice Choice
	Value  uint64
	Text   string
}

// Override is the fault as ParseOverride reads it.
func (f *Fault) Override() string { return fmt.Sprintf("%v=%#x", f.Choice, f.Value) }

// A drawn is a choice that was made.
type drawn struct {
	site  site
	node  int64
	count uint64
	v     uint64
}

// choose makes a choice of the world's, or of a pair's, whose place among its own the caller knows.
func (w *World) choose(s site, node int64, count uint64) drawn {
	return drawn{s, node, count, w.choices.at(s, node, count)}
}

// choose makes the node's next choice at a site.
func (n *Node) choose(s site) drawn {
	d := n.w.choose(s, int64(n.index), n.counts[s])
	n.counts[s]++
	return d
}

// draw is choose, of what is no fault.
func (n *Node) draw(s site) uint64 { return n.choose(s).v }

// linkSites are the sites that a link counts for itself, of each direction.
const linkSites = siteDuplicate - siteJitter + 1

// choose makes the next choice at a site for what goes to one end of a link. It is the link's, so that what becomes of a message
// does not depend on what its sender sends to others.
func (l *link) choose(w *World, s site, to int) drawn {
	from, end := l.a, l.b
	if to == 0 {
		from, end = l.b, l.a
	}
	c := &l.counts[to][s-siteJitter]
	d := w.choose(s, int64(from)<<32|int64(end), uint64(*c))
	*c++
	return d
}

// wrong notes that a choice let something go wrong.
func (w *World) wrong(d drawn, format string, args ...any) {
	if w.options.record {
		w.wrongs = append(w.wrongs, Fault{w.now, Choice{siteNames[d.site], d.node, d.count}, d.v, fmt.Sprintf(format, args...)})
	}
}

// Fault draws a fault of the scenario's own at a site, with k forms from 1, and 0 for none: a number in [0, k]. A run in which
// only the faults of its overrides may happen draws 0.
func (n *Node) Fault(site string, k int) int {
	count := n.count(site)
	v := n.w.choices.named(site, int64(n.index), count, true)
	form := int(below(v, uint64(k)+1))
	if form == 0 {
		return 0
	}
	n.w.count(scenarioFaults)
	if n.w.options.record {
		n.w.wrongs = append(n.w.wrongs, Fault{n.w.now, Choice{site, int64(n.index), count}, v, fmt.Sprintf("%s: %s %d", n.id, site, form)})
	}
	return form
}

// Buggify says, in one of four asks of a run whose plan has Buggify, that something rare and allowed happens here: the buffer is
// of one, the page is short. Elsewhere it says no.
func (n *Node) Buggify(site string) bool { return n.w.plan.Buggify && n.Fault("buggify-"+site, 3) == 3 }
