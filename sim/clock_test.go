package sim

import (
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"pgregory.net/rapid"
)

func TestSteadyClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string, most int64) graph.Time { return graph.Time(rapid.Int64Range(0, most).Draw(t, name)) }
		n := &Node{w: &World{heal: at("heal", 1<<58)}, offset: at("offset", 1<<50), ppm: rapid.Int64Range(-500, 500).Draw(t, "ppm")}
		x, step := at("x", 1<<58), at("step", 5_000_000)
		if n.steady(x+step) < n.steady(x) {
			t.Fatalf("the clock goes back from %d to %d", n.steady(x), n.steady(x+step))
		}
		if d := n.steady(x+step) - n.steady(x) - step; d > step/1000+2 || d < -step/1000-2 {
			t.Fatalf("%d in %d", d, step)
		}
		local := n.steady(x) + at("more", 3)
		if w := n.when(local); n.steady(w) < local || w > 0 && n.steady(w-1) >= local {
			t.Fatalf("it shows %d first at %d, where it shows %d, and %d before", local, w, n.steady(w), n.steady(w-1))
		}
	})
	if signed(0, 500) != 0 || signed(^uint64(0), 500) != -500 {
		t.Error("a choice of 0 is no error")
	}
}

func TestSkew(t *testing.T) {
	s := pingScenario(time.Second)
	s.Properties = nil
	last := map[*Node]graph.Time{}
	drifted, wrong, jumps := map[*Node]bool{}, map[*Node]bool{}, 0
	lastWall := map[*Node]time.Duration{}
	var w *World
	s.Script = func(world *World) {
		w = world
		newPings(w)
		w.Every(time.Second, 0, func(n *Node) {
			now, d := n.Now(), n.Now()-n.offset-w.now
			off := n.Wall().Sub(epoch.Add(w.Elapsed()))
			switch {
			case now <= last[n]:
				t.Errorf("the steady clock of %s goes from %d to %d", n.id, last[n], now)
			case d > w.now/2000+1 || d < -w.now/2000-1:
				t.Errorf("%s has drifted by %d in %d", n.id, d, w.now)
			case (off > time.Hour || off < -time.Hour) && n.Wall().Year() != 2100:
				t.Errorf("the calendar of %s is wrong by %v", n.id, off)
			case w.Healed() && off != 0:
				t.Errorf("the calendar of %s is wrong by %v after the healing", n.id, off)
			}
			drifted[n], wrong[n] = drifted[n] || d != 0, wrong[n] || off != 0
			if was, ok := lastWall[n]; ok && was != off && !w.Healed() {
				jumps++
			}
			last[n], lastWall[n] = now, off
		})
	}
	r := run(t, s, Options{Nodes: 20, Seed: 7, Time: time.Hour, Faults: Skew})
	if len(drifted) != 20 || len(wrong) != 20 || jumps == 0 || r.Faults["clockJumps"] < jumps {
		t.Errorf("%d nodes drifted, %d calendars were wrong, %d jumps seen, faults %v", len(drifted), len(wrong), jumps, r.Faults)
	}
	for n, is := range drifted {
		if !is && n.ppm != 0 {
			t.Errorf("%s does not drift", n.id)
		}
	}
}

// TestTimersUseTheNodesClock: what a node waits for takes as long as its own clock says.
func TestTimersUseTheNodesClock(t *testing.T) {
	for _, v := range []uint64{0, 1 << 63 / 501 * 500, ^uint64(0)} {
		s := pingScenario(time.Hour)
		s.Graph = pingGraph(20 * time.Second)
		s.Properties = nil
		var began, ended graph.Time
		s.Script = func(w *World) {
			w.At(graph.Time(time.Second), w.Nodes()[1], func(n *Node) {
				began = w.now
				graph.Submit(n.Instance(), "ping", 1, 10*time.Second, func(int, error) { ended = w.now })
			})
		}
		o := Options{Nodes: 2, Seed: 7, Time: time.Minute, Faults: Skew | Loss, OnlyOverrides: true, Overrides: map[Choice]uint64{
			{"drift", 1, 0}: v, {"break", 1, 0}: ^uint64(0), {"detect", 1, 0}: ^uint64(0), // noticed after 15 s
		}}
		w := world(t, s, o)
		n := w.nodes[1]
		if got := n.steady(ended) - n.steady(began); got < graph.Time(10*time.Second) || got > graph.Time(10*time.Second)+1 {
			t.Errorf("drift of %d in a million: the deadline of 10 s passed after %v of the node, %v of the world", n.ppm, time.Duration(got), ended.Sub(began))
		}
		if (ended.Sub(began) == 10*time.Second) != (n.ppm == 0) {
			t.Errorf("drift of %d in a million: it took %v of the world", n.ppm, ended.Sub(began))
		}
	}
}
