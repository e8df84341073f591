package bench

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/ipfs/go-datastore"
	"github.com/merograph/merograph/dag"
)

const made = 65536 // deltas of a history that was made up

// histories are what is ingested.
var histories = []struct {
	name string
	make func() (*history, error)
}{
	{"session", func() (*history, error) { return session(tracePath()) }},
	{"line", func() (*history, error) { return line(made) }},
	{"merge", func() (*history, error) { return merge(made, 16) }},
}

// BenchmarkIngest: an op is a delta decoded from its bytes, hashed and admitted, on one core. The others are beside it,
// in millions of deltas a second of the processor's time: M/s-bytes is the op again. The ratios are of the times of bare and
// of go-ds-crdt to ours, from bytes and verified.
func BenchmarkIngest(b *testing.B) {
	for _, c := range histories {
		b.Run("history="+c.name, func(b *testing.B) {
			h, err := c.make()
			if errors.Is(err, errNoTrace) {
				b.Skip(err)
			}
			if err != nil {
				b.Fatal(err)
			}
			raceIngest(b, h)
		})
	}
}

func raceIngest(b *testing.B, h *history) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	graphOf := func(make func() (*dag.Graph, error)) func() {
		return func() {
			g, err := make()
			if err != nil {
				b.Fatal(err)
			}
			runtime.KeepAlive(g)
		}
	}
	mixed, backwards := h.shuffled(1), h.reversed()
	const puts = 1000
	replicaOf := func(other *replica) *replica {
		r, err := newReplica(other)
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	source := replicaOf(nil)
	defer source.Close()
	if err := source.putAll(h, puts); err != nil {
		b.Fatal(err)
	}
	n := len(h.entries)
	order := &lane{name: "order", units: n, run: graphOf(h.decoded)}
	shuffled := &lane{name: "shuffled", units: n, run: graphOf(func() (*dag.Graph, error) { return h.offered(mixed) })}
	reversed := &lane{name: "reversed", units: n, run: graphOf(func() (*dag.Graph, error) { return h.offered(backwards) })}
	read := &lane{name: "bytes", units: n, run: graphOf(func() (*dag.Graph, error) { return h.read(false) })}
	verified := &lane{name: "verified", units: n, run: graphOf(func() (*dag.Graph, error) { return h.read(true) })}
	bare := &lane{name: "bare", units: n, run: func() {
		if _, err := h.bare(); err != nil {
			b.Fatal(err)
		}
	}}
	var fresh *replica
	put := &lane{
		name: "crdt-put", units: puts, before: func() { fresh = replicaOf(nil) }, after: func() { fresh.Close() },
		run: func() {
			if err := fresh.putAll(h, puts); err != nil {
				b.Fatal(err)
			}
		},
	}
	follow := &lane{
		name: "crdt-follow", units: puts, before: func() { fresh = replicaOf(source) }, after: func() { fresh.Close() },
		run: func() { fresh.follow(source, puts) },
	}
	r := race{lanes: []*lane{order, shuffled, reversed, read, verified, bare, put, follow}, cpu: true}
	r.run(b)
	b.ReportMetric(median(read.ns), "ns/op")
	for _, l := range r.lanes {
		b.ReportMetric(millions(median(l.ns)), "M/s-"+l.name)
	}
	for _, l := range r.lanes[:5] {
		b.ReportMetric(millions(slices.Min(l.ns)), "best-M/s-"+l.name)
	}
	b.ReportMetric(slices.Min(read.ns), "best-ns/op")
	b.ReportMetric(ratio(bare.ns, read.ns), "x-bare")
	b.ReportMetric(ratio(put.ns, verified.ns), "x-crdt-put")
	b.ReportMetric(ratio(follow.ns, verified.ns), "x-crdt-follow")
	memory(b, n, read.run, nil)
}

func TestHistories(t *testing.T) {
	for _, c := range []struct {
		name string
		make func() (*history, error)
		tips int
	}{
		{"session", histories[0].make, 3},
		{"line", func() (*history, error) { return line(700) }, 2},
		{"merge", func() (*history, error) { return merge(3000, 4) }, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := c.make()
			if errors.Is(err, errNoTrace) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			first, err := h.decoded()
			if err != nil {
				t.Fatal(err)
			}
			for name, make := range map[string]func() (*dag.Graph, error){
				"shuffled": func() (*dag.Graph, error) { return h.offered(h.shuffled(7)) },
				"reversed": func() (*dag.Graph, error) { return h.offered(h.reversed()) },
				"verified": func() (*dag.Graph, error) { return h.read(true) },
			} {
				g, err := make()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if g.Len() != len(h.entries) || !slices.Equal(g.Heads(), first.Heads()) {
					t.Errorf("%s: %d deltas with heads %v, not %d with %v", name, g.Len(), g.Heads(), len(h.entries), first.Heads())
				}
			}
			signed, distance := 0, map[dag.ID]int{}
			for _, e := range h.entries {
				chain := e.Delta.ChainOf(e.ID)
				if distance[chain]++; distance[chain] > dag.MaxRun {
					t.Fatalf("%v has no signature within %d deltas", e.ID, dag.MaxRun)
				}
				if e.Sig != nil {
					signed++
					distance[chain] = 0
				}
			}
			for chain, n := range distance {
				if n != 0 {
					t.Errorf("chain %v ends in %d deltas without a signature", chain, n)
				}
			}
			if len(distance) != c.tips || signed > len(h.entries)/dag.MaxRun+c.tips {
				t.Errorf("%d chains, not %d; %d signatures on %d deltas", len(distance), c.tips, signed, len(h.entries))
			}
			if _, err := h.bare(); err != nil {
				t.Errorf("the bytes do not decode: %v", err)
			}
		})
	}
}

func TestCRDTPeer(t *testing.T) {
	h, err := line(20)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newReplica(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.putAll(h, 20); err != nil {
		t.Fatal(err)
	}
	b, err := newReplica(a)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.follow(a, 20)
	for _, r := range []*replica{a, b} {
		v, err := r.Get(context.Background(), datastore.NewKey("19"))
		if err != nil || string(v) != string(h.entries[19].Delta.Payload) {
			t.Errorf("got %q, %v", v, err)
		}
		if s := r.InternalStats(context.Background()); s.MaxHeight != 20 {
			t.Errorf("the DAG is %d high, not 20", s.MaxHeight)
		}
	}
}
