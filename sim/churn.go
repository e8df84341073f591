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
	if n.outlaw != nil {
		w.startHostile(n)
		return nil
	}
	opts := w.tight(n)
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
	n.inst, n.up = in, true
	w.reckon(n, false)
	for _, l := range n.edges {
		w.wantRedial(l)
	}
	return nil
}

func (w *World) observed(n *Node, i *graph.TickInfo) {
	n.changed = n.changed || i.Changes > 0
	w.trace.tick(w, n, i)
}

// planCrash plans the crash of a slot of time. What happens in a slot is a choice of its own, so that crashes can be taken out of a
// run one by one.
func (w *World) planCrash(n *Node, k int32) {
	d := w.choose(siteCrash, int64(n.index), uint64(k))
	from := graph.Time(k) * graph.Time(w.plan.Up)
	if at := from.Add(time.Millisecond + time.Duration(below(d.v, uint64(w.plan.Up)))); at < w.heal-1 {
		w.queue.push(at, doCrash, n.index, k)
	}
}

// crashInSlot crashes the node, when it is up and the choice of the slot says so, and plans the next slot.
func (w *World) crashInSlot(n *Node, k int32) {
	d := w.choose(siteCrash, int64(n.index), uint64(k))
	if d.v != 0 && n.Up() && (w.scenario.Churn == nil || w.scenario.Churn(n)) {
		down := time.Millisecond + time.Duration(below(mix(d.v), uint64(2*w.plan.Down)))
		w.wrong(d, "%s crashes, for %v", n.id, brief(down))
		w.trace.add(uint64(n.index))
		w.on(n, "crashes", "%s crashes", n.id)
		w.crash(n, down)
	}
	w.planCrash(n, k+1)
}

// crash takes a node down: its instance, everything in memory, its connections. It starts again before the healing is over.
func (w *World) crash(n *Node, down time.Duration) {
	end, drew := w.ends(n)
	in := n.inst
	n.inst, n.up, n.turnAt, n.timerAt = nil, false, never, never
	n.seen, n.trials = seenCache{}, nil
	w.count(crashes)
	for _, l := range n.links {
		w.abandon(l, n)
	}
	if in != nil {
		in.Stop()
	}
	if n.neighbours != nil {
		n.neighbours.Set(nil)
	}
	if n.outlaw == nil {
		w.powerFails(n, end, drew)
		if w.scenario.OnCrash != nil {
			w.scenario.OnCrash(n)
		}
	}
	w.queue.push(max(w.now, min(w.now.Add(down), w.heal-1)), doStart, n.index, 0)
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
