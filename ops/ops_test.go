package ops

import (
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

var tests = graph.NewOpset("tests")

// inTick runs fn once inside a tick.
func inTick(t *testing.T, fn func(x *graph.Tick)) {
	t.Helper()
	g := graph.New("tick", 1)
	r := g.Role("peer")
	now := Changed(r, graph.Const(r, 0))
	ran := false
	graph.Op1(tests, "run", 1, func(x *graph.Tick, _ graph.Time) (graph.Done, error) {
		fn(x)
		ran = true
		return graph.Done{}, nil
	})(now)
	w := graphtest.New(t)
	if n := w.Start(g, "peer", "a"); len(n.Failures) > 0 {
		t.Fatal(n.Failures)
	}
	if w.Settle(); !ran {
		t.Fatal("Changed did not fire at Start")
	}
}

func TestBelow(t *testing.T) {
	inTick(t, func(x *graph.Tick) {
		for _, n := range []int{1, 2, 3, 7, 64, 1<<62 + 1} {
			counts := map[int]int{}
			const draws = 7000
			for range draws {
				v := Below(x, n)
				if v < 0 || v >= n {
					t.Fatalf("%d of %d", v, n)
				}
				counts[v]++
			}
			mean := float64(draws) / float64(n)
			for v, c := range counts {
				if d := float64(c) - mean; n <= 64 && d*d > 25*mean {
					t.Errorf("%d of %d was drawn %d times of %.0f", v, n, c, mean)
				}
			}
		}
	})
}

func TestSample(t *testing.T) {
	rows := []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
	v := graph.ViewOf(func(i int) int { return i }, rows...)
	inTick(t, func(x *graph.Tick) {
		places := [10][10]int{} // how often a row came at a place
		const rounds = 2000
		for range rounds {
			seen := map[int]bool{}
			for at, i := range Sample(x, v, 10) {
				if seen[i] {
					t.Fatalf("%d came twice", i)
				}
				seen[i] = true
				places[i-10][at]++
			}
			if len(seen) != 10 {
				t.Fatalf("%d of 10", len(seen))
			}
		}
		for i, at := range places {
			for k, c := range at {
				if d := float64(c) - rounds/10; d*d > 25*rounds/10 {
					t.Errorf("row %d came at place %d %d times of %d", i, k, c, rounds/10)
				}
			}
		}
		for n, want := range map[int]int{-1: 0, 0: 0, 3: 3, 11: 10} {
			if got := len(Sample(x, v, n)); got != want {
				t.Errorf("%d drawn of %d wanted", got, n)
			}
		}
		if got := Sample(x, graph.View[int, int]{}, 3); len(got) != 0 {
			t.Errorf("%v of nothing", got)
		}
	})
}

func TestEvery(t *testing.T) {
	g := graph.New("every", 1)
	r := g.Role("peer")
	var at []graph.Time
	graph.Op1(tests, "note", 1, func(x *graph.Tick, _ graph.Time) (graph.Done, error) {
		at = append(at, x.Now())
		return graph.Done{}, nil
	})(Every(r, 20*time.Second, 10*time.Second))
	w := graphtest.New(t)
	w.Start(g, "peer", "a")
	last := w.Now()
	w.Pass(time.Hour)
	if len(at) < 120 || len(at) > 360 {
		t.Fatalf("%d times in an hour", len(at))
	}
	for _, now := range at {
		if d := now.Sub(last); d < 10*time.Second || d > 30*time.Second {
			t.Errorf("after %v", d)
		}
		last = now
	}
}

func TestDue(t *testing.T) {
	g := graph.New("due", 1)
	r := g.Role("peer")
	next := graph.Row[graph.Time](r, "next")
	fired := 0
	graph.Op2(tests, "set", 1, func(x *graph.Tick, _ graph.Time, n *graph.One[graph.Time]) (graph.Done, error) {
		if fired++; fired == 3 {
			return graph.Done{}, nil // it is not written, so it is not due again
		}
		return graph.Done{}, n.Set(x.Now().Add(time.Minute))
	})(Due(r, next.Cell(), func(v graph.Time) (graph.Time, bool) { return v, true }), next)
	w := graphtest.New(t)
	w.Start(g, "peer", "a")
	for minute, want := range []int{1, 2, 3, 3, 3} {
		if w.Settle(); fired != want {
			t.Errorf("fired %d times after %d minutes", fired, minute)
		}
		w.Pass(time.Minute)
	}
}
