package globalregistry

import (
	"fmt"
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
	simtest.Campaign(t, Scenario, sim.Options{Nodes: 30, Time: 15 * time.Minute}, 2,
		"none", "churn", "loss,churn", "loss,churn,partition,oneway,skew", "all")
}

// small is a run that is small enough for hundreds of seeds, with every kind of node in it.
var small = sim.Options{Nodes: 20, Time: 10 * time.Minute}

// TestSwarm: hundreds of seeds, each with half of the faults. A rule of the registry that is removed is found here; the table of
// docs/simulation.md says after how many.
func TestSwarm(t *testing.T) { simtest.Swarm(t, Scenario, small, 60) }

// TestSeedsThatFailed runs again what a campaign has found before.
func TestSeedsThatFailed(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		why  string
	}{
		{2, "a hostile server had a client pay for announces at a long heartbeat, then went on with a short one: silent for 306 s"},
		{3, "the same, over announces that were answered with nonces"},
		{46, "a hostile server was busy for ever, and the client asked no other meanwhile for whom it knows"},
	} {
		t.Run(fmt.Sprint(c.seed), func(t *testing.T) {
			o := small
			o.Seed, o.Faults, o.Swarm, o.CheckImmutable = c.seed, sim.All, true, true
			if r := simtest.Twice(t, Scenario, o); !r.OK {
				t.Log(c.why)
			}
		})
	}
}

// FuzzFaults has a fuzzer choose what goes wrong.
func FuzzFaults(f *testing.F) {
	simtest.Fuzz(f, Scenario, sim.Options{Nodes: 16, Seed: 1, Time: 3 * time.Minute, Faults: sim.All}, "act", "mood", "answer")
}

func TestSimulationLarge(t *testing.T) {
	if os.Getenv("SIM_LARGE") == "" {
		t.Skip("set SIM_LARGE for the runs of the budget")
	}
	simtest.Twice(t, Scenario, sim.Options{Nodes: 100, Seed: 7, Time: 10 * time.Minute, Faults: sim.Loss | sim.Churn})
	simtest.Twice(t, Scenario, sim.Options{Nodes: 1000, Seed: 7, Time: time.Hour, Faults: sim.Loss | sim.Churn | sim.Partition | sim.Skew})
}
