package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/merograph/merograph/graph"
)

func int64Time(n int64) graph.Time { return graph.Time(n) }

func TestParseFaults(t *testing.T) {
	for list, want := range map[string]Faults{
		"": 0, "none": 0, "loss": Loss, "loss,churn": Loss | Churn, " delay , reorder": Delay | Reorder, "duplicate,none": Duplicate, "all": All, "hostile": Hostile,
		"disk,clone, backup":              DiskFault | Backup | Clone,
		"oneway,bandwidth,partition,skew": OneWay | Bandwidth | Partition | Skew,
	} {
		if got, err := ParseFaults(list); got != want || err != nil {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for list, want := range map[string]string{
		"rain":      `fault "rain" is not known: choose of loss, delay, reorder, duplicate, bandwidth, partition, oneway, churn, skew, disk, backup, clone`,
		"loss,rain": `fault "rain" is not known`,
	} {
		if got, err := ParseFaults(list); err == nil || !strings.Contains(err.Error(), want) || got != 0 {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	if got := (Loss | Churn).String(); got != "loss,churn" {
		t.Error(got)
	}
}

func TestReportAsJSON(t *testing.T) {
	r := run(t, pingScenario(time.Second), Options{Nodes: 3, Seed: 1<<64 - 1, Time: 2 * time.Second})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"ok", "graph", "nodes", "seed", "virtualSeconds", "wallSeconds", "events", "properties", "faults", "traceHash"} {
		if got[k] == nil {
			t.Errorf("no key %s in %s", k, b)
		}
	}
	if string(got["faults"]) != "{}" || string(got["virtualSeconds"]) != "2" || string(got["seed"]) != "18446744073709551615" {
		t.Errorf("%s", b)
	}
	if !strings.Contains(string(got["properties"]), `{"name":"answers fit","kind":"safety","held":true}`) {
		t.Errorf("%s", b)
	}
}

func TestUnreached(t *testing.T) {
	s := pingScenario(50 * time.Millisecond)
	calm := run(t, s, Options{Nodes: 5, Time: 20 * time.Second})
	rough := run(t, s, Options{Nodes: 5, Time: 20 * time.Second, Faults: Loss | Churn})
	if !calm.OK || calm.Properties[2].Held || calm.Properties[2].Detail != "never reached with seed 0" {
		t.Errorf("%+v", calm)
	}
	if got := Unreached(calm, calm); !cmp.Equal(got, []string{"a call fails"}) {
		t.Errorf("%q", got)
	}
	if got := Unreached(calm, rough); len(got) != 0 {
		t.Errorf("%q", got)
	}
	s.Properties[2].Check = nil
	script := s.Script
	s.Script = func(w *World) { script(w); w.Reached("a call fails") }
	if r := run(t, s, Options{Nodes: 2, Time: time.Second}); !r.Properties[2].Held {
		t.Errorf("%+v", r)
	}
}

func TestTrace(t *testing.T) {
	o := Options{Nodes: 5, Seed: 7, Time: 40 * time.Second, Faults: allBuilt}
	plain := run(t, pingScenario(time.Second), o)
	var one, two bytes.Buffer
	o.Trace = &one
	first := run(t, pingScenario(time.Second), o)
	o.Trace = &two
	run(t, pingScenario(time.Second), o)
	if diff := cmp.Diff(plain, first); diff != "" {
		t.Errorf("a trace changes the run: %s", diff)
	}
	if one.String() != two.String() {
		t.Error("two runs have different traces")
	}
	for _, want := range []string{"n000000 took message", " → ", "arrives", "crashes", "starts again", "took ask", "the connection breaks", "cannot reach"} {
		if !strings.Contains(one.String(), want) {
			t.Errorf("no %q in the trace", want)
		}
	}
	o.Trace = failing{}
	if _, err := Run(pingScenario(time.Second), o); err == nil {
		t.Error("a trace that cannot be written is no error")
	}
	if want := int(first.Events / 1000); len(first.Hashes) != want {
		t.Errorf("%d hashes of %d events", len(first.Hashes), first.Events)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWhatCannotRun(t *testing.T) {
	ping := func(change func(*Scenario)) Scenario {
		s := pingScenario(time.Second)
		change(&s)
		return s
	}
	prop := func(p Property) Scenario { return ping(func(s *Scenario) { s.Properties = []Property{p} }) }
	check := func(*World) error { return nil }
	for want, c := range map[string]struct {
		s Scenario
		o Options
	}{
		"no Graph":                    {Scenario{Name: "x"}, Options{}},
		"give 1 to":                   {ping(func(*Scenario) {}), Options{Nodes: -1}},
		"give a time":                 {ping(func(*Scenario) {}), Options{Time: -1}},
		"1 roles for 2 nodes":         {ping(func(s *Scenario) { s.Roles = func(int) []string { return []string{"client"} } }), Options{Nodes: 2}},
		"no such role":                {ping(func(s *Scenario) { s.Roles = func(int) []string { return []string{"cook"} } }), Options{Nodes: 1}},
		`param "server" is not bound`: {ping(func(s *Scenario) { s.Bind = nil }), Options{Nodes: 2}},
		"has no Check":                {prop(Property{Name: "a", Kind: Safety}), Options{}},
		"CheckNode is for safety":     {prop(Property{Name: "a", Kind: Liveness, CheckNode: func(*World, *Node) error { return nil }}), Options{}},
		"choose safety":               {prop(Property{Name: "a", Kind: "good", Check: check}), Options{}},
		"a name of its own":           {prop(Property{Kind: Safety, Check: check}), Options{}},
		"needs 2m0s after":            {prop(Property{Name: "a", Kind: Liveness, Check: check, Within: 2 * time.Minute}), Options{Time: time.Minute}},
		"nobody reads this origin":    {ping(func(s *Scenario) { s.Graph = deafGraph }), Options{}},
		"graph nothing has no role":   {ping(func(s *Scenario) { s.Graph = func() *graph.Graph { return graph.New("nothing", 1) } }), Options{}},
	} {
		if _, err := Run(c.s, c.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func deafGraph() *graph.Graph {
	g := graph.New("deaf", 1)
	graph.Table(g.Role("client"), "t", func(n int) int { return n }, graph.Capacity(1)).Changes()
	return g
}
