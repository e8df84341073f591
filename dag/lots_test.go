package dag

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// crowd is a journal with a context in which people write in turns.
func crowd(t *testing.T, people, turns int) (*world, *Journal, ID) {
	t.Helper()
	w := newWorld(3)
	j, _ := open(t, NewMemDisk(), w.options())
	var g Grant
	for i := range people {
		g.Keys = append(g.Keys, person(fmt.Sprint("p", i)).Public())
	}
	ctx := must(j.Found(person("founder"), g))
	for k := range turns {
		for i := range people {
			must(j.Write(ctx, person(fmt.Sprint("p", i)), Edit{Kind: KindData, Payload: make([]byte, 50)}))
		}
		if k%5 == 0 {
			must(0, j.Flush())
		}
	}
	must(0, j.Flush())
	return w, j, ctx
}

// TestRule4_3_LotsInOrderBringAll: a lot is the same from whoever holds it, and taken in in order little is sent twice and
// nothing forgotten, whoever serves which.
func TestRule4_3_LotsInOrderBringAll(t *testing.T) {
	w, j, ctx := crowd(t, 7, 400)
	other, _ := open(t, NewMemDisk(), w.options())
	must(0, other.Join(ctx))
	pull(t, j, other, ctx, MaxPage)
	b := LotBounds{Lots: 64, Stretches: 1000, Deltas: 60, Bytes: 1 << 20}
	lots, more, err := j.Lots(ctx, nil, b)
	if err != nil || more || len(lots) < 8 {
		t.Fatalf("%d lots, more %v, %v", len(lots), more, err)
	}
	k, _ := open(t, NewMemDisk(), w.options())
	must(0, k.Join(ctx))
	again := 0
	for i, lot := range lots {
		from := []*Journal{j, other}[i%2]
		page, held, err := from.ServeLot(ctx, lot, MaxPage)
		if err != nil || !held {
			t.Fatalf("lot %d: held %v, %v", i, held, err)
		}
		in := must(k.Ingest(ctx, page))
		if len(in.Refused) > 0 {
			t.Fatalf("lot %d: %+v", i, in)
		}
		again += in.Duplicate // the other has fewer signatures, and goes on to the next
	}
	if again > 2800/20 {
		t.Errorf("%d of 2,800 deltas were sent twice", again)
	}
	same(t, j, k, ctx)
	if lots, _, _ := j.Lots(ctx, k.Have(ctx), b); len(lots) > 0 {
		t.Errorf("%d lots for who has all", len(lots))
	}
}

