package dag

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func verify(t *testing.T, d Disk) Inspection {
	t.Helper()
	in, err := VerifyLog(d, Mark{})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return in
}

// TestVerifyLogChangesNothing: it finds what the next start would find, again and again, and leaves every byte.
func TestVerifyLogChangesNothing(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "one")
	if _, err := VerifyLog(b.disk, Mark{}); !errors.Is(err, ErrInUse) {
		t.Errorf("a log in use: %v", err)
	}
	must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: bytes.Repeat([]byte{1}, 3*Sector)}))
	d := b.tornFlush()
	before := d.Backup()
	for range 2 {
		in := verify(t, d)
		if !in.Cut || in.Reason == "" || in.Records != 2 || in.LastSequence != 2 || in.Segments != 1 || len(in.Damage) > 0 {
			t.Fatalf("%+v", in)
		}
	}
	for name, f := range d.files {
		if !slices.Equal(f.now, before.files[name].now) || len(f.dirty) > 0 {
			t.Errorf("%s was written to", name)
		}
	}
	j, rec := open(t, d, b.w.options())
	if !rec.Cut {
		t.Error("the tail is gone")
	}
	closeJ(t, j)
	if in := verify(t, d); in.Cut || !in.Clean {
		t.Errorf("after a start: %+v", in)
	}
	if _, err := VerifyLog(NewMemDisk(), Mark{}); !errors.Is(err, ErrNoLog) {
		t.Errorf("no log: %v", err)
	}
}

// TestVerifyLogNamesDamage, and what the index had seen synced.
func TestVerifyLogNamesDamage(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "kept")
	lost := put(t, b.j, b.ctx, b.alice, "rotten")
	name, from, to := tail(b.j)
	mark := b.j.w.last
	b.disk.Crash()
	b.disk.Corrupt(name, to-1, 1)
	if in := verify(t, b.disk); !in.Cut || len(in.Damage) > 0 {
		t.Errorf("without a mark: %+v", in)
	}
	in, err := VerifyLog(b.disk, mark)
	if err != nil || in.Cut || len(in.Damage) != 1 || in.Damage[0].Offset != from+groupHead {
		t.Errorf("with a mark: %v, %+v", err, in)
	}
	d := b.disk.Backup()
	d.Corrupt(name, to-1, 1)
	j, _ := open(t, d, b.w.options())
	put(t, j, b.ctx, b.bob, "on it")
	closeJ(t, j)
	d.Corrupt(name, to-1, 1)
	if in := verify(t, d); len(in.Damage) != 1 || !slices.Equal(in.Missing, []Lack{{b.ctx, lost.ID}}) || in.Contexts[0].Waiting != 1 {
		t.Errorf("%+v", in)
	}
}

func TestDumpLogShowsTheGoodRecords(t *testing.T) {
	b, kept, lost := rotten(t)
	b.j.Join(ID{9})
	closeJ(t, b.j)
	var kinds []string
	var seqs []uint64
	var ids []ID
	in, err := DumpLog(b.disk, Mark{}, func(r Record) error {
		kinds, seqs, ids = append(kinds, r.Kind), append(seqs, r.Sequence), append(ids, r.ID)
		if r.Entry != nil && r.Entry.ID != r.ID || r.Size < recordHead || r.Offset < segmentHead {
			t.Errorf("%+v", r)
		}
		return nil
	})
	if err != nil || in.LastSequence != 5 || !slices.Equal(kinds, []string{"written", "written", "written", "joined"}) ||
		!slices.Equal(seqs, []uint64{1, 2, 4, 5}) || ids[1] != kept.ID || slices.Contains(ids, lost.ID) {
		t.Errorf("%v: %v %v %+v", err, kinds, seqs, in)
	}
	if _, err := DumpLog(b.disk, Mark{}, func(Record) error { return errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("it goes on after an error: %v", err)
	}
	if _, err := b.disk.Lock(); err != nil {
		t.Errorf("the log stays locked: %v", err)
	}
}

// TestRepairLogTakesFromAnotherHome: what damage took comes back from a backup.
func TestRepairLogTakesFromAnotherHome(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "one")
	rot := put(t, b.j, b.ctx, b.alice, "rotten")
	name, _, to := tail(b.j)
	put(t, b.j, b.ctx, b.bob, "on it")
	want := sorted(all(t, b.j, b.ctx))
	closeJ(t, b.j)
	backup := b.disk.Backup()
	b.disk.Corrupt(name, to-1, 1)
	fixed, err := RepairLog(b.disk, Repair{Options: b.w.options()})
	if err != nil || fixed.Fetched != 0 || !slices.Equal(fixed.Missing, []Lack{{b.ctx, rot.ID}}) {
		t.Fatalf("%v, %+v", err, fixed)
	}
	fixed, err = RepairLog(b.disk, Repair{Options: b.w.options(), From: backup})
	if err != nil || fixed.Fetched != 2 || len(fixed.Missing) > 0 || len(fixed.Damage) != 1 {
		t.Fatalf("%v, %+v", err, fixed)
	}
	j, _ := open(t, b.disk, b.w.options())
	if got := sorted(all(t, j, b.ctx)); !slices.Equal(got, want) {
		t.Errorf("%d deltas, want %d", len(got), len(want))
	}
	if _, err := RepairLog(NewMemDisk(), Repair{Options: b.w.options()}); !errors.Is(err, ErrNoLog) {
		t.Errorf("no log: %v", err)
	}
}

