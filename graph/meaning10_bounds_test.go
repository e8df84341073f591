package graph

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestMeaning10_Bounds(t *testing.T) {
	send := func(n *node, from Peer, call uint64, size int) *Failure {
		p := []byte{1}
		if size > 1 {
			p = make([]byte, size)
		}
		return n.in.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: from, Call: call, Remaining: time.Hour, Payload: p})
	}
	// held is a server that asks a third before it answers, so that its activations stay.
	held := func(t *testing.T, b Bounds, opts ...ChannelOption) *node {
		g := New("held", 1)
		c, s, e := g.Role("c"), g.Role("s"), g.Role("e")
		to, on := Param[Peer](c, "to"), Param[Peer](s, "on")
		in, v := askOf(c, "go")
		got, answer := Call(v, to, s, Exchange[int, int]("x", append(opts, MaxRequest(16), MaxReply(16))...), time.Hour, Anyone)
		far, back := Call(valueOf(got), on, e, Exchange[int, int]("y", MaxRequest(16), MaxReply(16)), time.Hour, Anyone)
		Reply(far, valueOf(far))
		Reply(got, back)
		Reply(in, answer)
		own, ov := askOf(s, "own")
		far2, back2 := Call(ov, on, e, Exchange[int, int]("z", MaxRequest(16), MaxReply(16)), time.Hour, Anyone)
		Reply(far2, valueOf(far2))
		Reply(own, back2)
		return newWorld(t).start(g, "s", "s", Bind("on", Peer("e")), Bound(b))
	}
	reply := func(n *node, call uint64) *Failure {
		return n.in.Deliver(Message{Kind: ReplyMsg, Channel: "y", Peer: "e", Call: call, Payload: []byte{1}})
	}

	t.Run("one peer may use an eighth of what is meant for outside work", func(t *testing.T) {
		n := held(t, Bounds{Outside: 80})
		for i := range 10 {
			if f := send(n, "a", uint64(i), 1); f != nil {
				t.Fatal(i, f)
			}
		}
		f := send(n, "a", 10, 1)
		want(t, "the eleventh", fmt.Sprint(f.Reason, f.RetryAfter > 0), "busy true")
		want(t, "another peer", send(n, "b", 1, 1) == nil, true)
		n.run() // suspended, still being worked on
		want(t, "while it is worked on", send(n, "a", 11, 1) == nil, false)
		reply(n, 1)
		n.run()
		want(t, "after one has ended", send(n, "a", 12, 1) == nil, true)
	})
	t.Run("and an eighth of the bytes or one message of the greatest size", func(t *testing.T) {
		n := held(t, Bounds{OutsideBytes: 8 * 20})
		want(t, "16 bytes", send(n, "a", 1, 16) == nil, true)
		want(t, "16 more", send(n, "a", 2, 16).Reason, Busy)
		n = held(t, Bounds{OutsideBytes: 8})
		want(t, "the greatest size", send(n, "a", 1, 16) == nil, true)
		want(t, "another peer", send(n, "b", 1, 1).Reason, Busy)
	})
	t.Run("over a bound outside work is refused with busy and a time", func(t *testing.T) {
		n := held(t, Bounds{Outside: 8})
		for i := range 8 {
			if f := send(n, Peer(fmt.Sprint("p", i)), 1, 1); f != nil {
				t.Fatal(f)
			}
		}
		f := send(n, "late", 1, 1)
		want(t, "refused", fmt.Sprint(f.Reason, f.RetryAfter), "busy 1s")
		want(t, "counted", fmt.Sprint(n.in.Refused()), "[{x busy 1}]")
	})
	t.Run("a message says whether it is the node's own or relayed", func(t *testing.T) {
		n := held(t, Bounds{})
		send(n, "a", 1, 1)
		n.run()
		ask[int, int](n, "own", 1, time.Minute)
		n.run()
		var said []string
		for _, m := range n.w.sent {
			said = append(said, fmt.Sprint(m.Channel, m.Relayed))
		}
		want(t, "sent", fmt.Sprint(said), "[ytrue zfalse]")
	})
	t.Run("a rate is kept for each sender and channel", func(t *testing.T) {
		n := held(t, Bounds{}, Rate(2, 3))
		admitted := func(from Peer) (k int) {
			for i := range 10 {
				if send(n, from, uint64(i), 1) == nil {
					k++
				}
			}
			return k
		}
		want(t, "burst", admitted("a"), 3)
		want(t, "another", admitted("b"), 3)
		n.w.step(time.Second)
		want(t, "after a second", admitted("a"), 2)
		n.w.step(time.Hour)
		want(t, "after an hour", admitted("a"), 3)
		f := send(n, "a", 99, 1)
		want(t, "retry", f.RetryAfter, time.Second/2)
	})
	t.Run("what is remembered of rates is bounded", func(t *testing.T) {
		n := held(t, Bounds{Outside: 1 << 20, Activations: 1 << 20}, Rate(1, 1))
		fail := 0
		for i := range mostShares + 10 {
			p := Peer(fmt.Sprint("p", i))
			if send(n, p, 1, 1) != nil {
				fail++
			}
		}
		want(t, "refused", fail, 10)
		n.run()
		for call := range uint64(mostShares) {
			reply(n, call+1)
		}
		n.run()
		n.quiet(t)
		n.w.step(2 * time.Second)
		want(t, "after a rest", send(n, "new", 1, 1) == nil, true)
		want(t, "remembered", len(n.in.box.shares), 1)
	})
	t.Run("requests of the node are bounded until they are answered", func(t *testing.T) {
		n := held(t, Bounds{Own: 2})
		x, y := ask[int, int](n, "own", 1, time.Minute), ask[int, int](n, "own", 1, time.Minute)
		n.run() // both are suspended
		z := ask[int, int](n, "own", 1, time.Minute)
		want(t, "answers", fmt.Sprint(x.n, y.n, z.reason()), "0 0 busy")
		want(t, "retry", ReasonOf(z.err) == Busy && z.err.(*Failure).RetryAfter > 0, true)
		n.w.pass(time.Minute)
		n.quiet(t)
		want(t, "after that", ask[int, int](n, "own", 1, time.Minute).n, 0)
	})
	t.Run("activations are bounded: requests are refused, answers are not", func(t *testing.T) {
		n := held(t, Bounds{Activations: 2})
		for i := range 3 {
			send(n, Peer(fmt.Sprint("p", i)), 1, 1)
		}
		n.run()
		own := ask[int, int](n, "own", 1, time.Minute)
		n.run()
		want(t, "open", n.in.Counters().Activations, 2)
		last := n.w.sent[len(n.w.sent)-1]
		want(t, "refused", fmt.Sprintf("%s %v %v", last.Peer, last.Reason, last.Retry > 0), "p2 busy true")
		want(t, "own", own.reason(), Busy)
		want(t, "answer", reply(n, 1) == nil, true)
		n.run()
		want(t, "open", n.in.Counters().Activations, 1)
	})
	t.Run("timers and changes wait for room and are not lost", func(t *testing.T) {
		var l trace
		g, r := one()
		on := Param[Peer](r, "on")
		table := Table(r, "t", self, Capacity(8))
		in, v := askOf(r, "go")
		far, back := Call(put(v, table), on, r, Exchange[int, int]("y", MaxRequest(16), MaxReply(16)), time.Minute, Anyone)
		Reply(far, valueOf(far))
		Reply(in, back)
		see[Change[int]](&l, "change")(table.Changes())
		see[Time](&l, "timer")(Timer(r, "timer", Const(r, time.Second), false, func(x *Tick, d time.Duration) (Time, bool) { return x.Now().Add(d), true }))
		n := newWorld(t).start(g, "r", "n", Bind("on", Peer("e")), Bound(Bounds{Activations: 1}))
		ask[int, int](n, "go", 1, time.Hour)
		n.run()
		n.w.step(2 * time.Second)
		want(t, "ticks while there is no room", n.run(), 0)
		at, _ := n.in.Deadline()
		want(t, "and none are promised", at > n.w.now, true)
		want(t, "seen", len(l), 0)
		n.in.Deliver(Message{Kind: ReplyMsg, Channel: "y", Peer: "e", Call: 1, Payload: []byte{1}})
		n.run()
		want(t, "seen", len(l), 2)
		n.quiet(t)
	})
	t.Run("a node's own work goes before work of others", func(t *testing.T) {
		g, r := one()
		var l trace
		in, v := askOf(r, "go")
		Reply(in, through[int](&l, "own")(v))
		got, _ := Publish(through[int](&l, "told")(Op1(testOps, "n", 1, func(*Tick, Time) (int, error) { return 0, nil })(
			Timer(r, "never", Const(r, 0), false, func(*Tick, int) (Time, bool) { return 0, false }))), r, Topic[int]("x", MaxRequest(16)), Anyone)
		through[int](&l, "relayed")(received(got))
		n := newWorld(t).start(readAll(g), "r", "n")
		for range 3 {
			n.in.Deliver(Message{Kind: TopicMsg, Channel: "x", Peer: "a", Relay: "b", Payload: []byte{1}})
		}
		ask[int, int](n, "go", 1, time.Minute)
		n.run()
		want(t, "order", l.take(), "own relayed relayed relayed")
		n.quiet(t)
	})
	t.Run("callers honour the time to retry", func(t *testing.T) {
		w := newWorld(t)
		c := w.start(pair(time.Minute, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](c, "go", 1, time.Hour)
		c.run()
		c.in.Deliver(Message{Kind: ErrorMsg, Channel: "x", Peer: "s", Call: 1, Reason: Busy, Retry: 3 * time.Second})
		c.run()
		var f *Failure
		want(t, "busy", errors.As(a.err, &f) && f.RetryAfter == 3*time.Second, true)
		w.sent = nil
		w.step(time.Second)
		b := ask[int, int](c, "go", 1, time.Hour)
		c.run()
		want(t, "not sent", fmt.Sprint(len(w.sent), b.reason(), b.err.(*Failure).RetryAfter), "0 busy 2s")
		w.step(2 * time.Second)
		ask[int, int](c, "go", 1, time.Hour)
		c.run()
		want(t, "sent", len(w.sent), 1)
	})
	t.Run("what is remembered of busy peers is bounded", func(t *testing.T) {
		c := newWorld(t).start(pair(time.Minute, plain1), "client", "c", Bind("to", Peer("s")))
		for i := range 5000 {
			c.in.waitFor(&suspension{peer: Peer(fmt.Sprint(i)), channel: "x"}, &Message{Retry: time.Hour})
		}
		want(t, "peers", len(c.in.busy), 1024)
	})
	t.Run("two full nodes do not block each other", func(t *testing.T) {
		g, r := one()
		to := Param[Peer](r, "to")
		in, v := askOf(r, "go")
		got, answer := Call(v, to, r, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Minute, Anyone)
		Reply(got, plain1(got))
		Reply(in, answer)
		w := newWorld(t)
		small := Bound(Bounds{Outside: 8, Own: 4, Activations: 16})
		a, b := w.start(g, "r", "a", Bind("to", Peer("b")), small), w.start(g, "r", "b", Bind("to", Peer("a")), small)
		var all []*answer_
		for range 20 {
			for range 4 {
				all = append(all, ask[int, int](a, "go", 1, time.Minute), ask[int, int](b, "go", 1, time.Minute))
			}
			w.settle()
			w.pass(2 * time.Second)
		}
		done := 0
		for i, x := range all {
			want(t, fmt.Sprint("answers of ", i), x.n, 1)
			if x.err == nil {
				done++
			}
		}
		if done == 0 {
			t.Error("nothing was done")
		}
		a.quiet(t)
		b.quiet(t)
	})
	t.Run("bytes are zero when all is quiet", func(t *testing.T) {
		n := held(t, Bounds{})
		for i := range 5 {
			send(n, "a", uint64(i), 1)
		}
		want(t, "waiting", n.in.Counters().Bytes, 5)
		n.run()
		want(t, "worked on", n.in.Counters().Bytes, 5)
		for i := range 5 {
			reply(n, uint64(i+1))
		}
		n.run()
		n.quiet(t)
	})
	t.Run("a burst leaves no memory behind", func(t *testing.T) {
		var q fifo[int]
		for i := range 5000 {
			q.push(i)
		}
		for i := range 5000 {
			want(t, "pop", q.pop(), i)
		}
		want(t, "room", cap(q.items), 0)
		// A queue that is never empty does not grow either.
		for i := range 100000 {
			q.push(i)
			if i > 10 {
				q.pop()
			}
		}
		if cap(q.items) > 64 {
			t.Errorf("11 elements take room for %d", cap(q.items))
		}
	})
}

type answer_ = answer[int]
