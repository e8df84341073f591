package sim

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
)

// start gives a node an instance.
func (w *World) start(n *Node) error {
	n.life++
	n.since, n.busyUntil, n.turnAt, n.timerAt, n.due, n.queued = w.now, w.now, never, never, never, 0
	var opts []graph.Option
	if w.scenario.Bind != nil {
		opts = append(opts, w.scenario.Bind(n)...)
	}
	if w.options.CheckImmutable {
		opts = append(opts, graph.CheckImmutable())
	}
	opts = append(opts, graph.Observe(func(i graph.TickInfo) { w.observed(n, &i) }))
	in, err := graph.Start(n.prog, &host{n, n.life}, opts...)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.id, err)
	}
	n.inst = in
	w.plan(n, false)
	for _, l := range n.edges {
		w.wantRedial(l)
	}
	w.planCrash(n)
	return nil
}

func (w *World) observed(n *Node, i *graph.TickInfo) {
	n.changed = n.changed || i.Changes > 0
	w.trace.tick(w, n, i)
}

// planCrash draws how long the node stays up. Faults end with the healing.
func (w *World) planCrash(n *Node) {
	if w.sizes.up == 0 || w.now >= w.heal || w.scenario.Churn != nil && !w.scenario.Churn(n) {
		return
	}
	v := n.draw(siteCrash)
	if at := w.now.Add(time.Millisecond + time.Duration(below(v, uint64(2*w.sizes.up)))); v != 0 && at < w.heal-1 {
		w.queue.push(at, doCrash, n.index, 0)
	}
}

// crash takes a node down: its instance, everything in memory, its connections. It starts again before the healing is over.
func (w *World) crash(n *Node) {
	in := n.inst
	n.inst, n.turnAt, n.timerAt = nil, never, never
	n.seen = seenCache{}
	w.count(crashes)
	for _, l := range n.links {
		w.abandon(l, n)
	}
	in.Stop()
	if n.neighbours != nil {
		n.neighbours.Set(nil)
	}
	if w.scenario.OnCrash != nil {
		w.scenario.OnCrash(n)
	}
	down := time.Millisecond + time.Duration(below(n.draw(siteDown), uint64(2*w.sizes.down)))
	w.queue.push(min(w.now.Add(down), w.heal-1), doStart, n.index, 0)
}

// abandon is what becomes of a link when one end crashes.
func (w *World) abandon(l *link, n *Node) {
	l.knows[l.end(n.index)] = false
	switch l.state {
	case linkOpen:
		w.broken(l, false)
	case linkDialing:
		waiting := l.waiting
		l.waiting = nil
		for _, ref := range waiting { // what the node itself wanted to send is gone
			if p := &w.parcels.items[ref]; p.from == n.index {
				l.closeStream(p.stream)
				w.parcels.take(ref)
				continue
			}
			l.waiting = append(l.waiting, ref)
		}
		if l.dialer == n.index {
			w.unreachable(l)
		}
	}
}

func (w *World) restart(n *Node) {
	n.restarts++
	w.count(restarts)
	if err := w.start(n); err != nil {
		w.err = err
	}
}
