package blobexchange

import (
	"testing"
	"time"

	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

// TestRecordedReplays records every node of a simulation with crashes and breaks, and runs the recording again.
func TestRecordedReplays(t *testing.T) {
	simtest.Recorded(t, Scenario, sim.Options{Nodes: 12, Seed: 3, Time: 4 * time.Minute, Faults: sim.Loss | sim.Churn | sim.Skew})
}
