package dag

import (
	"errors"
	"slices"
	"testing"
)

// TestOpenTellsTheObserver: a journal that opens tells of the same deltas, in the same order, as the one that wrote.
func TestOpenTellsTheObserver(t *testing.T) {
	w := newWorld(4)
	disk := NewMemDisk()
	o := w.options()
	first := newRecorder()
	o.Observer = first
	j, _ := open(t, disk, o)
	alice := person("alice")
	ctx := must(j.Found(alice, Grant{}))
	for range 10 {
		must(j.Write(ctx, alice, Edit{Kind: KindData}))
		put(t, j, ctx, alice, "x")
	}
	disk.Crash()
	second := newRecorder()
	o.Observer = second
	j, _ = open(t, disk, o)
	if !slices.Equal(first.admitted, second.admitted) || !slices.Equal(first.synced, second.synced) ||
		!slices.Equal(first.marks, second.marks) {
		t.Errorf("told otherwise: %d, %d, %d and %d, %d, %d", len(first.admitted), len(first.synced), len(first.marks),
			len(second.admitted), len(second.synced), len(second.marks))
	}
	put(t, j, ctx, alice, "later")
	if len(second.synced) != 22 {
		t.Errorf("told of %d", len(second.synced))
	}
}

func TestJoinSurvivesARestart(t *testing.T) {
	w := newWorld(4)
	disk := NewMemDisk()
	j, _ := open(t, disk, w.options())
	if err := j.Join(ID{5}); err != nil {
		t.Fatal(err)
	}
	if err := j.Join(ID{5}); err != nil {
		t.Fatal(err)
	}
	if err := j.Join(ID{}); err == nil {
		t.Error("no context is joined")
	}
	disk.Crash()
	j, rec := open(t, disk, w.options())
	if c := j.Contexts(); len(c) != 1 || c[0] != (ID{5}) || rec.Records != 1 {
		t.Errorf("%v, %+v", c, rec)
	}
	if s := j.Stats().Contexts[0]; s.Founded || s.Deltas != 0 {
		t.Errorf("%+v", s)
	}
}

// FuzzOpenLog opens a log whose bytes were changed anywhere: it never fails, and never gives a delta that was not written.
func FuzzOpenLog(f *testing.F) {
	w := newWorld(8)
	disk := NewMemDisk()
	j, _, err := Open(disk, w.options())
	if err != nil {
		f.Fatal(err)
	}
	alice := person("alice")
	ctx := must(j.Found(alice, Grant{}))
	for i := range 6 {
		must(must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: make([]byte, i*100)})).Wait())
	}
	written := all(f, j, ctx)
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(4096), []byte{1})
	f.Add(uint32(4100), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint32(0), make([]byte, 4096))
	f.Add(uint32(5000), make([]byte, 700))
	f.Add(uint32(7000), []byte("MGR1MGR1"))
	f.Fuzz(func(t *testing.T, at uint32, with []byte) {
		d := disk.Backup()
		h, err := d.Open(segmentName(0))
		if err != nil {
			t.Fatal(err)
		}
		if len(with) > 1<<16 {
			return
		}
		h.WriteAt(with, int64(at%(1<<17)))
		for range 2 {
			k, _, err := Open(d, w.options())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.known(ctx); err == nil {
				for _, id := range all(t, k, ctx) {
					if !slices.Contains(written, id) {
						t.Fatalf("%v was never written", id)
					}
				}
			}
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestRule3_2_RecordsAreBoundToLogAndPlace: bytes of another log, or of another place, are no group and no record.
func TestRule3_2_RecordsAreBoundToLogAndPlace(t *testing.T) {
	const at = 5000
	g := newGroup(logID{1}, at, nil)
	g.add(recordJoined, make([]byte, 32))
	b, _ := g.seal(1, segmentHead, 0)
	read := func(log logID, at int64) (group, rec bool) {
		_, group = readGroupHeader(b, log, at, minSegment)
		_, _, rec = readRecord(b[groupHead:], log, at+groupHead)
		return group, rec
	}
	if group, rec := read(logID{1}, at); !group || !rec {
		t.Fatalf("in place: group %v, record %v", group, rec)
	}
	if group, rec := read(logID{2}, at); group || rec {
		t.Errorf("in another log: group %v, record %v", group, rec)
	}
	if group, rec := read(logID{1}, at+Sector); group || rec {
		t.Errorf("at another place: group %v, record %v", group, rec)
	}
}

// TestRule3_2_NothingIsToldBeforeTheLastGroupIsSynced, after a clean stop as well.
func TestRule3_2_NothingIsToldBeforeTheLastGroupIsSynced(t *testing.T) {
	b := newBench(t)
	closeJ(t, b.j)
	b.disk.FailSync(1, errBroken)
	o := b.w.options()
	rec := newRecorder()
	o.Observer = rec
	if _, _, err := Open(b.disk, o); !errors.Is(err, errBroken) || len(rec.admitted)+len(rec.synced) > 0 {
		t.Errorf("%v; told of %d deltas", err, len(rec.admitted))
	}
}
