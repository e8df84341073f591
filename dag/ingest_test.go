package dag

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawHistory lets several nodes write into one context and meet at random; it gives a node that holds everything.
func drawHistory(t *rapid.T, w *world) (*Journal, ID) {
	n := rapid.IntRange(1, 4).Draw(t, "nodes")
	nodes, people := make([]*Journal, n), make([]Signer, n)
	disks, saved := make([]*MemDisk, n), make([]*MemDisk, n)
	var g Grant
	for i := range nodes {
		disks[i] = NewMemDisk()
		nodes[i], _ = open(t, disks[i], w.options())
		people[i] = person(fmt.Sprint("p", i))
		g.Keys = append(g.Keys, people[i].Public())
	}
	late := person("late")
	ctx := must(nodes[0].Found(person("founder"), g))
	for _, j := range nodes[1:] {
		j.Join(ctx)
		pull(t, nodes[0], j, ctx, MaxPage)
	}
	for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
		i := rapid.IntRange(0, n-1).Draw(t, "node")
		switch rapid.IntRange(0, 9).Draw(t, "act") {
		case 0:
			p := must(nodes[0].Write(ctx, person("founder"), Edit{Kind: KindGrant,
				Payload: must(Grant{Keys: []Key{late.Public()}}.Encode())}))
			must(p.Wait())
		case 1, 2, 3:
			pull(t, nodes[rapid.IntRange(0, n-1).Draw(t, "from")], nodes[i], ctx, 4<<10)
		case 4:
			if nodes[i].Member(ctx, late.Public()) {
				put(t, nodes[i], ctx, late, "late")
			}
		case 5:
			if i > 0 && saved[i] != nil && rapid.Bool().Draw(t, "roll back") { // the whole disk: chains fork
				disks[i] = saved[i].Backup()
			} else if i > 0 {
				closeJ(t, nodes[i])
				saved[i] = disks[i].Backup()
			} else {
				continue
			}
			disks[i].Crash()
			nodes[i], _ = open(t, disks[i], w.options())
		default:
			for k := range rapid.IntRange(1, 4).Draw(t, "writes") {
				must(nodes[i].Write(ctx, people[i], Edit{Kind: KindData, Payload: fmt.Append(nil, step, k)}))
			}
			nodes[i].Flush()
		}
	}
	for _, j := range nodes[1:] {
		pull(t, j, nodes[0], ctx, MaxPage)
	}
	for _, j := range nodes[1:] { // forked, rolled back or not: two ways of catch-up make them equal
		pull(t, nodes[0], j, ctx, 64<<10)
		same(t, nodes[0], j, ctx)
	}
	return nodes[0], ctx
}

// TestRule3_AdmissionDependsOnThePastAlone is the central property: the same deltas in any order, duplicated, split
// into pages, with restarts between, give the same set, tips and digest.
func TestRule3_AdmissionDependsOnThePastAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(t, "seed"))
		full, ctx := drawHistory(t, w)
		var pieces [][]*Entry
		for _, l := range full.ctxs[ctx].g.lanes(nil) {
			from := 0
			for i, n := range l.nodes {
				e := must2(full.Get(full.ctxs[ctx].g.node(n).id))
				if e.Sig != nil && (i == len(l.nodes)-1 || rapid.Bool().Draw(t, "split")) {
					var run []*Entry
					for _, m := range l.nodes[from : i+1] {
						run = append(run, must2(full.Get(full.ctxs[ctx].g.node(m).id)))
					}
					run = unsigned(run)
					run[len(run)-1].Sig = e.Sig
					pieces, from = append(pieces, run), i+1
				}
			}
		}
		disk := NewMemDisk()
		j, _ := open(t, disk, w.options())
		j.Join(ctx)
		for round := 0; ; round++ { // what a full waiting room, or an unknown author, forgets is brought again
			order := rapid.Permutation(pieces).Draw(t, "order")
			for len(order) > 0 {
				n := rapid.IntRange(1, len(order)).Draw(t, "page")
				runs := slices.Clone(order[:n])
				if rapid.Bool().Draw(t, "twice") {
					runs = append(runs, order[0])
				}
				feed(t, j, ctx, EncodePage(ctx, runs))
				order = order[n:]
				if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
					disk.Crash()
					j, _ = open(t, disk, w.options())
				}
			}
			if j.Stats().Contexts[0].Deltas == full.Stats().Contexts[0].Deltas {
				break
			}
			if round > len(pieces) {
				t.Fatalf("after %d rounds %d of %d deltas", round, j.Stats().Contexts[0].Deltas, full.Stats().Contexts[0].Deltas)
			}
		}
		same(t, full, j, ctx)
		if n := j.Stats().Contexts[0].Waiting; n != 0 {
			t.Fatalf("%d still wait", n)
		}
		closeJ(t, j)
		j, _ = open(t, disk, w.options())
		same(t, full, j, ctx)
	})
}

