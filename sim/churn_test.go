package sim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

func TestCrashLosesMemoryAndKeepsKept(t *testing.T) {
	s := gossipScenario()
	type life struct {
		in   *graph.Instance
		kept int
	}
	lives := map[graph.Peer][]*life{}
	s.Bind = func(n *Node) []graph.Option {
		if n.Kept == nil {
			n.Kept = new(int)
		}
		*n.Kept.(*int)++
		return nil
	}
	s.OnCrash = func(n *Node) {
		if n.Up() || n.Instance() != nil || len(n.Neighbours().Get()) > 0 {
			t.Errorf("%s is not down when OnCrash is called", n.ID())
		}
	}
	script := s.Script
	s.Script = func(w *World) {
		script(w)
		w.Every(100*time.Millisecond, 0, func(n *Node) {
			ls := lives[n.ID()]
			if len(ls) > 0 && ls[len(ls)-1].in == n.Instance() {
				return
			}
			if got := graph.FeedOf[graph.Peer, rumour](n.Instance(), "known").Get().Len(); len(ls) > 0 && got > 3 && n.Undisturbed() > 0 {
				t.Errorf("%s knows %d right after its restart", n.ID(), got)
			}
			lives[n.ID()] = append(ls, &life{n.Instance(), *n.Kept.(*int)})
		})
	}
	w := world(t, s, Options{Nodes: 10, Seed: 4, Time: 2 * time.Minute, Faults: Churn})
	total := 0
	for _, n := range w.Nodes() {
		total += n.Restarts()
		if got := *n.Kept.(*int); got != n.Restarts()+1 {
			t.Errorf("%s was bound %d times, restarted %d times", n.ID(), got, n.Restarts())
		}
		if !n.Up() || !w.Healed() || !w.Healthy(n, 10*time.Second) {
			t.Errorf("%s is not healthy at the end: up %v, undisturbed for %v", n.ID(), n.Up(), n.Undisturbed())
		}
	}
	if total < 5 || w.happened[crashes] != total || w.happened[restarts] != total {
		t.Errorf("%d restarts, counted %d crashes and %d restarts", total, w.happened[crashes], w.happened[restarts])
	}
}

func TestCrashLosesTasks(t *testing.T) {
	s := journalScenario(false)
	lost := map[graph.Reason]int{}
	s.Script = func(w *World) {
		w.Every(time.Millisecond, time.Millisecond, func(n *Node) {
			graph.Submit(n.Instance(), "write", 1, time.Second, func(_ int, err error) { lost[graph.ReasonOf(err)]++ })
		})
	}
	s.Properties = nil
	w := world(t, s, Options{Nodes: 5, Seed: 4, Time: time.Minute, Faults: Churn})
	if w.happened[lostTasks] == 0 || lost[graph.Lost] == 0 || lost[graph.None] == 0 {
		t.Errorf("%d tasks lost, answers %v", w.happened[lostTasks], lost)
	}
}

func TestBrokenProtocolsAreCaught(t *testing.T) {
	careless := run(t, journalScenario(true), Options{Nodes: 5, Seed: 11, Time: time.Minute, Faults: Churn})
	deaf := gossipScenario()
	deaf.Script = func(w *World) { // nobody is connected yet, and nobody tells again
		for _, n := range w.Nodes() {
			graph.Submit(n.Instance(), "tell", 1, time.Second, func(graph.Done, error) {})
		}
	}
	for _, r := range []*Report{careless, run(t, deaf, Options{Nodes: 5, Seed: 11, Time: time.Minute})} {
		p := r.Properties[0]
		if r.OK || p.Held || !strings.Contains(p.Detail, "seed 11") || p.Name == "" {
			t.Errorf("%s is not caught: %+v", r.Graph, r)
		}
	}
}

func TestNeighbours(t *testing.T) {
	s := gossipScenario()
	flaps := 0
	s.Script = func(w *World) {
		for _, n := range w.Nodes() {
			if len(n.Neighbours().Get()) != 0 {
				t.Errorf("%s has neighbours when it starts", n.ID())
			}
			n.Neighbours().Watch(func() { flaps++ })
		}
		w.At(graph.Time(10*time.Second), w.Nodes()[0], func(*Node) {
			flaps = 0
			if w.plan != (Plan{}) {
				return
			}
			for _, n := range w.Nodes() {
				got := n.Neighbours().Get()
				if len(got) < 2 || len(got) > defaultDegree+2 || !slices.IsSorted(got) || slices.Contains(got, n.ID()) {
					t.Errorf("%s has neighbours %v", n.ID(), got)
				}
				for _, p := range got {
					if !slices.Contains(w.Node(p).Neighbours().Get(), n.ID()) {
						t.Errorf("%s and %s do not agree", n.ID(), p)
					}
				}
			}
		})
	}
	s.Properties = nil
	s.Churn = func(n *Node) bool { return n.Index() > 0 }
	world(t, s, Options{Nodes: 40, Seed: 9, Time: 2 * time.Minute})
	if flaps != 0 {
		t.Errorf("neighbours changed %d times without a fault", flaps)
	}
	w := world(t, s, Options{Nodes: 40, Seed: 9, Time: 8 * time.Minute, Faults: Churn})
	if flaps == 0 {
		t.Error("neighbours do not change with churn")
	}
	for _, n := range w.Nodes() {
		if got := len(n.Neighbours().Get()); got != len(n.edges) {
			t.Errorf("%s has %d of %d neighbours long after the healing", n.ID(), got, len(n.edges))
		}
	}
}

