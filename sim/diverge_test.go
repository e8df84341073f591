package sim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// The fickle protocol answers with what a map gives first.

var fickle = graph.Op1(ops, "fickle", 1, func(_ *graph.Tick, r *graph.Request[int, int]) (int, error) {
	if r.Value < 500 {
		return 0, nil
	}
	for k := range map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true} {
		return k, nil
	}
	return 0, nil
})

func fickleScenario() Scenario {
	s := pingScenario(100 * time.Millisecond)
	s.Name, s.Properties = "fickle", nil
	s.Graph = func() *graph.Graph {
		g := graph.New("fickle", 1)
		client, server := g.Role("client"), g.Role("server")
		to := graph.Param[graph.Peer](client, "server")
		asked := graph.Ask[int, int](client, "ping")
		in, answer := graph.Call(value(asked), to, server, graph.Exchange[int, int]("ping", graph.MaxRequest(16), graph.MaxReply(16)), time.Second, graph.Anyone)
		graph.Reply(in, fickle(in))
		graph.Reply(asked, answer)
		return g
	}
	return s
}

func TestRunsThatPart(t *testing.T) {
	o := Options{Nodes: 10, Seed: 7, Time: 20 * time.Second}
	a, b := run(t, fickleScenario(), o), run(t, fickleScenario(), o)
	agree, found := Diverge(a, b)
	if !found || agree < 1000 || agree > 2000 { // three events a ping
		t.Errorf("they agree until %d events, found %v", agree, found)
	}
	if _, found := Diverge(a, a); found {
		t.Error("a run differs from itself")
	}
	d, err := Compare(fickleScenario(), o, o)
	if err != nil || d == nil {
		t.Fatal(d, err)
	}
	if d.Events < 1400 || d.Events > 1600 || len(d.A) == 0 || len(d.B) == 0 || len(d.Before) == 0 || !strings.Contains(strings.Join(d.A, "\n"), "n000000 took message [receive ping]") {
		t.Errorf("%v", d)
	}
	t.Log(d)
	for _, s := range scenarios() {
		o := Options{Nodes: 5, Seed: 7, Time: 20 * time.Second, Faults: allBuilt}
		if d, err := Compare(s, o, o); d != nil || err != nil {
			t.Errorf("%s: %v, %v", s.Name, d, err)
		}
		other := o
		other.Overrides = map[Choice]uint64{{"cost", 3, 0}: 1 << 62}
		if d, err := Compare(s, o, other); d == nil || err != nil || !strings.Contains(d.String(), "n000003") {
			t.Errorf("%s: %v, %v", s.Name, d, err)
		}
	}
	o.Nodes = -1
	if _, err := Compare(fickleScenario(), o, o); err == nil {
		t.Error("options that make no sense are compared")
	}
}

func TestTraceOfAWindow(t *testing.T) {
	var all, part bytes.Buffer
	o := Options{Nodes: 10, Seed: 7, Time: 20 * time.Second, Faults: allBuilt, Trace: &all}
	whole := run(t, pingScenario(100*time.Millisecond), o)
	o.Trace, o.TraceFrom, o.TraceTo = &part, 1000, 2000
	if r := run(t, pingScenario(100*time.Millisecond), o); r.TraceHash != whole.TraceHash {
		t.Error("a window changes the run")
	}
	marks := 0
	for l := range strings.Lines(part.String()) {
		if strings.Contains(l, " events, hash ") {
			marks++
		}
		if !strings.Contains(all.String(), l) {
			t.Fatalf("%q is not in the whole trace", l)
		}
	}
	if took := strings.Count(part.String(), " took "); took < 900 || took > 1300 || marks != len(whole.Hashes) {
		t.Errorf("%d ticks and %d hashes in a window of 1,000 events", took, marks)
	}
}

func TestParseOverride(t *testing.T) {
	for text, want := range map[string]struct {
		c Choice
		v uint64
	}{
		"crash/3/0=5":            {Choice{"crash", 3, 0}, 5},
		"partition/world/2=0xff": {Choice{"partition", theWorld, 2}, 255},
		"latency/5-2/0=max":      {Choice{"latency", 2<<32 | 5, 0}, ^uint64(0)},
	} {
		if c, v, err := ParseOverride(text); c != want.c || v != want.v || err != nil {
			t.Errorf("%q: %v, %d, %v", text, c, v, err)
		}
	}
	for _, text := range []string{"", "crash", "crash/3=1", "crash/3/0", "/3/0=1", "crash/x/0=1", "crash/-1/0=1", "crash/3/x=1", "crash/3/0=x", "crash/1-x/0=1", "a/b/c/d=1"} {
		if c, v, err := ParseOverride(text); err == nil {
			t.Errorf("%q: %v, %d", text, c, v)
		}
	}
}
