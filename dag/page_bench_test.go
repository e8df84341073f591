package dag

import (
	"testing"
)

// keystrokes is a page of as many deltas as one may have, each with a payload that names the one before.
func keystrokes(b *testing.B) (g *Entry, raws [][]byte, page []byte) {
	alice := person("alice")
	g = forge(Delta{Author: alice.Public(), Nonce: make([]byte, NonceLen), Ms: 1_700_000_000_000, Payload: must(Grant{}.Encode())})
	run := []*Entry{g}
	for i := range MaxPageDeltas - 1 {
		e := next(run[i], func(d *Delta) {
			d.Ms, d.N = d.Ms+uint64(100+i%97), 0
			d.Wall = int64(d.Ms)
			d.Payload = append([]byte{2, 0x84, 3, 0x82, 0x58, 0x20}, d.Prev[:]...)
			d.Payload = append(d.Payload, 0, 0xf6, 0x61, byte('a'+i%26))
		})
		if run = append(run, e); i%MaxRun == 0 {
			e.Sig = must(signID(alice, e.ID))
		}
	}
	for _, e := range run {
		raws = append(raws, e.Raw)
	}
	return g, raws, EncodePage(g.ID, [][]*Entry{run})
}

// BenchmarkPage: an op is a delta of a page, decoded, rebuilt, hashed and admitted; beside it the same from canonical bytes, and
// the writing of the page.
func BenchmarkPage(b *testing.B) {
	g, raws, page := keystrokes(b)
	admit := func(b *testing.B, graph *Graph, e *Entry) {
		if got, why := graph.Add(e.ID, e.Delta); got != Admitted {
			b.Fatal(why)
		}
	}
	perDelta := func(b *testing.B) {
		n := float64(b.N) * float64(len(raws))
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/delta")
		b.ReportMetric(n/1e6/b.Elapsed().Seconds(), "M/s")
	}
	b.Run("of-pages", func(b *testing.B) {
		for b.Loop() {
			list, err := decodePage(page)
			if err != nil {
				b.Fatal(err)
			}
			graph := NewGraph(g.ID)
			for _, a := range list {
				admit(b, graph, a.e)
			}
		}
		perDelta(b)
		b.ReportMetric(float64(len(page))/float64(len(raws)), "B/delta")
	})
	b.Run("of-canonical", func(b *testing.B) {
		for b.Loop() {
			graph := NewGraph(g.ID)
			for _, raw := range raws {
				admit(b, graph, must(NewEntry(raw, nil)))
			}
		}
		perDelta(b)
	})
	b.Run("writing", func(b *testing.B) {
		list, err := decodePage(page)
		if err != nil {
			b.Fatal(err)
		}
		run := make([]*Entry, len(list))
		for i, a := range list {
			run[i] = a.e
		}
		for b.Loop() {
			if len(EncodePage(g.ID, [][]*Entry{run})) == 0 {
				b.Fatal("no page")
			}
		}
		perDelta(b)
	})
}
