package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Kept is a row of the lab, with what a snapshot must carry.
type Kept struct {
	ID   int
	At   Time
	Note []string
}

// Key is its place in the table.
func (k Kept) Key() int { return k.ID }

// counter is the component of the lab.
type counter struct{ n int }

func (c *counter) add(_ context.Context, by int) (int, error) {
	c.n += by
	return c.n, nil
}

// lab is a protocol that has something of everything that a snapshot keeps: tables with times, changes, timers, calls with
// and without Retry, work, items with calls, gathers.
func lab() *Graph {
	g := New("lab", 1)
	client, server := g.Role("client"), g.Role("server")
	to := Param[Peer](client, "to")
	kept := Table(client, "kept", Kept.Key, Capacity(5), EvictOldest())
	last := Row[Time](client, "last")
	comp := Component[*counter](client, "counter")
	x := Exchange[int, int]("x", MaxRequest(16), MaxReply(16))
	y := Exchange[int, int]("y", MaxRequest(16), MaxReply(16))

	in := Ask[[]int, string](client, "go")
	list := valueOf(in)
	total := Op1(testOps, "total", 1, func(_ *Tick, l []int) (s int, err error) {
		for _, v := range l {
			s += v
		}
		return s, nil
	})(list)
	item := ForEach(list, 16)
	got, answer := Call(item, to, server, x, 900*time.Millisecond, Anyone, Retry(3, 100*time.Millisecond, time.Second))
	Reply(got, plain1(got))
	sum := Op2(testOps, "sum", 1, func(_ *Tick, v, t int) (int, error) { return 100*t + v, nil })(answer, total)
	text := outcomes(Gather(sum, Enough(func(n int) int { return n - 1 })))
	worked := Work(total, comp, "add", (*counter).add, time.Second)
	keep := Op4(testOps, "keep", 1, func(x *Tick, s string, n int, k *Rows[int, Kept], l *One[Time]) (string, error) {
		if err := l.Set(x.Now()); err != nil {
			return "", err
		}
		return fmt.Sprint(s, " of ", n), k.Put(Kept{n % 7, x.Now().Add(time.Second), []string{s}}, time.Duration(1+n%5)*time.Second)
	})(text, worked, kept, last)
	Reply(in, keep)

	beat := Timer(client, "beat", last.Cell(), false, func(x *Tick, t Time) (Time, bool) {
		return t.Add(300*time.Millisecond + time.Duration(x.Rand()%uint64(time.Second))), t != 0
	})
	n := Op2(testOps, "count", 1, func(_ *Tick, _ Time, v View[int, Kept]) (int, error) { return v.Len(), nil })(beat, kept.View())
	got2, back := Call(n, to, server, y, time.Second, Anyone)
	Reply(got2, plain1(got2))
	ended := Op1(testOps, "ended", 1, func(*Tick, int) (Done, error) { return Done{}, nil })
	ended(back)
	Op1(testOps, "failed", 1, func(*Tick, Failure) (Done, error) { return Done{}, nil })(back.Failed())
	Op1(testOps, "seen", 1, func(_ *Tick, c Change[Kept]) (Done, error) {
		if c.Kind == ExpiredRow {
			return Done{}, errors.New("nobody handles an expiry")
		}
		return Done{}, nil
	})(kept.Changes())
	return g
}

