package dag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// cat joins bytes.
func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func uints(vs ...uint64) (b []byte) {
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// TestRule4_3_PageBounds: what is wrong with a page refuses it whole, before memory is taken for it.
func TestRule4_3_PageBounds(t *testing.T) {
	b := newBench(t)
	id := func(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }
	head := func(count uint64) []byte { return cat([]byte{pageVersion}, b.ctx[:], uints(count)) }
	// A branch that is not the first of its chain: author, seq, chain, prev.
	open := cat(uints(0, 0), id(1), uints(5, 0), id(2), uints(0), id(3))
	filler := make([]byte, 40000)
	for name, c := range map[string]struct {
		page []byte
		want RefuseReason
	}{
		"nothing":                              {nil, Truncated},
		"100 MB":                               {make([]byte, 100<<20), TooLarge},
		"the first version":                    {[]byte{0x82, 1, 0x80}, Malformed},
		"a later version":                      {append([]byte{3}, head(1)[1:]...), Malformed},
		"no deltas":                            {head(0), Malformed},
		"too many deltas":                      {cat(head(MaxPageDeltas+1), filler), TooLarge},
		"2^60 deltas":                          {head(1 << 60), TooLarge},
		"deltas missing":                       {cat(head(9000), open, uints(9000)), Truncated},
		"a count over 64 bits":                 {cat(head(1)[:33], bytes.Repeat([]byte{0xff}, 11)), Malformed},
		"a run of no deltas":                   {cat(head(1), open, uints(0), filler), Malformed},
		"a run over the page's count":          {cat(head(1), open, uints(2), filler), TooLarge},
		"a branch that is not open":            {cat(head(1), uints(1, 1), filler), Malformed},
		"a name not spelled out":               {cat(head(1), uints(0, 9), filler), Malformed},
		"a delta not read yet":                 {cat(head(1), uints(0, 2), filler), Malformed},
		"65 parents":                           {cat(head(1), open, uints(1), []byte{flagParents}, uints(65), filler), TooLarge},
		"parents descending":                   {cat(head(1), open, uints(1), []byte{flagParents}, uints(2, 0), id(2), uints(0), id(1), filler), NotCanonical},
		"prev as a parent":                     {cat(head(1), open, uints(1), []byte{flagParents}, uints(1, 7), uints(0)), Malformed},
		"ms before the beginning":              {cat(head(1), open, uints(1), []byte{flagMoved}, uints(1, 0)), Malformed},
		"ms over 64 bits":                      {cat(head(1), open, uints(1), []byte{flagMoved}, bytes.Repeat([]byte{0x80}, 10), filler), Malformed},
		"an unknown version 0":                 {cat(head(1), open, uints(1), []byte{flagHead}, uints(0, 2, 0, 1, 0)), Malformed},
		"a genesis in the middle":              {cat(head(1), open, uints(1), []byte{flagHead}, uints(1, 0, 0, 0)), Malformed},
		"fields appended to the first version": {cat(head(1), open, uints(1), []byte{flagExtra}, uints(1, 1, 0, 0)), Malformed},
		"a payload over its bound":             {cat(head(1), open, uints(1), []byte{0}, uints(MaxPayload+1), filler), TooLarge},
		"a payload that is not there":          {cat(head(1), open, uints(1), []byte{0}, uints(MaxPayload)), Truncated},
		"a copy from before the window":        {cat(head(1), open, uints(1), []byte{flagPacked}, uints(9), []byte{0x11, 'x'}, uints(2)), Malformed},
		"a copy of nothing back":               {cat(head(1), open, uints(1), []byte{flagPacked}, uints(9), []byte{0x11, 'x'}, uints(0)), Malformed},
		"a copy over the payload":              {cat(head(1), open, uints(1), []byte{flagPacked}, uints(9), []byte{0x1e, 'x'}, uints(1)), Malformed},
		"bytes over the payload":               {cat(head(1), open, uints(1), []byte{flagPacked}, uints(3), []byte{0x40}, filler), Malformed},
		"a short signature":                    {cat(head(1), open, uints(1), []byte{flagSigned}, uints(0), make([]byte, 63)), Truncated},
		"bytes after":                          {cat(head(1), open, uints(1), []byte{0}, uints(0, 0)), Malformed},
	} {
		got := feed(t, b.j, b.ctx, c.page)
		if len(got.Refused) != 1 || got.Refused[0].Reason != c.want || got.Refused[0].Count != 1 {
			t.Errorf("%s: %v, want %s", name, got.Refused, c.want)
		}
	}
	if s := fmt.Sprint(b.j.Refusals()); !strings.Contains(s, string(TooLarge)) {
		t.Error(s)
	}
	good, _, _ := b.j.Serve(b.ctx, nil, MaxPage)
	k := b.joined()
	for i := range good {
		if got := feed(t, k, b.ctx, good[:i]); got.Admitted > 0 || len(got.Refused) != 1 {
			t.Fatalf("cut at %d: %+v", i, got)
		}
	}
}

// joined gives an empty journal that knows the context.
func (b *bench) joined() *Journal {
	b.t.Helper()
	k, _ := open(b.t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	return k
}

// TestRule4_3_ABombIsRefused: few bytes that announce, or make, more than a page may have.
func TestRule4_3_ABombIsRefused(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "x")
	var run []*Entry
	for e, size := next(e, nil), 0; size <= MaxPageRebuilt; size += len(e.Raw) {
		e = next(e, func(d *Delta) { d.Payload = make([]byte, MaxPayload) })
		run = append(run, e)
	}
	bomb := encodePage(b.ctx, [][]*Entry{run})
	if len(bomb) > 1000 {
		t.Fatalf("%d bytes", len(bomb))
	}
	b.refuses(TooLarge, bomb)
	if list, ferr := decodePage(encodePage(b.ctx, [][]*Entry{run[:len(run)-1]})); ferr != nil || len(list) != len(run)-1 {
		t.Errorf("what is just within its bound: %v", ferr)
	}
	if _, got := memoryOf(bomb); got > 4*MaxPageRebuilt {
		t.Errorf("%d bytes of memory", got)
	}
	empty := cat([]byte{pageVersion}, b.ctx[:], uints(MaxPageDeltas))
	if ferr, got := memoryOf(empty); ferr == nil || ferr.Reason != Truncated || got > 4096 {
		t.Errorf("%d deltas that are not there: %v, %d bytes of memory", MaxPageDeltas, ferr, got)
	}
	// Parents that the page has count too: 64 of them take 2 KiB, and 128 bytes in the page.
	var runs [][]*Entry
	var parents []ID
	for i := range MaxParents {
		s := start(e, b.bob.Public(), func(d *Delta) { d.Nonce = bytes.Repeat([]byte{byte(i)}, NonceLen) })
		runs, parents = append(runs, []*Entry{s}), append(parents, s.ID)
	}
	parents = sorted(parents)
	run = []*Entry{next(e, nil)}
	for range MaxPageRebuilt / (2 << 10) {
		run = append(run, next(run[len(run)-1], func(d *Delta) { d.Parents, d.Payload = parents, nil }))
	}
	b.refuses(TooLarge, encodePage(b.ctx, append(runs, run)))
}

func memoryOf(page []byte) (err *FormatError, bytes int64) {
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			_, err = decodePage(page)
		}
	})
	return err, got.AllocedBytesPerOp()
}

