package graph

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// rowsFn is what a test asks of a table, inside a tick.
type rowsFn func(x *Tick, t *Rows[int, int]) error

func tableGraph(l *trace, opts ...TableOption) *Graph {
	g, r := one()
	table := Table(r, "t", self, opts...)
	table.Expose()
	in := Ask[rowsFn, int](r, "do")
	Reply(in, Op2(testOps, "do", 1, func(x *Tick, f rowsFn, t *Rows[int, int]) (int, error) { return t.Len(), f(x, t) })(valueOf(in), table))
	from, _ := Send(Op1(testOps, "none", 1, func(*Tick, Time) (int, error) { return 0, nil })(Timer(r, "never", Const(r, 0), false, func(*Tick, int) (Time, bool) { return 0, false })),
		Const(r, Peer("")), r, OneWay[int]("put", MaxRequest(9)), Anyone)
	put(received(from), table)
	Op1(testOps, "change", 1, func(_ *Tick, c Change[int]) (Done, error) {
		l.add("%v:%d/%d", c.Kind, c.Old, c.New)
		return Done{}, nil
	})(table.Changes())
	return readAll(g)
}

func do(n *node, f rowsFn) error {
	a := ask[rowsFn, int](n, "do", f, time.Minute)
	n.run()
	return a.err
}

