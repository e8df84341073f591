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
