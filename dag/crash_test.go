package dag

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// tail gives the segment bytes of a closed or running journal: from the start of its last group to its end.
func tail(j *Journal) (name string, from, to int64) {
	return segmentName(j.w.last.Start / j.w.length), j.w.last.Start % j.w.length, j.w.last.End % j.w.length
}

// TestRule3_2_TornTailAtEveryByte cuts the last group at every byte (A.6 1 and 2 of the reference): what was
// acknowledged is there, the cut is told, and later appends are readable.
func TestRule3_2_TornTailAtEveryByte(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.bob, "acknowledged")
	acked := all(t, b.j, b.ctx)
	put(t, b.j, b.ctx, b.alice, "torn \x00\x00")
	name, from, to := tail(b.j)
	whole := b.disk.Backup()
	for cut := from; cut < to; cut++ {
		d := whole.Backup()
		f := must(d.Open(name))
		rest := make([]byte, to-cut)
		f.ReadAt(rest, cut)
		zeros := strings.Trim(string(rest), "\x00") == ""
		f.WriteAt(make([]byte, to-cut), cut)
		j, rec := open(t, d, b.w.options())
		want := acked
		if zeros { // what is missing was zero anyway
			want = all(t, b.j, b.ctx)
		}
		if got := all(t, j, b.ctx); !slices.Equal(got, want) || len(rec.Damage) > 0 {
			t.Fatalf("cut at %d of %d..%d: %d deltas, want %d; %+v", cut, from, to, len(got), len(want), rec)
		}
		if wantCut := cut > from && !zeros; rec.Cut != wantCut || rec.Clean {
			t.Fatalf("cut at %d of %d..%d: %+v", cut, from, to, rec)
		}
		e := put(t, j, b.ctx, b.alice, "later")
		closeJ(t, j)
		if j, rec = open(t, d, b.w.options()); rec.Cut || len(rec.Damage) > 0 || !j.Has(e.ID) {
			t.Fatalf("after a cut at %d the log is not readable: %+v", cut, rec)
		}
	}
}

// TestRule3_2_FlippedBitInTheLastGroup: it was not known to be synced, so it is a torn tail.
func TestRule3_2_FlippedBitInTheLastGroup(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.bob, "kept")
	kept := all(t, b.j, b.ctx)
	put(t, b.j, b.ctx, b.alice, "flipped")
	name, from, to := tail(b.j)
	for bit := range 8 * (to - from) {
		at := from + bit/8
		d := b.disk.Backup()
		d.Corrupt(name, at, 1<<(bit%8))
		j, rec := open(t, d, b.w.options())
		if got := all(t, j, b.ctx); !slices.Equal(got, kept) || !rec.Cut || len(rec.Damage) > 0 {
			t.Fatalf("flip at %d of %d..%d: %d deltas, %+v", at, from, to, len(got), rec)
		}
	}
}

// TestRule3_2_FlippedBitBeforeTheSyncedEnd: it is damage, named, never applied, and the rest is.
func TestRule3_2_FlippedBitBeforeTheSyncedEnd(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.bob, "rotten")
	name, from, to := tail(b.j)
	last := put(t, b.j, b.ctx, b.alice, "after", b.ctx)
	n := len(all(t, b.j, b.ctx))
	closeJ(t, b.j)
	for bit := range 8 * (to - from) {
		at := from + bit/8
		d := b.disk.Backup()
		d.Corrupt(name, at, 1<<(bit%8))
		j, rec := open(t, d, b.w.options())
		got := all(t, j, b.ctx)
		if len(rec.Damage) == 0 || rec.Cut || len(got) != n-1 || !j.Has(last.ID) {
			t.Fatalf("flip at %d of %d..%d: %d of %d deltas, %+v", at, from, to, len(got), n, rec)
		}
		if dm := rec.Damage[0]; dm.Segment != 0 || dm.Offset < from || dm.Offset > at || dm.Reason == "" {
			t.Fatalf("flip at %d: named as %+v", at, dm)
		}
	}
}

