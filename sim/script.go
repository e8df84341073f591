package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// script is a function that a scenario has scheduled.
type script struct {
	fn             func(n *Node)
	period, jitter time.Duration // 0 for once
	own            bool          // of a hostile program: it ends with the life of the node
	life           uint32
}

// siteScript is where the jitter of Every is drawn.
const siteScript = "every"

// After has fn called for n after d, if n is up and not hostile then: a workload is what people do with a node, and they cannot
// use one that is down. It may be called from scripts, and from what they gave to graph.Submit.
func (w *World) After(d time.Duration, n *Node, fn func(n *Node)) {
	w.queue.push(w.now.Add(max(0, d)), doScript, n.index, w.scripts.put(script{fn: fn}))
}

// At has fn called for n at a time of the run, if n is up then; a time that has passed means now.
func (w *World) At(t graph.Time, n *Node, fn func(n *Node)) { w.After(t.Sub(w.now), n, fn) }

// Every has fn called for every node that is up and not hostile, for each on its own: first after a part of the period, then again and
// again after the period plus a part of jitter.
func (w *World) Every(period, jitter time.Duration, fn func(n *Node)) {
	for _, n := range w.nodes {
		w.EveryOn(n, period, jitter, fn)
	}
}

// EveryOn is Every for one node.
func (w *World) EveryOn(n *Node, period, jitter time.Duration, fn func(n *Node)) {
	period = max(1, period)
	s := script{fn: fn, period: period, jitter: max(0, jitter)}
	first := time.Duration(below(n.Rand(siteScript), uint64(period)))
	w.queue.push(w.now.Add(first), doScript, n.index, w.scripts.put(s))
}

func (w *World) runScript(n *Node, ref int32) {
	s := w.scripts.take(ref)
	if s.period > 0 {
		next := s.period + time.Duration(below(n.Rand(siteScript), uint64(s.jitter)+1))
		w.queue.push(w.now.Add(next), doScript, n.index, w.scripts.put(s))
	}
	if n.up && s.own == n.Hostile() && (!s.own || s.life == n.life) {
		s.fn(n)
	}
}
