package blobexchange

import (
	"os"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

func TestCompile(t *testing.T) {
	for _, role := range []string{"peer"} {
		if _, err := graph.Compile(Protocol(), role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestSimulation(t *testing.T) {
	simtest.Campaign(t, Scenario, sim.Options{Nodes: 40, Time: 6 * time.Minute}, 3,
		"none", "loss", "churn", "loss,churn", "loss,churn,delay,reorder,duplicate", "loss,partition,oneway,churn,bandwidth")
}

func TestSimulationLiar(t *testing.T) {
	s := scenarioOf(func(n *sim.Node) bool { return n.Index()%5 == 1 })
	s.Properties = append(s.Properties[:len(s.Properties):len(s.Properties)], sim.Property{Name: sometimesLied, Kind: sim.Sometimes})
	for _, faults := range []sim.Faults{0, sim.Loss | sim.Churn} {
		r := simtest.Twice(t, s, sim.Options{Nodes: 15, Seed: 1, Time: 6 * time.Minute, Faults: faults})
		if len(sim.Unreached(r)) > 0 && faults == 0 && !r.Properties[len(r.Properties)-1].Held {
			t.Error("nobody was lied to")
		}
	}
}

func TestSimulationLarge(t *testing.T) {
	if os.Getenv("SIM_LARGE") == "" {
		t.Skip("set SIM_LARGE for the runs of the budget")
	}
	simtest.Twice(t, Scenario, sim.Options{Nodes: 100, Seed: 7, Time: 10 * time.Minute, Faults: sim.Loss | sim.Churn})
}
