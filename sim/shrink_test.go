package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// TestRecordedFaultsAreTheRun: what a run writes down of its faults, given as overrides with no others, is the same run.
func TestRecordedFaultsAreTheRun(t *testing.T) {
	for _, s := range []Scenario{pingScenario(100 * time.Millisecond), gossipScenario(), journalScenario(false)} {
		for seed := range uint64(4) {
			o := Options{Nodes: 12, Seed: seed, Time: 2 * time.Minute, Faults: All, Swarm: seed > 0, record: true}
			w := world(t, s, o)
			if len(w.wrongs) == 0 {
				t.Fatalf("%s, seed %d: nothing went wrong", s.Name, seed)
			}
			o.OnlyOverrides, o.Overrides = true, map[Choice]uint64{}
			for _, f := range w.wrongs {
				o.Overrides[f.Choice] = f.Value
				if c, v, err := ParseOverride(f.Override()); c != f.Choice || v != f.Value || err != nil {
					t.Errorf("%s is read as %v, %v, %v", f.Override(), c, v, err)
				}
			}
			again := world(t, s, o)
			if a, b := w.report(), again.report(); a.TraceHash != b.TraceHash || len(again.wrongs) != len(w.wrongs) {
				t.Errorf("%s, seed %d, %v: %d faults, then %d: %s, %s\n%v\n%v", s.Name, seed, &w.plan, len(w.wrongs), len(again.wrongs), a.TraceHash, b.TraceHash, a.Faults, b.Faults)
			}
		}
	}
}

// twoCrashes breaks when nodes 2 and 5 have both crashed.
func twoCrashes() Scenario {
	s := pingScenario(time.Second)
	s.Properties = []Property{{Name: "two and five are not both old", Kind: Safety, Check: func(w *World) error {
		if a, b := w.nodes[2], w.nodes[5]; a.restarts > 0 && b.restarts > 0 {
			return fmt.Errorf("%s and %s have started again", a.id, b.id)
		}
		return nil
	}}}
	return s
}

// TestShrink finds the two faults of hundreds that matter, and tells the story.
func TestShrink(t *testing.T) {
	s := twoCrashes()
	o := Options{Nodes: 8, Seed: 11, Time: 5 * time.Minute, Faults: allBuilt}
	z, err := Shrink(s, o, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(z.Faults) != 2 || z.Before < 40 || z.Faults[0].Choice.Site != "crash" || z.Faults[1].Choice.Site != "crash" {
		t.Errorf("%d faults became %v in %d runs", z.Before, z.Faults, z.Runs)
	}
	if r := run(t, s, z.Options); r.OK || r.Faults["crashes"] != 2 {
		t.Errorf("the shrunk run: %+v", r)
	}
	story, err := Explain(s, o, 0)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "story.txt", story.String())
	again := o // what the story tells, given on the command line
	again.OnlyOverrides, again.Overrides = true, map[Choice]uint64{}
	for _, f := range story.Faults {
		c, v, err := ParseOverride(f.Override)
		if err != nil {
			t.Fatal(err)
		}
		again.Overrides[c] = v
	}
	if err := run(t, s, again).Err(); err == nil || !strings.Contains(err.Error(), story.Detail) {
		t.Errorf("what the story tells gives %v, want %s", err, story.Detail)
	}
	b, err := json.MarshalIndent(story, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"property": "two and five`, `"override": "crash/2/0=`, `"what": "crashes"`, `"node": "n000005"`, `"runs"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if _, err := Shrink(pingScenario(time.Second), Options{Nodes: 4, Time: time.Minute}, 0); !errors.Is(err, ErrHolds) {
		t.Errorf("of a run without a failure: %v", err)
	}
	if z, err := Shrink(s, o, 3); err != nil || z.Runs != 3 || len(z.Faults) < 2 {
		t.Errorf("with three runs: %+v, %v", z, err)
	}
}

// TestShrinkBrokenProtocols: what one kind of fault shows needs few faults, of that kind alone.
func TestShrinkBrokenProtocols(t *testing.T) {
	for _, c := range []struct {
		s     Scenario
		nodes int
		kinds Faults
		sites string
		most  int
	}{
		{usurperScenario(), 10, Partition | Loss | Delay | Bandwidth, "partition side keepalive", 12},
		{watchdogScenario(), 2, OneWay | Loss | Skew, "oneway cut keepalive", 4},
		{leaseScenario(), 10, Skew | Loss | Churn, "drift wall", 4},
		{journalScenario(true), 10, Churn | Loss | Bandwidth, "crash", 1},
	} {
		for seed := uint64(0); ; seed++ {
			o := Options{Nodes: c.nodes, Seed: seed, Time: 10 * time.Minute, Faults: c.kinds}
			z, err := Shrink(c.s, o, 0)
			if errors.Is(err, ErrHolds) && seed < 20 {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(z.Faults) > c.most || len(z.Faults) == 0 {
				t.Errorf("%s: of %d faults %d are left: %v", c.s.Name, z.Before, len(z.Faults), z.Faults)
			}
			for _, f := range z.Faults {
				if !strings.Contains(c.sites, f.Choice.Site) {
					t.Errorf("%s: left is %v", c.s.Name, f)
				}
			}
			t.Logf("%s: seed %d, %d faults, %d left, %d runs", c.s.Name, seed, z.Before, len(z.Faults), z.Runs)
			break
		}
	}
}

// TestStopAtFailure: the run ends at the failure, and says what it has not judged.
func TestStopAtFailure(t *testing.T) {
	s := twoCrashes()
	s.Properties = append(s.Properties, Property{Name: "in the end", Kind: Liveness, Check: func(*World) error { return nil }})
	o := Options{Nodes: 8, Seed: 11, Time: 5 * time.Minute, Faults: Churn}
	whole := run(t, s, o)
	o.StopAtFailure = true
	cut := run(t, s, o)
	if whole.OK || cut.OK || cut.Events >= whole.Events || !whole.Properties[1].Held || cut.Properties[1].Held || cut.Properties[1].Detail != notJudged {
		t.Errorf("%+v\n%+v", whole, cut)
	}
	if c := Sum(whole, cut); len(c.Failed) != 2 || c.OK || c.Failed[0].Property != s.Properties[0].Name || c.Seeds != 2 {
		t.Errorf("%+v", c)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || string(want) != got {
		t.Errorf("%s differs (%v): run with UPDATE=1 and review the diff:\n%s", path, err, got)
	}
}

// FuzzOverrides fills the table of overrides with what a fuzzer finds: no run breaks the simulator, and each is the same twice.
func FuzzOverrides(f *testing.F) {
	f.Add([]byte("\x04\x02\x00\x01\x00\x40\x00\x00\x05\x00\x00\x00\x00\x40\x00\x00"))
	f.Add([]byte("\x0b\x00\x01\x03\x00\xff\xff\x01\x00\x01\x00\x02\x00\xff\xff\x01\x0f\x01\x00\x00\x00\xc0\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 800 {
			return
		}
		s := gossipScenario()
		s.Hostile = func(n *Node) Program {
			if n.Index() == 1 {
				return &vandal{t: t, heard: map[graph.Kind]int{}}
			}
			return nil
		}
		s.Properties = nil
		o := Options{Nodes: 6, Seed: 1, Time: 20 * time.Second, Faults: All, OnlyOverrides: true, Overrides: OverridesFrom(data, 6, "act")}
		if a, b := run(t, s, o), run(t, s, o); a.TraceHash != b.TraceHash {
			t.Errorf("%s, then %s", a.TraceHash, b.TraceHash)
		}
	})
}
