package dag

import (
	"errors"
	"slices"
	"sync"
	"testing"
)

// TestRule3_1_FailedSyncDropsTheOverlay: what was not synced leaves memory, the observer is told once, reads go on.
func TestRule3_1_FailedSyncDropsTheOverlay(t *testing.T) {
	w := newWorld(3)
	disk := NewMemDisk()
	o := w.options()
	rec := newRecorder()
	o.Observer = rec
	alice, bob := person("alice"), person("bob")
	j, _ := open(t, disk, o)
	ctx := must(j.Found(alice, Grant{Keys: []Key{bob.Public()}}))
	put(t, j, ctx, alice, "kept")
	tips, heads := j.Tips(ctx), j.Heads(ctx)
	var pend []*Pending
	for range 5 {
		pend = append(pend, must(j.Write(ctx, bob, Edit{Kind: KindData})), must(j.Write(ctx, alice, Edit{Kind: KindData})))
	}
	if slices.Equal(heads, j.Heads(ctx)) || !slices.Equal(tips, j.Tips(ctx)) {
		t.Error("unsynced deltas: heads are to show them, tips not")
	}
	disk.FailSync(1, errBroken)
	for _, p := range pend {
		if _, err := p.Wait(); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, errBroken) {
			t.Errorf("wait: %v", err)
		}
	}
	if !slices.Equal(heads, j.Heads(ctx)) || !slices.Equal(tips, j.Tips(ctx)) || len(all(t, j, ctx)) != 2 {
		t.Error("the overlay is still there")
	}
	if rec.failed != 1 || len(rec.admitted) != 12 || len(rec.synced) != 2 {
		t.Errorf("told %d failures, %d admitted, %d synced", rec.failed, len(rec.admitted), len(rec.synced))
	}
	if _, err := j.Ingest(ctx, nil); !errors.Is(err, ErrStopped) {
		t.Errorf("ingest: %v", err)
	}
	if _, _, err := j.Serve(ctx, nil, MaxPage); err != nil {
		t.Errorf("serve: %v", err)
	}
}

// A crash at every sync of the creation of a log leaves one that opens.
func TestRule3_2_CrashWhileTheLogIsMade(t *testing.T) {
	for keep := range 16 {
		w := newWorld(1)
		d := NewMemDisk()
		d.FailSync(1, errBroken)
		if _, _, err := Open(d, w.options()); err == nil {
			t.Fatal("the sync did not fail")
		}
		d.files[segmentName(0)].named = true
		d.CrashKeep(func(_ string, s int64) int { return Sector * (keep >> (s % 4) & 1) })
		j, rec := open(t, d, w.options())
		if rec.Cut || len(rec.Damage) > 0 {
			t.Errorf("%+v", rec)
		}
		must(j.Found(person("alice"), Grant{}))
		closeJ(t, j)
	}
}

// A crash while a new segment begins leaves the log as it was.
func TestRule3_2_CrashWhileASegmentBegins(t *testing.T) {
	for keep := range 8 {
		b := newBench(t)
		for b.j.w.end%b.j.w.length < b.j.w.length-(900<<10) {
			put(t, b.j, b.ctx, b.alice, string(make([]byte, 400<<10)))
		}
		ids := all(t, b.j, b.ctx)
		for range 3 {
			must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, 400<<10)}))
		}
		b.disk.FailSync(1, errBroken)
		if err := b.j.Flush(); err == nil {
			t.Fatal("the sync did not fail")
		}
		if f := b.disk.files[segmentName(1)]; f == nil {
			t.Fatal("no segment began")
		} else {
			f.named = keep&4 != 0
		}
		b.disk.CrashKeep(func(_ string, s int64) int {
			if s < 0 || s%4 != 0 {
				return 0
			}
			return Sector * (keep >> (s / 4 % 2) & 1)
		})
		j, rec := open(t, b.disk, b.w.options())
		if !slices.Equal(all(t, j, b.ctx), ids) || len(rec.Damage) > 0 {
			t.Fatalf("keep %d: %+v", keep, rec)
		}
		ids = append(ids, put(t, j, b.ctx, b.alice, "on").ID)
		closeJ(t, j)
		if j, rec = open(t, b.disk, b.w.options()); !rec.Clean || len(rec.Damage) > 0 || !slices.Equal(all(t, j, b.ctx), ids) {
			t.Fatalf("keep %d: %+v", keep, rec)
		}
	}
}

