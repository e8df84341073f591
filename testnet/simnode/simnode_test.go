package simnode

import (
	"testing"
	"time"

	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

// TestSwarm is the small run of continuous integration; the campaign of the budget is merod testnet sim node.
func TestSwarm(t *testing.T) {
	simtest.Swarm(t, Scenario, sim.Options{Nodes: 8, Seed: 1, Time: 8 * time.Minute}, 40)
}

// TestSameSeedSameRun runs everything at once, twice.
func TestSameSeedSameRun(t *testing.T) {
	simtest.Twice(t, Scenario, sim.Options{Nodes: 9, Seed: 3, Time: 5 * time.Minute, Faults: sim.All, CheckImmutable: true})
}

func BenchmarkNode(b *testing.B) {
	for b.Loop() {
		r, err := sim.Run(Scenario, sim.Options{Nodes: 20, Seed: 1, Time: 30 * time.Minute, Faults: sim.All})
		if err != nil || !r.OK {
			b.Fatal(err, r)
		}
	}
}
