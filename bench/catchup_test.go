package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/merograph/merograph/dag"
)

// sources are what is lagged behind.
var sources = []struct {
	name string
	make func(dir string) (*source, error)
}{
	{"session", typed},
	{"line", func(dir string) (*source, error) { return keyed(dir, 100_000) }},
	{"store", stored},
}

// BenchmarkCatchUp: an op is a delta that a journal without any takes over a libp2p stream on the loopback from one that has all: asked for,
// served, sent, verified, stored, synced. Beside it the same pages over the same stream and dropped (bare), and the hashes,
// signatures and bytes alone (least).
func BenchmarkCatchUp(b *testing.B) {
	for _, c := range sources {
		b.Run("history="+c.name, func(b *testing.B) {
			dir := folder(b)
			s, err := c.make(filepath.Join(dir, "source"))
			if errors.Is(err, errNoTrace) {
				b.Skip(err)
			}
			if err != nil {
				b.Fatal(err)
			}
			defer s.close()
			raceCatchUps(b, dir, s)
		})
	}
}

func raceCatchUps(b *testing.B, dir string, s *source) {
	w, err := newWired(transports["tcp"])
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	ok := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	var pages [][]byte
	w.hosts[1].SetStreamHandler("/catchup/1", s.serve)
	w.hosts[1].SetStreamHandler("/pages/1", serveBarePages(&pages))
	stream := func(to string) network.Stream {
		st, err := w.hosts[0].NewStream(context.Background(), w.hosts[1].ID(), map[string]protocol.ID{"ours": "/catchup/1", "bare": "/pages/1"}[to])
		ok(err)
		return st
	}
	var f *follower
	var st network.Stream
	fresh := func() {
		j, err := journalIn(filepath.Join(dir, "follower"))
		ok(err)
		ok(j.Join(s.ctx))
		f, st = &follower{journal: j, ctx: s.ctx}, stream("ours")
	}
	var taken []*dag.Entry
	done := func() {
		if dag.Digest(f.journal.Tips(s.ctx)) != dag.Digest(s.journal.Tips(s.ctx)) {
			b.Fatal("the two differ")
		}
		pages, taken = f.pages, nil
		ok(f.journal.Each(s.ctx, func(e *dag.Entry) error { taken = append(taken, e); return nil }))
		st.Reset()
		ok(f.journal.Close())
		ok(os.RemoveAll(filepath.Join(dir, "follower")))
	}
	n := len(s.entries)
	var core []float64 // of the processor's time
	ours := &lane{name: "ours", units: n, before: fresh, after: done, run: func() {
		begun := spent()
		ok(f.catchUp(st))
		core = append(core, float64(spent()-begun)/float64(n))
	}}
	same := &lane{name: "bare", units: n, before: func() { st = stream("bare") }, after: func() { st.Reset() }, run: func() { ok(bare(st, pages)) }}
	limit := &lane{name: "least", units: n, run: func() { ok(least(dir, taken)) }}
	r := race{lanes: []*lane{ours, same, limit}}
	r.round(0) // the streams open, and the others learn what there is
	for _, l := range r.lanes {
		l.ns = nil
	}
	core = nil
	r.run(b)
	signed, size := 0, 0
	for _, e := range taken {
		if e.Sig != nil {
			signed++
		}
	}
	for _, p := range pages {
		size += len(p)
	}
	b.ReportMetric(median(ours.ns), "ns/op")
	b.ReportMetric(slices.Min(ours.ns), "best-ns/op")
	b.ReportMetric(1e6/median(ours.ns), "k/s")
	b.ReportMetric(1e6/slices.Min(ours.ns), "best-k/s")
	b.ReportMetric(1e6/median(core), "k/s-of-a-core")
	b.ReportMetric(1e6/slices.Min(core), "best-k/s-of-a-core")
	b.ReportMetric(1e6/median(same.ns), "k/s-bare")
	b.ReportMetric(1e6/median(limit.ns), "k/s-least")
	b.ReportMetric(ratio(ours.ns, limit.ns), "x-least")
	b.ReportMetric(float64(n)/float64(signed), "deltas/signature")
	b.ReportMetric(float64(size)/float64(n), "B/delta")
	b.ReportMetric(float64(size)/float64(s.size), "of-canonical")
	b.ReportMetric(float64(len(pages)), "pages")
}

func TestCatchUp(t *testing.T) {
	s, err := keyed(filepath.Join(t.TempDir(), "source"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	w, err := newWired(transports["tcp"])
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.hosts[1].SetStreamHandler("/catchup/1", s.serve)
	st, err := w.hosts[0].NewStream(context.Background(), w.hosts[1].ID(), "/catchup/1")
	if err != nil {
		t.Fatal(err)
	}
	j, err := journalIn(filepath.Join(t.TempDir(), "follower"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Join(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := (&follower{journal: j, ctx: s.ctx}).catchUp(st); err != nil {
		t.Fatal(err)
	}
	if dag.Digest(j.Tips(s.ctx)) != dag.Digest(s.journal.Tips(s.ctx)) || len(s.entries) != 1001 {
		t.Errorf("the two differ; the source has %d deltas", len(s.entries))
	}
}