// TestRepairLogWritesLostHeads of any segment, from what its groups and the segment before tell.
func TestRepairLogWritesLostHeads(t *testing.T) {
	b := newBench(t)
	for range 24 {
		put(t, b.j, b.ctx, b.alice, string(make([]byte, 400<<10)))
	}
	want := all(t, b.j, b.ctx)
	closeJ(t, b.j)
	for _, n := range []int64{0, 1, 2} {
		b.disk.Corrupt(segmentName(n), 3, 1)
		b.disk.Corrupt(segmentName(n), segmentCopy+3, 1)
	}
	if in := verify(t, b.disk); len(in.Damage) != 3 {
		t.Fatalf("%+v", in.Damage)
	}
	fixed, err := RepairLog(b.disk, Repair{Options: b.w.options()})
	if err != nil || fixed.Heads != 3 || len(fixed.Damage) > 0 {
		t.Fatalf("%v, %+v", err, fixed)
	}
	j, rec := open(t, b.disk, b.w.options())
	if got := all(t, j, b.ctx); !slices.Equal(got, want) || len(rec.Damage) > 0 {
		t.Errorf("%d deltas, want %d; %+v", len(got), len(want), rec)
	}
}

// TestRepairLogAcceptsWhatIsLost, when nothing stands on it: no later start names it, and chains go on again.
func TestRepairLogAcceptsWhatIsLost(t *testing.T) {
	b := newBench(t)
	rot := put(t, b.j, b.ctx, b.alice, "rotten")
	name, _, to := tail(b.j)
	put(t, b.j, b.ctx, b.alice, "on it")
	peer, _ := open(t, NewMemDisk(), b.w.options())
	peer.Join(b.ctx)
	pull(t, b.j, peer, b.ctx, MaxPage)
	closeJ(t, b.j)
	b.disk.Corrupt(name, to-1, 1)
	accept := Repair{Options: b.w.options(), Accept: true}
	if fixed, err := RepairLog(b.disk, accept); !errors.Is(err, ErrMissing) || len(fixed.Damage) != 1 {
		t.Fatalf("%v, %+v", err, fixed)
	}
	j, _ := open(t, b.disk, b.w.options())
	pull(t, peer, j, b.ctx, MaxPage)
	if !j.Has(rot.ID) {
		t.Fatal("it did not come back")
	}
	closeJ(t, j)
	if fixed, err := RepairLog(b.disk, accept); err != nil || len(fixed.Damage) > 0 || fixed.Accepted != 1 {
		t.Fatalf("%v, %+v", err, fixed)
	}
	if in := verify(t, b.disk); len(in.Damage) > 0 || in.Accepted != 1 || !in.Clean {
		t.Errorf("%+v", in)
	}
	j, _ = open(t, b.disk, b.w.options())
	chain := put(t, j, b.ctx, b.alice, "next")
	closeJ(t, j)
	j, rec := open(t, b.disk, b.w.options())
	if e := put(t, j, b.ctx, b.alice, "and next"); !rec.Clean || e.Delta.Prev != chain.ID {
		t.Errorf("the chain does not go on: %+v", rec)
	}
	same(t, j, j, b.ctx)
	closeJ(t, j)
	b.disk.Corrupt(name, to+groupHead+recordHead+70, 1) // new damage is named
	if in := verify(t, b.disk); len(in.Damage) != 1 || in.Accepted != 1 {
		t.Errorf("%+v", in)
	}
}

