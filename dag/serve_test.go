package dag

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestRule4_1_DigestOverTips(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.bob, "one")
	tips := b.j.Tips(b.ctx)
	if len(tips) != 2 || !slices.IsSortedFunc(tips, Tip.Compare) {
		t.Fatalf("tips %v", tips)
	}
	back := []Tip{tips[1], tips[0], tips[1]}
	if Digest(back) != Digest(tips) || Digest(tips[:1]) == Digest(tips) {
		t.Error("the digest is not that of the sorted list")
	}
	if b.j.Tips(ID{3}) != nil || b.j.Have(ID{3}) != nil || b.j.Heads(ID{3}) != nil {
		t.Error("an unknown context has tips")
	}
}

// TestRule3_5_NothingLeavesBeforeItIsSynced: tips, pages, batches, Get and Each tell of synced deltas alone.
func TestRule3_5_NothingLeavesBeforeItIsSynced(t *testing.T) {
	b := newBench(t)
	tips := b.j.Tips(b.ctx)
	p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: []byte("soon")}))
	e := p.Entry()
	if !slices.Equal(tips, b.j.Tips(b.ctx)) || len(all(t, b.j, b.ctx)) != 1 || b.j.Has(e.ID) {
		t.Error("it is told of")
	}
	if page, more, err := b.j.Serve(b.ctx, tips, MaxPage); page != nil || more || err != nil {
		t.Error("it is served")
	}
	if _, missing, _ := b.j.ServeIDs(b.ctx, []ID{e.ID}, MaxPage); len(missing) != 1 {
		t.Error("it is served by id")
	}
	signed := &Entry{ID: e.ID, Delta: e.Delta, Raw: e.Raw, Sig: must(signID(b.alice, e.ID))}
	if _, err := b.j.Batch([]*Entry{signed}); err == nil {
		t.Error("it is put in a batch")
	}
	if _, ok, _ := b.j.Get(e.ID); ok {
		t.Error("Get gives it")
	}
	must(p.Wait())
	if _, err := b.j.Batch([]*Entry{e}); err != nil {
		t.Error(err)
	}
}

// TestRule4_3_PagesAreWholeUpToKeptSignatures pulls a context of interleaved chains in pages of any size.
func TestRule4_3_PagesAreWholeUpToKeptSignatures(t *testing.T) {
	b := newBench(t)
	for i := range 120 {
		must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: fmt.Append(nil, i)}))
		must(b.j.Write(b.ctx, b.bob, Edit{Kind: KindData, Payload: fmt.Append(nil, i)}))
		if i%7 == 0 {
			b.j.Flush()
		}
	}
	b.j.Flush()
	for _, size := range []int{4 << 10, 20 << 10, 100 << 10, MaxPage, 1 << 30} {
		k, _ := open(t, NewMemDisk(), b.w.options())
		k.Join(b.ctx)
		pages := pull(t, b.j, k, b.ctx, size)
		same(t, b.j, k, b.ctx)
		t.Logf("%d byte pages: %d", size, pages)
		// What was thinned serves a third node just as well.
		third, _ := open(t, NewMemDisk(), b.w.options())
		third.Join(b.ctx)
		pull(t, k, third, b.ctx, MaxPage)
		same(t, b.j, third, b.ctx)
	}
	if _, _, err := b.j.Serve(b.ctx, nil, 100); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a page of 100 bytes: %v", err)
	}
	if _, _, err := b.j.Serve(ID{9}, nil, MaxPage); !errors.Is(err, ErrUnknownContext) {
		t.Errorf("%v", err)
	}
}

// TestRule4_3_InterleavedChainsMakeProgress: pages smaller than what depends on each other bring runs that wait, and Have
// tells of these, so no page comes twice.
func TestRule4_3_InterleavedChainsMakeProgress(t *testing.T) {
	w := newWorld(1)
	j, _ := open(t, NewMemDisk(), w.options())
	var people []Signer
	var g Grant
	for i := range 20 {
		people = append(people, person(fmt.Sprint("p", i)))
		g.Keys = append(g.Keys, people[i].Public())
	}
	ctx := must(j.Found(person("founder"), g))
	for range 100 {
		for _, s := range people {
			must(j.Write(ctx, s, Edit{Kind: KindData}))
		}
	}
	j.Flush()
	k, _ := open(t, NewMemDisk(), w.options())
	k.Join(ctx)
	if pages := pull(t, j, k, ctx, 64<<10); pages > 21 {
		t.Errorf("%d pages", pages)
	}
	same(t, j, k, ctx)
}

