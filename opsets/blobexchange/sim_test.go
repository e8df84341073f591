package blobexchange

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

func TestCompile(t *testing.T) {
	for _, role := range []string{"peer"} {
		if _, err := graph.Compile(Protocol(), role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// run simulates a scenario twice and demands the same trace and that everything held.
func run(t *testing.T, s sim.Scenario, o sim.Options) *sim.Report {
	t.Helper()
	begin := time.Now()
	first, err := sim.Run(s, o)
	if err != nil {
		t.Fatal(err)
	}
	wall := time.Since(begin)
	t.Logf("%s, %d nodes, seed %d, %v, faults %v: %d events, %d messages, %d bytes in %v, %v, hash %s", s.Name, first.Nodes, o.Seed, o.Time, o.Faults,
		first.Events, first.Messages, first.Bytes, wall.Round(time.Millisecond), first.Faults, first.TraceHash)
	for _, p := range first.Properties {
		if !p.Held && p.Kind != sim.Sometimes {
			t.Errorf("seed %d, faults %v: %s: %s", o.Seed, o.Faults, p.Name, p.Detail)
		}
	}
	second, err := sim.Run(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if first.TraceHash != second.TraceHash {
		t.Errorf("seed %d, faults %v: hashes %s and %s", o.Seed, o.Faults, first.TraceHash, second.TraceHash)
	}
	return first
}

func TestSimulation(t *testing.T) {
	var reports []*sim.Report
	for _, faults := range []sim.Faults{0, sim.Loss, sim.Churn, sim.Loss | sim.Churn, sim.Loss | sim.Churn | sim.Delay | sim.Reorder | sim.Duplicate} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%v/%d", faults, seed), func(t *testing.T) {
				reports = append(reports, run(t, Scenario, sim.Options{Nodes: 40, Seed: seed, Time: 6 * time.Minute, Faults: faults}))
			})
		}
	}
	for _, name := range sim.Unreached(reports...) {
		t.Errorf("no seed reached %q", name)
	}
}

func TestSimulationLiar(t *testing.T) {
	s := scenarioOf(func(n *sim.Node) bool { return n.Index()%5 == 1 })
	s.Properties = append(s.Properties[:len(s.Properties):len(s.Properties)], sim.Property{Name: sometimesLied, Kind: sim.Sometimes})
	for _, faults := range []sim.Faults{0, sim.Loss | sim.Churn} {
		r := run(t, s, sim.Options{Nodes: 15, Seed: 1, Time: 6 * time.Minute, Faults: faults})
		if len(sim.Unreached(r)) > 0 && faults == 0 && !r.Properties[len(r.Properties)-1].Held {
			t.Error("nobody was lied to")
		}
	}
}

func TestSimulationLarge(t *testing.T) {
	if os.Getenv("SIM_LARGE") == "" {
		t.Skip("set SIM_LARGE for the runs of the budget")
	}
	run(t, Scenario, sim.Options{Nodes: 100, Seed: 7, Time: 10 * time.Minute, Faults: sim.Loss | sim.Churn})
}