// TestRule4_3_SignaturesAreKeptEach64KiB, although 256 deltas come after one.
func TestRule4_3_SignaturesAreKeptEach64KiB(t *testing.T) {
	b := newBench(t)
	for range 100 {
		put(t, b.j, b.ctx, b.alice, string(make([]byte, 5000)))
	}
	page, _, err := b.j.Serve(b.ctx, nil, MaxPage)
	list, ferr := decodePage(page)
	if err != nil || ferr != nil || len(list) != 101 {
		t.Fatal(len(list), err, ferr)
	}
	sigs, size := 0, 0
	for _, a := range list {
		if a.e.Sig == nil {
			size += len(a.e.Raw)
		} else {
			sigs, size = sigs+1, 0
		}
		if size > MaxRunBytes {
			t.Fatalf("%d bytes before a signature", size)
		}
	}
	if sigs < 7 || sigs > 9 {
		t.Errorf("%d signatures on 500 KiB", sigs)
	}
	k := b.joined()
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
}

// TestRule4_3_APageIsBounded, whatever a peer asks for, and for all its runs together.
func TestRule4_3_APageIsBounded(t *testing.T) {
	b := newBench(t)
	for i := range 4 {
		text := make([]byte, 400<<10)
		newWorld(uint64(i)).Read(text)
		put(t, b.j, b.ctx, b.alice, string(text))
	}
	if page, more, err := b.j.Serve(b.ctx, nil, 1<<30); len(page) > MaxPage || !more || err != nil {
		t.Errorf("%d bytes, more %v, %v", len(page), more, err)
	}
	k := b.joined()
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
	for range 30 {
		put(t, b.j, b.ctx, b.bob, string(make([]byte, 500<<10)))
	}
	tips := k.Have(b.ctx)
	page, more, err := b.j.Serve(b.ctx, tips, MaxPage)
	if list, ferr := decodePage(page); !more || err != nil || ferr != nil || len(list) > MaxPageRebuilt/(500<<10) {
		t.Errorf("%d deltas of 500 KiB that take %d bytes, more %v, %v, %v", len(list), len(page), more, err, ferr)
	}
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
}