// cut replaces the node's instance by one that begins with its snapshot.
func (n *node) cut(t *testing.T, restore func(snapshot []byte, live *Instance) Option) {
	t.Helper()
	b, err := n.in.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Start(n.in.prog, n, append(slices.Clone(n.opts), restore(b, n.in))...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := again.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if again.nextID == n.in.nextID && !bytes.Equal(b, c) {
		t.Fatalf("the snapshot of what a snapshot gave is another one:\n%x\n%x", b, c)
	}
	n.in = again
}

// script runs the lab; after each move of the time it calls at.
func labScript(t *testing.T, draws []int, at func(c, s *node), opts ...Option) (log []string) {
	w := newWorld(t)
	s := w.start(lab(), "server", "s", opts...)
	count := &counter{}
	c := w.start(lab(), "client", "c", append(opts, Bind("to", Peer("s")), Bind("counter", count))...)
	for i, d := range draws {
		if d%3 != 0 {
			list := make([]int, d%5)
			for k := range list {
				list[k] = d - 3*k
			}
			Submit(c.in, "go", list, 5*time.Second, func(a string, err error) { log = append(log, fmt.Sprint("answer ", i, " ", a, " ", err)) })
		}
		// Run a part of what is due, so that the cut falls anywhere.
		for range d % 7 {
			c.in.Next()
			s.in.Next()
		}
		at(c, s)
		sent := w.sent
		w.sent = nil
		for k, m := range sent {
			switch (d + k) % 6 {
			case 0: // lost, and nobody hears of it
			case 1:
				if m.Kind == RequestMsg {
					c.in.Deliver(Message{Kind: ErrorMsg, Channel: m.Channel, Peer: "s", Call: m.Call, Reason: Unreachable})
					continue
				}
				w.deliver(m)
			default:
				w.deliver(m)
			}
		}
		tasks := w.tasks
		w.tasks = nil
		at(c, s)
		for _, task := range tasks {
			task.Run(t.Context())
			task.Done()
		}
		at(c, s)
		w.step(time.Duration(d%700) * time.Millisecond)
	}
	w.pass(time.Minute)
	c.quiet(t)
	s.quiet(t)
	log = append(log, c.log...)
	log = append(log, s.log...)
	return append(log, fmt.Sprint(count.n, " ", rowsOf(c)))
}

func rowsOf(n *node) string {
	return fmt.Sprintf("%+v", n.in.tables[0].(*Rows[int, Kept]).View().All())
}

func TestMeaning12_Snapshot(t *testing.T) {
	t.Run("with the host's own state, a run that is cut anywhere goes on identically", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			draws := rapid.SliceOfN(rapid.IntRange(0, 1000), 1, 40).Draw(rt, "draws")
			whole := labScript(t, draws, func(c, s *node) {})
			cut := labScript(t, draws, func(c, s *node) {
				c.cut(t, Resume)
				s.cut(t, Resume)
			})
			if !slices.Equal(whole, cut) {
				rt.Fatalf("whole:\n%s\ncut:\n%s", strings.Join(whole, "\n"), strings.Join(cut, "\n"))
			}
		})
	})
	t.Run("a process that starts again gives lost to every open call first, under a new incarnation", func(t *testing.T) {
		w := newWorld(t)
		w.start(lab(), "server", "s")
		c := w.start(lab(), "client", "c", Bind("to", Peer("s")), Bind("counter", &counter{}))
		w.step(time.Second)
		ask[[]int, string](c, "go", []int{1}, time.Minute)
		w.settle()
		before := rowsOf(c)
		w.step(2 * time.Second) // the beat calls
		c.run()
		open, was := len(w.sent), w.sent
		w.sent, w.incarnation = nil, 77
		b, err := c.in.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		prog := c.in.prog
		c.in, c.log = nil, nil
		again, err := Start(prog, c, append(slices.Clone(c.opts), Restore(b))...)
		if err != nil {
			t.Fatal(err)
		}
		c.in = again
		want(t, "open calls", open, 1)
		want(t, "incarnation", again.Incarnation(), 77)
		again.Next()
		want(t, "first of all", strings.Join(c.log, "; "), "answer call y fired=1 effects=0 changes=0")
		want(t, "lost", again.Counters().Steps[16].Failed != nil || strings.Contains(fmt.Sprint(again.Counters().Steps), "lost"), true)
		f := again.Deliver(Message{Kind: ReplyMsg, Channel: "y", Peer: "s", Call: was[0].Call, Payload: []byte{1}})
		want(t, "a late answer", f != nil, true)
		_ = before
		w.pass(time.Minute)
		c.quiet(t)
	})
	t.Run("times are distances", func(t *testing.T) {
		w := newWorld(t)
		c := w.start(lab(), "client", "c", Bind("to", Peer("s")), Bind("counter", &counter{}))
		ask[[]int, string](c, "go", []int{}, time.Minute)
		w.settle()
		row := c.in.tables[0].(*Rows[int, Kept])
		first := row.View().At(0)
		expires, _ := row.Expires(first.ID)
		now := w.now
		b, err := c.in.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		w.now = Time(5 * time.Minute) // the clock of another process
		c.in.Stop()
		again, err := Start(c.in.prog, c, append(slices.Clone(c.opts), Restore(b))...)
		if err != nil {
			t.Fatal(err)
		}
		moved := again.tables[0].(*Rows[int, Kept])
		exp, _ := moved.Expires(first.ID)
		want(t, "expiry", exp.Sub(w.now), expires.Sub(now))
		want(t, "in a row", moved.View().At(0).At.Sub(w.now), first.At.Sub(now))
	})
	t.Run("a snapshot of another program, and garbage, are refused", func(t *testing.T) {
		w := newWorld(t)
		s := w.start(lab(), "server", "s")
		b, err := s.in.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(lab(), "client")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Start(p, s, Bind("to", Peer("s")), Bind("counter", &counter{}), Restore(b))
		if err == nil || !strings.Contains(err.Error(), "another program") {
			t.Errorf("another program: %v", err)
		}
		for i := range b {
			_, _ = Start(s.in.prog, s, Restore(b[:i])) // an error or not, never a panic
		}
		if _, err := Start(s.in.prog, s, Restore(b[:len(b)/2])); err == nil {
			t.Error("half a snapshot was taken")
		}
	})
	t.Run("a wire alive across a suspension needs a codec", func(t *testing.T) {
		type hidden struct{ n int }
		g := New("hidden", 1)
		r := g.Role("r")
		comp := Component[*counter](r, "counter")
		in := Ask[int, int](r, "go")
		v := valueOf(in)
		h := Op1(testOps, "hide", 1, func(_ *Tick, n int) (hidden, error) { return hidden{n}, nil })(v)
		worked := Work(v, comp, "add", (*counter).add, time.Second)
		Reply(in, Op2(testOps, "show", 1, func(_ *Tick, n int, h hidden) (int, error) { return n + h.n, nil })(worked, h))
		_, err := Compile(g, "r")
		if err == nil || !strings.Contains(err.Error(), "the unexported field n of hidden") || !strings.Contains(err.Error(), "alive while step 3, counter.add waits") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a row needs a codec", func(t *testing.T) {
		g, r := one()
		tab := Table(r, "t", func(func()) int { return 0 }, Capacity(1))
		Op1(testOps, "x", 1, func(*Tick, Change[func()]) (Done, error) { return Done{}, nil })(tab.Changes())
		if _, err := Compile(g, "r"); err == nil || !strings.Contains(err.Error(), "its rows hold a func()") {
			t.Errorf("got %v", err)
		}
	})
}