func TestMeaning6_Tables(t *testing.T) {
	setup := func(t *testing.T, opts ...TableOption) (*node, *trace) {
		l := &trace{}
		return newWorld(t).start(tableGraph(l, opts...), "r", "n"), l
	}
	t.Run("put takes the TTL and expiry is active", func(t *testing.T) {
		n, l := setup(t, Capacity(8))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			return errors.Join(t.Put(1, time.Second), t.Put(2, 3*time.Second))
		})
		at, ok := n.in.Deadline()
		want(t, "deadline", fmt.Sprint(at.Sub(n.w.now), ok), "1s true")
		n.w.pass(2 * time.Second)
		want(t, "rows", rows(n, 0), "[2]")
		want(t, "changes", l.take(), "insert:0/1 insert:0/2 expire:1/0")
		n.w.pass(2 * time.Second)
		want(t, "rows", rows(n, 0), "[]")
	})
	t.Run("a ttl that is not positive is an error", func(t *testing.T) {
		n, _ := setup(t, Capacity(8))
		want(t, "reason", ReasonOf(do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(1, 0) })), Local)
	})
	t.Run("refresh is a put of an equal value", func(t *testing.T) {
		n, l := setup(t, Capacity(8))
		one := func(_ *Tick, t *Rows[int, int]) error { return t.Put(1, 2*time.Second) }
		_ = do(n, one)
		n.w.pass(time.Second)
		_ = do(n, one)
		n.w.pass(1500 * time.Millisecond)
		want(t, "rows", rows(n, 0), "[1]")
		want(t, "changes", l.take(), "insert:0/1 refresh:1/1")
	})
	t.Run("remove is an event too", func(t *testing.T) {
		n, l := setup(t, Capacity(8))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(1, Forever) })
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { t.Remove(1); return nil })
		want(t, "changes", l.take(), "insert:0/1 remove:1/0")
	})
	t.Run("later steps of a tick see its changes", func(t *testing.T) {
		n, _ := setup(t, Capacity(8))
		_ = do(n, func(_ *Tick, rows *Rows[int, int]) error {
			_ = rows.Put(1, Forever)
			want(t, "view", fmt.Sprint(rows.View().All()), "[1]")
			rows.Remove(1)
			want(t, "view", fmt.Sprint(rows.View().All()), "[]")
			return nil
		})
	})
	t.Run("events carry the net change of a row", func(t *testing.T) {
		n, l := setup(t, Capacity(8))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return errors.Join(t.Put(1, Forever), t.Put(2, Forever)) })
		l.take()
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			_, _, _ = t.Put(3, Forever), t.Remove(3), t.Remove(1) // 3: nothing
			_ = t.Put(1, Forever)                                 // 1: refreshed
			t.Remove(2)                                           // 2: removed
			return nil
		})
		want(t, "changes", l.take(), "refresh:1/1 remove:2/0")
	})
	t.Run("update carries old and new", func(t *testing.T) {
		type pair struct{ K, V int }
		var l trace
		g, r := one()
		table := Table(r, "t", func(p pair) int { return p.K }, Capacity(2))
		in := Ask[pair, int](r, "set")
		Reply(in, Op2(testOps, "set", 1, func(_ *Tick, v pair, t *Rows[int, pair]) (int, error) { return 0, t.Put(v, Forever) })(valueOf(in), table))
		see[Change[pair]](&l, "c")(table.Changes())
		n := newWorld(t).start(g, "r", "n")
		ask[pair, int](n, "set", pair{1, 2}, time.Second)
		ask[pair, int](n, "set", pair{1, 3}, time.Second)
		n.run()
		want(t, "changes", l.take(), "c={insert {0 0} {1 2}} c={update {1 2} {1 3}}")
	})
	t.Run("activations begin after the commit in the order of the changes", func(t *testing.T) {
		n, l := setup(t, Capacity(8))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			l.add("tick")
			return errors.Join(t.Put(3, Forever), t.Put(1, Forever), t.Put(2, Forever))
		})
		want(t, "trace", l.take(), "tick insert:0/3 insert:0/1 insert:0/2")
		want(t, "ticks", len(n.log), 4)
	})
	t.Run("after 64 ticks of a chain the rest waits for the next instant", func(t *testing.T) {
		n, l := setup(t, Capacity(100))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) (err error) {
			for i := range 100 {
				err = errors.Join(err, t.Put(i, Forever))
			}
			return err
		})
		want(t, "changes at once", len(*l), 64)
		at, ok := n.in.Deadline()
		want(t, "deadline", fmt.Sprint(at.Sub(n.w.now), ok), "1ns true")
		_ = do(n, func(*Tick, *Rows[int, int]) error { return nil })
		want(t, "after another event of that instant", len(*l), 64)
		n.w.step(1)
		n.run()
		want(t, "at the next", len(*l), 100)
		_, ok = n.in.Deadline()
		want(t, "deadline", ok, false)
	})
	t.Run("an endless chain lets other events through and keeps nothing", func(t *testing.T) {
		g, r := one()
		table := Table(r, "t", self, Capacity(1), EvictOldest())
		in, v := askOf(r, "a")
		Reply(in, put(v, table))
		put(Op1(testOps, "next", 1, func(_ *Tick, c Change[int]) (int, error) { return c.Old + c.New + 1, nil })(table.Changes()), table)
		w := newWorld(t)
		n := w.start(g, "r", "n")
		for range 100 {
			a := ask[int, int](n, "a", 1, time.Second)
			n.run()
			want(t, "answered", a.n, 1)
			w.step(1)
		}
		// Each put evicts one and inserts one, so what waits grows by one a tick; it must not grow faster.
		if waiting, ticks := n.in.follow.len(), int(n.in.ticks); waiting > ticks+100 {
			t.Errorf("%d wait after %d ticks", waiting, ticks)
		}
	})
	t.Run("a full table refuses by default", func(t *testing.T) {
		n, _ := setup(t, Capacity(1))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(1, Forever) })
		want(t, "reason", ReasonOf(do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(2, Forever) })), Busy)
		want(t, "refresh", do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(1, Forever) }), nil)
	})
	t.Run("or evicts what was put longest ago", func(t *testing.T) {
		n, l := setup(t, Capacity(2), EvictOldest())
		for _, k := range []int{1, 2, 1, 3} {
			_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(k, Forever) })
		}
		want(t, "rows", rows(n, 0), "[1 3]")
		want(t, "changes", l.take(), "insert:0/1 insert:0/2 refresh:1/1 evict:2/0 insert:0/3")
	})
	t.Run("an eviction that is taken back leaves the order as it was", func(t *testing.T) {
		n, _ := setup(t, Capacity(2), EvictOldest())
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return errors.Join(t.Put(1, Forever), t.Put(2, Forever)) })
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			return errors.Join(t.Put(3, Forever), t.Put(4, Forever), errors.New("no"))
		})
		want(t, "rows", rows(n, 0), "[1 2]")
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(3, Forever) })
		want(t, "rows", rows(n, 0), "[2 3]")
	})
	t.Run("a quota counts the activation's sender", func(t *testing.T) {
		n, _ := setup(t, Capacity(8), Quota(1))
		send := func(from Peer, v byte) {
			n.in.Deliver(Message{Kind: OneWayMsg, Channel: "put", Peer: from, Payload: []byte{v}})
			n.run()
		}
		send("a", 1)
		send("a", 2) // over its quota
		send("b", 3)
		send("a", 1) // its own row again
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return errors.Join(t.Put(10, Forever), t.Put(11, Forever)) })
		want(t, "rows", rows(n, 0), "[1 3 10 11]")
		n.w.pass(2 * time.Minute)
		send("a", 2)
		want(t, "after the first expired", rows(n, 0), "[2 10 11]")
	})
	t.Run("views are in key order and immutable", func(t *testing.T) {
		n, _ := setup(t, Capacity(8))
		var before View[int, int]
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			err := errors.Join(t.Put(5, Forever), t.Put(1, Forever), t.Put(3, Forever))
			before = t.View()
			return errors.Join(err, t.Put(2, Forever))
		})
		want(t, "before", fmt.Sprint(before.All()), "[1 3 5]")
		want(t, "after", rows(n, 0), "[1 2 3 5]")
		v, ok := before.Get(3)
		want(t, "get", fmt.Sprint(v, ok, before.At(0), before.Key(2), before.Len()), "3 true 1 5 3")
	})
	t.Run("expiries of one instant go in the order of their puts", func(t *testing.T) {
		n, l := setup(t, Capacity(8))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			return errors.Join(t.Put(3, time.Second), t.Put(1, time.Second), t.Put(2, time.Second))
		})
		l.take()
		n.w.pass(time.Second)
		want(t, "order", l.take(), "expire:3/0 expire:1/0 expire:2/0")
	})
	t.Run("values that == cannot compare are compared by content", func(t *testing.T) {
		type odd struct {
			K int
			V any
		}
		rows := newRows(&Instance{now: 1}, &table{capacity: 2}, func(v odd) int { return v.K })
		_ = rows.Put(odd{1, []int{1}}, Forever)
		rows.forget()
		_ = rows.Put(odd{1, []int{1}}, Forever)
		want(t, "kind", rows.settleNext(), Refreshed)
	})
}
