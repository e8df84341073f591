package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

func TestSimulation(t *testing.T) {
	var reports []*sim.Report
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for _, list := range []string{"none", "loss", "churn", "loss,delay,bandwidth,churn", "partition", "loss,partition,oneway,churn,skew"} {
		faults := parsed(t, list)
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", list, seed), func(t *testing.T) {
				reports = append(reports, twice(t, sim.Options{Nodes: 12, Seed: seed, Time: 4 * time.Minute, Faults: faults, CheckImmutable: seed == 0}))
			})
		}
	}
	for _, name := range sim.Unreached(reports...) {
		t.Errorf("no seed reached %q", name)
	}
}

// twice runs the scenario two times: everything holds, and the traces are equal.
func twice(t *testing.T, o sim.Options) *sim.Report {
	t.Helper()
	a, err := sim.Run(scenario, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, %d messages, %v, trace %s", a.Events, a.Messages, a.Faults, a.TraceHash)
	for _, p := range a.Properties {
		if !p.Held && p.Kind != sim.Sometimes {
			t.Errorf("%s: %s", p.Name, p.Detail)
		}
	}
	o.CheckImmutable = false // the check changes nothing
	b, err := sim.Run(scenario, o)
	if err != nil {
		t.Fatal(err)
	}
	if a.TraceHash != b.TraceHash {
		t.Errorf("traces %s and %s", a.TraceHash, b.TraceHash)
	}
	return a
}

// A suspicion that each silent ping renews never ends: the one who is silent is pinged more often than it lasts.
// Seed 19 found it; a change of the simulator may have another one find it.
func TestRenewedSuspicion(t *testing.T) {
	renewed := graph.Op4(opset, "judge again", 1, func(_ *graph.Tick, who graph.Peer, said []graph.Outcome[string], suspects, _ Members) (graph.Done, error) {
		for _, s := range said {
			if s.Failure == nil {
				return graph.Done{}, nil
			}
		}
		return graph.Done{}, suspects.Put(Silent{who}, Suspicion)
	})
	s := scenario
	s.Graph = func() *graph.Graph { return protocol(renewed) }
	for seed := range uint64(40) {
		r, err := sim.Run(s, sim.Options{Nodes: 12, Seed: 19 + seed, Time: 4 * time.Minute, Faults: sim.Churn})
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Properties[0]; !p.Held {
			t.Logf("found: %s: %s", p.Name, p.Detail)
			return
		}
	}
	t.Error("no seed found it")
}

func parsed(t *testing.T, list string) sim.Faults {
	t.Helper()
	faults, err := sim.ParseFaults(list)
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil || !strings.Contains(out.String(), "is suspect") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// The drawing is compared with testdata, or written when UPDATE is set.
func TestDrawing(t *testing.T) {
	path, got := filepath.Join("testdata", "graph.txt"), Protocol().Text("")
	if os.Getenv("UPDATE") != "" {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the graph draws (%v): run with UPDATE=1 and review the diff:\n%s", path, err, got)
	}
}
