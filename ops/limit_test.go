package ops_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
	"github.com/merograph/merograph/ops"
)

func TestDedupe(t *testing.T) {
	rig := func(more ...graph.TableOption) *rig {
		g := newRig(t)
		fresh, again := ops.Dedupe(g.r, "seen", g.in("a"), key, time.Minute, 2, more...)
		out(g, "fresh", fresh)
		out(g, "again", again)
		return g.start()
	}
	g := rig()
	g.say("a", "x", 1)
	g.say("a", "y", 1)
	g.pass(59 * time.Second)
	g.say("a", "x", 2) // does not prolong the window
	wantWhy(t, "overflow", g.say("a", "z", 1), graph.Busy)
	g.pass(time.Second)
	g.say("a", "x", 3)
	g.want("fresh x1", "fresh y1", "again x2", "fresh x3")
	wantWhy(t, "a tick that fails has seen nothing", g.say("a", "q", -1), graph.Denied)
	g.say("a", "q", 1)
	g.want("fresh q-1", "fresh q1")

	g = rig(graph.EvictOldest())
	for _, k := range []string{"x", "y", "z", "x"} {
		g.say("a", k, 1)
	}
	g.want("fresh x1", "fresh y1", "fresh z1", "fresh x1")
}

func TestLimitRate(t *testing.T) {
	g := newRig(t)
	in := g.in("a")
	through, over := ops.LimitRateBy(g.r, "rate", in, key, time.Second, 3, 2)
	out(g, "+", through)
	out(g, "-", over)
	g.start()
	for v := range 4 {
		g.say("a", "x", v)
	}
	g.say("a", "y", 0)
	g.want("+ x0", "+ x1", "+ x2", "- x3", "+ y0")
	wantWhy(t, "no room for a third key", g.say("a", "z", 0), graph.Busy)
	g.pass(1500 * time.Millisecond) // one more, and half of the next
	g.say("a", "x", 4)
	g.say("a", "x", 5)
	g.pass(500 * time.Millisecond)
	g.say("a", "x", 6)
	g.want("+ x4", "- x5", "+ x6")
	wantWhy(t, "y's allowance is whole, so its row has gone", g.say("a", "z", 0), graph.None)
	g.want("+ z0")
	g.pass(time.Hour)
	g.wantRows("rate", 0)
	for v := range 4 {
		g.say("a", "x", -v-1) // each uses nothing up
	}
	g.got = nil
	for v := range 4 {
		g.say("a", "x", v)
	}
	g.want("+ x0", "+ x1", "+ x2", "- x3")
}

func TestLimitConcurrency(t *testing.T) {
	slow := graph.Exchange[ev, ev]("slow", graph.MaxRequest(64), graph.MaxReply(64))
	g := newRig(t)
	c := ops.LimitConcurrency(g.r, "permits", g.in("a"), 2, 10*time.Second)
	out(g, "over", c.Over)
	in, answer := graph.Call(ops.Map("value", c.Through, func(p ops.Permit[ev]) ev { return p.Value }), graph.Const(g.r, graph.Peer("far")), g.g.Role("far"), slow, 5*time.Second, graph.Anyone)
	graph.Reply(in, ops.Value(in))
	// What has an odd number is forgotten when it comes back: nobody releases it.
	even, odd := ops.Split("even", answer, func(e ev) bool { return e.V%2 == 0 })
	out(g, "done", ops.Release(c, even))
	out(g, "kept", odd)
	out(g, "failed", ops.Map("why", ops.Release(c, answer.Failed()), func(f graph.Failure) graph.Reason { return f.Reason }))
	g.start()
	var asked []graph.Message
	g.w.Stranger("far", func(m graph.Message) []graph.Message {
		if m.Kind == graph.RequestMsg {
			asked = append(asked, m)
		}
		return nil
	})
	say := func(v int) { g.submit("a", "x", v, func(error) {}); g.w.Settle() }
	answerWith := func(m graph.Message, v int) {
		for _, back := range graphtest.Reply(m, ev{"x", v}) {
			back.Peer = "far"
			if f := g.n.Instance.Deliver(back); f != nil {
				t.Fatal(f)
			}
		}
		g.w.Settle()
	}

	say(2)
	say(4)
	say(6)
	g.want("over x6")
	answerWith(asked[0], 2)
	say(8)
	g.want("done x2")
	g.wantRows("permits", 2)
	g.pass(5 * time.Second) // the two calls end, and their permits with them
	g.want("failed timeout", "failed timeout")
	g.wantRows("permits", 0)

	say(1)
	say(3)
	answerWith(asked[3], 1)
	answerWith(asked[4], 3)
	say(10)
	g.want("kept x1", "kept x3", "over x10")
	g.pass(10 * time.Second) // the lease of what nobody gave back ends
	g.wantRows("permits", 0)
	say(-2) // a tick that fails holds no permit
	g.wantRows("permits", 0)
	say(12)
	say(14)
	say(16)
	g.want("over x16")
}

