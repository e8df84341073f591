package graph

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestMeaning2_Firing(t *testing.T) {
	t.Run("a step fires once when each of its wires has its value", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "a")
		b, c := through[int](&l, "b")(v), through[int](&l, "c")(v)
		add := Op3(testOps, "add", 1, func(_ *Tick, x, y, z int) (int, error) { l.add("add"); return x + y + z, nil })
		Reply(in, add(b, c, b)) // two wires of one step, and one wire twice
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, int](n, "a", 2, time.Second)
		n.run()
		want(t, "fired", l.take(), "b c add")
		want(t, "sum", a.v, 6)
	})

	t.Run("merge takes a wire or its failure", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		odd := Op1(testOps, "odd", 1, func(_ *Tick, v int) (int, error) {
			if v%2 == 0 {
				return 0, errors.New("even")
			}
			return v, nil
		})(v)
		sorry := Op1(testOps, "sorry", 1, func(*Tick, Failure) (int, error) { return -1, nil })(odd.Failed())
		Reply(in, Merge(odd, sorry))
		n := newWorld(t).start(g, "r", "n")
		x, y := ask[int, int](n, "a", 3, time.Second), ask[int, int](n, "a", 4, time.Second)
		n.run()
		want(t, "odd", x.v, 3)
		want(t, "even", y.v, -1)
	})

	t.Run("merge takes the outputs of one branch", func(t *testing.T) {
		g, r := one()
		in, v := askOf(r, "a")
		yes, no := Branch(testOps, "small", 1, func(_ *Tick, v int) (int, bool, error) { return v, v < 10, nil })(v)
		ten := Op1(testOps, "ten", 1, func(_ *Tick, v int) (int, error) { return v * 10, nil })
		Reply(in, Merge(ten(yes), no))
		n := newWorld(t).start(g, "r", "n")
		x, y := ask[int, int](n, "a", 3, time.Second), ask[int, int](n, "a", 30, time.Second)
		n.run()
		want(t, "small", x.v, 30)
		want(t, "large", y.v, 30)
		want(t, "err", errors.Join(x.err, y.err), nil)
	})

	t.Run("merge of several origins is an origin", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "a")
		Reply(in, v)
		in2, v2 := askOf(r, "b")
		Reply(in2, v2)
		see[int](&l, "both")(Merge(v, v2))
		n := newWorld(t).start(g, "r", "n")
		ask[int, int](n, "a", 1, time.Second)
		ask[int, int](n, "b", 2, time.Second)
		n.run()
		want(t, "seen", l.take(), "both=1 both=2")
	})

	t.Run("merge of more than 256 inputs", func(t *testing.T) {
		var l trace
		g, r := one()
		var ws []Wire[int]
		for i := range 300 {
			in, v := askOf(r, "a"+strings.Repeat("x", i))
			Reply(in, v)
			ws = append(ws, v)
		}
		see[int](&l, "all")(Merge(ws...))
		n := newWorld(t).start(g, "r", "n")
		ask[int, int](n, "a"+strings.Repeat("x", 299), 42, time.Second)
		n.run()
		want(t, "seen", l.take(), "all=42")
	})

	t.Run("the cell of an absent row is the zero value", func(t *testing.T) {
		g, r := one()
		row := Row[int](r, "row")
		in, v := askOf(r, "a")
		Reply(in, Op2(testOps, "read", 1, func(_ *Tick, v, cell int) (int, error) { return v + cell, nil })(v, row.Cell()))
		n := newWorld(t).start(g, "r", "n")
		a := ask[int, int](n, "a", 5, time.Second)
		n.run()
		want(t, "sum", a.v, 5)
	})

	t.Run("a step that changes what it was given is found", func(t *testing.T) {
		g, r := one()
		in := Ask[[]int, int](r, "a")
		Reply(in, Op1(testOps, "spoil", 1, func(_ *Tick, v []int) (int, error) { v[0]++; return 0, nil })(valueOf(in)))
		n := newWorld(t).start(g, "r", "n")
		ask[[]int, int](n, "a", []int{1}, time.Second)
		defer func() {
			if r := recover(); r == nil || !strings.Contains(r.(string), "t.spoil changed a value") {
				t.Errorf("got %v", r)
			}
		}()
		n.run()
	})

	t.Run("a step that writes the row it was given the cell of is not", func(t *testing.T) {
		g, r := one()
		row := Row[int](r, "row")
		in, v := askOf(r, "a")
		Reply(in, Op3(testOps, "set", 1, func(_ *Tick, v, was int, row *One[int]) (int, error) { return was, row.Set(v) })(v, row.Cell(), row))
		n := newWorld(t).start(g, "r", "n")
		ask[int, int](n, "a", 5, time.Second)
		a := ask[int, int](n, "a", 6, time.Second)
		n.run()
		want(t, "was", a.v, 5)
	})

	t.Run("effects alone and Reply give Done and may fail", func(t *testing.T) {
		var l trace
		g, r := one()
		other := Param[Peer](r, "other")
		in, v := askOf(r, "a")
		_, sent := Send(v, other, r, OneWay[int]("m", MaxRequest(1)), Anyone)
		see[Failure](&l, "send")(sent.Failed())
		see[Done](&l, "replied")(Reply(in, v))
		n := newWorld(t).start(readAll(g), "r", "n", Bind("other", Peer("o")))
		ask[int, int](n, "a", 500, time.Second)
		n.run()
		got := l.take()
		if !strings.Contains(got, "too large") || !strings.Contains(got, "replied={}") {
			t.Error(got)
		}
	})
}
