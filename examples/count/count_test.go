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
				reports = append(reports, twice(t, sim.Options{Nodes: 20, Seed: seed, Time: 80 * time.Second, Faults: faults, CheckImmutable: seed == 0}))
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

// Who takes the next number from the table, which learns of the last one a moment later, counts two that come together as
// one. The simulator found it with seed 0 and without any fault.
func TestNextNumberFromTheTable(t *testing.T) {
	fromTable := graph.Op3(opset, "count from the table", 1, func(x *graph.Tick, r event, mine own, all counts) (Tally, error) {
		t, ok := mine.Get()
		if !ok {
			t = Tally{Node: x.Self(), Life: x.Rand()}
		}
		have, _ := all.Get(t.Key())
		t.Count = have.Count + uint64(r.Value)
		return t, mine.Set(t)
	})
	s := scenario
	s.Graph = func() *graph.Graph { return protocol(fromTable) }
	r, err := sim.Run(s, sim.Options{Nodes: 20, Time: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Properties {
		if p.Name == "what is answered is counted" && !p.Held {
			t.Logf("found: %s", p.Detail)
			return
		}
	}
	t.Errorf("not found: %+v", r.Properties)
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
	if err := run(&out); err != nil || !strings.Contains(out.String(), "counted by") {
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
