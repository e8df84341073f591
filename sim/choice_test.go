package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestChoiceFunctionIsFrozen: a change here makes every seed that somebody wrote down mean another run.
func TestChoiceFunctionIsFrozen(t *testing.T) {
	for _, g := range []struct {
		seed  uint64
		site  site
		node  int64
		count uint64
		want  uint64
	}{
		{0, siteSize, theWorld, 0, 0x56c844df2e292c56},
		{7, siteRand, 0, 0, 0x5a4495ad22052692},
		{7, siteRand, 0, 1, 0xfc6a2652e51550b3},
		{7, siteRand, 1, 0, 0x885cd4f864a36c23},
		{7, sitePartition, theWorld, 0, 0xe4de5aa2e5a68e39},
		{7, siteSide, 3, 0, 0xab8cbc3a05fa34ec},
		{7, siteOneWay, theWorld, 0, 0xc250e75c147a786d},
		{7, siteCut, 3, 0, 0x126790ee36553175},
		{7, siteKeepalive, 1<<32 | 2, 5, 0xbc3a4f0af6aa7f3},
		{7, siteRate, 1<<32 | 2, 0, 0xa6858bd3fc027fe6},
		{7, siteDrift, 3, 0, 0x5a370e5144cde4e2},
		{7, siteWall, 3, 1, 0x3621bd6fa4b17e17},
	} {
		if got := newChoices(Options{Seed: g.seed}).at(g.site, g.node, g.count); got != g.want {
			t.Errorf("seed %d, %s of %d, %d: %#x, was %#x", g.seed, siteNames[g.site], g.node, g.count, got, g.want)
		}
	}
	if got, want := newChoices(Options{Seed: 7}).named("writes", 3, 5, false), uint64(0x277665d2d81b6d31); got != want {
		t.Errorf("a named site: %#x, was %#x", got, want)
	}
}

func TestOverridesReplaceSingleChoices(t *testing.T) {
	s := pingScenario(100 * time.Millisecond)
	o := Options{Nodes: 5, Seed: 7, Time: 30 * time.Second, Faults: allBuilt, OnlyOverrides: true}
	if r := run(t, s, o); len(r.Faults) != 0 {
		t.Errorf("faults %v happened with an empty table", r.Faults)
	}
	o.Overrides = map[Choice]uint64{
		{"break", 2 << 32, 20}: ^uint64(0), // from 2 to 0
		{"crash", 3, 0}:        1 << 62,
	}
	r := run(t, s, o)
	want := map[string]int{"crashes": 1, "restarts": 1}
	for name, n := range want {
		if r.Faults[name] != n {
			t.Errorf("%s: %d, want %d of the table", name, r.Faults[name], n)
		}
	}
	if r.Faults["brokenConnections"] < 2 || r.Faults["lostCalls"] == 0 {
		t.Errorf("faults %v: want a connection that breaks with an open call, and those of the crash", r.Faults)
	}
	if r.Faults["delayedMessages"] != 0 {
		t.Errorf("faults %v: a delay is not in the table", r.Faults)
	}
	o = Options{Nodes: 5, Seed: 7, Time: 30 * time.Second}
	plain := run(t, s, o)
	o.Overrides = map[Choice]uint64{{"cost", 1, 0}: 0}
	if w := world(t, s, o); w.nodes[1].cost != costLeast || w.report().TraceHash == plain.TraceHash {
		t.Errorf("the override of a cost does not show: %v", w.nodes[1].cost)
	}
}

// TestFaultsDoNotMoveOtherChoices: what a node is does not depend on which faults are on.
func TestFaultsDoNotMoveOtherChoices(t *testing.T) {
	s := pingScenario(time.Second)
	a := world(t, s, Options{Nodes: 20, Seed: 3, Time: time.Second})
	b := world(t, s, Options{Nodes: 20, Seed: 3, Time: time.Second, Faults: allBuilt})
	for i := range a.nodes {
		if a.nodes[i].cost != b.nodes[i].cost || a.nodes[i].offset != b.nodes[i].offset {
			t.Errorf("node %d is another one", i)
		}
		if len(a.nodes[i].edges) != len(b.nodes[i].edges) || a.nodes[i].edges[0].latency != b.nodes[i].edges[0].latency {
			t.Errorf("node %d has other edges", i)
		}
		for j := range i {
			if a.nodes[i].offset/1e9 == a.nodes[j].offset/1e9 {
				t.Errorf("nodes %d and %d have one clock", i, j)
			}
		}
	}
}

func TestDrawing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, n := rapid.Uint64().Draw(t, "v"), rapid.Uint64Range(1, 1<<40).Draw(t, "n")
		if got := below(v, n); got >= n {
			t.Fatalf("below(%d, %d) = %d", v, n, got)
		}
		if below(0, n) != 0 || perMillion(0, min(n, 999_999)) || perMillion(v, 0) {
			t.Fatal("a choice of 0 is a fault")
		}
		if !perMillion(v, 1_000_000) {
			t.Fatal("a sure fault does not happen")
		}
	})
}

func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		kinds := []entryKind{doTurn, doTimer, doArrive, doWork}
		n, popped := 0, 0
		last := entry{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "push") || n == 0 {
				at := last.at + int64Time(rapid.Int64Range(0, 5).Draw(t, "at"))
				q.push(at, rapid.SampledFrom(kinds).Draw(t, "kind"), 0, 0)
				n++
				if last.kind == doTurn || last.kind == doTimer {
					last = entry{at: last.at} // what comes now may come before at the same instant
				}
				continue
			}
			e := q.pop()
			n--
			popped++
			if e.before(&last) {
				t.Fatalf("%+v after %+v", e, last)
			}
			last = e
		}
	})
}
