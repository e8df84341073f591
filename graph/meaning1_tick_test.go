package graph

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestMeaning1_Tick(t *testing.T) {
	t.Run("one event at a time from the inbox", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, through[int](&l, "x")(v))
		n := newWorld(t).start(g, "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		ask[int, int](n, "a", 2, time.Second)
		want(t, "Next", n.in.Next(), true)
		want(t, "after one Next", l.take(), "x")
		want(t, "Next", n.in.Next(), true)
		want(t, "after two", l.take(), "x")
		want(t, "Next", n.in.Next(), false)
	})

	t.Run("lowest recording index first", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "a")
		b := through[int](&l, "b")(v)
		c := through[int](&l, "c")(v)
		see[int](&l, "d")(c)
		e := through[int](&l, "e")(b)
		Reply(in, through[int](&l, "f")(e))
		n := newWorld(t).start(g, "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "order", l.take(), "b c d=1 e f")
	})

	t.Run("more steps than a word of the ready list", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "a")
		for range 150 {
			v = through[int](&l, "x")(v)
		}
		Reply(in, v)
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, int](n, "a", 7, time.Second)
		n.run()
		want(t, "steps", len(l), 150)
		want(t, "answer", a.v, 7)
	})

	t.Run("changes and sends are committed together", func(t *testing.T) {
		g, r := one()
		other := Param[Peer](r, "other")
		table := Table(r, "t", self, Capacity(8))
		table.Expose()
		in, v := askOf(r, "a")
		Send(put(v, table), other, r, OneWay[int]("m", MaxRequest(8)), Anyone)
		var n *node
		before := ""
		look := Op1(testOps, "look", 1, func(_ *Tick, v int) (int, error) {
			before = fmt.Sprint(len(n.w.sent), FeedOf[int, int](n.in, "t").Get().Len())
			return v, nil
		})
		Reply(in, look(v))
		n = newWorld(t).start(readAll(g), "r", "n", Bind("other", Peer("o")))
		ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "sent and published before the commit", before, "0 0")
		want(t, "after it", fmt.Sprint(len(n.w.sent), FeedOf[int, int](n.in, "t").Get().Len()), "1 1")
	})

	// A tick that fails: it put a row, sent a message and called, then a step fails and nobody reads its failure port.
	failed := func(t *testing.T) (n *node, a *answer[int]) {
		g, r := one()
		other := Param[Peer](r, "other")
		table := Table(r, "t", self, Capacity(8))
		in, v := askOf(r, "a")
		w := put(v, table)
		Send(w, other, r, OneWay[int]("m", MaxRequest(8)), Anyone)
		called, _ := Call(w, other, r, Exchange[int, int]("x", MaxRequest(8), MaxReply(8)), time.Second, Anyone)
		Reply(called, plain1(called))
		Reply(in, failing[int]("bad", errors.New("it rains"))(w))
		n = newWorld(t).start(readAll(g), "r", "n", Bind("other", Peer("o")))
		a = ask[int, int](n, "a", 1, time.Second)
		n.run()
		return n, a
	}
	t.Run("a failed tick undoes its table changes", func(t *testing.T) {
		n, _ := failed(t)
		want(t, "rows", rows(n, 0), "[]")
	})
	t.Run("and drops its sends", func(t *testing.T) {
		n, _ := failed(t)
		want(t, "sent", len(n.w.sent), 0)
	})
	t.Run("its event is consumed and its activation ended", func(t *testing.T) {
		n, _ := failed(t)
		want(t, "Next", n.in.Next(), false)
		n.quiet(t)
	})
	t.Run("the caller is answered with one error", func(t *testing.T) {
		_, a := failed(t)
		want(t, "answers", a.n, 1)
		want(t, "error", a.err.Error(), "t.bad: local: it rains")
	})
	t.Run("counted by op and reason", func(t *testing.T) {
		n, _ := failed(t)
		for _, s := range n.in.Counters().Steps {
			if s.Name == "t.bad" {
				want(t, "count", fmt.Sprint(s.Fired, s.Failed), "1 [{local 1}]")
			}
		}
	})

	t.Run("steps that were ready in it do not fire in the next", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "a")
		small, large := Branch(testOps, "small", 1, func(_ *Tick, v int) (int, bool, error) { return v, v < 10, nil })(v)
		failing[int]("bad", errors.New("it rains"))(small)
		see[int](&l, "after")(small)
		Reply(in, large)
		n := newWorld(t).start(readAll(g), "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		ask[int, int](n, "a", 20, time.Second)
		n.run()
		want(t, "fired", l.take(), "")
	})

	t.Run("its open calls are cancelled", func(t *testing.T) {
		// The first call of the activation is open when the answer of the second brings on a step that fails.
		g := New("two", 1)
		c, s := g.Role("c"), g.Role("s")
		to := Param[Peer](c, "to")
		in, v := askOf(c, "a")
		i1, slow := Call(v, to, s, Exchange[int, int]("slow", MaxRequest(8), MaxReply(8)), time.Minute, Anyone)
		Reply(i1, valueOf(i1))
		i2, quick := Call(v, to, s, Exchange[int, int]("quick", MaxRequest(8), MaxReply(8)), time.Minute, Anyone)
		Reply(i2, valueOf(i2))
		Reply(in, slow)
		failing[int]("bad", errors.New("no"))(quick)
		n := newWorld(t).start(readAll(g), "c", "n", Bind("to", Peer("s")))
		a := ask[int, int](n, "a", 1, time.Minute)
		n.run()
		n.w.sent = nil
		n.in.Deliver(Message{Kind: ReplyMsg, Channel: "quick", Peer: "s", Call: 2, Payload: []byte{1}})
		n.run()
		want(t, "sent", fmt.Sprint(len(n.w.sent), n.w.sent[0].Kind == CancelMsg, n.w.sent[0].Call), "1 true 1")
		want(t, "answers", a.n, 1)
		n.quiet(t)
	})

	t.Run("a resumption is a tick of its own and cells are read again", func(t *testing.T) {
		g := New("again", 1)
		c, s := g.Role("c"), g.Role("s")
		to := Param[Peer](c, "to")
		row := Row[int](c, "row")
		in, v := askOf(c, "a")
		read := Op2(testOps, "read", 1, func(_ *Tick, _, cell int) (int, error) { return cell, nil })
		got, answer := Call(read(v, row.Cell()), to, s, Exchange[int, int]("x", MaxRequest(8), MaxReply(8)), time.Minute, Anyone)
		Reply(got, valueOf(got))
		Reply(in, read(answer, row.Cell()))
		set, sv := askOf(c, "set")
		Reply(set, Op2(testOps, "set", 1, func(_ *Tick, v int, row *One[int]) (int, error) { return v, row.Set(v) })(sv, row))
		n := newWorld(t).start(g, "c", "n", Bind("to", Peer("s")))
		a := ask[int, int](n, "a", 1, time.Minute)
		n.run()
		ask[int, int](n, "set", 5, time.Minute)
		n.run()
		n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 1, Payload: []byte{0}})
		n.run()
		want(t, "the cell after the suspension", a.v, 5)
		want(t, "ticks", n.in.Counters().Ticks, uint64(3))
	})

	t.Run("at one instant arrivals then timeouts then expiries then timers", func(t *testing.T) {
		g := New("order", 1)
		c, s := g.Role("c"), g.Role("s")
		to := Param[Peer](c, "to")
		late := Table(c, "late", self, Capacity(8))
		early := Table(c, "early", self, Capacity(8))
		in, v := askOf(c, "a")
		second := Op3(testOps, "put", 1, func(_ *Tick, v int, a, b *Rows[int, int]) (int, error) {
			return v, errors.Join(a.Put(v, time.Second), b.Put(v, time.Second))
		})
		got, answer := Call(second(v, late, early), to, s, Exchange[int, int]("x", MaxRequest(8), MaxReply(8)), time.Second, Anyone)
		Reply(got, valueOf(got))
		Reply(in, answer)
		for i := range 2 {
			var l trace
			see[Time](&l, fmt.Sprint("timer", i))(Timer(c, fmt.Sprint("timer", i), Const(c, time.Second), false,
				func(x *Tick, d time.Duration) (Time, bool) { return x.Now().Add(d), true }))
		}
		w := newWorld(t)
		n := w.start(g, "c", "n", Bind("to", Peer("s")))
		ask[int, int](n, "a", 1, time.Minute)
		ask[int, int](n, "a", 2, time.Minute)
		n.run()
		n.log = nil
		w.step(time.Second)
		ask[int, int](n, "a", 3, time.Minute)
		n.run()
		var kinds trace
		for _, line := range n.log {
			var kind, origin string
			_, _ = fmt.Sscan(line, &kind, &origin)
			kinds.add("%s:%s", kind, origin)
		}
		want(t, "order", kinds.take(), "ask:ask timeout:call timeout:call expiry:late expiry:late expiry:early expiry:early timer:timer0 timer:timer1")
	})

	t.Run("what became due first goes first", func(t *testing.T) {
		g, r := one()
		var l trace
		see[Time](&l, "timer")(Timer(r, "timer", Const(r, time.Second), false, func(x *Tick, d time.Duration) (Time, bool) { return x.Now().Add(d), true }))
		in, v := askOf(r, "a")
		Reply(in, through[int](&l, "ask")(v))
		w := newWorld(t)
		n := w.start(g, "r", "n")
		w.step(2 * time.Second) // nobody was there when the timer was due
		ask[int, int](n, "a", 1, time.Minute)
		n.run()
		want(t, "order", l.take()[:6], "timer=")
	})
}
