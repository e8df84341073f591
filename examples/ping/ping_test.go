package main

import (
	"testing"
	"time"

	"github.com/merograph/merograph/sim"
)

func TestPing(t *testing.T) {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(5) {
		o := sim.Options{Nodes: 20, Seed: seed, Time: time.Minute, Faults: faults, CheckImmutable: true}
		a, err := sim.Run(scenario, o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sim.Run(scenario, o)
		if err != nil {
			t.Fatal(err)
		}
		if !a.OK || a.TraceHash != b.TraceHash {
			t.Errorf("seed %d: %+v; again: trace %s", seed, a, b.TraceHash)
		}
	}
}
