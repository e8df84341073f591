package dag

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// chainOf writes as alice and gives the chain that the delta is on.
func (b *bench) chainOf(text string) ID {
	b.t.Helper()
	e := put(b.t, b.j, b.ctx, b.alice, text)
	return e.Delta.ChainOf(e.ID)
}

func TestRule1_3_ChainGoesOnAcrossCleanRestart(t *testing.T) {
	b := newBench(t)
	before := b.chainOf("one")
	if before != b.ctx {
		t.Error("the founder does not go on with the genesis' chain")
	}
	if rec := b.reopen(); !rec.Clean {
		t.Fatalf("%+v", rec)
	}
	if b.chainOf("two") != before {
		t.Error("a clean restart began a new chain")
	}
}

func TestRule1_3_NewChainAtFirstWriteInContext(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.bob, "one")
	if e.Delta.Seq != 0 || len(e.Delta.Nonce) != NonceLen || !e.Delta.Chain.IsZero() || !e.Delta.Prev.IsZero() {
		t.Errorf("%+v", e.Delta)
	}
	if x := put(t, b.j, b.ctx, b.bob, "two"); x.Delta.Chain != e.ID || x.Delta.Prev != e.ID || x.Delta.Seq != 1 || x.Delta.Nonce != nil {
		t.Errorf("%+v", x.Delta)
	}
}

func TestRule1_3_NewChainAfterCut(t *testing.T) {
	b := newBench(t)
	before := b.chainOf("one")
	must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: bytes.Repeat([]byte{1}, 3*Sector)}))
	clone := b.tornFlush()
	j, rec := open(t, clone, b.w.options())
	if !rec.Cut || rec.Clean || rec.CutBytes == 0 {
		t.Fatalf("%+v", rec)
	}
	b.j = j
	closeJ(t, b.j) // without a write, cleanly: the chain is over all the same
	b.j, rec = open(t, clone, b.w.options())
	if !rec.Clean {
		t.Fatalf("%+v", rec)
	}
	if b.chainOf("two") == before {
		t.Error("the chain goes on after a cut")
	}
}

// tornFlush flushes, and gives the disk that a power cut in the midst of that would leave: the first sector of the group is there.
func (b *bench) tornFlush() *MemDisk {
	b.t.Helper()
	b.disk.FailSync(1, errBroken)
	if err := b.j.Flush(); !errors.Is(err, ErrUnknownOutcome) {
		b.t.Fatalf("flush: %v", err)
	}
	first := int64(-1)
	b.disk.CrashKeep(func(_ string, sector int64) int {
		if first < 0 {
			first = sector
		}
		if sector != first {
			return 0
		}
		return Sector
	})
	return b.disk
}

func TestRule1_3_NewChainAfterFailedSync(t *testing.T) {
	b := newBench(t)
	before := b.chainOf("one")
	b.disk.FailSync(1, errBroken)
	p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: []byte("lost?")}))
	if _, err := p.Wait(); !errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("wait: %v", err)
	}
	if _, err := b.j.Write(b.ctx, b.alice, Edit{Kind: KindData}); !errors.Is(err, ErrStopped) {
		t.Errorf("a write after a failed sync: %v", err)
	}
	if err := b.j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	b.disk.FailSync(1<<30, nil)
	j, rec := open(t, b.disk, b.w.options()) // the machine went on: the group is read back
	if b.j = j; rec.Clean || rec.Cut {
		t.Fatalf("%+v", rec)
	}
	if n := len(all(t, b.j, b.ctx)); n != 3 {
		t.Errorf("%d deltas, want 3", n)
	}
	if b.chainOf("two") == before {
		t.Error("the chain goes on after a failed sync")
	}
}

func TestRule1_3_NewChainInACopiedHome(t *testing.T) {
	b := newBench(t)
	before := b.chainOf("one")
	closeJ(t, b.j)
	copied := b.disk.Clone()
	j, rec := open(t, copied, b.w.options())
	if !rec.Copied {
		t.Fatalf("%+v", rec)
	}
	b.j = j
	if b.chainOf("in the copy") == before {
		t.Error("the copy goes on with the chain")
	}
	closeJ(t, b.j)
	if _, rec = open(t, copied, b.w.options()); rec.Copied || !rec.Clean {
		t.Errorf("the second start of a copy: %+v", rec)
	}
	if b.j, rec = open(t, b.disk, b.w.options()); rec.Copied || b.chainOf("in place") != before {
		t.Error("the home in place does not go on")
	}
}

