package dag

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// brings checks that another node comes to hold the same from this one, and that so many deltas wait there.
func (b *bench) brings(waiting int) *Journal {
	b.t.Helper()
	k, _ := open(b.t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	for range 3 {
		page, _, err := b.j.Serve(b.ctx, k.Have(b.ctx), MaxPage)
		if err != nil {
			b.t.Fatal(err)
		}
		feed(b.t, k, b.ctx, page)
	}
	same(b.t, b.j, k, b.ctx)
	if n := k.Stats().Contexts[0].Waiting; n != waiting {
		b.t.Errorf("%d wait there, want %d", n, waiting)
	}
	return k
}

// keepsBack has bob make two deltas that he tells nobody of, one on the other, and the two with which a run begins, of which the second
// stands on the first of those.
func (b *bench) keepsBack() (kept, other, x, y *Entry) {
	e := put(b.t, b.j, b.ctx, b.alice, "one")
	kept = start(e, b.bob.Public(), nil)
	x = start(e, b.bob.Public(), func(d *Delta) { d.Nonce = make([]byte, NonceLen) })
	return kept, next(kept, nil), x, next(x, on(kept))
}

// on has a delta stand on another as well.
func on(p *Entry) func(*Delta) {
	return func(d *Delta) { d.Parents, d.Ms, d.N = []ID{p.ID}, d.Ms+1, 0 }
}

// What is admitted of a run whose end is not can be told and shown to others, from the log too, and what was written on it (DATA
// 1.4, 4.1): a member that keeps back what its run stands on keeps nobody else's deltas back.
func TestRule4_1_WhatIsAdmittedIsProved(t *testing.T) {
	b := newBench(t)
	kept, other, x, y := b.keepsBack()
	z := next(y, on(other))
	last := next(z, nil)
	if got := feed(t, b.j, b.ctx, page(b.bob, x, y, z, last)); got.Admitted != 1 || got.Waiting != 3 {
		t.Fatalf("%+v", got)
	}
	mine := put(t, b.j, b.ctx, b.alice, "on it")
	if !slices.Contains(mine.Delta.Parents, x.ID) {
		t.Fatal("the write does not stand on what is admitted")
	}
	for range 2 {
		if tips := b.j.Tips(b.ctx); len(tips) != 2 || !slices.ContainsFunc(tips, func(t Tip) bool { return t.ID == x.ID }) {
			t.Errorf("tips %v", tips)
		}
		if rest := must(b.j.Proof(x.ID)); len(rest) != 3 || rest[2].ID != last.ID || !Verify(b.bob.Public(), last.ID, rest[2].Sig) {
			t.Errorf("%d deltas prove it", len(rest))
		}
		k := b.brings(3)
		if got := feed(t, k, b.ctx, page(b.alice, mine)); got.Duplicate != 1 {
			t.Errorf("the write has not come: %+v", got)
		}
		b.reopen()
	}
	// What was kept back comes: first what lets one more in, then the rest.
	feed(t, b.j, b.ctx, page(b.bob, x, y, z, last)) // the waiting room is empty after a start
	if got := feed(t, b.j, b.ctx, page(b.bob, kept)); got.Admitted != 2 {
		t.Fatalf("%+v", got)
	}
	for range 2 {
		if rest := must(b.j.Proof(y.ID)); len(rest) != 2 {
			t.Errorf("%d deltas prove the next", len(rest))
		}
		b.brings(2)
		b.reopen()
	}
	proofs := 0
	closeJ(t, b.j)
	must(DumpLog(b.disk, Mark{}, func(r Record) error {
		if r.Kind == "proof" {
			proofs++
		}
		return nil
	}))
	if b.reopen(); proofs != 1 {
		t.Errorf("%d proofs are kept of one run", proofs)
	}
	feed(t, b.j, b.ctx, page(b.bob, x, y, z, last))
	if got := feed(t, b.j, b.ctx, page(b.bob, other)); got.Admitted != 3 {
		t.Fatalf("%+v", got)
	}
	if rest := must(b.j.Proof(last.ID)); len(rest) != 0 {
		t.Errorf("%d deltas prove what is signed", len(rest))
	}
	b.brings(0)
	b.reopen()
	b.brings(0)
}

// A run goes on while its proof is on its way to the disk.
func TestRule4_1_ARunGoesOnBeforeItsProofIsSynced(t *testing.T) {
	b := newBench(t)
	kept, other, x, y := b.keepsBack()
	z := next(y, nil)
	last := next(z, on(other))
	synctest.Test(t, func(t *testing.T) {
		b.j.mu.Lock()
		b.j.syncing = true // as while another group is synced
		b.j.mu.Unlock()
		for _, page := range [][]byte{page(b.bob, x, y, z, last), page(b.bob, kept)} {
			go func() {
				if _, err := b.j.Ingest(b.ctx, page); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		b.j.mu.Lock()
		b.j.syncing = false
		b.j.turn.Broadcast()
		b.j.mu.Unlock()
	})
	b.brings(1)
	b.reopen()
	b.brings(1)
}

// A run whose end breaks a rule proves what comes before it, everywhere.
func TestRule4_1_ARefusedEndProves(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	x := start(e, b.bob.Public(), nil)
	y := next(x, func(d *Delta) { d.N += 7 })
	got := feed(t, b.j, b.ctx, page(b.bob, x, y))
	if got.Admitted != 1 || reasons(got)[BadClock] != 1 {
		t.Fatalf("%+v", got)
	}
	put(t, b.j, b.ctx, b.alice, "on it")
	for range 2 {
		b.brings(0)
		b.reopen()
	}
}

// Whatever the order in which the pages of two chatting authors come, cut anywhere, nodes that take pages from each other end with the
// same, and everything admitted is told.
func TestRule4_1_ProofsConverge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		e := put(t, b.j, b.ctx, b.alice, "one")
		ends := []*Entry{start(e, b.alice.Public(), func(d *Delta) { d.Nonce = make([]byte, NonceLen) }), start(e, b.bob.Public(), nil)}
		lines := [][]*Entry{{ends[0]}, {ends[1]}}
		for range rapid.IntRange(2, 30).Draw(rt, "deltas") {
			who := rapid.IntRange(0, 1).Draw(rt, "who")
			sees := lines[1-who][rapid.IntRange(0, len(lines[1-who])-1).Draw(rt, "sees")]
			n := next(ends[who], func(d *Delta) {
				d.Parents = []ID{sees.ID}
				d.Ms, d.N = max(d.Ms, sees.Delta.Ms)+1, 0
			})
			ends[who], lines[who] = n, append(lines[who], n)
		}
		var pages [][]byte
		for who, s := range []Signer{b.alice, b.bob} {
			for from := 0; from < len(lines[who]); {
				to := min(len(lines[who]), from+rapid.IntRange(1, 8).Draw(rt, "run"))
				pages = append(pages, page(s, lines[who][from:to]...))
				from = to
			}
		}
		for _, i := range rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 1)).Perm(len(pages)) {
			if rapid.IntRange(0, 5).Draw(rt, "lost") > 0 {
				feed(t, b.j, b.ctx, pages[i])
			}
		}
		deltas := b.j.Stats().Contexts[0].Deltas
		k, _ := open(t, NewMemDisk(), b.w.options())
		k.Join(b.ctx)
		for range 2 { // a second page may bring what the first could not
			page, _, err := b.j.Serve(b.ctx, k.Have(b.ctx), MaxPage)
			if err != nil {
				rt.Fatal(err)
			}
			feed(t, k, b.ctx, page)
		}
		if got := k.Stats().Contexts[0].Deltas; got != deltas || Digest(k.Tips(b.ctx)) != Digest(b.j.Tips(b.ctx)) {
			rt.Fatalf("%d of %d deltas, tips %v and %v", got, deltas, k.Tips(b.ctx), b.j.Tips(b.ctx))
		}
	})
}

