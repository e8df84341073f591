package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/bao"

	"github.com/merograph/merograph/blob"
)

// fetch receives what is missing, as Next asks for it, and returns how many slices it took; at most limit.
func fetch(t testing.TB, from Store, r *blob.Receiver, id blob.ID, limit int) int {
	t.Helper()
	for i := range limit {
		off, length, done := r.Next()
		if done {
			return i
		}
		slice, err := from.ReadSlice(id, off, length)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Write(off, slice); err != nil {
			t.Fatal(err)
		}
	}
	return limit
}

func receive(t testing.TB, s Store, id blob.ID, size int) *blob.Receiver {
	t.Helper()
	r, err := s.Receive(id, int64(size))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testReceive(t *testing.T, from, to Store, n int) {
	b := Bytes(n)
	id := add(t, from, b)
	r := receive(t, to, id, n)
	if _, ok := to.Has(id); ok {
		t.Fatalf("%d bytes: held before anything came", n)
	}
	took := fetch(t, from, r, id, 1000)
	if want := max(1, (n+blob.MaxSlice-1)/blob.MaxSlice); took != want {
		t.Errorf("%d bytes took %d slices, want %d", n, took, want)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, to, id, b)
	for _, q := range ranges(int64(n)) { // the tree came with the content
		want, _ := from.ReadSlice(id, q[0], q[1])
		if got, err := to.ReadSlice(id, q[0], q[1]); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes at %d of %d: the receiver gives another slice, %v", q[1], q[0], n, err)
		}
	}
}