// TestRule4_3_APageHasAtMost16384Deltas.
func TestRule4_3_APageHasAtMost16384Deltas(t *testing.T) {
	w := newWorld(1)
	o := w.options()
	o.MaxUnsynced = 64 << 20
	j, _ := open(t, NewMemDisk(), o)
	ctx := must(j.Found(person("alice"), Grant{}))
	for range MaxPageDeltas + 300 {
		must(j.Write(ctx, person("alice"), Edit{Kind: KindData}))
	}
	j.Flush()
	page, more, err := j.Serve(ctx, nil, MaxPage)
	list, ferr := decodePage(page)
	if err != nil || ferr != nil || !more || len(list) > MaxPageDeltas || len(list) < MaxPageDeltas-MaxRun {
		t.Errorf("%d deltas in %d bytes, more %v, %v, %v", len(list), len(page), more, err, ferr)
	}
}

// drawRuns gives runs of a few chains that stand on each other.
func drawRuns(t *rapid.T) (ID, [][]*Entry) {
	ctx := drawID(t, "context")
	var all []*Entry
	runs := make([][]*Entry, rapid.IntRange(1, 5).Draw(t, "runs"))
	for range rapid.IntRange(0, 40).Draw(t, "deltas") {
		r := rapid.IntRange(0, len(runs)-1).Draw(t, "run")
		d := drawDelta(t)
		d.Context = ctx
		if n := len(runs[r]); n > 0 {
			p := runs[r][n-1]
			d.Author, d.Chain, d.Seq, d.Prev, d.Nonce = p.Delta.Author, p.Delta.ChainOf(p.ID), p.Delta.Seq+1, p.ID, nil
			if rapid.Bool().Draw(t, "as before") {
				d.Ms, d.N, d.Wall = p.Delta.Ms, p.Delta.N+1, int64(p.Delta.Ms)
				d.Kind, d.Epoch, d.Credential = p.Delta.Kind, p.Delta.Epoch, p.Delta.Credential
				d.Payload = append(bytes.Clone(p.Delta.Payload), p.ID[:]...)[:min(len(p.Delta.Payload)+32, 400)]
			}
		}
		for range rapid.IntRange(0, 3).Draw(t, "held parents") {
			if len(all) > 0 {
				d.Parents = append(d.Parents, all[rapid.IntRange(0, len(all)-1).Draw(t, "parent")].ID)
			}
		}
		d.Parents = slices.Compact(sorted(d.Parents))
		d.Parents = slices.DeleteFunc(d.Parents, func(id ID) bool { return id == d.Prev })
		if d.Seq == 0 && len(d.Parents) == 0 {
			d.Parents = []ID{ctx}
		}
		if rapid.IntRange(0, 9).Draw(t, "later") == 0 {
			d.Version, d.Extra = 2, [][]byte{{0x18, 0x18}, {0xf6}}
		}
		e := forge(*d)
		if rapid.IntRange(0, 5).Draw(t, "signed") == 0 {
			e.Sig = rapid.SliceOfN(rapid.Byte(), SigLen, SigLen).Draw(t, "signature")
		}
		runs[r] = append(runs[r], e)
		all = append(all, e)
	}
	runs = slices.DeleteFunc(runs, func(r []*Entry) bool { return len(r) == 0 })
	return ctx, rapid.Permutation(runs).Draw(t, "order")
}

// TestRule4_3_APageRebuildsExactly: of any deltas the reader gets the canonical bytes, the ids and the signatures, what a delta
// stands on before it, and no more bytes than were counted on.
func TestRule4_3_APageRebuildsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx, runs := drawRuns(t)
		if len(runs) == 0 {
			return
		}
		want := map[ID]*Entry{}
		most := pageHead
		for _, run := range runs {
			var size pieceSize
			for _, e := range run {
				want[e.ID] = e
				size.add(e)
				most += len(e.Sig)
			}
			most += size.bytes()
		}
		page := encodePage(ctx, runs)
		if len(page) > most {
			t.Fatalf("%d bytes, at most %d were counted on", len(page), most)
		}
		list, err := decodePage(page)
		if err != nil || len(list) != len(want) {
			t.Fatalf("%v: %d deltas", err, len(list))
		}
		last := map[int]ID{}
		for _, a := range list {
			w := want[a.e.ID]
			if d, err := Decode(a.e.Raw); err != nil || !reflect.DeepEqual(d, a.e.Delta) {
				t.Fatalf("%+v\nis decoded as %+v, %v", a.e.Delta, d, err)
			}
			if w == nil || !bytes.Equal(a.e.Raw, w.Raw) || !bytes.Equal(a.e.Sig, w.Sig) || (a.e.Sig == nil) != (w.Sig == nil) {
				t.Fatalf("%+v\nis read as %+v", w, a.e)
			}
			if p, ok := last[a.branch]; ok && p != a.e.Delta.Prev {
				t.Fatal("a delta does not follow the one before in its branch")
			}
			last[a.branch] = a.e.ID
			for _, p := range append([]ID{a.e.Delta.Prev}, a.e.Delta.Parents...) {
				if want[p] != nil {
					t.Fatal("what a delta stands on comes after it")
				}
			}
			delete(want, a.e.ID)
		}
	})
}

