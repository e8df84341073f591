package graph

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// dueRow is a timer that a row of times sets, whose activation does what the test wants; the ask "set" writes the row.
func dueRow(do func(due Wire[Time], row *RowOf[Time])) *Graph {
	g, r := one()
	row := Row[Time](r, "row")
	do(Timer(r, "due", row.Cell(), false, func(_ *Tick, at Time) (Time, bool) { return at, at != 0 }), row)
	in := Ask[Time, int](r, "set")
	Reply(in, Op2(testOps, "set", 1, func(_ *Tick, at Time, row *One[Time]) (int, error) { return 0, row.Set(at) })(valueOf(in), row))
	return g
}

func TestMeaning4_Suspension(t *testing.T) {
	t.Run("a call ends at its deadline and the callee gets a hint", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(pair(5*time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](n, "go", 1, time.Minute)
		n.run()
		at, _ := n.in.Deadline()
		want(t, "deadline", at, w.now.Add(5*time.Second))
		w.sent = nil
		w.step(5*time.Second - 1)
		want(t, "too early", n.run(), 0)
		w.step(1)
		n.run()
		want(t, "reason", a.reason(), Timeout)
		want(t, "hint", fmt.Sprint(w.sent[0].Kind == CancelMsg, w.sent[0].Call), "true 1")
		n.quiet(t)
	})

	t.Run("a message carries the time that remains", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(pair(5*time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		ask[int, int](n, "go", 1, 3*time.Second) // the activation's deadline is less
		w.step(time.Second)                      // in the queue
		n.run()
		want(t, "remaining", w.sent[0].Remaining, 2*time.Second)
	})

	t.Run("the callee subtracts what it spent in its queue", func(t *testing.T) {
		w := newWorld(t)
		var left time.Duration
		s := w.start(pair(time.Second, func(in Wire[*Request[int, int]]) In[int] {
			return Op1(testOps, "left", 1, func(x *Tick, r *Request[int, int]) (int, error) {
				left, _ = x.Remaining()
				return 0, nil
			})(in)
		}), "server", "s")
		s.in.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: "c", Call: 1, Remaining: 3 * time.Second, Payload: []byte{1}})
		w.step(time.Second)
		s.run()
		want(t, "left", left, 2*time.Second)
	})

	t.Run("an event past its deadline is refused before it fires", func(t *testing.T) {
		w := newWorld(t)
		s := w.start(pair(time.Second, plain1), "server", "s")
		s.in.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: "c", Call: 1, Remaining: time.Second, Payload: []byte{1}})
		w.step(time.Second)
		s.run()
		want(t, "fired", len(s.log), 0)
		want(t, "answer", w.sent[0].Reason, Expired)
		s.quiet(t)
		if f := s.in.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: "c", Call: 2, Remaining: -1, Payload: []byte{1}}); f == nil || f.Reason != Expired {
			t.Errorf("no time left when it arrives: %v", f)
		}
		c := w.start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](c, "go", 1, time.Second)
		w.step(time.Second)
		c.run()
		want(t, "ask", a.reason(), Expired)
		c.quiet(t)
	})

	t.Run("cancel is a hint: what the callee committed stands", func(t *testing.T) {
		g := New("chain", 1)
		c, m, e := g.Role("c"), g.Role("m"), g.Role("e")
		to, on := Param[Peer](c, "to"), Param[Peer](m, "on")
		table := Table(m, "t", self, Capacity(8))
		in, v := askOf(c, "go")
		got, answer := Call(v, to, m, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Second, Anyone)
		far, back := Call(put(valueOf(got), table), on, e, Exchange[int, int]("y", MaxRequest(16), MaxReply(16)), time.Hour, Anyone)
		Reply(far, valueOf(far))
		Reply(got, back)
		Reply(in, answer)
		w := newWorld(t)
		n := w.start(g, "c", "c", Bind("to", Peer("m")))
		mid := w.start(g, "m", "m", Bind("on", Peer("e")))
		a := ask[int, int](n, "go", 7, time.Minute)
		w.settle()
		w.pass(time.Second)
		want(t, "caller", a.reason(), Timeout)
		want(t, "row", rows(mid, 0), "[7]")
		mid.quiet(t)
		n.quiet(t)
	})

	t.Run("late answers are dropped and counted", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](n, "go", 1, time.Minute)
		n.run()
		w.step(2 * time.Second)
		n.run()
		f := n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 1, Payload: []byte{1}})
		want(t, "refused", f.Reason, Expired)
		want(t, "late", n.in.Counters().Late, uint64(1))
		want(t, "answers", a.n, 1)
		// One that is in the queue when the timeout, which was due before it, is taken.
		ask[int, int](n, "go", 1, time.Minute)
		n.run()
		w.step(2 * time.Second)
		if f := n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 2, Payload: []byte{1}}); f != nil {
			t.Error(f)
		}
		n.run()
		want(t, "late", n.in.Counters().Late, uint64(2))
		n.quiet(t)
	})

	t.Run("an answer of another peer is no answer", func(t *testing.T) {
		n := newWorld(t).start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](n, "go", 1, time.Minute)
		n.run()
		if f := n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "mallory", Call: 1, Payload: []byte{1}}); f == nil {
			t.Error("taken")
		}
		n.run()
		want(t, "answers", a.n, 0)
	})

	t.Run("Due fires once for each commit that writes its cell", func(t *testing.T) {
		var l trace
		w := newWorld(t)
		n := w.start(dueRow(func(due Wire[Time], _ *RowOf[Time]) { see[Time](&l, "due")(due) }), "r", "n")
		set := func(at Time) { ask[Time, int](n, "set", at, time.Minute); n.run() }
		set(w.now.Add(time.Second))
		set(w.now.Add(2 * time.Second)) // the later write counts
		w.pass(time.Minute)
		want(t, "fired", len(l), 1)
		set(w.now.Add(time.Second))
		w.pass(time.Minute)
		want(t, "fired", len(l), 2)
		set(0) // not now
		w.pass(time.Minute)
		want(t, "fired", len(l), 2)
		set(1) // long past: at once
		want(t, "fired", len(l), 3)
	})

	t.Run("armed again after 1 s doubling to a minute when its activation fails", func(t *testing.T) {
		w := newWorld(t)
		var at []time.Duration
		start := w.now
		fail := true
		n := w.start(dueRow(func(due Wire[Time], _ *RowOf[Time]) {
			Op1(testOps, "bad", 1, func(x *Tick, _ Time) (Done, error) {
				at = append(at, x.Now().Sub(start)/time.Second)
				if fail {
					return Done{}, errors.New("no")
				}
				return Done{}, nil
			})(due)
		}), "r", "n")
		ask[Time, int](n, "set", w.now.Add(10*time.Second), time.Minute)
		w.pass(250 * time.Second)
		want(t, "fired at", fmt.Sprint(at), fmt.Sprint([]time.Duration{10, 11, 13, 17, 25, 41, 73, 133, 193}))
		fail = false
		w.pass(time.Hour)
		want(t, "fired", len(at), 10)
		// The backoff begins anew after a success.
		fail, start, at = true, w.now, nil
		ask[Time, int](n, "set", w.now.Add(time.Second), time.Minute)
		w.pass(5 * time.Second)
		want(t, "fired at", fmt.Sprint(at), fmt.Sprint([]time.Duration{1, 2, 4}))
	})

	t.Run("a repeating timer that fails goes on", func(t *testing.T) {
		w := newWorld(t)
		g, r := one()
		fired := 0
		every := Timer(r, "every", Const(r, time.Minute), true, func(x *Tick, d time.Duration) (Time, bool) { return x.Now().Add(d), true })
		Op1(testOps, "once", 1, func(*Tick, Time) (Done, error) {
			if fired++; fired == 1 {
				return Done{}, errors.New("no")
			}
			return Done{}, nil
		})(every)
		w.start(g, "r", "n")
		w.pass(time.Minute)
		want(t, "fired", fired, 1)
		w.pass(time.Second)
		want(t, "tried again", fired, 2)
		w.pass(10 * time.Minute)
		want(t, "and every minute", fired, 12)
	})

	t.Run("a failure does not take the place of a later time", func(t *testing.T) {
		// The activation of the first time is suspended when the row is written again, for later; then it fails.
		w := newWorld(t)
		g := New("two", 1)
		c, s := g.Role("c"), g.Role("s")
		to, row := Param[Peer](c, "to"), Row[Time](c, "row")
		fired := 0
		due := Timer(c, "due", row.Cell(), false, func(_ *Tick, at Time) (Time, bool) { return at, at != 0 })
		in, _ := Call(Op1(testOps, "begin", 1, func(*Tick, Time) (int, error) { fired++; return 0, nil })(due), to, s,
			Exchange[int, int]("x", MaxRequest(8), MaxReply(8)), 5*time.Second, Anyone)
		Reply(in, valueOf(in))
		set := Ask[Time, int](c, "set")
		Reply(set, Op2(testOps, "set", 1, func(_ *Tick, at Time, row *One[Time]) (int, error) { return 0, row.Set(at) })(valueOf(set), row))
		n := w.start(g, "c", "n", Bind("to", Peer("s")))
		ask[Time, int](n, "set", w.now.Add(time.Second), time.Minute)
		w.pass(time.Second)
		ask[Time, int](n, "set", w.now.Add(time.Hour), time.Minute)
		n.run()
		for range 20 { // the server is there again after the first failure
			w.pass(time.Second)
			if fired == 2 {
				n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 2, Payload: []byte{0}})
			}
		}
		want(t, "tried again once", fired, 2)
		w.pass(time.Hour)
		if fired < 3 {
			t.Errorf("the time that was written later never came: %d", fired)
		}
	})

	t.Run("a timer that is always due does not silence the rest", func(t *testing.T) {
		w := newWorld(t)
		g, r := one()
		fired := 0
		Op1(testOps, "count", 1, func(*Tick, Time) (Done, error) { fired++; return Done{}, nil })(
			Timer(r, "always", Const(r, Time(1)), true, func(_ *Tick, at Time) (Time, bool) { return at, true }))
		in, v := askOf(r, "a")
		Reply(in, v)
		n := w.start(g, "r", "n")
		n.run()
		a := ask[int, int](n, "a", 1, time.Minute)
		n.run()
		want(t, "answered", a.n, 1)
		want(t, "once an instant", fired, 1)
		w.step(1)
		n.run()
		want(t, "and at the next", fired, 2)
	})
}
