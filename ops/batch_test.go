package ops_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

func batchRig(t testing.TB, fill ops.Fill, capacity int) *rig {
	g := newRig(t)
	b := ops.BatchBy(g.r, "batch", g.in("a"), key, func(e ev) int { return max(e.V, -e.V) }, fill, capacity)
	out(g, "batch", b.Out)
	return g.start()
}

func TestMeaning5_Batch(t *testing.T) {
	t.Run("by count, two keys side by side, in order", func(t *testing.T) {
		g := batchRig(t, ops.Fill{Count: 3}, 2)
		for v := range 4 {
			g.say("a", "x", v)
			g.say("a", "y", 10+v)
		}
		g.want("batch [x0 x1 x2]", "batch [y10 y11 y12]")
		wantWhy(t, "overflow", g.say("a", "z", 1), graph.Busy)
		g.pass(time.Hour)
		g.want()
		g.wantRows("batch", 2)
		g.wantRows("batch-out", 0)
	})
	t.Run("by bytes: never more", func(t *testing.T) {
		g := batchRig(t, ops.Fill{Count: 100, Bytes: 10}, 2)
		for _, v := range []int{4, 5, 2, 8, 10, 3, 10} {
			g.say("a", "x", v)
		}
		g.want("batch [x4 x5]", "batch [x2 x8]", "batch [x10]", "batch [x3]", "batch [x10]")
		wantWhy(t, "too large", g.say("a", "x", 11), graph.TooLarge)
		g.wantRows("batch", 0)
	})
	t.Run("by time, from the first value", func(t *testing.T) {
		g := batchRig(t, ops.Fill{Count: 3, Within: time.Second}, 2)
		g.say("a", "x", 1)
		g.pass(900 * time.Millisecond)
		g.say("a", "x", 2)
		g.pass(100 * time.Millisecond)
		g.want("batch [x1 x2]")
		g.say("a", "x", 3)
		g.pass(900 * time.Millisecond)
		g.want()
		g.say("a", "x", 4)
		g.say("a", "x", 5)
		g.say("a", "x", 6)
		g.want("batch [x3 x4 x5]")
		g.pass(900 * time.Millisecond) // the window of the next began with its first
		g.want()
		g.pass(100 * time.Millisecond)
		g.want("batch [x6]")
	})
	t.Run("a tick that fails has added nothing", func(t *testing.T) {
		g := batchRig(t, ops.Fill{Count: 2, Bytes: 10}, 2)
		g.say("a", "x", 1)
		g.say("a", "x", -2)
		g.say("a", "x", -10) // would have sent the first out, and itself
		g.want()
		g.say("a", "x", 3)
		g.want("batch [x1 x3]")
	})
	t.Run("whoever appends to a batch does not meet the next value", func(t *testing.T) {
		g := newRig(t)
		b := ops.Batch(g.r, "batch", g.in("a"), nil, ops.Fill{Count: 5, Within: time.Second})
		with := func(k string) graph.Wire[[]ev] {
			return ops.Map("append", b.Out, func(es []ev) []ev { return append(es, ev{k, 0}) })
		}
		both := graph.Op2(kit, "both", 1, func(_ *graph.Tick, a, b []ev) (string, error) { return fmt.Sprint(a, b), nil })
		out(g, "", both(with("end"), with("stop")))
		g.start()
		for v := range 3 {
			g.say("a", "x", v)
		}
		g.pass(time.Second)
		g.want("[x0 x1 x2 end0] [x0 x1 x2 stop0]")
	})
	t.Run("many at one instant wait for no room in a chain", func(t *testing.T) {
		g := batchRig(t, ops.Fill{Count: 1}, 1)
		n := 0
		for v := range 500 {
			g.submit("a", "x", v, func(err error) {
				if err == nil {
					n++
				}
			})
		}
		g.pass(time.Second)
		if n != 500 || len(g.got) != 500 {
			t.Errorf("%d taken, %d batches", n, len(g.got))
		}
	})
}

func TestMistakesAreTold(t *testing.T) {
	g := newRig(t)
	in := g.in("a")
	for name, place := range map[string]func(){
		"count": func() { ops.Batch(g.r, "a", in, nil, ops.Fill{}) },
		"size":  func() { ops.Batch(g.r, "a", in, nil, ops.Fill{Count: 1, Bytes: 1}) },
		"k":     func() { ops.Quorum(g.r, "a", 0, key, nil, time.Second, 1, in) },
		"wires": func() { ops.First(g.r, "a", key, time.Second, 1) },
		"each":  func() { ops.LimitRate(g.r, "a", in, 0, 1) },
		"long":  func() { ops.LimitRate(g.r, "a", in, time.Hour, 1<<40) },
		"most":  func() { ops.LimitConcurrency(g.r, "a", in, 0, time.Second) },
		"delay": func() { ops.After(g.r, "a", in, 0, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was taken", name)
				}
			}()
			place()
		}()
	}
}
