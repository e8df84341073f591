package dag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
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
	bomb := EncodePage(b.ctx, [][]*Entry{run})
	if len(bomb) > 1000 {
		t.Fatalf("%d bytes", len(bomb))
	}
	b.refuses(TooLarge, bomb)
	list, ferr := decodePage(EncodePage(b.ctx, [][]*Entry{run[:len(run)-1]}))
	if ferr != nil || len(list) != len(run)-1 {
		t.Fatalf("what is just within its bound: %v", ferr)
	}
	for i, a := range list {
		if !bytes.Equal(a.e.Raw, run[i].Raw) {
			t.Fatalf("delta %d is rebuilt otherwise", i)
		}
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
	b.refuses(TooLarge, EncodePage(b.ctx, append(runs, run)))
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

// A batch is named by the end of its run.
func TestPageLast(t *testing.T) {
	alice := person("alice")
	g := forge(Delta{Author: alice.Public(), Nonce: make([]byte, NonceLen), Ms: 1_700_000_000_000, Payload: must(Grant{}.Encode())})
	e := next(g, func(d *Delta) { d.Ms++ })
	e.Sig = must(signID(alice, e.ID))
	page := EncodePage(g.ID, [][]*Entry{{g, e}})
	if id, ok := PageLast(page); !ok || id != e.ID {
		t.Errorf("got %v, %v", id, ok)
	}
	for _, bad := range [][]byte{nil, []byte("garbage"), page[:len(page)-1]} {
		if id, ok := PageLast(bad); ok {
			t.Errorf("%d bytes end with %v", len(bad), id)
		}
	}
}
