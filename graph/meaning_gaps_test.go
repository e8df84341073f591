package graph

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// The tests of this file say what the mutants of testdata/mutants found that no other test said.

func TestMeaning1_OneNow(t *testing.T) {
	w := newWorld(t)
	g, r := one()
	table := Table(r, "t", self, Capacity(8))
	in, v := askOf(r, "a")
	moves := Op1(testOps, "moves", 1, func(x *Tick, v int) (int, error) {
		before := x.Now()
		w.step(time.Second) // the clock of the host goes on
		return int(x.Now() - before), nil
	})
	Reply(in, put(moves(v), table))
	n := w.start(g, "r", "n")
	begin := w.now
	a := ask[int, int](n, "a", 1, time.Minute)
	n.run()
	want(t, "what passed within the tick", fmt.Sprint(a.v, a.err), "0 <nil>")
	expires, _ := n.in.tables[0].(*Rows[int, int]).Expires(0)
	want(t, "a row put after it", expires, begin.Add(time.Minute))
}

func TestMeaning1_SendsOfAFailedTick(t *testing.T) {
	// What a failed tick would have sent does not leave with the next one either, and work is not begun.
	g, r := one()
	other := Param[Peer](r, "other")
	d := Component[disk](r, "disk")
	in, v := askOf(r, "bad")
	Send(v, other, r, OneWay[int]("m", MaxRequest(8)), Anyone)
	Work(v, d, "write", disk.Write, time.Second)
	Reply(in, failing[int]("bad", errors.New("it rains"))(v))
	good, gv := askOf(r, "good")
	Reply(good, gv)
	w := newWorld(t)
	n := w.start(readAll(g), "r", "n", Bind("other", Peer("o")), Bind("disk", &memDisk{}))
	ask[int, int](n, "bad", 1, time.Minute)
	ask[int, int](n, "good", 1, time.Minute)
	n.run()
	want(t, "sent and begun", fmt.Sprint(len(w.sent), len(w.tasks)), "0 0")
	n.quiet(t)
}

func TestMeaning2_WaitsForAllWires(t *testing.T) {
	// The first wire is there a tick before the second.
	var l trace
	g, r := one()
	d := Component[disk](r, "disk")
	in, v := askOf(r, "a")
	add := Op2(testOps, "add", 1, func(_ *Tick, x, y int) (int, error) { l.add("%d+%d", x, y); return x + y, nil })
	Reply(in, add(v, Work(v, d, "write", disk.Write, time.Second)))
	w := newWorld(t)
	n := w.start(g, "r", "n", Bind("disk", &memDisk{}))
	ask[int, int](n, "a", 7, time.Minute)
	n.run()
	want(t, "with one wire", l.take(), "")
	w.settle()
	want(t, "with both", l.take(), "7+7")
}

func TestMeaning2_ValuesEndWithTheirActivation(t *testing.T) {
	g, r := one()
	in := Ask[[]int, []int](r, "a")
	Reply(in, valueOf(in))
	n := newWorld(t).start(g, "r", "n")
	ask[[]int, []int](n, "a", []int{1}, time.Minute)
	n.run()
	want(t, "frames for the next activation", len(n.in.free), 1)
	want(t, "empty", n.in.free[0].box.IsZero(), true)
}

func TestMeaning3_PortBeforeHandler(t *testing.T) {
	var l trace
	g, r := one()
	in, v := askOf(r, "a")
	Reply(in, Op1(testOps, "port", 1, func(_ *Tick, f Failure) (int, error) { l.add("port"); return 0, nil })(
		failing[int]("bad", errors.New("it rains"))(v).Failed()))
	see[Failure](&l, "handler")(r.Failures())
	n := newWorld(t).start(readAll(g), "r", "n")
	ask[int, int](n, "a", 1, time.Minute)
	n.run()
	want(t, "told", l.take(), "port")
}

func TestMeaning8_JitterOfRetry(t *testing.T) {
	p := &retryPolicy{attempts: 9, first: time.Second, most: time.Minute}
	for attempt, whole := range map[int]time.Duration{1: time.Second, 3: 4 * time.Second, 9: time.Minute} {
		want(t, "the longest", p.wait(attempt, 0), whole)
		want(t, "the shortest", p.wait(attempt, uint64(whole/2)), whole-whole/2)
	}
}

func TestMeaning10_FullInboxTakesReplies(t *testing.T) {
	g, r := one()
	to := Param[Peer](r, "to")
	in, v := askOf(r, "go")
	got, answer := Call(v, to, r, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Hour, Anyone)
	Reply(got, plain1(got))
	Reply(in, answer)
	n := newWorld(t).start(g, "r", "n", Bind("to", Peer("o")), Bound(Bounds{Outside: 8}))
	a := ask[int, int](n, "go", 1, time.Minute)
	n.run()
	request := func(i int) *Failure {
		return n.in.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: Peer(fmt.Sprint("p", i)), Call: uint64(i), Payload: []byte{1}})
	}
	for i := range 8 {
		want(t, "a request", request(i) == nil, true)
	}
	want(t, "one more", ReasonOf(request(8)), Busy)
	want(t, "the reply", n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "o", Call: 1, Payload: []byte{2}}) == nil, true)
	n.run()
	want(t, "answer", fmt.Sprint(a.v, a.err), "2 <nil>")
	n.quiet(t)
}

