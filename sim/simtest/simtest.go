// Package simtest runs a scenario in the tests of a protocol: over lists of faults and seeds, each run twice.
package simtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// Faults reads a list of kinds of fault.
func Faults(tb testing.TB, list string) sim.Faults {
	tb.Helper()
	f, err := sim.ParseFaults(list)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Twice runs a scenario two times: every safety and liveness property holds, and the traces are equal. The second run is
// without CheckImmutable, which changes nothing.
func Twice(tb testing.TB, s sim.Scenario, o sim.Options) *sim.Report {
	tb.Helper()
	a, err := sim.Run(s, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%s, %d nodes, seed %d, %v, faults %v: %d events, %d messages, %d bytes, %v, trace %s", s.Name, a.Nodes, o.Seed, o.Time, o.Faults,
		a.Events, a.Messages, a.Bytes, a.Faults, a.TraceHash)
	for _, p := range a.Properties {
		if !p.Held && p.Kind != sim.Sometimes {
			tb.Errorf("seed %d, faults %v: %s: %s", o.Seed, o.Faults, p.Name, p.Detail)
		}
	}
	o.CheckImmutable = false
	b, err := sim.Run(s, o)
	if err != nil {
		tb.Fatal(err)
	}
	if a.TraceHash != b.TraceHash {
		tb.Errorf("seed %d, faults %v: traces %s and %s", o.Seed, o.Faults, a.TraceHash, b.TraceHash)
	}
	return a
}

// Campaign runs a scenario twice for each list of faults and each seed from 0, the first seed with CheckImmutable; one seed
// alone in short tests. Every Sometimes property must be reached by one of the runs.
func Campaign(t *testing.T, s sim.Scenario, o sim.Options, seeds uint64, faults ...string) {
	t.Helper()
	if testing.Short() {
		seeds = 1
	}
	var reports []*sim.Report
	for _, list := range faults {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", list, seed), func(t *testing.T) {
				o.Seed, o.Faults, o.CheckImmutable = seed, Faults(t, list), seed == 0
				reports = append(reports, Twice(t, s, o))
			})
		}
	}
	for _, name := range sim.Unreached(reports...) {
		t.Errorf("no seed reached %q", name)
	}
}

// Drawing compares the graph's text with testdata/graph.txt, or writes it there when UPDATE is set.
func Drawing(t *testing.T, g *graph.Graph) {
	t.Helper()
	path, got := filepath.Join("testdata", "graph.txt"), g.Text("")
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
