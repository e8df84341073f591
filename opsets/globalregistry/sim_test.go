package globalregistry

import (
	"os"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

func TestCompile(t *testing.T) {
	for _, role := range []string{"client", "server"} {
		if _, err := graph.Compile(Protocol(), role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestSimulation(t *testing.T) {
	simtest.Campaign(t, Scenario, sim.Options{Nodes: 30, Time: 15 * time.Minute}, 3,
		"none", "loss", "churn", "loss,churn", "loss,churn,delay,reorder,duplicate", "loss,churn,partition,oneway,skew")
}

func TestSimulationLarge(t *testing.T) {
	if os.Getenv("SIM_LARGE") == "" {
		t.Skip("set SIM_LARGE for the runs of the budget")
	}
	simtest.Twice(t, Scenario, sim.Options{Nodes: 100, Seed: 7, Time: 10 * time.Minute, Faults: sim.Loss | sim.Churn})
	simtest.Twice(t, Scenario, sim.Options{Nodes: 1000, Seed: 7, Time: time.Hour, Faults: sim.Loss | sim.Churn | sim.Delay | sim.Reorder | sim.Duplicate})
}
