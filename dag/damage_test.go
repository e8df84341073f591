package dag

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// TestRule3_2_TheNameOfASegmentIsMadeDurable: a segment whose first sync failed is seen by the next start, which goes on in
// it. From then on a power cut must not take its name.
func TestRule3_2_TheNameOfASegmentIsMadeDurable(t *testing.T) {
	b := newBench(t)
	for b.j.w.end%b.j.w.length < b.j.w.length-(900<<10) {
		put(t, b.j, b.ctx, b.alice, string(make([]byte, 400<<10)))
	}
	for range 3 {
		must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, 400<<10)}))
	}
	b.disk.FailSync(1, errBroken)
	if err := b.j.Flush(); err == nil {
		t.Fatal("the sync did not fail")
	}
	closeJ(t, b.j)
	b.disk.FailSync(1<<30, nil)
	j, _ := open(t, b.disk, b.w.options())
	e := put(t, j, b.ctx, b.alice, "acknowledged")
	b.disk.Crash()
	if j, rec := open(t, b.disk, b.w.options()); !j.Has(e.ID) {
		t.Errorf("it was acknowledged and is gone: %+v", rec)
	}
}

// rotten gives a bench whose alice wrote two deltas in one group, of which the second, with the signature, is rotten.
func rotten(t *testing.T) (b *bench, kept, lost *Entry) {
	b = newBench(t)
	kept = must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: []byte("kept")})).Entry()
	lost = put(t, b.j, b.ctx, b.alice, "lost")
	name, _, to := tail(b.j)
	put(t, b.j, b.ctx, b.bob, "after", b.ctx)
	closeJ(t, b.j)
	b.disk.Corrupt(name, to-1, 1)
	var rec Recovery
	if b.j, rec = open(t, b.disk, b.w.options()); len(rec.Damage) != 1 || !b.j.Has(kept.ID) || b.j.Has(lost.ID) {
		t.Fatalf("%+v", rec)
	}
	return b, kept, lost
}

// TestRule1_4_TheAuthorProvesAgainWhatDamageLeftWithoutAWitness.
func TestRule1_4_TheAuthorProvesAgainWhatDamageLeftWithoutAWitness(t *testing.T) {
	b, kept, _ := rotten(t)
	peer, _ := open(t, NewMemDisk(), b.w.options())
	peer.Join(b.ctx)
	pull(t, b.j, peer, b.ctx, MaxPage)
	if peer.Has(kept.ID) {
		t.Fatal("it is served without a witness")
	}
	put(t, b.j, b.ctx, b.alice, "on")
	pull(t, b.j, peer, b.ctx, MaxPage)
	if !peer.Has(kept.ID) {
		t.Error("nothing proves it")
	}
	same(t, b.j, peer, b.ctx)
	b.reopen()
	same(t, b.j, peer, b.ctx)
}

// TestRule1_3_WhatComesBackAfterDamageIsNotGoneOnWith: the log may have lost what followed it in its chain.
func TestRule1_3_WhatComesBackAfterDamageIsNotGoneOnWith(t *testing.T) {
	b := newBench(t)
	name, from, _ := tail(b.j)
	chain := put(t, b.j, b.ctx, b.alice, "one").Delta.Chain
	genesis := page(b.alice, b.genesis)
	closeJ(t, b.j)
	b.disk.Corrupt(name, from+groupHead+recordHead+80, 1)
	j, rec := open(t, b.disk, b.w.options())
	if len(rec.Damage) != 1 {
		t.Fatalf("%+v", rec)
	}
	if got := feed(t, j, b.ctx, genesis); got.Admitted != 2 {
		t.Fatalf("%+v", got)
	}
	if e := put(t, j, b.ctx, b.alice, "two"); e.Delta.Chain == chain || e.Delta.Seq != 0 {
		t.Errorf("the chain goes on: seq %d", e.Delta.Seq)
	}
	if ids := all(t, j, b.ctx); !slices.Contains(ids, b.ctx) {
		t.Error("the genesis is not back")
	}
}

