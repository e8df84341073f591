package dag

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// history gives n decoded deltas of several authors in one order that their past allows.
func history(tb testing.TB, authors, n int) (ID, []*Entry) {
	tb.Helper()
	var g Grant
	people := make([]Signer, authors)
	for i := range people {
		people[i] = person(string(rune('a' + i)))
		g.Keys = append(g.Keys, people[i].Public())
	}
	genesis := forge(Delta{
		Author: people[0].Public(), Nonce: make([]byte, 16), Ms: 1, Payload: must(g.Encode()),
	})
	list := []*Entry{genesis}
	last := make([]*Entry, authors)
	r := rand.New(rand.NewPCG(1, 2))
	for i := 1; i < n; i++ {
		a := r.IntN(authors)
		on := list[max(0, len(list)-1-r.IntN(3))]
		var e *Entry
		clock := func(d *Delta) {
			d.Ms, d.N = uint64(i+1), 0
			d.Payload = []byte("keystroke")
		}
		if last[a] == nil {
			e = start(genesis, people[a].Public(), func(d *Delta) { clock(d); d.Parents = []ID{on.ID} })
		} else {
			e = next(last[a], func(d *Delta) {
				clock(d)
				d.Credential = genesis.ID
				if on != last[a] {
					d.Parents = []ID{on.ID}
				}
			})
		}
		last[a] = e
		list = append(list, e)
	}
	return genesis.ID, list
}

func TestGraphAddAndOffer(t *testing.T) {
	ctx, list := history(t, 4, 3000)
	g := NewGraph(ctx)
	if out, _ := g.Add(list[1].ID, list[1].Delta); out != Waits {
		t.Errorf("without its genesis: %v", out)
	}
	for _, e := range list {
		if out, why := g.Add(e.ID, e.Delta); out != Admitted {
			t.Fatalf("%v %s", out, why)
		}
	}
	if out, _ := g.Add(list[5].ID, list[5].Delta); out != Held {
		t.Errorf("again: %v", out)
	}
	shuffled := slices.Clone(list)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(list), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	h, n := NewGraph(ctx), 0
	for _, e := range shuffled {
		n += h.Offer(e) + h.Offer(e)
	}
	if n != len(list) || h.Len() != n || h.Waiting() != 0 || !slices.Equal(g.Heads(), h.Heads()) || g.Forks() != h.Forks() {
		t.Errorf("%d admitted of %d, %d wait", n, len(list), h.Waiting())
	}
	// Taken out again from the end, the graph is what it was before.
	for i := len(list) - 1; i >= 1500; i-- {
		g.undo(list[i].Delta)
	}
	half := NewGraph(ctx)
	for _, e := range list[:1500] {
		half.Add(e.ID, e.Delta)
	}
	if !slices.Equal(g.Heads(), half.Heads()) || len(g.chains) != len(half.chains) || g.Len() != 1500 {
		t.Error("undo leaves something")
	}
	for _, e := range list[1500:] {
		if out, why := g.Add(e.ID, e.Delta); out != Admitted {
			t.Fatalf("%v %s", out, why)
		}
	}
}

func BenchmarkIngestDecodedInOrder(b *testing.B) {
	ctx, list := history(b, 8, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		g := NewGraph(ctx)
		for _, e := range list {
			if out, _ := g.Add(e.ID, e.Delta); out != Admitted {
				b.Fatal(out)
			}
		}
	}
	b.ReportMetric(float64(len(list)*b.N)/b.Elapsed().Seconds(), "deltas/s")
}

func BenchmarkIngestDecodedShuffled(b *testing.B) {
	ctx, list := history(b, 8, 100_000)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	b.ReportAllocs()
	for b.Loop() {
		g := NewGraph(ctx)
		for _, e := range list {
			g.Offer(e)
		}
		if g.Len() != len(list) {
			b.Fatal(g.Len())
		}
	}
	b.ReportMetric(float64(len(list)*b.N)/b.Elapsed().Seconds(), "deltas/s")
}

func BenchmarkIngestFromBytes(b *testing.B) {
	ctx, list := history(b, 8, 100_000)
	for b.Loop() {
		g := NewGraph(ctx)
		for _, e := range list {
			x, err := NewEntry(e.Raw, nil)
			if err != nil {
				b.Fatal(err)
			}
			g.Add(x.ID, x.Delta)
		}
	}
	b.ReportMetric(float64(len(list)*b.N)/b.Elapsed().Seconds(), "deltas/s")
}

// BenchmarkJournalWriteAndCatchUp writes 26,000 deltas with explicit parents on a disk in memory, and brings them to another node.
func BenchmarkJournalWriteAndCatchUp(b *testing.B) {
	alice := person("alice")
	const n = 26_000
	for b.Loop() {
		w := newWorld(1)
		j, _ := open(b, NewMemDisk(), w.options())
		ctx := must(j.Found(alice, Grant{}))
		at := ctx
		for range n {
			p := must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: []byte("keystroke"), Parents: []ID{at}}))
			at = p.Entry().ID
		}
		if err := j.Flush(); err != nil {
			b.Fatal(err)
		}
		k, _ := open(b, NewMemDisk(), w.options())
		k.Join(ctx)
		pull(b, j, k, ctx, MaxPage)
		if k.Stats().Contexts[0].Deltas != n+1 {
			b.Fatal("not all arrived")
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "deltas/s")
}

func BenchmarkDurableWrite(b *testing.B) {
	j, _ := open(b, OSDisk(b.TempDir()), newWorld(1).options())
	alice := person("alice")
	ctx := must(j.Found(alice, Grant{}))
	payload := make([]byte, 1024)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			must(must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: payload})).Wait())
		}
	})
	b.Run("64 writers", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				must(must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: payload})).Wait())
			}
		})
	})
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}
