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
	if unreached := sim.Unreached(reports...); len(unreached) > 0 && !testing.Short() { // one seed need not reach all
		t.Errorf("no seed reached %q", unreached)
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

// Swarm runs a scenario once for each seed from o.Seed on, with every fault that it offers, half of them off in each; a tenth of the
// seeds in short tests. The first failure is shrunk and told, and ends the campaign. Every Sometimes property must be reached by one
// of the runs.
func Swarm(t *testing.T, s sim.Scenario, o sim.Options, seeds int) {
	t.Helper()
	if testing.Short() {
		seeds = max(1, seeds/10)
	}
	o.Faults, o.Swarm = sim.All, true
	var reports []*sim.Report
	for range seeds {
		r, err := sim.Run(s, o)
		if err != nil {
			t.Fatal(err)
		}
		if reports = append(reports, r); !r.OK {
			told(t, s, o)
			return
		}
		o.Seed++
	}
	c := sim.Sum(reports...)
	t.Logf("%s: %d seeds, %d events, %v", s.Name, c.Seeds, c.Events, c.Faults)
	if len(c.Unreached) > 0 && !testing.Short() {
		t.Errorf("no seed reached %q", c.Unreached)
	}
}

// told fails the test with the story of a failing run.
func told(tb testing.TB, s sim.Scenario, o sim.Options) {
	tb.Helper()
	story, err := sim.Explain(s, o, 0)
	if err != nil {
		tb.Fatalf("seed %d failed, and cannot be told: %v", o.Seed, err)
	}
	tb.Errorf("%v", story)
}

// Fuzz has a fuzzer fill the table of faults of a run with the options: own are the scenario's own sites. What a table makes fail is
// told. Seeds are tables to begin with.
func Fuzz(f *testing.F, s sim.Scenario, o sim.Options, own ...string) {
	f.Add([]byte("\x07\x03\x00\x00\x00\x40\x00\x00\x07\x00\x00\x01\x00\x40\x00\x00"))
	f.Add([]byte("\x08\x00\x00\x00\x00\x40\x01\x00\x09\x02\x00\x00\x00\xff\xff\x01\x00\x03\x00\x05\x00\xff\xff\x01"))
	o.OnlyOverrides = true
	f.Fuzz(func(t *testing.T, table []byte) {
		if len(table) > 1<<10 {
			return
		}
		o := o
		o.Overrides = sim.OverridesFrom(table, o.Nodes, own...)
		r, err := sim.Run(s, o)
		if err != nil {
			t.Fatal(err)
		}
		if !r.OK {
			told(t, s, o)
		}
	})
}