func TestShiftTimes(t *testing.T) {
	type inner struct {
		At   Time
		List []Time
		Map  map[string]Time
		Next *inner
	}
	v := inner{At: 10, List: []Time{0, Forever, 7}, Map: map[string]Time{"a": 3}, Next: &inner{At: 1}}
	shiftTimes(reflect.ValueOf(&v).Elem(), 100)
	want(t, "moved", fmt.Sprintf("%v %v %v %v", v.At, v.List, v.Map, v.Next.At), fmt.Sprintf("110 [0 %d 107] map[a:103] 101", Time(Forever)))
}

func FuzzRestore(f *testing.F) {
	p, err := Compile(lab(), "client")
	if err != nil {
		f.Fatal(err)
	}
	w := &world{now: Time(time.Hour)}
	n := &node{w: w, self: "c"}
	in, err := Start(p, n, Bind("to", Peer("s")), Bind("counter", &counter{}))
	if err != nil {
		f.Fatal(err)
	}
	n.in = in
	Submit(in, "go", []int{1, 2, 3}, time.Minute, func(string, error) {})
	for in.Next() {
	}
	b, err := in.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/3])
	f.Fuzz(func(t *testing.T, b []byte) {
		n := &node{w: &world{now: Time(time.Hour)}, self: "c"}
		in, err := Start(p, n, Bind("to", Peer("s")), Bind("counter", &counter{}), Restore(b))
		if err != nil {
			return
		}
		n.in = in
		for range 100 {
			in.Next()
		}
	})
}

// TestMeaning12_LargeValuesAreRestored has a row with more elements than a message may have.
func TestMeaning12_LargeValuesAreRestored(t *testing.T) {
	g, r := one()
	in, v := askOf(r, "go")
	long := Table(r, "long", func(l []int) int { return len(l) }, Capacity(1))
	Reply(in, Op2(testOps, "fill", 1, func(_ *Tick, n int, t *Rows[int, []int]) (int, error) { return n, t.Put(make([]int, n), time.Hour) })(v, long))
	w := newWorld(t)
	n := w.start(g, "r", "n")
	ask[int, int](n, "go", 1<<17+1, time.Minute)
	n.run()
	n.cut(t, func(b []byte, _ *Instance) Option { return Restore(b) })
	want(t, "rows", SizeOf(n.in, "long"), 1)
}