// TestRule4_3_PageVectors holds the bytes of version 2.
func TestRule4_3_PageVectors(t *testing.T) {
	alice, bob := person("alice"), person("bob")
	genesis := forge(Delta{
		Author: alice.Public(), Nonce: bytes.Repeat([]byte{9}, NonceLen), Ms: 1_700_000_000_000, Wall: 1_700_000_000_123,
		Payload: must(Grant{Keys: []Key{bob.Public()}, Role: RoleMember}.Encode()),
	})
	key := func(s string) func(*Delta) {
		return func(d *Delta) { d.Payload, d.Wall = []byte("key "+s), int64(d.Ms) }
	}
	second := next(genesis, key("stroke one"))
	third := next(second, key("stroke two"))
	branch := start(third, bob.Public(), func(d *Delta) {
		d.Payload, d.Wall = cat([]byte("after "), third.ID[:]), -1
	})
	merge := next(third, func(d *Delta) { d.Parents, d.N, d.Epoch, d.Kind = []ID{branch.ID}, branch.Delta.N+1, 70000, 24 })
	fork := next(second, func(d *Delta) { d.Version, d.Extra, d.Ms, d.N = 2, [][]byte{{0x18, 0x18}}, d.Ms+1000, 0 })
	more := next(third, key("stroke three"))
	most := next(more, key("stroke four"))
	for e, s := range map[*Entry]Signer{merge: alice, fork: alice, most: alice, branch: bob} {
		e.Sig = must(signID(s, e.ID))
	}
	var b strings.Builder
	for _, v := range []struct {
		name string
		runs [][]*Entry
	}{
		{"two keystrokes under a signature", [][]*Entry{{more, most}}},
		{"a genesis, a branch, a merge, a fork", [][]*Entry{{genesis, second, third, merge}, {branch}, {fork}}},
	} {
		page := encodePage(genesis.ID, v.runs)
		fmt.Fprintf(&b, "%s\n  page %x\n", v.name, page)
		list, err := decodePage(page)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		for _, a := range list {
			fmt.Fprintf(&b, "  branch %d: %v, signed %v\n", a.branch, a.e.ID, a.e.Sig != nil)
		}
	}
	golden(t, "page.golden", []byte(b.String()))
}

// FuzzDecodePage: what is read has canonical bytes, and written again it is read as the same.
func FuzzDecodePage(f *testing.F) {
	g := forge(Delta{Author: person("a").Public(), Nonce: bytes.Repeat([]byte{1}, 16), Ms: 5})
	one := page(person("a"), g)
	f.Add(one)
	run := []*Entry{g}
	for range 5 {
		run = append(run, next(run[len(run)-1], func(d *Delta) { d.Payload = cat([]byte("left of "), d.Prev[:], []byte("x")) }))
	}
	f.Add(page(person("a"), run...))
	side := start(run[2], person("b").Public(), nil)
	side.Sig = make([]byte, SigLen)
	top := next(run[5], func(d *Delta) { d.Parents, d.Version, d.Extra = []ID{side.ID}, 2, [][]byte{{5}} })
	f.Add(encodePage(g.ID, [][]*Entry{append(run, top), {side}}))
	f.Add(one[:len(one)-3])
	f.Add(append(one[:33:33], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodePage(b)
		if err != nil {
			return
		}
		ctx := ID(b[1:])
		runs, size := make([][]*Entry, 0, len(list)), 0
		for _, a := range list {
			d, err := Decode(a.e.Raw)
			if a.e.ID != HashID(a.e.Raw) || err != nil || !reflect.DeepEqual(d, a.e.Delta) {
				t.Fatalf("%x is read as %+v, decoded as %+v, %v", a.e.Raw, a.e.Delta, d, err)
			}
			for a.branch >= len(runs) {
				runs = append(runs, nil)
			}
			if n := len(runs[a.branch]); n > 0 && runs[a.branch][n-1].ID != a.e.Delta.Prev {
				t.Fatalf("%v does not follow %v", a.e.ID, runs[a.branch][n-1].ID)
			}
			runs[a.branch] = append(runs[a.branch], a.e)
			size += len(a.e.Raw)
		}
		if len(list) > MaxPageDeltas || size > MaxPageRebuilt {
			t.Fatalf("%d deltas, %d bytes", len(list), size)
		}
		again, err := decodePage(encodePage(ctx, runs))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%x is read, and not when it is written again: %v", b, err)
		}
	})
}