func TestRule4_3_LotsAreBounded(t *testing.T) {
	_, j, ctx := crowd(t, 7, 40)
	for _, b := range []LotBounds{{Lots: 2, Stretches: 100, Deltas: 60, Bytes: 1 << 20}, {Lots: 64, Stretches: 3, Deltas: 60, Bytes: 1 << 20}} {
		lots, more, err := j.Lots(ctx, nil, b)
		stretches := 0
		for _, l := range lots {
			stretches += len(l)
		}
		if err != nil || !more || len(lots) > b.Lots || stretches > b.Stretches || stretches == 0 {
			t.Errorf("%+v: %d lots with %d stretches, more %v, %v", b, len(lots), stretches, more, err)
		}
	}
	if _, _, err := j.Lots(ID{9}, nil, LotBounds{}); !errors.Is(err, ErrUnknownContext) {
		t.Error(err)
	}
	tip := j.Tips(ctx)[0]
	for name, lot := range map[string][]Stretch{
		"one over":     {{tip.ID, MaxPageDeltas + 1}},
		"many":         {{tip.ID, MaxPageDeltas}, {tip.ID, 1}},
		"sums over":    {{tip.ID, 1 << 63}, {tip.ID, 1 << 63}},
		"many nothing": make([]Stretch, MaxPageDeltas+1),
	} {
		if _, _, err := j.ServeLot(ctx, lot, MaxPage); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, held, err := j.ServeLot(ctx, []Stretch{{ID{1}, 1}}, MaxPage); held || err != nil {
		t.Errorf("what is not held: %v, %v", held, err)
	}
	if page, held, err := j.ServeLot(ctx, []Stretch{{tip.ID, 10000}, {tip.ID, 0}}, MaxPage); !held || err != nil || len(page) == 0 {
		t.Errorf("more than there is, and nothing: %v, %v", held, err)
	}
	early := put(t, j, ctx, person("p0"), "one that others follow")
	for range 3 {
		must(j.Write(ctx, person("p0"), Edit{Kind: KindData}))
	}
	must(0, j.Flush())
	for _, e := range []ID{early.ID, ctx} {
		if page, held, err := j.ServeLot(ctx, []Stretch{{e, 0}}, MaxPage); !held || err != nil || len(page) != 0 {
			t.Errorf("none up to one that others follow: %d bytes, %v, %v", len(page), held, err)
		}
	}
	if _, held, err := j.ServeLot(ctx, nil, MaxPage); !held || err != nil {
		t.Errorf("nothing: %v, %v", held, err)
	}
}

// TestRule4_3_LotsOfForks: both branches of a fork come in lots, from any server, and none leaves the other out.
func TestRule4_3_LotsOfForks(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "one")
	must(0, b.j.Close())
	twin, _ := open(t, b.disk.Backup(), Options{Wall: b.w.wall, Rand: b.w, SegmentBytes: minSegment})
	j, _ := open(t, b.disk, b.w.options())
	for i := range 30 {
		put(t, j, b.ctx, b.alice, fmt.Sprint("here", i))
		put(t, twin, b.ctx, b.alice, fmt.Sprint("there", i))
	}
	pull(t, j, twin, b.ctx, MaxPage)
	pull(t, twin, j, b.ctx, MaxPage)
	if j.Stats().Contexts[0].Forks == 0 {
		t.Fatal("nothing forked")
	}
	k, _ := open(t, NewMemDisk(), b.w.options())
	must(0, k.Join(b.ctx))
	lots, _, err := j.Lots(b.ctx, nil, LotBounds{Lots: 64, Stretches: 1000, Deltas: 5, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for i, lot := range lots {
		page, held, err := []*Journal{j, twin}[i%2].ServeLot(b.ctx, lot, MaxPage)
		if err != nil || !held {
			t.Fatalf("lot %d: %v, %v", i, held, err)
		}
		must(k.Ingest(b.ctx, page))
	}
	for range 3 { // what a forked chain ends before comes with the next lots
		lots, _, _ := j.Lots(b.ctx, k.Have(b.ctx), LotBounds{Lots: 64, Stretches: 1000, Deltas: 5000, Bytes: 1 << 20})
		for _, lot := range lots {
			page, _, _ := j.ServeLot(b.ctx, lot, MaxPage)
			must(k.Ingest(b.ctx, page))
		}
	}
	same(t, j, k, b.ctx)
}

// TestLotsAreCutOneAtATime: between two lots others may write, and what is cut stays what it was.
func TestLotsAreCutOneAtATime(t *testing.T) {
	_, j, ctx := crowd(t, 7, 40)
	b := LotBounds{Lots: 64, Stretches: 1000, Deltas: 60, Bytes: 1 << 20}
	want, _, err := j.Lots(ctx, nil, b)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]Stretch
	for cut := newCutter(j.ctxs[ctx].g, nil, b); !cut.over; {
		lot, deltas := cut.lot(), uint64(0)
		for _, s := range lot {
			deltas += s.Count
		}
		if got = append(got, lot); deltas == 0 || deltas > uint64(b.Deltas) {
			t.Errorf("%d deltas were looked at at once", deltas)
		}
		put(t, j, ctx, person("p1"), "meanwhile")
	}
	if len(want) < 3 || !slices.EqualFunc(want, got, slices.Equal) {
		t.Errorf("%d lots, want %d: %v, %v", len(got), len(want), got, want)
	}
}
