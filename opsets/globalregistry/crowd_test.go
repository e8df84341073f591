package globalregistry

import (
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

// A crowd is the scenario with fewer places than clients: the cap holds, whoever comes and goes, and what gets free is taken.
func TestSimulationCrowd(t *testing.T) {
	s := scenarioOf("crowd", 12)
	s.Properties = append(slices.Clone(s.Properties), sim.Property{Name: full, Kind: sim.Sometimes})
	simtest.Swarm(t, s, sim.Options{Nodes: 40, Seed: 1, Time: 15 * time.Minute}, 12)
}