// TestRule3_2_ACutBetweenGroupsIsNamedWhenTheIndexKnowsBetter: the log alone cannot tell it from an earlier end.
func TestRule3_2_ACutBetweenGroupsIsNamedWhenTheIndexKnowsBetter(t *testing.T) {
	b := newBench(t)
	closeJ(t, b.j)
	for _, knows := range []bool{false, true} {
		disk, o, x := b.disk.Backup(), b.w.options(), NewMemIndex()
		o.Index = x
		j, _ := open(t, disk, o)
		put(t, j, b.ctx, b.alice, "kept")
		put(t, j, b.ctx, b.alice, "cut")
		name, from, to := tail(j)
		must(must(disk.Open(name)).WriteAt(make([]byte, to-from), from))
		disk.CrashKeep(func(string, int64) int { return Sector })
		if !knows {
			o.Index = NewMemIndex()
		}
		j, rec := open(t, disk, o)
		if n := len(all(t, j, b.ctx)); n != 2 || rec.Cut || rec.Rebuilt != knows {
			t.Errorf("knows %v: %d deltas, %+v", knows, n, rec)
		}
		if named := len(rec.Damage) == 1 && rec.Damage[0].Offset == from; named != knows {
			t.Errorf("knows %v: %+v, the cut is at %d", knows, rec, from)
		}
	}
}

// TestServeGoesAroundDamage: what rots while the journal runs stops its branch, and no other.
func TestServeGoesAroundDamage(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "one")
	rotten := put(t, b.j, b.ctx, b.alice, "rotten")
	name, _, to := tail(b.j)
	put(t, b.j, b.ctx, b.alice, "behind it")
	other := put(t, b.j, b.ctx, b.bob, "beside it", b.ctx)
	b.disk.Corrupt(name, to-1, 1)
	peer, _ := open(t, NewMemDisk(), b.w.options())
	peer.Join(b.ctx)
	got, _, err := b.j.Serve(b.ctx, peer.Have(b.ctx), MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if in := feed(t, peer, b.ctx, got); in.Admitted != 3 || !peer.Has(other.ID) {
		t.Errorf("%+v", in)
	}
	if _, _, err := b.j.Serve(b.ctx, peer.Have(b.ctx), MaxPage); !errors.Is(err, ErrDamaged) {
		t.Errorf("nothing but damage is left: %v", err)
	}
	if _, missing, err := b.j.ServeIDs(b.ctx, []ID{rotten.ID, other.ID}, MaxPage); err != nil || !slices.Equal(missing, []ID{rotten.ID}) {
		t.Errorf("%v, missing %v", err, missing)
	}
}

// TestRule3_2_WhatIsCutIsZeroedFirst, and durably so, before anything is written in its place.
func TestRule3_2_WhatIsCutIsZeroedFirst(t *testing.T) {
	b := newBench(t)
	must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: bytes.Repeat([]byte{1}, 3*Sector)}))
	end := b.j.w.end
	d := b.tornFlush()
	d.FailWrite(2, errBroken) // the zeros are the first
	if _, _, err := Open(d, b.w.options()); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	d.Crash()
	for _, c := range d.files[segmentName(0)].now[end:] {
		if c != 0 {
			t.Fatal("what was cut is still there")
		}
	}
}

// What a node has is asked for at each round of catch-up, under the journal's lock: it walks over each waiting delta once, whether
// it reaches a held one or not.
func TestHaveWalksOverEachWaitingDeltaOnce(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "rotten")
	name, _, to := tail(b.j)
	const n = 300
	for range n {
		put(t, b.j, b.ctx, b.alice, "on it")
		put(t, b.j, b.ctx, b.bob, "on it, in another chain")
	}
	closeJ(t, b.j)
	b.disk.Corrupt(name, to-1, 1)
	b.j, _ = open(t, b.disk, b.w.options())
	g := b.j.ctxs[b.ctx].g
	if g.Waiting() != 2*n {
		t.Fatalf("%d deltas wait", g.Waiting())
	}
	f := footing{g: g, known: map[ID]bool{}}
	reach := 0
	for range 2 {
		for _, w := range g.room.waiting {
			if f.of(w) {
				reach++
			}
		}
	}
	if f.walked != 2*n || reach != 2*n || len(g.waitingEnds()) != n {
		t.Errorf("of %d waiting deltas it walked over %d, and %d reach their beginning, %d told", 2*n, f.walked, reach/2, len(g.waitingEnds()))
	}
	for _, w := range g.room.waiting {
		if got := f.of(w); got != (w.e.Delta.Author == b.bob.Public()) {
			t.Errorf("delta %d of %v: reaches its beginning: %v", w.e.Delta.Seq, w.e.Delta.Author, got)
		}
	}
}