// TestRule3_2_WhatIsReadBackIsMadeDurableBeforeItIsTold: after a failed sync the kernel may show what the disk has not.
// Once a journal opened and told of it, no power cut takes it away.
func TestRule3_2_WhatIsReadBackIsMadeDurableBeforeItIsTold(t *testing.T) {
	b := newBench(t)
	b.disk.FailSync(1, errBroken)
	p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, 5*Sector)}))
	if _, err := p.Wait(); err == nil {
		t.Fatal("the sync did not fail")
	}
	closeJ(t, b.j)
	b.disk.FailSync(1<<30, nil)
	j, _ := open(t, b.disk, b.w.options())
	if !j.Has(p.Entry().ID) {
		t.Fatal("it is not read back")
	}
	b.disk.Crash()
	if j, _ = open(t, b.disk, b.w.options()); !j.Has(p.Entry().ID) {
		t.Error("it was told and is gone")
	}
}

// brokenIndex fails from its n-th Put on.
type brokenIndex struct {
	Index
	mu sync.Mutex
	n  int
}

func (x *brokenIndex) Put(batch []Located, m Mark) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.n--; x.n < 0 {
		return errBroken
	}
	return x.Index.Put(batch, m)
}

// TestAFailingIndexStopsTheJournal, with groups in flight: every waiter gets an answer, and what the log has is found again.
func TestAFailingIndexStopsTheJournal(t *testing.T) {
	w := newWorld(3)
	disk := NewMemDisk()
	o := w.options()
	rec := newRecorder()
	o.Observer, o.Index = rec, &brokenIndex{Index: NewMemIndex(), n: 5}
	j, _ := open(t, disk, o)
	alice := person("alice")
	ctx := must(j.Found(alice, Grant{}))
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked := []ID{ctx}
	for range 16 {
		wg.Go(func() {
			for {
				p, err := j.Write(ctx, alice, Edit{Kind: KindData})
				if errors.Is(err, ErrStopped) {
					return
				}
				if e, err := p.Wait(); err == nil {
					mu.Lock()
					acked = append(acked, e.ID)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if rec.failed != 1 || len(acked) != len(rec.synced) || len(all(t, j, ctx)) != len(acked) {
		t.Errorf("%d failures, %d acknowledged, %d synced", rec.failed, len(acked), len(rec.synced))
	}
	closeJ(t, j)
	o.Index = NewMemIndex()
	j, _ = open(t, disk, o)
	for _, id := range acked {
		if !j.Has(id) {
			t.Fatalf("%v was acknowledged and is gone", id)
		}
	}
}

// brokenSigner cannot sign.
type brokenSigner struct{ Signer }

func (brokenSigner) Sign([]byte) ([]byte, error) { return nil, errBroken }

func TestAFailingSignerStopsTheJournal(t *testing.T) {
	b := newBench(t)
	p := must(b.j.Write(b.ctx, brokenSigner{b.alice}, Edit{Kind: KindData}))
	if _, err := p.Wait(); !errors.Is(err, ErrNotWritten) || !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
	if _, err := b.j.Found(b.alice, Grant{}); !errors.Is(err, ErrStopped) {
		t.Errorf("%v", err)
	}
	if err := b.j.Join(ID{1}); !errors.Is(err, ErrStopped) {
		t.Errorf("%v", err)
	}
}

// recorder is an Observer that writes down what it is told.
type recorder struct {
	admitted, synced   []ID
	admitted1, synced1 map[ID][]ID // by context
	marks              []Mark
	failed             int
}

func newRecorder() *recorder {
	return &recorder{admitted1: make(map[ID][]ID), synced1: make(map[ID][]ID)}
}

func (r *recorder) Admitted(ctx ID, e *Entry) {
	r.admitted = append(r.admitted, e.ID)
	r.admitted1[ctx] = append(r.admitted1[ctx], e.ID)
}

func (r *recorder) Synced(ctx ID, es []*Entry, m Mark) {
	for _, e := range es {
		r.synced = append(r.synced, e.ID)
		r.synced1[ctx] = append(r.synced1[ctx], e.ID)
	}
	r.marks = append(r.marks, m)
}

func (r *recorder) Failed(error) { r.failed++ }
