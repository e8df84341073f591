package sim

import (
	"math/bits"
	"reflect"
	"testing"
	"time"
)

// TestPlanIsAValue: the plan of a run, given to another run, makes the same run; one that is written by hand does what it says.
func TestPlanIsAValue(t *testing.T) {
	s := gossipScenario()
	o := Options{Nodes: 12, Seed: 5, Time: 3 * time.Minute, Faults: allBuilt}
	p, err := PlanOf(s, o)
	if err != nil || p.Kinds() != allBuilt {
		t.Fatalf("%v, %v", p.Kinds(), err)
	}
	drawn := run(t, s, o)
	o.Faults, o.Plan = 0, &p
	if given := run(t, s, o); given.TraceHash != drawn.TraceHash || !reflect.DeepEqual(given.Faults, drawn.Faults) {
		t.Errorf("%v, with the plan as a value %v", drawn.Faults, given.Faults)
	}
	w := world(t, s, Options{Nodes: 12, Seed: 5, Time: 3 * time.Minute, Plan: &Plan{Up: 20 * time.Second, Down: time.Second}, record: true})
	for _, f := range w.wrongs {
		if f.Choice.Site != "crash" {
			t.Errorf("a plan of crashes alone: %v", f)
		}
	}
	r := w.report()
	for name := range r.Faults {
		switch name {
		case "crashes", "restarts", "brokenConnections", "lostPublications", "lostMessages", "unreachableCalls", "lostCalls", "lostTasks":
		default:
			t.Errorf("a plan of crashes alone: %v", r.Faults)
		}
	}
	// 12 nodes, 135 s with faults, a crash each 20 s: fewer only while a node is down, and at the edge of the last slot.
	if n := r.Faults["crashes"]; n < 60 || n > 84 {
		t.Errorf("%d crashes, want about 78", n)
	}
	if got := (&Plan{}).String(); got != "nothing" {
		t.Error(got)
	}
}

// TestSwarm: each seed leaves out half of the kinds, whichever; the sizes of the others stay; every other seed has short buffers.
func TestSwarm(t *testing.T) {
	s := pingScenario(time.Second)
	s.Hostile = func(*Node) Program { return nil }
	var on [16]int
	tight := 0
	for seed := range uint64(200) {
		o := Options{Nodes: 5, Seed: seed, Time: time.Minute, Faults: All, Swarm: true}
		p, err := PlanOf(s, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Swarm = false
		whole, _ := PlanOf(s, o)
		kinds := p.Kinds()
		if n := bits.OnesCount16(uint16(kinds)); n != 5 {
			t.Fatalf("seed %d has %v, %d kinds of 10", seed, kinds, n)
		}
		for k := range on {
			on[k] += int(kinds >> k & 1)
		}
		if p.Buggify {
			tight++
		}
		p.Buggify = false
		if whole.keep(kinds); whole != p {
			t.Errorf("seed %d: a swarm moves the sizes:\n%v\n%v", seed, &whole, &p)
		}
	}
	for k, n := range on[:10] {
		if n < 70 || n > 130 {
			t.Errorf("%v is on in %d of 200 seeds", Faults(1<<k), n)
		}
	}
	if tight < 70 || tight > 130 {
		t.Errorf("buggify is on in %d of 200 seeds", tight)
	}
}

// TestBuggify: buffers are short and calls time out early, until the faults end, and what the scenario asks is answered.
func TestBuggify(t *testing.T) {
	s := pingScenario(50 * time.Millisecond)
	said := 0
	script := s.Script
	s.Script = func(w *World) {
		script(w)
		w.Every(time.Second, 0, func(n *Node) {
			if n.Buggify("here") {
				said++
			}
		})
	}
	o := Options{Nodes: 20, Seed: 4, Time: 2 * time.Minute, Plan: &Plan{Buggify: true, Up: 20 * time.Second, Down: time.Second}}
	early, busy := 0, 0
	for seed := range uint64(4) {
		o.Seed = seed
		w := world(t, s, o)
		p := w.State.(*pings)
		early, busy = early+p.failed[5], busy+len(p.failed)
		if r := w.report(); !r.OK {
			t.Errorf("%+v", r)
		}
		for i := range w.wrongs {
			t.Error(w.wrongs[i])
		}
	}
	if said < 200 || said > 2400 {
		t.Errorf("something rare happened %d times", said)
	}
	said = 0
	o.OnlyOverrides = true
	if r := run(t, s, o); len(r.Faults) != 0 || said != 0 {
		t.Errorf("without overrides: %v, %d", r.Faults, said)
	}
}
