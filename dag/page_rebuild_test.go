package dag

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

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
				d.Payload = append(d.Payload, bytes.Repeat([]byte("period"), rapid.IntRange(0, 9).Draw(t, "repeated"))...)
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
		page := EncodePage(ctx, runs)
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
		page := EncodePage(genesis.ID, v.runs)
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
	f.Add(EncodePage(g.ID, [][]*Entry{append(run, top), {side}}))
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
		again, err := decodePage(EncodePage(ctx, runs))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%x is read, and not when it is written again: %v", b, err)
		}
	})
}
