package sim

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
)

// A trial is a publication that waits for the verdict of an instance.
type trial struct {
	pub  *publication
	link int32 // over which it came
	at   graph.Time
}

const (
	verdictTime  = 10 * time.Second // that a node waits for a verdict
	mostRejected = 4                // publications of one neighbour, until it is none any more
)

// try gives the Call with which the instance of n is asked for a verdict.
func (w *World) try(n *Node, h *hop) uint64 {
	if n.trials == nil {
		n.trials = map[uint64]trial{}
	}
	w.trials++
	n.trials[w.trials] = trial{h.pub, h.link, w.now}
	return w.trials
}

// verdict does what the instance of n says about a publication.
func (w *World) verdict(n *Node, m *graph.Message, dep graph.Time) {
	t, ok := n.trials[m.Call]
	delete(n.trials, m.Call)
	w.trace.add(uint64(n.index)<<32 | uint64(m.Verdict))
	if !ok || dep.Sub(t.at) > verdictTime {
		return
	}
	switch m.Verdict {
	case graph.Accept:
		w.spread(n, t.link, t.pub, dep)
	case graph.Reject:
		l := w.links[t.link]
		end := l.end(n.index)
		if l.liar[end] == 0 {
			n.liars = append(n.liars, w.nodes[l.other(n.index)].id)
		}
		if l.liar[end]++; l.liar[end] == mostRejected {
			w.shun(n, l)
		}
	}
}

// shun takes an edge out of the overlay.
func (w *World) shun(n *Node, l *link) {
	if !l.edge {
		return
	}
	other := w.nodes[l.other(n.index)]
	w.count(shunnedNeighbours)
	w.on(n, "shuns", "%s has %s for a neighbour no more: what it hands over is false", n.id, other.id)
	w.know(l, l.a, false)
	w.know(l, l.b, false)
	l.edge = false
	for _, i := range [2]int32{l.a, l.b} {
		w.nodes[i].edges = slices.DeleteFunc(w.nodes[i].edges, func(o *link) bool { return o == l })
	}
}

// Liars gives those of whose publications the node has rejected one, in the order in which that was found.
func (n *Node) Liars() []graph.Peer { return n.liars }