func TestAfter(t *testing.T) {
	g := newRig(t)
	a := ops.After(g.r, "later", g.in("a"), time.Second, 3)
	out(g, "later", a.Out)
	g.start()
	g.say("a", "x", 1)
	g.say("a", "x", 1)
	g.pass(500 * time.Millisecond)
	wantWhy(t, "a tick that fails", g.say("a", "x", -9), graph.Denied)
	g.say("a", "y", 2)
	wantWhy(t, "overflow", g.say("a", "z", 3), graph.Busy)
	g.want()
	g.pass(500 * time.Millisecond)
	g.want("later x1", "later x1")
	g.say("a", "z", 3)
	g.pass(500 * time.Millisecond)
	g.want("later y2")
	g.pass(time.Hour)
	g.want("later z3")
}

func TestOnceFiresAgainAfterAFailure(t *testing.T) {
	g := newRig(t)
	tries := 0
	graph.Op1(kit, "twice", 1, func(*graph.Tick, graph.Time) (graph.Done, error) {
		if tries++; tries < 3 {
			return graph.Done{}, fmt.Errorf("not yet")
		}
		return graph.Done{}, nil
	})(ops.Once(g.r, 10*time.Second, 2*time.Second))
	g.start()
	g.pass(7 * time.Second)
	if tries != 0 {
		t.Errorf("it fired %d times before its time", tries)
	}
	g.pass(time.Hour)
	if tries != 3 {
		t.Errorf("it fired %d times, want 3", tries)
	}
}

func TestRepeats(t *testing.T) {
	work := graph.Exchange[int, int]("work", graph.MaxRequest(64), graph.MaxReply(64))
	g := graph.New("work", 1)
	client, server := g.Role("client"), g.Role("server")
	ask := graph.Ask[int, int](client, "go")
	in, answer := graph.Call(ops.Value(ask), graph.Const(client, graph.Peer("s")), server, work, time.Second, graph.Anyone)
	graph.Reply(ask, answer)
	done := 0
	p := ops.Repeats(server, "calls", in, time.Minute, 2)
	n := graph.Op1(kit, "work", 1, func(_ *graph.Tick, r *graph.Request[int, int]) (int, error) {
		if done++; r.Value < 0 {
			return 0, graph.Fail(graph.Denied, "no")
		}
		return r.Value * 2, nil
	})(p.Fresh)
	graph.Reply(in, graph.Merge(ops.Remember(p, n), p.Again))
	w := graphtest.New(t)
	s := w.Start(g, "server", "s")
	say := func(from graph.Peer, once uint64, v, wantDone int, want graph.Reason) {
		t.Helper()
		why := graph.Timeout
		w.Stranger(from, func(m graph.Message) []graph.Message {
			why = m.Reason
			return nil
		})
		if f := s.Instance.Deliver(graph.Message{Kind: graph.RequestMsg, Channel: "work", Peer: from, Call: uint64(len(w.Sent)) + 100, Once: once, Remaining: time.Second, Payload: graphtest.Encode(v)}); f != nil {
			t.Fatal(f)
		}
		w.Settle()
		if why != want || done != wantDone {
			t.Errorf("%s's %d, call %d: %v after %d times work, want %v after %d", from, v, once, why, done, want, wantDone)
		}
	}
	say("a", 7, 1, 1, graph.None)
	say("a", 7, 1, 1, graph.None)    // another attempt
	say("b", 7, 1, 2, graph.None)    // the keys of two callers are apart
	say("a", 0, 1, 3, graph.None)    // made without Retry: always work
	say("a", 0, 1, 4, graph.None)    //
	say("a", 8, 1, 4, graph.Busy)    // no room
	w.Pass(time.Minute)              //
	say("a", 7, 1, 5, graph.None)    // the window has ended
	say("a", 9, -1, 6, graph.Denied) // a tick that fails has seen nothing
	say("a", 9, -1, 7, graph.Denied)
}