// A delta that damage took is fetched again, and what stood on it comes back with it.
func TestRule3_2_DamagedDeltaIsFetchedAgain(t *testing.T) {
	b := newBench(t)
	peer, _ := open(t, NewMemDisk(), b.w.options())
	peer.Join(b.ctx)
	rotten := put(t, b.j, b.ctx, b.bob, "rotten")
	name, from, _ := tail(b.j)
	put(t, b.j, b.ctx, b.bob, "on it")
	put(t, b.j, b.ctx, b.alice, "on both")
	pull(t, b.j, peer, b.ctx, MaxPage)
	closeJ(t, b.j)
	b.disk.Corrupt(name, from+groupHead+recordHead+90, 4)
	j, rec := open(t, b.disk, b.w.options())
	if len(rec.Damage) != 1 || len(all(t, j, b.ctx)) != 1 || j.Stats().Contexts[0].Waiting != 2 {
		t.Fatalf("%+v, %+v", rec, j.Stats())
	}
	if m := j.Missing(b.ctx); !slices.Equal(m, []ID{rotten.ID}) {
		t.Fatalf("missing %v", m)
	}
	got, missing, err := peer.ServeIDs(b.ctx, []ID{rotten.ID, {1}}, MaxPage)
	if err != nil || !slices.Equal(missing, []ID{{1}}) {
		t.Fatal(missing, err)
	}
	if in := feed(t, j, b.ctx, got); in.Admitted != 3 {
		t.Fatalf("%+v", in)
	}
	same(t, j, peer, b.ctx)
	closeJ(t, j)
	j, _ = open(t, b.disk, b.w.options())
	same(t, j, peer, b.ctx)
}

// TestRule3_1_AcknowledgedSurvives loses any sectors of what was not synced, at any moment.
func TestRule3_1_AcknowledgedSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(rt, "seed"))
		disk := NewMemDisk()
		alice := person("alice")
		j, _ := open(rt, disk, w.options())
		ctx := must(j.Found(alice, Grant{}))
		acked := []ID{ctx}
		for range rapid.IntRange(1, 4).Draw(rt, "crashes") {
			var last *Pending
			var ids []ID
			for range rapid.IntRange(0, 6).Draw(rt, "writes") {
				size := rapid.IntRange(0, 3*Sector).Draw(rt, "size")
				last = must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: make([]byte, size)}))
				ids = append(ids, last.Entry().ID)
			}
			if last != nil && rapid.Bool().Draw(rt, "fails") {
				disk.FailSync(1, errBroken)
				if _, err := last.Wait(); !errors.Is(err, ErrUnknownOutcome) {
					rt.Fatalf("wait: %v", err)
				}
			} else if last != nil && rapid.Bool().Draw(rt, "waits") {
				must(last.Wait())
				acked = append(acked, ids...)
			}
			disk.CrashKeep(func(string, int64) int { return rapid.SampledFrom([]int{0, Sector, 100}).Draw(rt, "reached") })
			var rec Recovery
			j, rec = open(rt, disk, w.options())
			if len(rec.Damage) > 0 {
				rt.Fatalf("damage after a power cut: %+v", rec)
			}
			for _, id := range acked {
				if _, ok, err := j.Get(id); !ok || err != nil {
					rt.Fatalf("%v was acknowledged and is gone (%v)", id, err)
				}
			}
			acked = sorted(all(rt, j, ctx))
		}
	})
}

func TestRule3_2_SegmentsRollAndReopen(t *testing.T) {
	b := newBench(t)
	for range 40 {
		put(t, b.j, b.ctx, b.alice, string(make([]byte, 400<<10)))
	}
	n := b.j.Stats().Segments
	if n < 4 {
		t.Fatalf("%d segments", n)
	}
	ids := all(t, b.j, b.ctx)
	rec := b.reopen()
	if !slices.Equal(all(t, b.j, b.ctx), ids) || !rec.Clean || len(rec.Damage) > 0 || rec.Records != 41 {
		t.Fatalf("%+v", rec)
	}
	// The first copy of a head is lost, then both: the log is read all the same.
	closeJ(t, b.j)
	last := segmentName(int64(n - 1))
	for _, at := range []int64{0, segmentCopy} {
		b.disk.Corrupt(last, at, 0xff)
		b.disk.Corrupt(segmentName(1), at, 0xff)
		j, rec := open(t, b.disk.Backup(), b.w.options())
		if !slices.Equal(all(t, j, b.ctx), ids) || at == 0 && len(rec.Damage) > 0 {
			t.Fatalf("%+v", rec)
		}
	}
	// A segment that is gone is damage.
	delete(b.disk.files, segmentName(2))
	j, rec := open(t, b.disk, b.w.options())
	if len(rec.Damage) == 0 || j.Stats().Contexts[0].Waiting == 0 {
		t.Errorf("%+v", rec)
	}
}

