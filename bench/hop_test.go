package bench

import (
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/merograph/merograph/graph"
)

const hops = 16

func raceHops[T any](b *testing.B, peer hopper[T]) {
	none, err := newChain(0, peer)
	if err != nil {
		b.Fatal(err)
	}
	long, err := newChain(hops, peer)
	if err != nil {
		b.Fatal(err)
	}
	const n = 2000
	peers := slices.Repeat([]hopper[T]{peer}, hops)
	without := &lane{name: "none", units: n, run: func() { none.fire(n) }}
	with := &lane{name: "hop", units: n, run: func() { long.fire(n) }}
	call := &lane{name: "interface", units: n * hops, run: func() { calls(peers, n) }}
	buffered := &lane{name: "buffered", units: 4 * n, run: func() { passed(peer, 4*n, 128) }}
	bare := &lane{name: "unbuffered", units: n, run: func() { passed(peer, n, 0) }}
	r := race{lanes: []*lane{without, with, call, buffered, bare}}
	r.run(b)
	ns := differ(with.ns, without.ns, hops)
	b.ReportMetric(median(ns), "ns/op")
	b.ReportMetric(slices.Min(with.ns)/hops-slices.Min(without.ns)/hops, "best-ns/op")
	b.ReportMetric(median(call.ns), "interface-ns")
	b.ReportMetric(median(buffered.ns), "buffered-ns")
	b.ReportMetric(median(bare.ns), "unbuffered-ns")
	b.ReportMetric(ratio(ns, call.ns), "x-interface")
	b.ReportMetric(ratio(ns, buffered.ns), "x-buffered")
	b.ReportMetric(ratio(ns, bare.ns), "x-unbuffered")
	memory(b, n*hops, with.run, without.run)
}

// BenchmarkHop: an op is one of a chain of 16, failure ports and counters on: what the chain costs more than none, for each.
func BenchmarkHop(b *testing.B) {
	b.Run("bytes=8", func(b *testing.B) { raceHops(b, hop8{}) })
	b.Run("bytes=16", func(b *testing.B) { raceHops(b, hop16{}) })
	b.Run("bytes=64", func(b *testing.B) { raceHops(b, hop64{}) })
}

// BenchmarkActivation: an op is a message in, six steps, a reply out.
func BenchmarkActivation(b *testing.B) {
	y, err := newSix()
	if err != nil {
		b.Fatal(err)
	}
	const n = 1000
	steps := slices.Repeat([]hopper[ask]{adder{}}, 6)
	serve := func() {
		if err := y.serve(n); err != nil {
			b.Fatal(err)
		}
	}
	hand := func() {
		if _, err := byHand(steps, y.payload, n); err != nil {
			b.Fatal(err)
		}
	}
	ours := &lane{name: "activation", units: n, run: serve}
	peer := &lane{name: "byhand", units: n, run: hand}
	r := race{lanes: []*lane{ours, peer}}
	r.run(b)
	b.ReportMetric(median(ours.ns), "ns/op")
	b.ReportMetric(slices.Min(ours.ns), "best-ns/op")
	b.ReportMetric(median(peer.ns), "byhand-ns")
	b.ReportMetric(ratio(ours.ns, peer.ns), "x-byhand")
	memory(b, n, serve, nil)
}

func TestChainHops(t *testing.T) {
	c, err := newChain(hops, hop64{})
	if err != nil {
		t.Fatal(err)
	}
	c.fire(10)
	if c.last.a != hops {
		t.Errorf("a value went through %d hops, not %d", c.last.a, hops)
	}
	for _, s := range c.inst.Counters().Steps {
		if s.Fired != 10 {
			t.Errorf("step %v fired %d times, not 10", s, s.Fired)
		}
	}
	if v := calls(slices.Repeat([]hopper[int64]{hop8{}}, hops), 3); v != 3*hops {
		t.Errorf("the peers counted %d", v)
	}
	if v := passed(hop16{}, 5, 0); v.a != 1 {
		t.Errorf("the channel gave %d", v.a)
	}
}

func TestSixAnswers(t *testing.T) {
	y, err := newSix()
	if err != nil {
		t.Fatal(err)
	}
	if err := y.serve(3); err != nil {
		t.Fatal(err)
	}
	var got ask
	if err := cbor.Unmarshal(y.host.last.Payload, &got); err != nil {
		t.Fatal(err)
	}
	if y.host.sent != 3 || y.host.last.Kind != graph.ReplyMsg || got != (ask{6, 2}) {
		t.Errorf("%d sent, the last of kind %d with %v", y.host.sent, y.host.last.Kind, got)
	}
}
