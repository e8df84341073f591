package ops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
	"github.com/merograph/merograph/ops"
)

var kit = graph.NewOpset("kit")

// An ev is what the tests say: a value of a key. One of less than nothing has its whole tick fail, after all other steps.
type ev struct {
	K string
	V int
}

func key(e ev) string       { return e.K }
func (e ev) String() string { return fmt.Sprint(e.K, e.V) }

// A rig is a graph of one role, and the one node that runs it.
type rig struct {
	t    testing.TB
	g    *graph.Graph
	r    *graph.Role
	last []func()
	got  []string
	w    *graphtest.World
	n    *graphtest.Node
}

func newRig(t testing.TB) *rig {
	g := graph.New("rig", 1)
	return &rig{t: t, g: g, r: g.Role("r")}
}

var finish = graph.Op1(kit, "finish", 1, func(_ *graph.Tick, e ev) (graph.Done, error) {
	if e.V < 0 {
		return graph.Done{}, graph.Fail(graph.Denied, "less than nothing")
	}
	return graph.Done{}, nil
})

// in is a way in, of which say gives the name.
func (g *rig) in(name string) graph.Wire[ev] {
	in := graph.Ask[ev, graph.Done](g.r, name)
	w := ops.Value(in)
	g.last = append(g.last, func() { graph.Reply(in, finish(w)) })
	return w
}

// out notes what comes on a wire.
func out[T any](g *rig, label string, w graph.Wire[T]) {
	graph.Op1(kit, "out "+label, 1, func(_ *graph.Tick, v T) (graph.Done, error) {
		g.got = append(g.got, strings.TrimSpace(fmt.Sprintf("%s %v", label, v)))
		return graph.Done{}, nil
	})(w)
}

// over notes the failures of a step that is an overflow port, by reason.
func over[T any](g *rig, label string, w graph.Wire[T]) {
	out(g, label, ops.Map("reason", w.Failed(), func(f graph.Failure) string { return f.Reason.String() }))
}

func (g *rig) start(opts ...graph.Option) *rig {
	g.t.Helper()
	for _, f := range g.last {
		f()
	}
	g.w = graphtest.New(g.t)
	g.n = g.w.Start(g.g, "r", "n", opts...)
	return g
}

// submit makes a request and does not run it yet.
func (g *rig) submit(name, k string, v int, done func(error)) {
	graph.Submit(g.n.Instance, name, ev{k, v}, time.Minute, func(_ graph.Done, err error) { done(err) })
}

// say makes a request, and gives what it came to.
func (g *rig) say(name, k string, v int) graph.Reason {
	g.t.Helper()
	why := graph.NoReply
	g.submit(name, k, v, func(err error) { why = graph.ReasonOf(err) })
	g.w.Settle()
	return why
}

// sayAcross is say with the instance cut after some ticks: another goes on from its snapshot, one tick an instant.
func (g *rig) sayAcross(name, k string, v, ticks int) graph.Reason {
	g.t.Helper()
	why := graph.NoReply
	g.submit(name, k, v, func(err error) { why = graph.ReasonOf(err) })
	for ticks > 0 && g.n.Instance.Next() {
		ticks--
	}
	live := g.n.Instance
	snap, err := live.Snapshot()
	if err != nil {
		g.t.Fatal(err)
	}
	if g.n.Instance, err = graph.Start(live.Program(), g.n, graph.Resume(snap, live), graph.CheckImmutable(), graph.Bound(graph.Bounds{Chain: 1})); err != nil {
		g.t.Fatal(err)
	}
	g.w.Settle()
	return why
}

func (g *rig) pass(d time.Duration) { g.w.Pass(d) }

// want compares what came out since it was last asked.
func (g *rig) want(want ...string) {
	g.t.Helper()
	if got := strings.Join(g.got, "; "); got != strings.Join(want, "; ") {
		g.t.Errorf("came out: %s\nwant:     %s", got, strings.Join(want, "; "))
	}
	g.got = nil
}

func (g *rig) wantRows(table string, n int) {
	g.t.Helper()
	if got := graph.SizeOf(g.n.Instance, table); got != n {
		g.t.Errorf("table %s has %d rows, want %d", table, got, n)
	}
}

func wantWhy(t testing.TB, what string, got, want graph.Reason) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
