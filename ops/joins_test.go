package ops_test

import (
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

func zipRig(t testing.TB, capacity int) *rig {
	g := newRig(t)
	z := ops.Zip(g.r, "zip", g.in("a"), key, g.in("b"), key, time.Minute, capacity)
	out(g, "pair", z.Out)
	out(g, "late", z.Late)
	over(g, "over a", z.A)
	return g.start()
}

func TestMeaning5_Zip(t *testing.T) {
	t.Run("two keys side by side, either side first", func(t *testing.T) {
		g := zipRig(t, 8)
		g.say("a", "x", 1)
		g.say("b", "y", 2)
		g.want()
		g.say("a", "y", 3)
		g.say("b", "x", 4)
		g.want("pair {y3 y2}", "pair {x1 x4}")
		g.wantRows("zip", 0)
		g.wantRows("zip-out", 0)
	})
	t.Run("overflow: handled on one side, and failing the tick on the other", func(t *testing.T) {
		g := zipRig(t, 1)
		g.say("a", "x", 1)
		wantWhy(t, "handled", g.say("a", "y", 2), graph.None)
		g.want("over a busy")
		wantWhy(t, "unhandled", g.say("b", "y", 2), graph.Busy)
		wantWhy(t, "a second of the same side", g.say("a", "x", 2), graph.None)
		g.want("over a busy")
		g.say("b", "x", 3)
		g.want("pair {x1 x3}")
	})
	t.Run("a timeout gives the half, and the key begins anew", func(t *testing.T) {
		g := zipRig(t, 8)
		g.say("a", "x", 1)
		g.pass(30 * time.Second)
		g.say("b", "y", 2)
		g.pass(30 * time.Second)
		g.want("late {x1 0 true false}")
		g.say("b", "x", 3)
		g.say("a", "x", 4)
		g.want("pair {x4 x3}")
		g.pass(time.Minute)
		g.want("late {0 y2 false true}")
		g.pass(time.Hour)
		g.want()
	})
	t.Run("a tick that fails has put nothing and paired nothing", func(t *testing.T) {
		g := zipRig(t, 8)
		wantWhy(t, "why", g.say("a", "x", -1), graph.Denied)
		g.say("b", "x", 1)
		g.want()
		wantWhy(t, "why", g.say("a", "x", -2), graph.Denied)
		g.want()
		g.say("a", "x", 2)
		g.want("pair {x2 x1}")
	})
	t.Run("both sides in one tick, while one waits", func(t *testing.T) {
		g := newRig(t)
		in := g.in("both")
		z := ops.Zip(g.r, "zip", in, key, ops.Merge(in), key, time.Minute, 4)
		out(g, "pair", z.Out)
		ops.Ignore(z.Late)
		g.start()
		g.say("both", "x", 1)
		g.want("pair {x1 x1}")
	})
	t.Run("a consumer that fails loses its pair alone", func(t *testing.T) {
		g := newRig(t)
		z := ops.Zip(g.r, "zip", g.in("a"), key, g.in("b"), key, time.Minute, 4)
		ops.Ignore(z.Late)
		out(g, "pair", z.Out)
		finish(ops.Map("a", z.Out, func(p ops.Pair[ev, ev]) ev { return ev{V: p.A.V - 10} }))
		g.start()
		for i := range 100 { // more than the outlet has rows
			g.say("a", "x", 5)
			wantWhy(t, "the giver does not suffer", g.say("b", "x", i), graph.None)
		}
		g.say("a", "x", 11)
		g.say("b", "x", 1)
		if len(g.got) != 101 || len(g.n.Failures) != 100 {
			t.Errorf("%d pairs, %d failures", len(g.got), len(g.n.Failures))
		}
		g.pass(2 * time.Second)
		g.wantRows("zip-out", 0)
	})
}

func TestMeaning5_First(t *testing.T) {
	g := newRig(t)
	both := g.in("both")
	f := ops.First(g.r, "first", key, time.Minute, 2, both, ops.Map("ten more", both, func(e ev) ev { return ev{e.K, e.V + 10} }), g.in("other"))
	out(g, "first", f.Out)
	over(g, "over", f.In[2])
	g.start()

	g.say("both", "x", 1)
	g.want("first x1") // of one tick, the first listed
	g.pass(59 * time.Second)
	g.say("other", "x", 2)
	g.say("other", "y", 3)
	g.want("first y3")
	wantWhy(t, "overflow", g.say("other", "z", 4), graph.None)
	g.want("over busy")
	wantWhy(t, "overflow, unhandled", g.say("both", "z", 4), graph.Busy)
	g.pass(time.Second) // the window began with the first
	g.say("other", "x", 5)
	g.want("first x5")
	g.pass(time.Hour)
	wantWhy(t, "a tick that fails", g.say("both", "x", -1), graph.Denied)
	g.want()
	g.say("other", "x", 6)
	g.want("first x6")
}

func TestMeaning5_Quorum(t *testing.T) {
	rig := func(t *testing.T, voter func(ev) graph.Peer) *rig {
		g := newRig(t)
		q := ops.Quorum(g.r, "votes", 3, key, voter, time.Minute, 2, g.in("a"), g.in("b"))
		out(g, "quorum", q.Out)
		out(g, "late", q.Late)
		over(g, "over", q.In[0])
		return g.start()
	}
	voter := func(e ev) graph.Peer { return graph.Peer(rune('0' + e.V%10)) }

	t.Run("different voters, two keys, later ones ignored until the window ends", func(t *testing.T) {
		g := rig(t, voter)
		for _, v := range []int{1, 11, 1, 2} {
			g.say("a", "x", v)
			g.say("b", "y", v)
		}
		g.want()
		g.say("b", "x", 3)
		g.want("quorum [x1 x2 x3]")
		g.say("b", "x", 4)
		g.pass(59 * time.Second)
		g.say("b", "x", 5)
		g.want()
		g.pass(time.Second)
		g.want("late [y1 y2]")
		for v := range 3 {
			g.say("a", "x", v)
		}
		g.want("quorum [x0 x1 x2]")
	})
	t.Run("without voters each counts", func(t *testing.T) {
		g := rig(t, nil)
		for range 3 {
			g.say("a", "x", 1)
		}
		g.want("quorum [x1 x1 x1]")
	})
	t.Run("overflow", func(t *testing.T) {
		g := rig(t, voter)
		g.say("a", "x", 1)
		g.say("a", "y", 1)
		wantWhy(t, "handled", g.say("a", "z", 1), graph.None)
		wantWhy(t, "unhandled", g.say("b", "z", 1), graph.Busy)
		g.want("over busy")
	})
	t.Run("a tick that fails has no vote, not even the deciding one", func(t *testing.T) {
		g := rig(t, nil)
		g.say("a", "x", 1)
		g.say("a", "x", -1)
		g.say("a", "x", 2)
		g.say("a", "x", -3)
		g.want()
		g.say("a", "x", 3)
		g.want("quorum [x1 x2 x3]")
	})
	t.Run("all in one tick", func(t *testing.T) {
		g := newRig(t)
		in := g.in("all")
		q := ops.Quorum(g.r, "votes", 2, key, nil, time.Minute, 2, in, in, in)
		out(g, "quorum", q.Out)
		out(g, "late", q.Late)
		g.start()
		g.say("all", "x", 1)
		g.want("quorum [x1 x1]")
		g.pass(time.Hour)
		g.want()
	})
}

func TestMeaning5_Latest(t *testing.T) {
	g := newRig(t)
	both := g.in("both")
	n := ops.Latest(g.r, "now", ops.Merge(g.in("a"), both), g.in("b"))
	m := ops.LatestBy(g.r, "by", both, key, ops.Map("ten more", both, func(e ev) ev { return ev{e.K, e.V + 10} }), key, time.Minute, 1)
	out(g, "now", n.Out)
	out(g, "by", m.Out)
	ops.Ignore(m.Late)
	over(g, "over", m.A)
	over(g, "over", m.B)
	g.start()

	g.say("a", "x", 1)
	g.want()
	g.say("b", "y", 2)
	g.want("now {x1 y2}")
	g.say("b", "y", 2)
	g.want()
	g.say("b", "y", -3)
	g.want()
	g.say("a", "x", 4)
	g.want("now {x4 y2}")
	g.pass(time.Hour)
	g.say("both", "z", 5)
	g.want("now {z5 y2}", "by {z5 z15}") // both sides changed in one tick: once
	g.say("both", "q", 6)
	g.want("over busy", "over busy", "now {q6 y2}")
	g.pass(2 * time.Minute)
	g.say("both", "q", 7)
	g.want("now {q7 y2}", "by {q7 q17}")
}

func TestMeaning5_LatestByForgets(t *testing.T) {
	g := newRig(t)
	n := ops.LatestBy(g.r, "by", g.in("a"), key, g.in("b"), key, time.Minute, 4)
	out(g, "now", n.Out)
	out(g, "late", n.Late)
	g.start()
	g.say("a", "x", 1)
	g.pass(59 * time.Second)
	g.say("a", "x", 1) // equal, but it came
	g.pass(59 * time.Second)
	g.say("b", "x", 2)
	g.say("b", "y", 3)
	g.want("now {x1 x2}")
	g.pass(time.Minute)
	g.want("late {0 y3 false true}")
	g.say("b", "x", 4)
	g.want()
}
