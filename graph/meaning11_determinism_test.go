package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// busyGraph has something of everything: asks, calls, work, timers with jitter, tables that expire and evict, failures.
func busyGraph() *Graph {
	g := New("busy", 1)
	r := g.Role("r")
	to, d := Param[Peer](r, "to"), Component[disk](r, "disk")
	table := Table(r, "t", self, Capacity(5), EvictOldest())
	in, v := askOf(r, "go")
	got, answer := Call(put(v, table), to, r, Exchange[int, int]("x", MaxRequest(16), MaxReply(16), Rate(20, 5)), time.Second, Anyone)
	Reply(got, plain1(got))
	done := Work(answer, d, "write", disk.Write, time.Second)
	sorry := Op1(testOps, "sorry", 1, func(_ *Tick, f Failure) (int, error) { return -int(f.Reason), nil })
	Reply(in, Merge(done, sorry(answer.Failed())))
	every := Timer(r, "every", Const(r, 100*time.Millisecond), true, func(x *Tick, d time.Duration) (Time, bool) {
		return x.Now().Add(d + time.Duration(x.Rand()%uint64(d))), true
	})
	put(Op2(testOps, "draw", 1, func(x *Tick, _ Time, v View[int, int]) (int, error) {
		n := int(x.Rand() % 10)
		if n < v.Len() {
			return 0, fmt.Errorf("%d rows, drew %d", v.Len(), n)
		}
		return n, nil
	})(every, table.View()), table)
	see[Change[int]](&trace{}, "change")(table.Changes())
	return g
}

func busyRun(t *testing.T, seed uint64) (log []string) {
	w := newWorld(t)
	w.seed = seed
	rnd := rand.New(rand.NewPCG(seed, 1))
	var nodes []*node
	for i := range 3 {
		nodes = append(nodes, w.start(busyGraph(), "r", Peer(fmt.Sprint("n", i)), Bind("to", Peer(fmt.Sprint("n", (i+1)%3))), Bind("disk", &memDisk{})))
	}
	for range 50 {
		for _, n := range nodes {
			ask[int, int](n, "go", rnd.IntN(12)-2, time.Duration(rnd.IntN(2000))*time.Millisecond)
		}
		w.pass(time.Duration(rnd.IntN(200)) * time.Millisecond)
	}
	w.pass(70 * time.Second)
	for _, n := range nodes {
		log = append(log, n.log...)
		log = append(log, fmt.Sprint(n.in.Counters(), n.in.Refused()))
	}
	return log
}

func TestMeaning11_Determinism(t *testing.T) {
	t.Run("the same inputs give the same log of ticks", func(t *testing.T) {
		a, b := busyRun(t, 1), busyRun(t, 1)
		if len(a) < 1000 {
			t.Fatalf("only %d ticks", len(a))
		}
		if !slices.Equal(a, b) {
			t.Error("two runs differ")
		}
		if slices.Equal(a, busyRun(t, 2)) {
			t.Error("another seed makes no difference")
		}
	})
	t.Run("Next has something to do when Deadline says now, and never else", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(busyGraph(), "r", "n", Bind("to", Peer("n")), Bind("disk", &memDisk{}), Bound(Bounds{Activations: 3, Chain: 2}))
		rnd := rand.New(rand.NewPCG(1, 1))
		for range 5000 {
			if rnd.IntN(4) == 0 {
				ask[int, int](n, "go", rnd.IntN(12)-2, time.Second)
			}
			at, ok := n.in.Deadline()
			_, queued := n.in.box.head()
			due := ok && at <= w.now || queued
			if n.in.Next() != due {
				t.Fatalf("Deadline says %v, %v at %v, the queue %v", at, ok, w.now, queued)
			}
			if !due {
				w.step(time.Duration(rnd.IntN(int(20 * time.Millisecond))))
			}
			if rnd.IntN(3) == 0 {
				for _, m := range slices.Clone(w.sent) {
					w.deliver(m)
				}
				w.sent = nil
			}
		}
	})
	t.Run("steady time does not go back", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(busyGraph(), "r", "n", Bind("to", Peer("n")), Bind("disk", &memDisk{}))
		n.run()
		was := n.in.now
		w.step(-time.Minute)
		n.run()
		want(t, "now", n.in.now, was)
	})
}
