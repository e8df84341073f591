package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// disk is a component.
type disk interface {
	Write(ctx context.Context, v int) (int, error)
	Held() int
}

type memDisk struct {
	held int
	fail error
}

func (d *memDisk) Write(_ context.Context, v int) (int, error) {
	if d.fail != nil {
		return 0, d.fail
	}
	d.held = v
	return d.held, nil
}
func (d *memDisk) Held() int { return d.held }

func workGraph(timeout time.Duration) *Graph {
	g, r := one()
	d := Component[disk](r, "disk")
	in, v := askOf(r, "write")
	Reply(in, Work(v, d, "write", disk.Write, timeout))
	held, hv := askOf(r, "held")
	Reply(held, Op2(testOps, "held", 1, func(_ *Tick, _ int, d disk) (int, error) { return d.Held(), nil })(hv, d))
	return g
}

func TestMeaning7_Node(t *testing.T) {
	t.Run("ask is answered by Reply", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, v)
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, int](n, "a", 7, time.Second)
		want(t, "before the tick", a.n, 0)
		n.run()
		want(t, "answer", fmt.Sprint(a.v, a.err, a.n), "7 <nil> 1")
		n.quiet(t)
	})
	t.Run("the asker is the node itself and its sender nobody", func(t *testing.T) {
		g, r := one()
		in := Ask[int, string](r, "a")
		Reply(in, Op1(testOps, "who", 1, func(x *Tick, r *Request[int, string]) (string, error) {
			return fmt.Sprintf("%s,%s,%s", r.From, x.Sender(), x.Self()), nil
		})(in))
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, string](n, "a", 7, time.Second)
		n.run()
		want(t, "who", a.v, "n,,n")
	})
	t.Run("an ask of a wrong name or type panics", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, v)
		n := newWorld(t).start(g, "r", "n")
		for _, f := range []func(){
			func() { ask[int, int](n, "b", 1, time.Second) },
			func() { ask[string, int](n, "a", "1", time.Second) },
			func() { ask[int, string](n, "a", 1, time.Second) },
		} {
			func() {
				defer func() {
					if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "graph: ") {
						t.Errorf("got %q", s)
					}
				}()
				f()
			}()
		}
	})
	t.Run("nil of an interface can be asked and answered", func(t *testing.T) {
		g, r := one()
		in := Ask[error, error](r, "a")
		Reply(in, valueOf(in))
		n := newWorld(t).start(g, "r", "n")
		a := ask[error, error](n, "a", nil, time.Second)
		n.run()
		want(t, "answer", fmt.Sprint(a.v, a.err, a.n), "<nil> <nil> 1")
	})
	t.Run("an activation that ends without a reply answers no reply", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		yes, no := Branch(testOps, "small", 1, func(_ *Tick, v int) (int, bool, error) { return v, v < 10, nil })(v)
		Reply(in, yes)
		see[int](&trace{}, "large")(no)
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, int](n, "a", 70, time.Second)
		n.run()
		want(t, "reason", a.reason(), NoReply)
	})

	t.Run("a param is a value or a feed", func(t *testing.T) {
		g, r := one()
		p := Param[int](r, "p")
		in, v := askOf(r, "a")
		Reply(in, Op2(testOps, "add", 1, func(_ *Tick, v, p int) (int, error) { return v + p, nil })(v, p))
		for _, bound := range []any{3, NewFeed(3)} {
			n := newWorld(t).start(g, "r", "n", Bind("p", bound))
			a := ask[int, int](n, "a", 1, time.Second)
			n.run()
			want(t, "sum", a.v, 4)
		}
	})
	t.Run("the node changes a feed between ticks", func(t *testing.T) {
		g, r := one()
		f := NewFeed(1)
		p := Param[int](r, "p")
		in, v := askOf(r, "a")
		Reply(in, Op2(testOps, "add", 1, func(_ *Tick, v, p int) (int, error) { f.Set(50); return v + p, nil })(v, p))
		n := newWorld(t).start(g, "r", "n", Bind("p", f))
		x, y := ask[int, int](n, "a", 1, time.Second), ask[int, int](n, "a", 1, time.Second)
		n.run()
		z := ask[int, int](n, "a", 1, time.Second)
		n.run()
		want(t, "sums", fmt.Sprint(x.v, y.v, z.v), "2 2 51") // y was in the inbox before the change
	})
	t.Run("a change of a feed counts as a write for Due", func(t *testing.T) {
		g, r := one()
		var l trace
		p := Param[int](r, "p")
		see[Time](&l, "due")(Timer(r, "due", p, false, func(_ *Tick, v int) (Time, bool) { return 0, v > 1 }))
		f := NewFeed(1)
		n := newWorld(t).start(g, "r", "n", Bind("p", f))
		n.run()
		want(t, "at Start", len(l), 0)
		f.Set(2)
		f.Set(3) // both before the instance looks: one write
		n.run()
		want(t, "after Set", len(l), 1)
		n.in.Stop()
		f.Set(4)
		want(t, "watchers after Stop", len(f.subs), 0)
	})
	t.Run("a feed that follows another holds its newest value", func(t *testing.T) {
		f := NewFeed(1)
		m := MapFeed(f, func(v int) string { return fmt.Sprint(v) })
		want(t, "first", m.Get(), "1")
		f.Set(2)
		want(t, "then", m.Get(), "2")
	})

	t.Run("work is issued at commit and its result is a resumption", func(t *testing.T) {
		w, d := newWorld(t), &memDisk{}
		n := w.start(workGraph(time.Second), "r", "n", Bind("disk", d))
		a := ask[int, int](n, "write", 7, time.Minute)
		n.run()
		want(t, "tasks", fmt.Sprintf("%d %s %v", len(w.tasks), w.tasks[0].Name, w.tasks[0].Deadline.Sub(w.now)), "1 disk.write 1s")
		w.tasks[0].Run(context.Background())
		w.tasks[0].Done()
		want(t, "not before its tick", a.n, 0)
		n.run()
		want(t, "answer", a.v, 7)
		want(t, "log", n.log[1], "answer disk.write fired=1 effects=1 changes=0")
		n.quiet(t)
	})
	t.Run("it has a failure port", func(t *testing.T) {
		w, d := newWorld(t), &memDisk{fail: errors.New("no space")}
		n := w.start(workGraph(time.Second), "r", "n", Bind("disk", d))
		a := ask[int, int](n, "write", 7, time.Minute)
		w.settle()
		want(t, "error", a.err.Error(), "disk.write: local: no space")
	})
	t.Run("its effect stands when its result comes too late", func(t *testing.T) {
		w, d := newWorld(t), &memDisk{}
		n := w.start(workGraph(time.Second), "r", "n", Bind("disk", d))
		a := ask[int, int](n, "write", 7, time.Minute)
		n.run()
		w.step(time.Second)
		n.run()
		want(t, "reason", a.reason(), Timeout)
		w.settle()
		want(t, "held", d.held, 7)
		want(t, "late", n.in.Counters().Late, uint64(1))
		want(t, "answers", a.n, 1)
		n.quiet(t)
	})
	t.Run("a step may read what a component has in memory", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(workGraph(time.Second), "r", "n", Bind("disk", &memDisk{held: 9}))
		a := ask[int, int](n, "held", 0, time.Minute)
		n.run()
		want(t, "held", a.v, 9)
	})

	t.Run("a table is published as an immutable snapshot", func(t *testing.T) {
		l := &trace{}
		n := newWorld(t).start(tableGraph(l, Capacity(8)), "r", "n")
		f := FeedOf[int, int](n.in, "t")
		seen := 0
		f.Watch(func() { seen++ })
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error {
			return errors.Join(t.Put(2, time.Second), t.Put(1, time.Minute))
		})
		first := f.Get()
		want(t, "published once a commit", seen, 1)
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(2, time.Second) }) // a refresh is no news
		want(t, "published", seen, 1)
		n.w.pass(time.Second)
		want(t, "after the expiry", fmt.Sprint(seen, f.Get().All(), first.All()), "2 [1] [1 2]")
		want(t, "no such table", FeedOf[string, int](n.in, "t"), nil)
	})
	t.Run("one instance's table is another's feed", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(tableGraph(&trace{}, Capacity(8)), "r", "n")
		g, r := one()
		p := Param[View[int, int]](r, "p")
		in, v := askOf(r, "a")
		Reply(in, Op2(testOps, "len", 1, func(_ *Tick, _ int, p View[int, int]) (int, error) { return p.Len(), nil })(v, p))
		m := w.start(g, "r", "m", Bind("p", FeedOf[int, int](n.in, "t")))
		_ = do(n, func(_ *Tick, t *Rows[int, int]) error { return t.Put(1, Forever) })
		a := ask[int, int](m, "a", 1, time.Second)
		m.run()
		want(t, "len", a.v, 1)
	})

	t.Run("Stop answers each open request once", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(pair(time.Minute, plain1), "client", "c", Bind("to", Peer("s")))
		x := ask[int, int](n, "go", 1, time.Minute)
		n.run()
		y := ask[int, int](n, "go", 1, time.Minute)
		n.in.Stop()
		n.in.Stop()
		z := ask[int, int](n, "go", 1, time.Minute)
		want(t, "reasons", fmt.Sprint(x.reason(), x.n, y.reason(), y.n, z.reason(), z.n), "lost 1 lost 1 unreachable 1")
		_, ok := n.in.Deadline()
		want(t, "Next and Deadline", fmt.Sprint(n.in.Next(), ok), "false false")
		f := n.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 1})
		want(t, "Deliver", f.Reason, Unreachable)
	})
	t.Run("Stop inside an answer", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, failing[int]("bad", errors.New("no"))(v))
		n := newWorld(t).start(g, "r", "n")
		calls := 0
		Submit(n.in, "a", 1, time.Second, func(int, error) { calls++; n.in.Stop() })
		n.run()
		want(t, "answered", calls, 1)
	})
}