// TestRule4_3_SignaturesAreThinned: a page of a chain that was signed at each delta carries one in 256.
func TestRule4_3_SignaturesAreThinned(t *testing.T) {
	b := newBench(t)
	for range 600 {
		put(t, b.j, b.ctx, b.alice, "x")
	}
	raw, _, err := b.j.Serve(b.ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	list, ferr := decodePage(raw)
	if ferr != nil {
		t.Fatal(ferr)
	}
	sigs := 0
	for _, a := range list {
		if a.e.Sig != nil {
			sigs++
		}
	}
	if len(list) != 601 || sigs != 3 {
		t.Errorf("%d signatures on %d deltas", sigs, len(list))
	}
}

// A page never exceeds its bound, and a peer that is ahead gets little for nothing.
func TestRule4_1_HaveCarriesALocator(t *testing.T) {
	b := newBench(t)
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	for range 100 {
		put(t, b.j, b.ctx, b.alice, "x")
	}
	pull(t, b.j, k, b.ctx, MaxPage)
	for range 10 {
		put(t, b.j, b.ctx, b.alice, "ahead")
	}
	page, _, err := k.Serve(b.ctx, b.j.Have(b.ctx), MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if got := feed(t, b.j, b.ctx, page); got.Duplicate > 16 || got.Admitted != 0 {
		t.Errorf("%+v", got)
	}
	page, _, _ = k.Serve(b.ctx, b.j.Tips(b.ctx), 64<<10) // without a locator: from the beginning
	if len(page) > 64<<10 || len(page) == 0 {
		t.Errorf("%d bytes", len(page))
	}
	if page, more, err := b.j.Serve(b.ctx, b.j.Have(b.ctx), MaxPage); page != nil || more || err != nil {
		t.Error("a peer with everything is sent something")
	}
}

func TestServeIDsBringsTheRunToItsWitness(t *testing.T) {
	b := newBench(t)
	var ids []ID
	for range 30 {
		p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData}))
		ids = append(ids, p.Entry().ID)
	}
	b.j.Flush()
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	page, missing, err := b.j.ServeIDs(b.ctx, []ID{b.ctx, ids[0], ids[5]}, MaxPage)
	if err != nil || len(missing) > 0 {
		t.Fatal(missing, err)
	}
	if got := feed(t, k, b.ctx, page); got.Admitted != 31 {
		t.Errorf("%+v", got)
	}
	same(t, b.j, k, b.ctx)
	if page, missing, err = b.j.ServeIDs(b.ctx, ids[:1], 64); page != nil || len(missing) != 1 || err != nil {
		t.Error("what does not fit is not told")
	}
}

// TestServeIDsReadsAPage: when one does not fit, those after it are not even read.
func TestServeIDsReadsAPage(t *testing.T) {
	b := newBench(t)
	var ids []ID
	for i := range 20 {
		p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, []int{1000, 400 << 10}[i%2])}))
		ids = append(ids, p.Entry().ID)
		must(0, b.j.Flush())
	}
	page, missing, err := b.j.ServeIDs(b.ctx, ids, MaxPage)
	if err != nil || len(page) == 0 || len(missing) == 0 || !slices.Equal(missing, ids[20-len(missing):]) {
		t.Errorf("%d of 20 are missing: %v", len(missing), err)
	}
}

func TestRule5_2_BatchIsARunUnderASignature(t *testing.T) {
	w := newWorld(1)
	o := w.options()
	var groups [][]*Entry
	o.Observer = &watcher{synced: func(es []*Entry) { groups = append(groups, es) }}
	j, _ := open(t, NewMemDisk(), o)
	alice, bob := person("alice"), person("bob")
	ctx := must(j.Found(alice, Grant{Keys: []Key{bob.Public()}}))
	k, _ := open(t, NewMemDisk(), w.options())
	k.Join(ctx)
	for i := range 300 {
		must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: make([]byte, 3000)}))
		if i%3 == 0 {
			must(j.Write(ctx, bob, Edit{Kind: KindData}))
		}
	}
	j.Flush()
	n := 0
	for _, g := range groups {
		for _, run := range Runs(g) {
			batch, err := j.Batch(run)
			if err != nil {
				t.Fatal(err)
			}
			n += len(run)
			for _, r := range feed(t, k, ctx, batch).Refused {
				t.Fatal(r)
			}
		}
	}
	if n != 401 {
		t.Errorf("%d entries in batches", n)
	}
	pull(t, j, k, ctx, MaxPage)
	same(t, j, k, ctx)
	var fat []*Entry
	for range 1 + MaxPageRebuilt/MaxPayload {
		fat = append(fat, put(t, j, ctx, alice, string(make([]byte, MaxPayload))))
	}
	if _, err := j.Batch(fat); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a batch of more than 8 MiB: %v", err)
	}
	for name, es := range map[string][]*Entry{
		"empty": nil, "no run": {groups[0][0], groups[1][3]}, "no signature": groups[1][:1],
	} {
		if _, err := j.Batch(es); err == nil {
			t.Errorf("%s: a batch is made", name)
		}
	}
}

type watcher struct {
	nobody
	synced func([]*Entry)
}

func (w *watcher) Synced(_ ID, es []*Entry, _ Mark) { w.synced(es) }

// TestRule4_3_APageEndsInKeptSignatures, although 256 deltas of the chain end between two of them.
func TestRule4_3_APageEndsInKeptSignatures(t *testing.T) {
	b := newBench(t)
	for i := range 600 {
		must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindData}))
		if i%100 == 99 {
			b.j.Flush()
		}
	}
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
}