func TestRule4_4_WaitingRoomIsBounded(t *testing.T) {
	b := newBench(t)
	lost := start(b.genesis, b.bob.Public(), nil)
	run := []*Entry{next(lost, nil)}
	for range 255 {
		run = append(run, next(run[len(run)-1], nil))
	}
	got := feed(t, b.j, b.ctx, page(b.bob, run...))
	if got.Waiting != 256 || !slices.Equal(got.Missing, []ID{lost.ID}) {
		t.Fatalf("%d wait, missing %v", got.Waiting, got.Missing)
	}
	over := next(run[len(run)-1], nil)
	got = feed(t, b.j, b.ctx, page(b.bob, over))
	if got.Waiting != 0 || reasons(got)[WaitingFull] != 1 || got.Refused[0].Reason.Fault() {
		t.Fatalf("%+v", got)
	}
	// Another author has a room of its own; a stranger has none.
	side := start(b.genesis, b.alice.Public(), nil)
	if got = feed(t, b.j, b.ctx, page(b.alice, next(side, nil))); got.Waiting != 1 {
		t.Fatalf("%+v", got)
	}
	x := start(b.genesis, person("stranger").Public(), nil)
	if got = feed(t, b.j, b.ctx, page(person("stranger"), next(x, nil))); reasons(got)[WaitingFull] != 1 {
		t.Fatalf("%+v", got)
	}
	// Bytes are bounded too.
	big := []*Entry{next(side, func(d *Delta) { d.Payload = make([]byte, MaxPayload); d.N += 5 })}
	big = append(big, next(big[0], func(d *Delta) { d.Payload = nil }))
	for _, e := range big[:1] {
		feed(t, b.j, b.ctx, page(b.alice, e))
	}
	if got = feed(t, b.j, b.ctx, page(b.alice, next(big[0], func(d *Delta) { d.Payload = make([]byte, MaxPayload) }))); got.Waiting != 0 {
		t.Fatalf("%+v", got)
	}
	// The missing one comes: all are admitted, and the forgotten one comes again.
	if got = feed(t, b.j, b.ctx, page(b.bob, lost)); got.Admitted != 257 {
		t.Fatalf("%+v", got)
	}
	b.admits(1, page(b.bob, over))
}

func TestWhatWaitsForARefusedDeltaIsRefused(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	bad := next(e, func(d *Delta) { d.N += 7 })
	after := []*Entry{next(bad, nil)}
	for range 20 {
		after = append(after, next(after[len(after)-1], nil))
	}
	if got := feed(t, b.j, b.ctx, page(b.alice, after...)); got.Waiting != 21 {
		t.Fatalf("%+v", got)
	}
	if got := feed(t, b.j, b.ctx, page(b.alice, bad)); reasons(got)[BadClock] != 22 {
		t.Fatalf("%+v", got)
	}
	if n := b.j.Stats().Contexts[0].Waiting; n != 0 || len(b.j.Missing(b.ctx)) != 0 || len(b.j.ctxs[b.ctx].g.room.authors) != 0 {
		t.Errorf("%d still wait", n)
	}
}

// TestRule1_4_ALaterWitnessIsKept: a delta of which a crash left no witness is proved by a signature that comes later.
func TestRule1_4_ALaterWitnessIsKept(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	x := next(e, nil)
	func() { // as a log that ends before the witness
		b.j.mu.Lock()
		defer b.j.mu.Unlock()
		c := b.j.ctxs[b.ctx]
		c.g.Add(x.ID, x.Delta)
		b.j.enqueue(&item{c: c, kind: recordReceived, e: x, node: uint32(c.g.Len() - 1)})
	}()
	if err := b.j.Flush(); err != nil {
		t.Fatal(err)
	}
	if tips := b.j.Tips(b.ctx); len(tips) != 1 || tips[0].ID != e.ID {
		t.Fatalf("a tip without a witness is told: %v", tips)
	}
	if _, missing, _ := b.j.ServeIDs(b.ctx, []ID{x.ID}, MaxPage); len(missing) != 1 {
		t.Error("a delta without a witness is served")
	}
	if got := feed(t, b.j, b.ctx, page(b.alice, x)); got.Duplicate != 1 || got.Admitted != 0 {
		t.Fatalf("%+v", got)
	}
	for range 2 {
		if tips := b.j.Tips(b.ctx); len(tips) != 1 || tips[0].ID != x.ID {
			t.Fatalf("tips %v", tips)
		}
		if got := must2(b.j.Get(x.ID)); got.Sig == nil {
			t.Error("the witness is not given")
		}
		b.brings(0)
		b.reopen()
	}
}

