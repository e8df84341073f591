package main

import (
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

func TestSimulation(t *testing.T) {
	simtest.Campaign(t, scenario, sim.Options{Nodes: 20, Time: 80 * time.Second}, 3,
		"none", "loss", "churn", "loss,delay,bandwidth,churn", "partition", "loss,partition,oneway,churn,skew")
}

// Who takes the next number from the table, which learns of the last one a moment later, counts two that come together as
// one. The simulator found it with seed 0 and without any fault.
func TestNextNumberFromTheTable(t *testing.T) {
	fromTable := graph.Op3(opset, "count from the table", 1, func(x *graph.Tick, r event, mine own, all counts) (Tally, error) {
		t, ok := mine.Get()
		if !ok {
			t = Tally{Node: x.Self(), Life: x.Rand()}
		}
		have, _ := all.Get(t.Key())
		t.Count = have.Count + uint64(r.Value)
		return t, mine.Set(t)
	})
	s := scenario
	s.Graph = func() *graph.Graph { return protocol(fromTable) }
	r, err := sim.Run(s, sim.Options{Nodes: 20, Time: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Properties {
		if p.Name == "what is answered is counted" && !p.Held {
			t.Logf("found: %s", p.Detail)
			return
		}
	}
	t.Errorf("not found: %+v", r.Properties)
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil || !strings.Contains(out.String(), "counted by") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// The drawing is that of testdata.
func TestDrawing(t *testing.T) { simtest.Drawing(t, Protocol()) }
