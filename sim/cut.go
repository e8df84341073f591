package sim

import (
	"math/bits"
	"time"

	"github.com/merograph/merograph/graph"
)

// A cut is a kind of fault that takes a part of the network away for a while. Time is divided into slots of one length; what
// happens in a slot is one choice of its own, so that slots can be taken out of a run one by one.
type cut uint8

const (
	partition cut = iota // the network falls into groups
	oneWay               // nothing gets from some nodes to some others, while the other direction works
	cuts
)

var cutSites = [cuts]site{sitePartition, siteOneWay}

// slot is the slot of time of a cut; 0 when it is off.
func (w *World) slot(c cut) time.Duration {
	return [cuts]time.Duration{w.plan.Partition, w.plan.OneWay}[c]
}

// What an entry of a cut is for: ref is the number of the slot times cutSteps, plus one of these.
const (
	cutPlan int32 = iota
	cutBegin
	cutEnd
	cutSteps
)

// planCuts plans the first slots of the cuts that are on.
func (w *World) planCuts() {
	for c := range cuts {
		if w.slot(c) > 0 {
			w.queue.push(0, doCut, int32(c), cutPlan)
		}
	}
}

func (w *World) cutStep(c cut, ref int32) {
	k, slot := ref/cutSteps, w.slot(c)
	d := w.choose(cutSites[c], theWorld, uint64(k))
	v := d.v
	switch ref % cutSteps {
	case cutPlan:
		if next := w.now.Add(slot); next < w.heal {
			w.queue.push(next, doCut, int32(c), (k+1)*cutSteps+cutPlan)
		}
		from := w.now.Add(time.Duration(below(v, uint64(slot/2))))
		to := min(from.Add(time.Millisecond+time.Duration(below(mix(v), uint64(slot/2)))), w.heal-1)
		if v != 0 && from < to {
			w.queue.push(from, doCut, int32(c), k*cutSteps+cutBegin)
			w.queue.push(to, doCut, int32(c), k*cutSteps+cutEnd)
		}
	case cutBegin:
		share := 125_000 + below(mix(mix(v)), 375_000) // of a million nodes
		if c == partition {
			w.part(d, share)
		} else {
			w.mute(d, share)
		}
	case cutEnd:
		w.cut[c] = false
		w.line("the %s ends", cutNames[c])
	}
}

var cutNames = [cuts]string{"partition", "one-way cut"}

// part puts a share of the nodes on a side of their own, and when there are three sides, as many on another.
func (w *World) part(p drawn, share uint64) {
	var sides [3]int
	var drawn []drawn
	for _, n := range w.nodes {
		d := w.choose(siteSide, int64(n.index), p.count)
		switch {
		case perMillion(d.v, share):
			n.side = 1
		case p.v&1 == 1 && perMillion(d.v, 2*share): // there are three sides
			n.side = 2
		default:
			n.side = 0
		}
		if n.side > 0 {
			drawn = append(drawn, d)
		}
		sides[n.side]++
	}
	if w.cut[partition] = max(sides[0], sides[1], sides[2]) < len(w.nodes); w.cut[partition] {
		w.count(partitions)
		w.trace.add(uint64(sides[0])<<32 | uint64(sides[1]))
		w.wrong(p, "the network falls apart: %d, %d and %d nodes", sides[0], sides[1], sides[2])
		for _, d := range drawn {
			n := w.nodes[d.node]
			w.wrong(d, "%s is cut off, on side %d", n.id, n.side)
		}
		w.line("the network falls apart: %d, %d and %d nodes", sides[0], sides[1], sides[2])
		w.severCut()
	}
}