func TestMeaning6_OrderOverSeveralTables(t *testing.T) {
	var l trace
	g, r := one()
	a, b := Table(r, "a", self, Capacity(8)), Table(r, "b", self, Capacity(8))
	in, v := askOf(r, "go")
	Reply(in, Op3(testOps, "both", 1, func(_ *Tick, _ int, a, b *Rows[int, int]) (int, error) {
		return 0, errors.Join(b.Put(1, Forever), a.Put(2, Forever), b.Put(3, Forever), b.Put(4, Forever))
	})(v, a, b))
	see[Change[int]](&l, "a")(a.Changes())
	see[Change[int]](&l, "b")(b.Changes())
	n := newWorld(t).start(g, "r", "n")
	ask[int, int](n, "go", 1, time.Minute)
	n.run()
	want(t, "changes", l.take(), "b={insert 0 1} a={insert 0 2} b={insert 0 3} b={insert 0 4}")
}

func TestMeaning12_Keeps(t *testing.T) {
	t.Run("the order of puts", func(t *testing.T) {
		var l trace
		g, r := one()
		table := Table(r, "t", self, Capacity(8))
		in, v := askOf(r, "a")
		Reply(in, put(v, table))
		see[Change[int]](&l, "c")(table.Changes())
		w := newWorld(t)
		n := w.start(g, "r", "n")
		for i, cut := range []bool{false, false, true, false} {
			if cut {
				n.cut(t, Resume)
			}
			ask[int, int](n, "a", 9-i, time.Hour)
			n.run()
		}
		l.take()
		w.pass(time.Minute)
		want(t, "expiries of one instant", l.take(), "c={expire 9 0} c={expire 8 0} c={expire 7 0} c={expire 6 0}")
	})
	t.Run("whose rows count against a quota", func(t *testing.T) {
		g, r := one()
		to := Param[Peer](r, "to")
		table := Table(r, "t", self, Capacity(8), Quota(1))
		in, v := askOf(r, "a")
		got, done := Send(v, to, r, OneWay[int]("m", MaxRequest(8)), Anyone)
		put(received(got), table)
		Reply(in, Op1(testOps, "sent", 1, func(*Tick, Done) (int, error) { return 0, nil })(done))
		n := newWorld(t).start(readAll(g), "r", "n", Bind("to", Peer("o")))
		send := func(v byte) {
			n.in.Deliver(Message{Kind: OneWayMsg, Channel: "m", Peer: "p", Payload: []byte{v}})
			n.run()
		}
		send(1)
		n.cut(t, Resume)
		send(2)
		want(t, "rows", rows(n, 0), "[1]")
	})
	t.Run("how long a timer that failed waits", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(dueRow(func(due Wire[Time], _ *RowOf[Time]) {
			Op1(testOps, "bad", 1, func(*Tick, Time) (Done, error) { return Done{}, errors.New("no") })(due)
		}), "r", "n")
		ask[Time, int](n, "set", w.now, time.Minute)
		w.settle()
		w.pass(time.Second) // the first retry, the next after two
		n.cut(t, Resume)
		at, _ := n.in.Deadline()
		w.pass(at.Sub(w.now))
		again, _ := n.in.Deadline()
		want(t, "waits", fmt.Sprint(again.Sub(w.now)), "4s")
	})
	t.Run("which peers are busy", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(pair(time.Minute, plain1), "client", "c", Bind("to", Peer("s")))
		ask[int, int](n, "go", 1, time.Hour)
		n.run()
		n.in.Deliver(Message{Kind: ErrorMsg, Channel: "x", Peer: "s", Call: 1, Reason: Busy, Retry: time.Minute})
		n.run()
		n.cut(t, Resume)
		w.sent = nil
		a := ask[int, int](n, "go", 1, time.Hour)
		n.run()
		want(t, "sent", fmt.Sprint(len(w.sent), a.reason()), "0 busy")
	})
}

func TestMeaning8_AnswersToAnEarlierIncarnation(t *testing.T) {
	w := newWorld(t)
	call := func(incarnation uint64) (*node, Message, *answer[int]) {
		w.incarnation, w.sent = incarnation, nil
		n := w.start(pair(time.Minute, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](n, "go", 1, time.Minute)
		n.run()
		return n, w.sent[0], a
	}
	before, asked, _ := call(7 << 40)
	before.in.Stop()
	n, _, a := call(9 << 40)
	f := n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: asked.Call, Payload: []byte{1}})
	n.run()
	want(t, "refused, and the call is open", fmt.Sprint(f != nil, a.n), "true 0")
}

func TestMeaning2_FailedItemLeavesTheRest(t *testing.T) {
	// The items wait side by side when the second of them fails.
	w, d := newWorld(t), &memDisk{}
	n := w.start(eachOf(8, func(_ *Graph, r *Role, item Wire[int], _ Wire[*Request[[]int, string]]) Wire[int] {
		return Work(item, Component[disk](r, "disk"), "write", disk.Write, time.Minute)
	}), "r", "n", Bind("disk", d))
	a := ask[[]int, string](n, "go", []int{1, 2, 3}, time.Hour)
	n.run()
	for _, i := range []int{1, 0, 2} {
		want(t, "answers while an item waits", a.n, 0)
		if d.fail = nil; i == 1 {
			d.fail = errors.New("no")
		}
		w.tasks[i].Run(t.Context())
		w.tasks[i].Done()
		n.run()
	}
	want(t, "outcomes", a.v, "1 local 3")
	n.quiet(t)
}
