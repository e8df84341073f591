package dag

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// TestRule3_1_ManyWritersShareASync runs many writers on several contexts (with -race): everything is told once, in log
// order, and is there after a restart.
func TestRule3_1_ManyWritersShareASync(t *testing.T) {
	const writers, each = 32, 20
	w := newWorld(1)
	disk := NewMemDisk()
	o := w.options()
	rec := newRecorder()
	o.Observer = rec
	j, _ := open(t, disk, o)
	founder := person("founder")
	people := make([]Signer, writers)
	var g Grant
	for i := range people {
		people[i] = person(fmt.Sprint("p", i))
		g.Keys = append(g.Keys, people[i].Public())
	}
	ctxs := []ID{must(j.Found(founder, g)), must(j.Found(founder, g))}
	peer, _ := open(t, NewMemDisk(), w.options())
	for _, c := range ctxs {
		peer.Join(c)
	}
	var wg sync.WaitGroup
	errs := make(chan error, writers+1)
	for i, s := range people {
		wg.Go(func() {
			for n := range each {
				p, err := j.Write(ctxs[(i+n)%2], s, Edit{Kind: KindData, Payload: fmt.Append(nil, i, n)})
				if err == nil && n%3 != 0 {
					_, err = p.Wait()
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Go(func() { // catch-up beside the writers
		for range 20 {
			for _, c := range ctxs {
				page, _, err := j.Serve(c, peer.Have(c), 64<<10)
				if err == nil {
					_, err = peer.Ingest(c, page)
				}
				if err != nil && page != nil {
					errs <- err
					return
				}
			}
		}
	})
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := writers*each + 2; len(rec.synced) != want {
		t.Fatalf("told of %d synced, want %d", len(rec.synced), want)
	}
	for _, c := range ctxs {
		if !slices.Equal(rec.synced1[c], rec.admitted1[c]) || !slices.Equal(rec.synced1[c], all(t, j, c)) {
			t.Fatal("a context is not told of in log order")
		}
	}
	if !slices.IsSortedFunc(rec.marks, func(a, b Mark) int { return int(a.End - b.End) }) {
		t.Error("marks go back")
	}
	if n := disk.Syncs(); n > writers*each {
		t.Errorf("%d syncs for %d writes", n, writers*each)
	}
	for _, c := range ctxs {
		pull(t, j, peer, c, MaxPage)
		same(t, j, peer, c)
	}
	closeJ(t, j)
	j, _ = open(t, disk, w.options())
	for _, c := range ctxs {
		same(t, j, peer, c)
	}
}

func TestRule3_1_WritesNobodyWaitsForShareTheNextSync(t *testing.T) {
	b := newBench(t)
	before := b.disk.Syncs()
	var last *Pending
	for range 100 {
		last = must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData}))
	}
	if n := b.disk.Syncs() - before; n != 0 {
		t.Errorf("%d syncs before anybody waits", n)
	}
	if b.j.Has(last.Entry().ID) {
		t.Error("Has tells of what is not synced")
	}
	must(last.Wait())
	if n := b.disk.Syncs() - before; n != 1 {
		t.Errorf("%d syncs for a hundred writes", n)
	}
}

// TestRule1_4_AWriterSignsTheLastOfAGroup counts signatures: one a group and chain, and one in 256 deltas or 64 KiB.
func TestRule1_4_AWriterSignsTheLastOfAGroup(t *testing.T) {
	b := newBench(t)
	count := func(n, size int) (signed int) {
		t.Helper()
		var ps []*Pending
		for range n {
			ps = append(ps, must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, size)})))
		}
		since, bytes := 0, 0
		for _, p := range ps {
			e := must(p.Wait())
			if since++; since > MaxRun || bytes > MaxRunBytes {
				t.Fatalf("%d deltas and %d bytes before a signature", since, bytes)
			}
			if bytes += len(e.Raw); e.Sig != nil {
				signed, since, bytes = signed+1, 0, 0
			}
		}
		if ps[len(ps)-1].Entry().Sig == nil {
			t.Fatal("the last is not signed")
		}
		return signed
	}
	if n := count(10, 10); n != 1 {
		t.Errorf("%d signatures on ten", n)
	}
	if n := count(600, 0); n != 3 {
		t.Errorf("%d signatures on six hundred", n)
	}
	if n := count(20, 30<<10); n != 7 {
		t.Errorf("%d signatures on twenty of 30 KiB", n)
	}
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
}

func TestWritesOverTheBoundSync(t *testing.T) {
	b := newBench(t)
	before := b.disk.Syncs()
	for range 20 {
		must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, 300<<10)}))
	}
	if n := b.disk.Syncs() - before; n < 1 || n > 4 {
		t.Errorf("%d syncs for 6 MB that nobody waits for", n)
	}
}

func TestRule1_4_EachChainOfAGroupIsSigned(t *testing.T) {
	b := newBench(t)
	one := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData}))
	two := must(b.j.Write(b.ctx, b.bob, Edit{Kind: KindData}))
	if err := b.j.Flush(); err != nil {
		t.Fatal(err)
	}
	if one.Entry().Sig == nil || two.Entry().Sig == nil {
		t.Error("a chain has no signature")
	}
}
