package dag

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// twoCopies writes in two homes of one author, lets them exchange what they have, and checks that no place of a chain has two
// deltas, that nothing is lost, and that both histories show (done-when 2).
func twoCopies(t *testing.T, a, b *Journal, ctx ID, s Signer) {
	t.Helper()
	for _, j := range []*Journal{a, b} {
		for range 3 {
			put(t, j, ctx, s, "both write")
		}
	}
	before := len(all(t, a, ctx)) + 3
	pull(t, a, b, ctx, MaxPage)
	pull(t, b, a, ctx, MaxPage)
	same(t, a, b, ctx)
	if n := len(all(t, a, ctx)); n < before {
		t.Errorf("%d deltas, want at least %d", n, before)
	}
	places := map[chainSeq]bool{}
	for _, id := range all(t, a, ctx) {
		e, _, _ := a.Get(id)
		place := chainSeq{e.Delta.ChainOf(id), e.Delta.Seq}
		if places[place] {
			t.Errorf("place %d of %v is taken twice", place.seq, place.chain)
		}
		places[place] = true
	}
	if c := a.Stats().Contexts[0]; c.Chains < 2 || c.Forks != 0 {
		t.Errorf("%+v", c)
	}
}

// TestRule1_3_TwoCopiesOfOneHome run at the same time: the copy knows by its stamp.
func TestRule1_3_TwoCopiesOfOneHome(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "before")
	b.reopen()
	copied, rec := open(t, b.disk.Clone(), b.w.options())
	if !rec.Copied {
		t.Errorf("%+v", rec)
	}
	twoCopies(t, b.j, copied, b.ctx, b.alice)
}

// TestRule1_3_AnOldCopyPutBack over a home, after a clean stop: its files were touched since.
func TestRule1_3_AnOldCopyPutBack(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "before")
	closeJ(t, b.j)
	old := b.disk.Backup()
	b.j, _ = open(t, b.disk, b.w.options())
	peer, _ := open(t, NewMemDisk(), b.w.options())
	peer.Join(b.ctx)
	lost := put(t, b.j, b.ctx, b.alice, "after the copy")
	pull(t, b.j, peer, b.ctx, MaxPage)
	closeJ(t, b.j)
	b.disk.PutBack(old)
	j, rec := open(t, b.disk, b.w.options())
	if !rec.Copied || !rec.Clean {
		t.Errorf("%+v", rec)
	}
	if e := put(t, j, b.ctx, b.alice, "on"); e.Delta.Seq != 0 {
		t.Error("the chain goes on")
	}
	pull(t, j, peer, b.ctx, MaxPage)
	pull(t, peer, j, b.ctx, MaxPage)
	same(t, j, peer, b.ctx)
	if !j.Has(lost.ID) || j.Stats().Contexts[0].Forks != 0 {
		t.Errorf("what the peer held is not back, or the chain forked: %+v", j.Stats().Contexts[0])
	}
	closeJ(t, j)
	if _, rec := open(t, b.disk, b.w.options()); rec.Copied || !rec.Clean {
		t.Errorf("the second start: %+v", rec)
	}
}

// TestOSDiskPutBack does it with files: contents, and modification times, are set back in place.
func TestOSDiskPutBack(t *testing.T) {
	dir := t.TempDir()
	d, w, alice := OSDisk(dir), newWorld(1), person("alice")
	if now, err := d.Touched("."); err != nil || now == "" {
		if runtime.GOOS == "linux" {
			t.Fatalf("Linux tells when a file was touched: %q, %v", now, err)
		}
		t.Skip("the system does not tell when a file was touched")
	}
	j, _ := open(t, d, w.options())
	ctx := must(j.Found(alice, Grant{}))
	closeJ(t, j)
	old := t.TempDir()
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	j, rec := open(t, d, w.options())
	if rec.Copied || !rec.Clean {
		t.Errorf("in place: %+v", rec)
	}
	chain := put(t, j, ctx, alice, "later").Delta.Chain
	closeJ(t, j)
	for _, name := range []string{segmentName(0), homeName} {
		b := must(os.ReadFile(filepath.Join(old, name)))
		before := must(d.Touched(name))
		for must(d.Touched(name)) == before { // until the clock of the file system moves
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if j, rec = open(t, d, w.options()); !rec.Copied {
		t.Errorf("put back: %+v", rec)
	}
	if e := put(t, j, ctx, alice, "on"); e.Delta.ChainOf(e.ID) == chain || slices.Contains(all(t, j, ctx), ID{}) {
		t.Error("the chain goes on")
	}
	closeJ(t, j)
}

// TestRule1_3_ACopyTakenWhileTheLogIsOpen is known, even when nothing was written since the start.
func TestRule1_3_ACopyTakenWhileTheLogIsOpen(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "before")
	b.reopen()
	image := b.disk.Backup()
	chain := put(t, b.j, b.ctx, b.alice, "after the copy").Delta.Chain
	j, rec := open(t, image, b.w.options())
	if rec.Clean || rec.Cut || len(rec.Damage) > 0 {
		t.Errorf("%+v", rec)
	}
	if e := put(t, j, b.ctx, b.alice, "in the copy"); e.Delta.Chain == chain || e.Delta.Seq != 0 {
		t.Error("the chain goes on in the copy")
	}
}

// A stop whose last sync failed is no clean one, though its group is read back: a copy of it could not be told from the original.
func TestRule1_3_ACopyOfAStopThatFailed(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, "before")
	b.disk.FailSync(1, errBroken)
	if err := b.j.Close(); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	disk := b.disk.Backup() // the program ended, and the next sees what it wrote
	disk.PutBack(disk.Backup())
	j, rec := open(t, disk, b.w.options())
	if rec.Clean && !rec.Copied {
		t.Errorf("%+v", rec)
	}
	if e := put(t, j, b.ctx, b.alice, "on"); e.Delta.Seq != 0 {
		t.Error("the chain goes on")
	}
}
