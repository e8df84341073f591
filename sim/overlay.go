package sim

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
)

const defaultDegree = 6

// overlay draws the edges: a ring through all nodes, so that it is connected, and random edges up to the degree.
func (w *World) overlay() {
	count, degree := len(w.nodes), w.scenario.Degree
	switch {
	case degree < 0:
		return
	case degree == 0:
		degree = defaultDegree
	}
	var drawn uint64
	draw := func(n int) int {
		drawn++
		return int(below(w.choices.at(siteOverlay, theWorld, drawn), uint64(n)))
	}
	ring := make([]int32, count)
	for i := range ring {
		ring[i] = int32(i)
	}
	for i := count - 1; i > 0; i-- {
		j := draw(i + 1)
		ring[i], ring[j] = ring[j], ring[i]
	}
	for i := 0; i < count && count > 1; i++ {
		w.edge(ring[i], ring[(i+1)%count])
	}
	full := min(degree, count-1)
	for i := range w.nodes {
		for tries := 0; len(w.nodes[i].edges) < full && tries < 20*degree; tries++ {
			if j := draw(count); len(w.nodes[j].edges) < degree+2 {
				w.edge(int32(i), int32(j))
			}
		}
	}
	for _, n := range w.nodes {
		slices.SortStableFunc(n.edges, func(a, b *link) int { return int(a.other(n.index) - b.other(n.index)) })
	}
}

func (w *World) edge(i, j int32) {
	if i == j {
		return
	}
	l := w.link(i, j)
	if !l.edge {
		l.edge = true
		w.nodes[i].edges = append(w.nodes[i].edges, l)
		w.nodes[j].edges = append(w.nodes[j].edges, l)
	}
}

// know sets what an end believes of an edge, and its node's feed.
func (w *World) know(l *link, i int32, open bool) {
	if end := l.end(i); l.edge && l.knows[end] != open {
		l.knows[end] = open
		if n := w.nodes[i]; n.neighbours != nil {
			n.neighbours.Set(w.neighbours(n))
		}
	}
}

// neighbours are those with whom a node believes to be connected.
func (w *World) neighbours(n *Node) (now []graph.Peer) {
	for _, l := range n.edges {
		if l.knows[l.end(n.index)] {
			now = append(now, w.nodes[l.other(n.index)].id)
		}
	}
	return now
}

// notice is when an end sees that an edge has broken; it may be open again by then.
func (w *World) notice(n *Node, l *link) {
	if n.Up() && l.state != linkOpen {
		w.know(l, n.index, false)
		w.wantRedial(l)
	}
}

// wantRedial plans to open an edge again.
func (w *World) wantRedial(l *link) {
	if l.edge && l.state == linkClosed && !l.redial {
		l.redial = true
		after := redialLeast + time.Duration(below(w.nodes[l.a].draw(siteRedial), uint64(redialMost-redialLeast)))
		w.queue.push(w.now.Add(after), doRedial, l.a, l.index)
	}
}

const (
	redialLeast = 100 * time.Millisecond
	redialMost  = 2 * time.Second
)

// redialed opens an edge again when both ends are up; one that is down does so when it starts.
func (w *World) redialed(l *link) {
	l.redial = false
	if l.state == linkClosed && w.nodes[l.a].Up() && w.nodes[l.b].Up() {
		w.dial(l, l.a, w.now)
	}
}
