package graph

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMeaning3_Failure(t *testing.T) {
	bad := failing[int]("bad", errors.New("it rains"))

	t.Run("wired it continues the activation", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, Op1(testOps, "reason", 1, func(_ *Tick, f Failure) (int, error) { return int(f.Reason), nil })(bad(v).Failed()))
		n := newWorld(t).start(readAll(g), "r", "n")
		a := ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "reason", Reason(a.v), Local)
	})

	t.Run("unwired it goes to the role's handler after the commit", func(t *testing.T) {
		var l trace
		g, r := one()
		table := Table(r, "t", self, Capacity(8))
		in, v := askOf(r, "a")
		see[int](&l, "next")(bad(put(v, table)))
		Reply(in, through[int](&l, "other")(v))
		see[Failure](&l, "handler")(r.Failures())
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "trace", l.take(), "other handler={local t.bad it rains  0s}")
		want(t, "the tick stands", rows(n, 0), "[1]")
		want(t, "answer", fmt.Sprint(a.v, a.err), "1 <nil>")
		want(t, "second tick", n.log[1], "failure failures fired=1 effects=0 changes=0")
	})

	t.Run("the handler's own failure fails its tick alone", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, v)
		see[int](&trace{}, "x")(bad(v))
		failing[Failure]("worse", errors.New("too"))(r.Failures())
		n := newWorld(t).start(readAll(g), "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "ticks", len(n.log), 2)
		want(t, "second", strings.Contains(n.log[1], "failed: t.worse"), true)
	})

	t.Run("a step that fails leaves none of its own changes and earlier steps' stay", func(t *testing.T) {
		var l trace
		g, r := one()
		table := Table(r, "t", self, Capacity(8))
		in, v := askOf(r, "a")
		half := Op2(testOps, "half", 1, func(_ *Tick, v int, t *Rows[int, int]) (int, error) {
			_, _ = t.Put(v+1, time.Minute), t.Remove(v)
			return 0, errors.New("half way")
		})(put(v, table), table)
		Reply(in, Op1(testOps, "seen", 1, func(*Tick, Failure) (int, error) { return 1, nil })(half.Failed()))
		see[Change[int]](&l, "change")(table.Changes())
		n := newWorld(t).start(readAll(g), "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "rows", rows(n, 0), "[1]")
		want(t, "changes", l.take(), "change={insert 0 1}")
	})

	t.Run("the order of changes is that of those that stand", func(t *testing.T) {
		// 1 is touched first by a step that fails, then 2, then 1 again: it is the second change.
		var l trace
		g, r := one()
		table := Table(r, "t", self, Capacity(8))
		in, v := askOf(r, "a")
		undone := Op2(testOps, "undone", 1, func(_ *Tick, v int, t *Rows[int, int]) (int, error) {
			_ = t.Put(v, time.Minute)
			return 0, errors.New("no")
		})(v, table)
		two := Op2(testOps, "two", 1, func(_ *Tick, _ Failure, t *Rows[int, int]) (int, error) { return 0, t.Put(2, time.Minute) })(undone.Failed(), table)
		one := Op2(testOps, "one", 1, func(_ *Tick, _ int, t *Rows[int, int]) (int, error) { return 0, t.Put(1, time.Minute) })(two, table)
		Reply(in, one)
		see[Change[int]](&l, "c")(table.Changes())
		n := newWorld(t).start(readAll(g), "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "changes", l.take(), "c={insert 0 2} c={insert 0 1}")
	})

	t.Run("reasons have names and unknown ones are remote", func(t *testing.T) {
		var names trace
		for r := Local; r < Reasons; r++ {
			names.add("%v,", r)
		}
		want(t, "names", names.take(), "local, timeout, busy, denied, too large, malformed, unreachable, lost, no reply, remote, expired, mismatch,")
		n := newWorld(t).start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](n, "go", 1, time.Minute)
		n.run()
		n.in.Deliver(Message{Kind: ErrorMsg, Channel: "x", Peer: "s", Call: 1, Reason: 200, Detail: strings.Repeat("x", 1<<20)})
		n.run()
		want(t, "reason", a.reason(), Remote)
		if len(a.err.Error()) > 2*maxDetail {
			t.Errorf("kept %d bytes of a stranger's sentence", len(a.err.Error()))
		}
	})
}