func TestRule1_3_NewChainWhenAPeerShowsWhatWeLack(t *testing.T) {
	for _, restart := range []bool{false, true} {
		b := newBench(t)
		b.chainOf("one")
		closeJ(t, b.j)
		backup := b.disk.Backup()
		b.j, _ = open(t, b.disk, b.w.options())
		chain := b.chainOf("two")
		three := b.chainOf("three")
		peer, _ := open(t, NewMemDisk(), b.w.options())
		peer.Join(b.ctx)
		pull(t, b.j, peer, b.ctx, MaxPage)

		rolled, rec := open(t, backup, b.w.options())
		if rec.Copied || !rec.Clean || three != chain {
			t.Fatalf("%+v", rec)
		}
		b.j = rolled
		pull(t, peer, rolled, b.ctx, MaxPage)
		same(t, peer, rolled, b.ctx)
		if restart {
			closeJ(t, b.j)
			b.j, _ = open(t, backup, b.w.options())
		}
		if b.chainOf("four") == chain {
			t.Errorf("restart %v: the chain goes on after a rollback", restart)
		}
		pull(t, b.j, peer, b.ctx, MaxPage)
		same(t, peer, b.j, b.ctx)
		if f := b.j.Stats().Contexts[0].Forks; f != 0 {
			t.Errorf("%d forks", f)
		}
	}
}

// What is shown may have to wait, and be forgotten at the next start: the chain is over all the same.
func TestRule1_3_LackedDeltaThatOnlyWaits(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	lost := next(e, nil)
	if got := feed(t, b.j, b.ctx, page(b.alice, next(lost, nil))); got.Waiting != 1 {
		t.Fatalf("%+v", got)
	}
	b.reopen()
	if b.chainOf("two") == b.ctx {
		t.Error("the chain goes on")
	}
}

func TestRule1_3_ARollbackThatNobodyShowedForks(t *testing.T) {
	b := newBench(t)
	b.chainOf("one")
	closeJ(t, b.j)
	backup := b.disk.Backup()
	b.j, _ = open(t, b.disk, b.w.options())
	b.chainOf("two")
	other, _ := open(t, backup, b.w.options())
	put(t, other, b.ctx, b.alice, "other two")
	put(t, other, b.ctx, b.alice, "other three")
	pull(t, other, b.j, b.ctx, MaxPage)
	pull(t, b.j, other, b.ctx, MaxPage)
	same(t, other, b.j, b.ctx)
	if tips := b.j.Tips(b.ctx); len(tips) != 2 || tips[0].Chain != tips[1].Chain {
		t.Errorf("tips %v", tips)
	}
	put(t, b.j, b.ctx, b.alice, "merge")
	put(t, other, b.ctx, b.alice, "other merge")
	pull(t, other, b.j, b.ctx, MaxPage)
	pull(t, b.j, other, b.ctx, MaxPage)
	same(t, other, b.j, b.ctx)
	if c := b.j.Stats().Contexts[0]; c.Chains != 3 || c.Forks != 1 {
		t.Errorf("%+v", c)
	}
	forks := b.j.Forks(b.ctx)
	if len(forks) != 1 || forks[0].Chain != b.ctx || forks[0].Author != b.alice.Public() || len(forks[0].Ends) != 2 ||
		!slices.IsSortedFunc(forks[0].Ends, Tip.Compare) || forks[0].Ends[0].Seq+forks[0].Ends[1].Seq != 5 {
		t.Errorf("%+v", forks)
	}
	if len(b.j.Forks(ID{1})) > 0 {
		t.Error("an unknown context has forks")
	}
}

// A cut counts behind a clean stop too.
func TestRule1_3_NewChainAfterACutBehindACleanStop(t *testing.T) {
	b := newBench(t)
	before := b.chainOf("one")
	closeJ(t, b.j)
	must(must(b.disk.Open(segmentName(0))).WriteAt([]byte{1, 2, 3}, b.j.w.end))
	j, rec := open(t, b.disk, b.w.options())
	if !rec.Cut || rec.Clean {
		t.Fatalf("%+v", rec)
	}
	if b.j = j; b.chainOf("two") == before {
		t.Error("the chain goes on after a cut")
	}
}