// crashAt gives the choice that crashes a node at a time of its first life.
func crashAt(t *testing.T, s Scenario, o Options, at time.Duration) uint64 {
	t.Helper()
	w, err := newWorld(s, o)
	if err != nil {
		t.Fatal(err)
	}
	v := ^uint64(0) / uint64(w.plan.Up) * uint64(at)
	for mix(v)>>56 != 0 {
		v++ // to one that lasts for a moment
	}
	return v
}

// lived is a component that belongs to one life of its node.
type lived struct {
	n    *Node
	life int
	late *int
}

func (l lived) Append(_ context.Context, n int) (int, error) {
	if l.n.Restarts() != l.life || !l.n.Up() {
		*l.late++
	}
	return n, nil
}

func TestTasksEndWithTheirLife(t *testing.T) {
	s := journalScenario(false)
	late := 0
	s.Bind = func(n *Node) []graph.Option { return []graph.Option{graph.Bind("log", lived{n, n.Restarts(), &late})} }
	s.Script = func(w *World) {
		w.Every(time.Millisecond, 0, func(n *Node) {
			graph.Submit(n.Instance(), "write", 1, time.Second, func(int, error) {})
		})
	}
	s.OnCrash, s.Properties = nil, nil
	o := Options{Nodes: 20, Time: time.Second, Faults: Churn, OnlyOverrides: true, Overrides: map[Choice]uint64{}}
	for i := range int64(o.Nodes) {
		o.Overrides[Choice{"crash", i, 0}] = crashAt(t, s, o, 300*time.Millisecond) // down for a millisecond
	}
	if w := world(t, s, o); late > 0 || w.happened[lostTasks] == 0 {
		t.Errorf("%d tasks ran after their life, %d were lost", late, w.happened[lostTasks])
	}
}

func TestEdgesOpenAgainWithoutTraffic(t *testing.T) {
	s := pingScenario(time.Second)
	s.Properties = nil
	s.Script = func(w *World) {
		p := newPings(w)
		w.After(5*time.Second, w.Nodes()[1], func(n *Node) { p.ping(n, 1) })
	}
	o := Options{Nodes: 2, Time: 2 * time.Minute, Faults: Loss, OnlyOverrides: true, Overrides: map[Choice]uint64{{"break", 1, 0}: ^uint64(0)}}
	w := world(t, s, o)
	if w.happened[brokenConnections] != 1 {
		t.Fatalf("%d connections broke", w.happened[brokenConnections])
	}
	for _, n := range w.Nodes() {
		if len(n.Neighbours().Get()) != 1 || n.Undisturbed() > 2*time.Minute-5*time.Second {
			t.Errorf("%s has neighbours %v, undisturbed for %v", n.ID(), n.Neighbours().Get(), n.Undisturbed())
		}
	}
}

func TestCrashForgetsPublications(t *testing.T) {
	s := gossipScenario()
	s.Properties = nil
	o := Options{Nodes: 3, Time: time.Minute, Faults: Churn, OnlyOverrides: true}
	o.Overrides = map[Choice]uint64{{"crash", 0, 0}: crashAt(t, s, o, 10*time.Second), {"crash", 2, 0}: crashAt(t, s, o, 10*time.Second)}
	ticks := map[graph.Peer]uint64{}
	s.Script = func(w *World) {
		tell := func(n *Node) { graph.Submit(n.Instance(), "tell", 1, time.Second, func(graph.Done, error) {}) }
		w.After(5*time.Second, w.Nodes()[0], tell)
		w.After(6*time.Second, w.Nodes()[0], tell) // the same bytes: nobody hears them
		w.After(9*time.Second, w.Nodes()[1], func(n *Node) {
			for _, n := range w.Nodes() {
				ticks[n.ID()] = n.Instance().Counters().Ticks
			}
		})
		w.After(30*time.Second, w.Nodes()[0], tell)
	}
	w := world(t, s, o)
	for i, want := range []uint64{2, 1, 1} {
		if got := ticks[w.nodes[i].id]; got != want {
			t.Errorf("node %d had taken %d events before the crashes, want %d", i, got, want)
		}
	}
	for i, want := range []uint64{1, 1, 1} { // node 1 has heard it in the same life, node 2 in another
		if got := w.nodes[i].inst.Counters().Ticks; got != want {
			t.Errorf("node %d has taken %d events in this life, want %d", i, got, want)
		}
	}
}

func TestEverybodyIsUpAfterTheHealing(t *testing.T) {
	s := gossipScenario()
	s.Properties = []Property{{Name: "up", Kind: Safety, Check: func(w *World) error {
		for _, n := range w.Nodes() {
			if w.Healed() && !n.Up() {
				return errors.New(string(n.ID()) + " is down")
			}
		}
		return nil
	}}}
	for seed := range uint64(5) {
		if r := run(t, s, Options{Nodes: 20, Seed: seed, Time: 2 * time.Minute, Faults: Churn}); !r.OK {
			t.Errorf("%+v", r.Properties)
		}
	}
}