// A record that holds no proof is damage.
func TestReadProof(t *testing.T) {
	alice := person("alice")
	g := forge(Delta{Author: alice.Public(), Nonce: make([]byte, NonceLen), Ms: 1, Payload: must(Grant{}.Encode())})
	rest := []*Entry{next(g, nil), next(next(g, nil), nil)}
	rest[1].Sig = must(signID(alice, rest[1].ID))
	b := appendProof(nil, rest)
	if got, err := readProof(b); err != nil || len(got) != 2 || got[1].ID != rest[1].ID || !slices.Equal(got[1].Sig, rest[1].Sig) {
		t.Fatalf("%v, %v", got, err)
	}
	for n := range b {
		if got, err := readProof(b[:n]); err == nil && len(got) > 1 || err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d bytes: %d deltas, %v", n, len(got), err)
		}
	}
}

// Over its bound the waiting room forgets whole runs: a part of one could never be proved.
func TestRule4_4_RunsAreForgottenWhole(t *testing.T) {
	w := newWorld(7)
	o := w.options()
	o.MaxWaiting = 4
	j, _ := open(t, NewMemDisk(), o)
	alice, bob := person("alice"), person("bob")
	ctx := must(j.Found(alice, Grant{Keys: []Key{bob.Public()}}))
	g := must2(j.Get(ctx))
	far := func(nonce byte) []*Entry {
		x := start(g, bob.Public(), func(d *Delta) { d.Nonce[0], d.Parents = nonce, []ID{{nonce}} })
		y := next(x, nil)
		return []*Entry{x, y, next(y, nil)}
	}
	if got := feed(t, j, ctx, page(bob, far(1)...)); got.Waiting != 3 {
		t.Fatalf("%+v", got)
	}
	if got := feed(t, j, ctx, page(bob, far(2)...)); got.Waiting != 0 || reasons(got)[WaitingFull] != 3 {
		t.Errorf("%+v", got)
	}
	if n := j.Stats().Contexts[0].Waiting; n != 3 {
		t.Errorf("%d wait", n)
	}
}

// A delta may stand in a page twice, and the names of the others count on.
func TestAPageWithADeltaTwice(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	x := start(e, b.bob.Public(), nil)
	y := next(x, nil)
	z := next(y, func(d *Delta) { d.Parents = []ID{e.ID} })
	last := start(y, b.alice.Public(), func(d *Delta) {
		d.Parents, d.Ms, d.N = []ID{x.ID, z.ID}, d.Ms+9, 0
		slices.SortFunc(d.Parents, ID.Compare)
	})
	y2, z2 := *y, *z
	y.Sig, z2.Sig, last.Sig = must(signID(b.bob, y.ID)), must(signID(b.bob, z.ID)), must(signID(b.alice, last.ID))
	if got := feed(t, b.j, b.ctx, EncodePage(b.ctx, [][]*Entry{{x, y}, {&y2, &z2}, {last}})); got.Admitted != 4 || len(got.Refused) > 0 {
		t.Errorf("%+v", got)
	}
}