// TestRepairLogAcceptsNoMoreThanItSaw: what rots beside an accepted place is another damage, though it begins at the same byte.
func TestRepairLogAcceptsNoMoreThanItSaw(t *testing.T) {
	for what, rot := range map[string]func(d *MemDisk, name string, at, next int64){
		"the next group":       func(d *MemDisk, name string, _, next int64) { d.Corrupt(name, next+8, 1) },
		"a record of the next": func(d *MemDisk, name string, _, next int64) { d.Corrupt(name, next+groupHead+recordHead+70, 1) },
	} {
		b := newBench(t)
		put(t, b.j, b.ctx, b.alice, "rotten", b.ctx)
		name, at, next := tail(b.j)
		lost := put(t, b.j, b.ctx, b.bob, "sound", b.ctx)
		put(t, b.j, b.ctx, b.bob, "behind it", lost.ID)
		closeJ(t, b.j)
		b.disk.Corrupt(name, at+8, 1)
		if fixed, err := RepairLog(b.disk, Repair{Options: b.w.options(), Accept: true}); err != nil || fixed.Accepted != 1 || !b.has(lost.ID) {
			t.Fatalf("%s: %v, %+v", what, err, fixed)
		}
		rot(b.disk, name, at, next)
		if in := verify(t, b.disk); len(in.Damage) != 1 || in.Damage[0].Size == 0 || b.has(lost.ID) {
			t.Errorf("%s rots, a delta is gone, and nothing is named: %+v", what, in.Recovery)
		}
	}
}

// has tells whether the log holds a delta, while no journal has it open.
func (b *bench) has(id ID) (found bool) {
	must(DumpLog(b.disk, Mark{}, func(r Record) error {
		found = found || r.ID == id
		return nil
	}))
	return found
}

// TestRepairLogAcceptsACutBetweenGroups: the index proves an end that is gone. It is not named again while the index still stands
// there, and the next cut is.
func TestRepairLogAcceptsACutBetweenGroups(t *testing.T) {
	b := newBench(t)
	closeJ(t, b.j)
	o, x := b.w.options(), NewMemIndex()
	o.Index = x
	j, _ := open(t, b.disk, o)
	put(t, j, b.ctx, b.alice, "kept")
	cut := func(text string) Mark {
		t.Helper()
		put(t, j, b.ctx, b.alice, text)
		name, from, to := tail(j)
		must(must(b.disk.Open(name)).WriteAt(make([]byte, to-from), from))
		b.disk.CrashKeep(func(string, int64) int { return Sector })
		return must(x.Mark())
	}
	mark := cut(string(make([]byte, 1000)))
	accept := Repair{Options: b.w.options(), Mark: mark, Accept: true}
	if fixed, err := RepairLog(b.disk, accept); err != nil || fixed.Accepted != 1 || len(fixed.Damage) > 0 {
		t.Fatalf("%v, %+v", err, fixed)
	}
	for range 2 {
		if in := must(VerifyLog(b.disk, mark)); len(in.Damage) > 0 || in.Accepted != 1 {
			t.Errorf("it is named again: %+v", in)
		}
	}
	other := mark
	other.CRC++
	if in := must(VerifyLog(b.disk, other)); len(in.Damage) != 1 {
		t.Errorf("the end of another group is accepted: %+v", in)
	}
	j, rec := open(t, b.disk, o)
	if len(rec.Damage) > 0 || rec.Accepted != 1 || !rec.Rebuilt || !rec.Clean {
		t.Errorf("the next start: %+v", rec)
	}
	mark = cut("again")
	if in := must(VerifyLog(b.disk, mark)); len(in.Damage) != 1 || in.Accepted != 0 {
		t.Errorf("the next cut: %+v", in)
	}
}