// mute has nothing get from one share of the nodes to another.
func (w *World) mute(p drawn, share uint64) {
	from, to := 0, 0
	var drawn []drawn
	for _, n := range w.nodes {
		d := w.choose(siteCut, int64(n.index), p.count)
		n.mute, n.deaf = perMillion(d.v, share), perMillion(bits.RotateLeft64(d.v, 32), share)
		if n.mute || n.deaf {
			drawn = append(drawn, d)
		}
		if n.mute {
			from++
		}
		if n.deaf {
			to++
		}
	}
	if w.cut[oneWay] = from > 0 && to > 0; w.cut[oneWay] {
		w.count(oneWayCuts)
		w.trace.add(uint64(from)<<32 | uint64(to))
		w.wrong(p, "nothing gets from %d nodes to %d others", from, to)
		for _, d := range drawn {
			n := w.nodes[d.node]
			w.wrong(d, "%s is not heard: %v, does not hear: %v", n.id, n.mute, n.deaf)
		}
		w.line("nothing gets from %d nodes to %d others", from, to)
		w.severCut()
	}
}

// blocked reports whether nothing gets from one node to another now.
func (w *World) blocked(from, to *Node) bool {
	return w.cut[partition] && from.side != to.side || w.cut[oneWay] && from.mute && to.deaf && from != to
}

// severCut has the keepalives of all connections that are cut run out, unless the cut ends before.
func (w *World) severCut() {
	for _, l := range w.links {
		if a, b := w.nodes[l.a], w.nodes[l.b]; l.state == linkOpen && (w.blocked(a, b) || w.blocked(b, a)) {
			w.doom(l)
		}
	}
}

const (
	keepaliveLeast = 2 * time.Second
	keepaliveMost  = 20 * time.Second
)

// doom plans when the ends of an open link find out that it does not carry any more.
func (w *World) doom(l *link) {
	if l.doomed {
		return
	}
	l.doomed = true
	d := w.choose(siteKeepalive, int64(l.a)<<32|int64(l.b), uint64(w.now.Sub(0)/time.Second))
	after := keepaliveLeast + time.Duration(below(d.v, uint64(keepaliveMost-keepaliveLeast)))
	if d.v != 0 {
		w.wrong(d, "%s and %s take %v to see that nothing comes through", w.nodes[l.a].id, w.nodes[l.b].id, brief(after))
	}
	w.queue.push(max(w.now, min(w.now.Add(after), w.heal-1)), doSever, int32(l.epoch), l.index)
}

// sever breaks a link on which something has vanished, or nothing gets through. One that has lost nothing goes on.
func (w *World) sever(l *link, epoch int32) {
	if l.state != linkOpen || int32(l.epoch) != epoch {
		return
	}
	l.doomed = false
	if a, b := w.nodes[l.a], w.nodes[l.b]; l.dark[0] || l.dark[1] || w.blocked(a, b) || w.blocked(b, a) {
		w.broken(l, true)
	}
}

// vanishes reports whether a message on an open link is gone, and nobody is told before the link breaks. What comes behind
// such a message is gone too, or the order would be wrong.
func (w *World) vanishes(l *link, from, to int32) bool {
	if end := l.end(to); l.dark[end] || w.blocked(w.nodes[from], w.nodes[to]) {
		w.count(vanishedMessages)
		l.dark[end] = true
		w.doom(l)
		return true
	}
	return false
}

// squeeze gives when the first and the last byte of a message leave, over a link that takes its time for each.
func (w *World) squeeze(l *link, to int, dep graph.Time, size int) (first, last graph.Time) {
	if l.rate == 0 || dep >= w.heal {
		return dep, dep
	}
	first = min(max(dep, l.free[to]), w.heal)
	return first, min(first.Add(time.Duration(uint64(size+overhead)*uint64(time.Second)/l.rate)), w.heal)
}

// fill has the link be busy with a message until its last byte has left.
func (w *World) fill(l *link, to int, dep, last graph.Time) {
	if last > dep {
		l.free[to] = last
		if last.Sub(dep) > time.Millisecond {
			w.count(slowMessages)
		}
	}
}

// overhead is what the network adds to a payload, in bytes.
const overhead = 64
