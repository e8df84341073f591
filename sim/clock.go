package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// epoch is the wall time at which every run begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Now is the node's steady clock. Clocks of two nodes have nothing to do with each other, and with the fault skew they go at
// different rates.
func (n *Node) Now() graph.Time { return n.steady(n.w.now) }

// Wall is the node's calendar. With the fault skew it is wrong, and jumps.
func (n *Node) Wall() time.Time {
	now := epoch.Add(time.Duration(n.w.now))
	if n.w.now >= n.w.heal {
		return now
	}
	return now.Add(n.wall)
}

// steady is the steady clock at a time of the world. The drift ends with the faults; what has come together stays.
func (n *Node) steady(t graph.Time) graph.Time {
	if n.ppm == 0 {
		return n.offset + t
	}
	return n.offset + t + drifted(min(t, n.w.heal), n.ppm)
}

// drifted is the part of so many in a million of t, without a product that is too large.
func drifted(t graph.Time, ppm int64) graph.Time {
	return t/million*graph.Time(ppm) + t%million*graph.Time(ppm)/million
}

const million = 1_000_000

// when gives the first time of the world at which the steady clock shows local or more.
func (n *Node) when(local graph.Time) graph.Time {
	t := local - n.offset
	if n.ppm == 0 || local >= never/2 {
		return t
	}
	if healed := n.steady(n.w.heal); local >= healed {
		return n.w.heal + local - healed
	}
	rate := million + graph.Time(n.ppm)
	t = t/rate*million + t%rate*million/rate
	for n.steady(t) < local {
		t++
	}
	for t > 0 && n.steady(t-1) >= local {
		t--
	}
	return t
}

// signed makes of a choice a number from -most to most; a choice of 0 gives 0.
func signed(v, most uint64) int64 {
	if u := below(v, 2*most+1); u > most {
		return int64(most) - int64(u)
	} else {
		return int64(u)
	}
}

const wallMost = time.Hour

// centuryOf is one calendar in so many that is wrong by decades.
const centuryOf = 16

// wrongBy makes of a choice by how much a calendar is wrong: up to an hour, or it stands in the year 2100; a choice of 0 is none.
func wrongBy(v uint64) time.Duration {
	if v != 0 && mix(v)%centuryOf == 0 {
		return century
	}
	return time.Duration(signed(v, uint64(wallMost)))
}

var century = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Sub(epoch)

// skew makes the clocks of a node wrong from the start, and plans when its calendar jumps.
func (w *World) skew(n *Node) {
	drift, wall := w.choose(siteDrift, int64(n.index), 0), w.choose(siteWall, int64(n.index), 0)
	if n.ppm = signed(drift.v, w.plan.Drift); n.ppm != 0 {
		w.wrong(drift, "the steady clock of %s is fast by %d in a million", n.id, n.ppm)
	}
	if w.plan.Jump == 0 {
		return
	}
	if n.wall = wrongBy(wall.v); n.wall != 0 {
		w.wrong(wall, "the calendar of %s is wrong by %v", n.id, brief(n.wall))
	}
	w.planJump(n, 1)
}

// planJump plans the jump of a slot of time, and the plan of the next slot.
func (w *World) planJump(n *Node, k int32) {
	from := graph.Time(k) * graph.Time(w.plan.Jump)
	v := w.choices.at(siteWall, int64(n.index), uint64(k))
	if at := from.Add(time.Duration(below(mix(v), uint64(w.plan.Jump)))); at < w.heal-1 {
		w.queue.push(at, doJump, n.index, k)
	}
}

func (w *World) jump(n *Node, k int32) {
	if d := w.choose(siteWall, int64(n.index), uint64(k)); d.v != 0 {
		n.wall = wrongBy(d.v)
		w.count(clockJumps)
		w.trace.add(uint64(n.wall))
		w.wrong(d, "the calendar of %s jumps to %s", n.id, n.Wall().Format(time.DateTime))
		w.on(n, "calendar jumps", "the calendar of %s jumps to %s", n.id, n.Wall().Format(time.DateTime))
	}
	w.planJump(n, k+1)
}