func testReceiveRefuses(t *testing.T, from, to Store) {
	const n = 3*blob.MaxSlice + 5000
	b := Bytes(n)
	id := add(t, from, b)
	other := add(t, from, Bytes(n-1))
	r := receive(t, to, id, n)
	read := func(id blob.ID, off, length int64) []byte {
		slice, err := from.ReadSlice(id, off, length)
		if err != nil {
			t.Fatal(err)
		}
		return slice
	}
	refused := func(what string, off int64, slice []byte) {
		t.Helper()
		if err := r.Write(off, slice); !errors.Is(err, blob.ErrCorrupt) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for round := range 6 {
		off, length, done := r.Next()
		if done {
			break
		}
		good := read(id, off, length)
		for _, at := range []int{0, 3, 8, 9, 40, 72, len(good) / 2, len(good) - 1} {
			bent := slices.Clone(good)
			bent[at] ^= 0x10
			refused(fmt.Sprintf("round %d, byte %d changed", round, at), off, bent)
		}
		for _, k := range []int{1, 8, 64, group - 1, len(good)} {
			refused("truncated", off, good[:max(0, len(good)-k)])
		}
		refused("extended", off, append(slices.Clone(good), 0))
		refused("extended", off, append(slices.Clone(good), make([]byte, group)...))
		refused("nothing", off, nil)
		refused("of another blob", off, read(other, off, min(length, n-1-off)))
		refused("of another place", (off+blob.MaxSlice)%(4*blob.MaxSlice), good)
		if err := r.Write(n, good); !errors.Is(err, blob.ErrRange) {
			t.Fatalf("behind the end: %v", err)
		}
		if err := r.Write(-1, good); !errors.Is(err, blob.ErrRange) {
			t.Fatalf("before the beginning: %v", err)
		}
		if again, l, _ := r.Next(); again != off || l != length {
			t.Fatalf("a refused slice changed what is missing: %d at %d, was %d at %d", l, again, length, off)
		}
		if err := r.Write(off, good); err != nil {
			t.Fatalf("round %d: the right slice: %v", round, err)
		}
		if err := r.Write(off, good); err != nil {
			t.Fatalf("round %d: the right slice again: %v", round, err)
		}
	}
	holds(t, to, id, b)
}

func testReceiveWrongSize(t *testing.T, from, to Store) {
	const n = 5*group + 100
	b := Bytes(n)
	id := add(t, from, b)
	if _, err := to.Receive(id, -1); !errors.Is(err, blob.ErrRange) {
		t.Fatalf("size -1: %v", err)
	}
	// A liar who knows the blob sends true hashes under a wrong size; the end gives it away.
	for _, lie := range []int{0, 1, group, n - 1, n + 1, n + group, 8 * group, 9 * group, 1 << 40, 1<<63 - 1} {
		r := receive(t, to, id, lie)
		for range 5 {
			off, length, done := r.Next()
			if done {
				t.Fatalf("a size of %d is taken", lie)
			}
			for _, l := range []int64{length, 1, group} {
				slice, err := from.ReadSlice(id, min(off, n-1), max(1, min(l, n-min(off, n-1), blob.MaxSlice)))
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Write(off, slice); !errors.Is(err, blob.ErrCorrupt) {
					t.Fatalf("size %d: an honest slice: %v", lie, err)
				}
				for i := range 8 {
					slice[i] = byte(uint64(lie) >> (8 * i))
				}
				// What does not touch the end may be right under a wrong size; it is never done.
				if err := r.Write(off, slice); !errors.Is(err, blob.ErrCorrupt) && l == length {
					t.Fatalf("size %d: a slice of the end that states it: %v", lie, err)
				}
			}
		}
		r.Abort()
	}
	holdsNothing(t, to)
	r := receive(t, to, id, n) // the truth still works, beside a lie
	lying := receive(t, to, id, n+1)
	fetch(t, from, r, id, 100)
	holds(t, to, id, b)
	lying.Abort()
	if _, err := to.Receive(id, n+1); !errors.Is(err, blob.ErrCorrupt) {
		t.Fatalf("a wrong size of what is held: %v", err)
	}
	holds(t, to, id, b)
}

func testReceiveShared(t *testing.T, from, to Store) {
	const n = 4*blob.MaxSlice + 1
	b := Bytes(n)
	id := add(t, from, b)
	one, two := receive(t, to, id, n), receive(t, to, id, n)
	if off, length, done := one.Next(); off != 4*blob.MaxSlice || length != 1 || done {
		t.Fatalf("asked for %d bytes at %d first; the end must come first, it proves the size", length, off)
	}
	fetch(t, from, one, id, 2)
	if took := fetch(t, from, two, id, 1); took != 1 {
		t.Fatal("the second receiver has nothing to do")
	}
	one.Abort() // the other goes on with all that came
	if err := one.Write(0, nil); !errors.Is(err, blob.ErrClosed) {
		t.Fatalf("a write after Abort: %v", err)
	}
	three := receive(t, to, id, n)
	defer three.Abort()
	if took := fetch(t, from, three, id, 100); took != 2 {
		t.Fatalf("the third receiver took %d slices more, want 2 of 5", took)
	}
	if _, _, done := two.Next(); !done {
		t.Fatal("the second receiver is not done when the third is")
	}
	holds(t, to, id, b)
	two.Abort() // too late
	holds(t, to, id, b)
}

func testReceiveResumes(t *testing.T, from, to Store) {
	const n = 4 * blob.MaxSlice
	b := Bytes(n)
	id := add(t, from, b)
	r := receive(t, to, id, n)
	fetch(t, from, r, id, 3)
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	r.Abort() // does nothing any more
	r = receive(t, to, id, n)
	if took := fetch(t, from, r, id, 100); took != 1 {
		t.Fatalf("after Close it took %d slices more, want 1 of 4", took)
	}
	holds(t, to, id, b)

	to2 := add(t, from, Bytes(n+1))
	r = receive(t, to, to2, n+1)
	fetch(t, from, r, to2, 3)
	r.Abort()
	if off, _, done := r.Next(); done {
		t.Fatalf("done at %d after Abort", off)
	}
	r = receive(t, to, to2, n+1)
	if took := fetch(t, from, r, to2, 100); took != 5 {
		t.Fatalf("after Abort it took %d slices, want 5", took)
	}
}

// testReceiveAnyOrder writes ranges that nobody asked for: Next asks for what is left.
func testReceiveAnyOrder(t *testing.T, from, to Store) {
	for _, n := range []int{6*group + 1, blob.MaxSlice + 6*group} {
		b := Bytes(n)
		id := add(t, from, b)
		r := receive(t, to, id, n)
		for _, at := range []int64{0, 1, 4, 5, 16, 17} {
			slice, err := from.ReadSlice(id, min(at*group, int64(n)-1), 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Write(min(at*group, int64(n)-1), slice); err != nil {
				t.Fatal(err)
			}
		}
		if took := fetch(t, from, r, id, 10); took > 4 {
			t.Fatalf("%d bytes: it took %d slices more", n, took)
		}
		holds(t, to, id, b)
	}
}

func testReceiveHeld(t *testing.T, s Store) {
	b := Bytes(2 * group)
	r := receive(t, s, blob.ID(blake3.Sum256(b)), len(b))
	first, _ := bao.EncodeBuf(b, 4, false)
	if err := r.Write(0, first[:8+64+group]); err != nil {
		t.Fatal(err)
	}
	id := add(t, s, b) // meanwhile somebody adds it
	if _, _, done := r.Next(); !done {
		t.Fatal("a blob that was added meanwhile is not done")
	}
	r.Abort()
	holds(t, s, id, b)
	r = receive(t, s, id, len(b))
	if _, _, done := r.Next(); !done {
		t.Fatal("a blob that is held is not done")
	}
	if err := r.Write(0, nil); err != nil {
		t.Fatal(err)
	}
	r.Abort()
	holds(t, s, id, b)
}

// testAtOnce adds, receives, reads and lists from many goroutines; the race detector and the final state judge.
func testAtOnce(t *testing.T, from, to Store) {
	var want [4][]byte
	var ids [4]blob.ID
	for i := range want {
		want[i] = Bytes(2*blob.MaxSlice + i)
		ids[i] = add(t, from, want[i])
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			i := w % len(ids)
			if w == 0 {
				if _, _, err := to.Add(bytes.NewReader(want[i])); err != nil {
					t.Error(err)
				}
				return
			}
			r, err := to.Receive(ids[i], int64(len(want[i])))
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Abort()
			for {
				off, length, done := r.Next()
				if done {
					break
				}
				slice, err := from.ReadSlice(ids[i], off, length)
				if err == nil {
					err = r.Write(off, slice)
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = to.List()
			}
		})
	}
	wg.Wait()
	for i := range ids {
		holds(t, to, ids[i], want[i])
	}
}