func TestRepeatsWhileTheFirstIsOpen(t *testing.T) {
	work := graph.Exchange[int, int]("work", graph.MaxRequest(64), graph.MaxReply(64))
	far := graph.Exchange[int, int]("far", graph.MaxRequest(64), graph.MaxReply(64))
	g := graph.New("work", 1)
	client, server, other := g.Role("client"), g.Role("server"), g.Role("other")
	ask := graph.Ask[int, int](client, "go")
	in, answer := graph.Call(ops.Value(ask), graph.Const(client, graph.Peer("s")), server, work, time.Second, graph.Anyone, graph.Retry(4, time.Second, time.Second))
	graph.Reply(ask, answer)
	p := ops.Repeats(server, "calls", in, time.Minute, 2)
	at, got := graph.Call(ops.Value(p.Fresh), graph.Const(server, graph.Peer("o")), other, far, 10*time.Second, graph.Anyone)
	graph.Reply(at, ops.Value(at))
	graph.Reply(in, graph.Merge(ops.Remember(p, got), p.Again))
	w := graphtest.New(t)
	w.Start(g, "server", "s")
	c := w.Start(g, "client", "c")
	asked := 0
	w.Stranger("o", func(m graph.Message) []graph.Message {
		if m.Kind != graph.RequestMsg {
			return nil
		}
		asked++
		return nil
	})
	var why graph.Reason
	graph.Submit(c.Instance, "go", 1, time.Minute, func(_ int, err error) { why = graph.ReasonOf(err) })
	w.Pass(30 * time.Second)
	if asked != 1 || why != graph.Busy {
		t.Errorf("the work was asked for %d times, the caller was told %v", asked, why)
	}
}

func TestTableOpsTakeNothingWhenTheTickFails(t *testing.T) {
	g := newRig(t)
	words := graph.Table(g.r, "words", key, graph.Capacity(4))
	last := graph.Row[ev](g.r, "last")
	counts := ops.Tallies(g.r, "counts", 4)
	journal := ops.NewJournal(g.r, "journal", 4)
	in := g.in("put")
	ops.Log(ops.Count(ops.Set(ops.Put(in, words, time.Minute), last), counts, "puts"), journal, ev.String)
	drop := g.in("drop")
	ops.Remove(ops.Map("key", drop, key), words)
	ops.Clear(drop, last)
	touch := g.in("touch")
	ops.Refresh(ops.Map("key", touch, key), words, time.Hour)
	g.start()
	sizes := func(want string) {
		t.Helper()
		i := g.n.Instance
		tally, _ := graph.FeedOf[string, ops.Tally](i, "counts").Get().Get("puts")
		lines := ""
		for _, e := range graph.FeedOf[uint64, ops.Entry](i, "journal").Get().All() {
			lines += fmt.Sprint(" ", e.N, e.V.Text)
		}
		if got := fmt.Sprint(graph.SizeOf(i, "words"), graph.SizeOf(i, "last"), tally.N, lines); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	g.say("put", "x", -1)
	sizes("0 0 0")
	g.say("put", "x", 1)
	g.say("put", "y", -2)
	g.say("put", "y", 3)
	sizes("2 1 2 1x1 2y3")
	g.say("drop", "x", -1)
	sizes("2 1 2 1x1 2y3")
	g.say("touch", "y", -1)
	g.say("drop", "x", 1)
	sizes("1 0 2 1x1 2y3")
	g.pass(time.Minute)
	sizes("0 0 2 1x1 2y3")
}
