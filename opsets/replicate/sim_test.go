package replicate

import (
	"os"
	"slices"
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
	simtest.Campaign(t, Scenario, sim.Options{Nodes: 15, Time: 6 * time.Minute}, 2,
		"none", "loss", "loss,churn", "loss,churn,delay,reorder,duplicate", "all")
}

// TestSwarm: each seed has half of the faults, hostile members with valid keys among them.
func TestSwarm(t *testing.T) {
	simtest.Swarm(t, Scenario, sim.Options{Nodes: 9, Time: 6 * time.Minute}, 30)
}

// TestSwarmPrivate: gossip goes over streams.
func TestSwarmPrivate(t *testing.T) {
	simtest.Swarm(t, ScenarioPrivate, sim.Options{Nodes: 14, Time: 6 * time.Minute}, 20)
}

// TestSwarmByRanges: what differs is found by ranges, however few tips there are.
func TestSwarmByRanges(t *testing.T) {
	s := Scenario
	s.Graph = func() *graph.Graph { return protocol("replicate", 0) }
	s.Properties = append(slices.Clone(s.Properties), sim.Property{Name: sometimesRanges, Kind: sim.Sometimes})
	s.Sent = func(from, to *sim.Node, m *graph.Message) {
		if sent(from, to, m); m.Channel == "reconcile" && m.Kind == graph.ReplyMsg && !from.Hostile() {
			from.World().Reached(sometimesRanges)
		}
	}
	simtest.Swarm(t, s, sim.Options{Nodes: 9, Time: 6 * time.Minute}, 15)
}

const sometimesRanges = "what differs was found by ranges"

func TestSimulationLarge(t *testing.T) {
	if os.Getenv("SIM_LARGE") == "" {
		t.Skip("set SIM_LARGE for the runs of the budget")
	}
	simtest.Twice(t, Scenario, sim.Options{Nodes: 100, Seed: 7, Time: 10 * time.Minute, Faults: sim.Loss | sim.Churn})
}
