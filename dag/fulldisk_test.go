package dag

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestRule3_1_FullDisk: a write for which there is no room is not written, and the error says so and why; nothing is half done.
// What was acknowledged is read on, and the next start goes on when there is room.
func TestRule3_1_FullDisk(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "acknowledged")
	b.disk.Full(syscall.ENOSPC)
	var failed error
	var absent []ID
	for failed == nil {
		p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, 500<<10)}))
		if _, failed = p.Wait(); failed != nil {
			absent = append(absent, p.Entry().ID)
		}
	}
	if !errors.Is(failed, ErrNotWritten) || !errors.Is(failed, syscall.ENOSPC) || errors.Is(failed, ErrUnknownOutcome) ||
		failed.Error() != "dag: nothing of it was written: dag: log: new segment: no space left on device" {
		t.Errorf("%v", failed)
	}
	_, err := b.j.Write(b.ctx, b.alice, Edit{Kind: KindData})
	if !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("later: %v", err)
	}
	before := all(t, b.j, b.ctx)
	if !slices.Contains(before, e.ID) || slices.Contains(before, absent[0]) {
		t.Error("reads are wrong")
	}
	if err := b.j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	b.disk.Full(nil)
	j, rec := open(t, b.disk, b.w.options())
	if got := all(t, j, b.ctx); !slices.Equal(got, before) || rec.Cut || len(rec.Damage) > 0 {
		t.Errorf("%d deltas, want %d; %+v", len(got), len(before), rec)
	}
	put(t, j, b.ctx, b.alice, "on")
}

// TestRule3_1_WhatStandsBehindAFailedSyncIsNotWritten: its group never had its turn.
func TestRule3_1_WhatStandsBehindAFailedSyncIsNotWritten(t *testing.T) {
	b := newBench(t)
	var pend []*Pending
	for range 6 {
		pend = append(pend, must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, 500<<10)})))
	}
	b.disk.FailSync(1, syscall.EIO)
	first, last := pend[0], pend[len(pend)-1]
	if first.g == last.g {
		t.Fatal("one group holds them all")
	}
	if _, err := last.Wait(); !errors.Is(err, ErrNotWritten) || !errors.Is(err, syscall.EIO) {
		t.Errorf("behind: %v", err)
	}
	if _, err := first.Wait(); err == nil || err.Error() != "dag: the outcome is unknown: dag: log: sync 00000000.seg: input/output error" {
		t.Errorf("before: %v", err)
	}
}

// A full disk does not keep a node from starting and reading, after any stop and in a copy.
func TestAFullDiskOpens(t *testing.T) {
	b := newBench(t)
	want := append(all(t, b.j, b.ctx), put(t, b.j, b.ctx, b.alice, "one").ID)
	unclean := b.disk.Backup()
	closeJ(t, b.j)
	for name, d := range map[string]*MemDisk{"unclean": unclean, "clean": b.disk, "copied": b.disk.Clone()} {
		d.Full(syscall.ENOSPC)
		j, _ := open(t, d, b.w.options())
		if got := all(t, j, b.ctx); !slices.Equal(got, want) {
			t.Errorf("%s: %d deltas, want %d", name, len(got), len(want))
		}
	}
}

// TestAFullDiskOpensWithAFullSegment: there is no room for the group that marks the log as open. Chains end all the same.
func TestAFullDiskOpensWithAFullSegment(t *testing.T) {
	b := newBench(t)
	last := func() int64 { return b.j.w.end % b.j.w.length }
	write := func(size int64) *Entry { return put(t, b.j, b.ctx, b.alice, string(make([]byte, size))) }
	write(2000)
	was := last()
	write(2000)
	over := last() - was - 2000 // of a group with one delta
	for b.j.w.length-last() > 400<<10 {
		write(300 << 10)
	}
	for left := b.j.w.length - last(); left > 60000; left = b.j.w.length - last() {
		write(min(50000, left-10000))
	}
	chain := write(b.j.w.length - last() - over - 20).Delta.Chain
	if left := b.j.w.length - last(); left >= groupHead || b.j.w.segments() != 1 {
		t.Fatalf("%d bytes are left in %d segments", left, b.j.w.segments())
	}
	want := all(t, b.j, b.ctx)
	d := b.disk
	d.Crash()
	d.Full(syscall.ENOSPC)
	j, rec := open(t, d, b.w.options())
	if got := all(t, j, b.ctx); !slices.Equal(got, want) || rec.Clean {
		t.Fatalf("%d deltas, want %d; %+v", len(got), len(want), rec)
	}
	d.Full(nil)
	closeJ(t, j)
	j, _ = open(t, d, b.w.options())
	if e := put(t, j, b.ctx, b.alice, "on"); e.Delta.Chain == chain {
		t.Error("the chain goes on after an unclean stop")
	}
}

// A home that cannot be opened says which file, and why.
func TestReadOnlyHome(t *testing.T) {
	d := NewMemDisk()
	d.Full(syscall.EROFS)
	_, _, err := Open(d, newWorld(1).options())
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "first segment: read-only file system") {
		t.Errorf("%v", err)
	}
	b := newBench(t)
	closeJ(t, b.j)
	b.disk.FailWrite(1, syscall.EROFS)
	if _, _, err := Open(b.disk, b.w.options()); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), segmentName(0)) {
		t.Errorf("%v", err)
	}
}