func TestIngestKeepsNothingOfThePage(t *testing.T) {
	b := newBench(t)
	e := next(put(t, b.j, b.ctx, b.alice, "one"), nil)
	p := page(b.alice, e)
	feed(t, b.j, b.ctx, p)
	clear(p)
	if got := must2(b.j.Get(e.ID)); !bytes.Equal(got.Raw, e.Raw) {
		t.Error("the page's bytes were kept")
	}
	lost := next(e, nil)
	p = page(b.alice, next(lost, nil)) // it waits, with its signature
	feed(t, b.j, b.ctx, p)
	clear(p)
	b.admits(2, page(b.alice, lost))
	k := b.joined()
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
}

func TestRule1_4_RunsWithoutSignaturesAreBounded(t *testing.T) {
	b := newBench(t)
	run := []*Entry{next(b.genesis, nil)}
	for range 256 {
		run = append(run, next(run[len(run)-1], nil))
	}
	b.refuses(NoWitness, page(b.alice, run...))
	b.admits(256, page(b.alice, run[:256]...))
	fat := func(d *Delta) { d.Payload = make([]byte, 40<<10) }
	x := next(run[255], fat)
	y := next(x, fat)
	z := next(y, fat)
	b.refuses(NoWitness, page(b.alice, x, y, z))
	b.admits(2, page(b.alice, x, y))
}

func FuzzIngestPage(f *testing.F) {
	w := newWorld(5)
	j, _, err := Open(NewMemDisk(), w.options())
	if err != nil {
		f.Fatal(err)
	}
	alice := person("alice")
	ctx := must(j.Found(alice, Grant{}))
	for _, s := range []string{"a", "b", "c"} {
		must(must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: []byte(s)})).Wait())
	}
	whole, _, err := j.Serve(ctx, nil, MaxPage)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(append(whole[:33:33], 0x80, 0x80, 1, 0))
	f.Add(append(whole[:33:33], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))
	g := must2(j.Get(ctx))
	f.Add(page(alice, next(g, nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, _, err := Open(NewMemDisk(), newWorld(6).options())
		if err != nil {
			t.Fatal(err)
		}
		k.Join(ctx)
		got, err := k.Ingest(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		if got.Admitted == 0 && got.Waiting == 0 && len(got.Refused) == 0 {
			t.Fatalf("%x has no outcome", b)
		}
		if _, err := k.Ingest(ctx, whole); err != nil || k.Stats().Contexts[0].Deltas < 4 {
			t.Fatal("the honest page is not admitted after it", err)
		}
	})
}

func TestRule4_4_AsksBackForAtMost64(t *testing.T) {
	b := newBench(t)
	var parents []ID
	for i := range 70 {
		lost := start(b.genesis, b.bob.Public(), func(d *Delta) { d.Nonce = bytes.Repeat([]byte{byte(i)}, NonceLen) })
		if got := feed(t, b.j, b.ctx, page(b.bob, next(lost, nil))); got.Waiting != 1 || len(got.Missing) != 1 || got.Missing[0] != lost.ID {
			t.Fatalf("%d: %d wait, %d missing", i, got.Waiting, len(got.Missing))
		}
		parents = append(parents, next(lost, nil).ID)
	}
	// One that stands on all of these lacks what they lack, and no more is named at once than may be asked back.
	slices.SortFunc(parents, ID.Compare)
	top := start(b.genesis, b.alice.Public(), nil)
	feed(t, b.j, b.ctx, page(b.alice, top))
	wide := next(top, func(d *Delta) { d.Parents = parents[:MaxParents] })
	if got := feed(t, b.j, b.ctx, page(b.alice, wide)); got.Waiting != 1 || len(got.Missing) != 64 {
		t.Fatalf("%d wait, %d missing", got.Waiting, len(got.Missing))
	}
	if got := len(b.j.Missing(b.ctx)); got != 64 {
		t.Errorf("%d missing in all", got)
	}
	// It is told of again when it comes again.
	if got := feed(t, b.j, b.ctx, page(b.alice, wide)); got.Waiting != 1 || got.Duplicate != 1 || len(got.Missing) != 64 {
		t.Fatalf("%d wait, %d missing", got.Waiting, len(got.Missing))
	}
}
