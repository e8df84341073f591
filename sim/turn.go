package sim

import "github.com/merograph/merograph/graph"

// wantTurn plans a turn of n, unless one is planned that is not later.
func (w *World) wantTurn(n *Node, at graph.Time) {
	if at < n.turnAt {
		n.turnAt = at
		w.queue.push(at, doTurn, n.index, 0)
	}
}

// wantTimer plans a look at n's deadlines. One that is planned earlier stays: when it comes, the next is planned.
func (w *World) wantTimer(n *Node, at graph.Time) {
	if at < n.timerAt {
		n.timerAt = at
		w.queue.push(at, doTimer, n.index, 0)
	}
}

// turn lets n take an event, if this is what was planned for it.
func (w *World) turn(n *Node, kind entryKind) {
	switch {
	case kind == doTurn && n.turnAt == w.now:
		n.turnAt = never
	case kind == doTimer && n.timerAt == w.now:
		n.timerAt = never
	default:
		return // planned before something else was
	}
	if n.inst == nil {
		return
	}
	if w.now < n.busyUntil {
		w.wantTurn(n, n.busyUntil)
		return
	}
	w.take(n)
}

// take has n's instance take one event, which costs the node its time, and plans what comes after.
func (w *World) take(n *Node) {
	timed := n.due <= n.Now()
	before := n.busyUntil
	n.busyUntil = w.now.Add(n.cost)
	n.changed = false
	took := n.inst.Next()
	if took {
		w.events++
		if !timed {
			n.queued--
		}
		w.trace.taken(w)
	} else {
		n.busyUntil, n.queued = before, 0
	}
	w.reckon(n, took)
	if n.changed {
		w.checkChanged(n)
	}
}

// reckon asks the instance when it has work next.
func (w *World) reckon(n *Node, took bool) {
	at, ok := n.inst.Deadline()
	n.due = never
	if ok {
		n.due = at
	}
	switch {
	case took && (n.queued > 0 || n.when(n.due) <= n.busyUntil):
		w.wantTurn(n, n.busyUntil)
	case ok:
		w.wantTimer(n, max(n.when(n.due), w.now+1))
	}
}