func TestRule3_2_LastGroupIsWrittenAgainBeforeItIsTold(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "one")
	d := b.disk.Backup()
	before := d.Syncs()
	d.FailSync(1, errBroken)
	if _, _, err := Open(d, b.w.options()); !errors.Is(err, errBroken) {
		t.Fatalf("open does not sync what it read: %v", err)
	}
	if d.Syncs() == before {
		t.Error("no sync")
	}
}

func TestRule3_3_IndexIsFilledFromItsMark(t *testing.T) {
	b := newBench(t)
	o := b.w.options()
	x := NewMemIndex().(*memIndex)
	closeJ(t, b.j)
	o.Index = x
	j, rec := open(t, b.disk, o)
	if rec.Rebuilt || len(x.places) != 1 {
		t.Fatalf("%d places, %+v", len(x.places), rec)
	}
	put(t, j, b.ctx, b.alice, "one")
	closeJ(t, j)
	x.places = map[ID]Place{} // a trick: what is before the mark is not put again
	j, rec = open(t, b.disk, o)
	if rec.Rebuilt || len(x.places) != 0 {
		t.Fatalf("%d places, %+v", len(x.places), rec)
	}
	closeJ(t, j)
	x.mark.CRC++
	j, rec = open(t, b.disk, o)
	if !rec.Rebuilt || len(x.places) != 2 || len(all(t, j, b.ctx)) != 2 {
		t.Fatalf("%d places, %+v", len(x.places), rec)
	}
	closeJ(t, j)
	other, _ := open(t, NewMemDisk(), o) // the index of another log
	if len(x.places) != 0 {
		t.Error("the index keeps what is of another log")
	}
	closeJ(t, other)
}

// What the index had seen synced and the log has lost is damage, not a torn tail.
func TestRule3_2_StoresMarkIsASyncedEnd(t *testing.T) {
	b := newBench(t)
	closeJ(t, b.j)
	o := b.w.options()
	o.Index = NewMemIndex()
	j, _ := open(t, b.disk, o)
	put(t, j, b.ctx, b.alice, "known to the store")
	name, from, to := tail(j)
	b.disk.Corrupt(name, to-5, 1)
	_ = from
	b.disk.locked = false
	j, rec := open(t, b.disk, o)
	if rec.Cut || len(rec.Damage) != 1 || len(all(t, j, b.ctx)) != 1 {
		t.Fatalf("%+v", rec)
	}
}

func TestRule3_2_ForeignAndLostFilesAreRefused(t *testing.T) {
	b := newBench(t)
	closeJ(t, b.j)
	c := newBench(t)
	closeJ(t, c.j)
	mixed := b.disk.Backup()
	mixed.small[homeName] = []byte(c.disk.small[homeName])
	other := newWorld(99)
	d2 := NewMemDisk()
	j2, _ := open(t, d2, other.options())
	closeJ(t, j2)
	mixed.small[homeName] = d2.small[homeName]
	if _, _, err := Open(mixed, b.w.options()); err == nil || !strings.Contains(err.Error(), "another log") {
		t.Errorf("a foreign segment: %v", err)
	}
	gone := b.disk.Backup()
	clear(gone.files)
	if _, _, err := Open(gone, b.w.options()); err == nil {
		t.Error("a home without its log is taken for a new one")
	}
	if _, err := gone.Open("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestHomeInUse(t *testing.T) {
	b := newBench(t)
	if _, _, err := Open(b.disk, b.w.options()); !errors.Is(err, ErrInUse) {
		t.Errorf("%v, want ErrInUse", err)
	}
	if _, _, err := Open(NewMemDisk(), Options{}); err == nil {
		t.Error("options without clock and randomness are taken")
	}
	if fmt.Sprint(b.j.Contexts()) != fmt.Sprint([]ID{b.ctx}) {
		t.Error(b.j.Contexts())
	}
}
