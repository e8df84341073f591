// Package blobtest holds the conformance suite that every store of blobs passes.
package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/bao"

	"github.com/merograph/merograph/blob"
)

// Store is what a store of blobs does; [blob.Store] says what each method promises.
type Store interface {
	Add(r io.Reader) (blob.ID, int64, error)
	Has(id blob.ID) (size int64, ok bool)
	Get(id blob.ID) (io.ReadSeekCloser, int64, error)
	ReadSlice(id blob.ID, off, length int64) ([]byte, error)
	Receive(id blob.ID, size int64) (*blob.Receiver, error)
	List() ([]blob.Info, error)
}

const group = blob.GroupSize

// sizes are where trees change their shape, and where buffers end.
var sizes = []int{
	0, 1, 1023, 1024, 1025, group - 1, group, group + 1, 2*group - 1, 2 * group, 2*group + 1, 3 * group, 4*group + 5,
	blob.MaxSlice - 1, blob.MaxSlice, blob.MaxSlice + 1, 2*blob.MaxSlice + group + 7, 3<<20 + 12345,
}

// Bytes gives n bytes that look random and are the same each time.
func Bytes(n int) []byte {
	b := make([]byte, n)
	h := blake3.New(32, nil)
	fmt.Fprint(h, n)
	if _, err := io.ReadFull(h.XOF(), b); err != nil {
		panic(err) // the output of BLAKE3 has no end that this could reach
	}
	return b
}

// Test runs the suite. The function gives a new, empty store each time.
func Test(t *testing.T, open func(t *testing.T) Store) {
	t.Run("AddGet", func(t *testing.T) { testAddGet(t, open(t)) })
	t.Run("AddFails", func(t *testing.T) { testAddFails(t, open(t)) })
	t.Run("NotFound", func(t *testing.T) { testNotFound(t, open(t)) })
	t.Run("List", func(t *testing.T) { testList(t, open(t)) })
	t.Run("Slices", func(t *testing.T) { testSlices(t, open(t)) })
	t.Run("Receive", func(t *testing.T) {
		for _, n := range sizes {
			testReceive(t, open(t), open(t), n)
		}
	})
	t.Run("ReceiveRefuses", func(t *testing.T) { testReceiveRefuses(t, open(t), open(t)) })
	t.Run("ReceiveWrongSize", func(t *testing.T) { testReceiveWrongSize(t, open(t), open(t)) })
	t.Run("ReceiveShared", func(t *testing.T) { testReceiveShared(t, open(t), open(t)) })
	t.Run("ReceiveResumes", func(t *testing.T) { testReceiveResumes(t, open(t), open(t)) })
	t.Run("ReceiveAnyOrder", func(t *testing.T) { testReceiveAnyOrder(t, open(t), open(t)) })
	t.Run("ReceiveHeld", func(t *testing.T) { testReceiveHeld(t, open(t)) })
	t.Run("AtOnce", func(t *testing.T) { testAtOnce(t, open(t), open(t)) })
}

func add(t testing.TB, s Store, b []byte) blob.ID {
	t.Helper()
	id, size, err := s.Add(bytes.NewReader(b))
	if err != nil || size != int64(len(b)) {
		t.Fatalf("add %d bytes: size %d, %v", len(b), size, err)
	}
	return id
}

func holds(t testing.TB, s Store, id blob.ID, want []byte) {
	t.Helper()
	if size, ok := s.Has(id); !ok || size != int64(len(want)) {
		t.Fatalf("Has gives %d, %v; want %d bytes", size, ok, len(want))
	}
	r, size, err := s.Get(id)
	if err != nil || size != int64(len(want)) {
		t.Fatalf("Get gives %d, %v; want %d bytes", size, err, len(want))
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("Get gave %d bytes, %v; want those that were added, %d", len(got), err, len(want))
	}
}

func holdsNothing(t testing.TB, s Store) {
	t.Helper()
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Fatalf("the store holds %v, %v; want nothing", list, err)
	}
}

func testAddGet(t *testing.T, s Store) {
	for _, n := range sizes {
		b := Bytes(n)
		id := add(t, s, b)
		if id != blake3.Sum256(b) {
			t.Fatalf("%d bytes: the id is not their BLAKE3 hash", n)
		}
		holds(t, s, id, b)
		if again, _, err := s.Add(iotest.OneByteReader(bytes.NewReader(b[:min(n, 40000)]))); err != nil || n <= 40000 && again != id {
			t.Fatalf("%d bytes, one by one: %v, %v", n, again, err)
		}
		if again := add(t, s, b); again != id {
			t.Fatalf("%d bytes added again have another id", n)
		}
		holds(t, s, id, b)
	}
	b := Bytes(100000)
	r, _, err := s.Get(add(t, s, b))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := iotest.TestReader(r, b); err != nil {
		t.Fatal(err)
	}
}

func testAddFails(t *testing.T, s Store) {
	broken := errors.New("broken")
	for _, n := range []int{0, 5, group, 300000} {
		if _, _, err := s.Add(io.MultiReader(bytes.NewReader(Bytes(n)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Fatalf("after %d bytes the reader breaks: %v", n, err)
		}
	}
	holdsNothing(t, s)
}

func testNotFound(t *testing.T, s Store) {
	id := blob.ID{1}
	if _, ok := s.Has(id); ok {
		t.Error("Has finds what is not there")
	}
	if _, _, err := s.Get(id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.ReadSlice(id, 0, 1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("ReadSlice: %v", err)
	}
	holdsNothing(t, s)
}

func testList(t *testing.T, s Store) {
	want := map[blob.ID]int64{}
	for n := range 20 {
		want[add(t, s, Bytes(n))] = int64(n)
	}
	list, err := s.List()
	if err != nil || len(list) != len(want) {
		t.Fatalf("%d blobs, %v; want %d", len(list), err, len(want))
	}
	if !slices.IsSortedFunc(list, func(a, b blob.Info) int { return bytes.Compare(a.ID[:], b.ID[:]) }) {
		t.Error("the list is not sorted by id")
	}
	for _, i := range list {
		if size, ok := want[i.ID]; !ok || size != i.Size {
			t.Errorf("%v of %d bytes, want %d", i.ID, i.Size, size)
		}
	}
}

// ranges are ranges of a blob of n bytes that ReadSlice must give.
func ranges(n int64) [][2]int64 {
	if n == 0 {
		return [][2]int64{{0, 0}}
	}
	var out [][2]int64
	for _, off := range []int64{0, 1, group - 1, group, n / 2, n - 1, n - group, n - blob.MaxSlice} {
		for _, length := range []int64{1, group, group + 1, blob.MaxSlice, n - off} {
			if off >= 0 && length > 0 && length <= blob.MaxSlice && off+length <= n {
				out = append(out, [2]int64{off, length})
			}
		}
	}
	return out
}

// testSlices compares with the Bao of lukechampine.com/blake3.
func testSlices(t *testing.T, s Store) {
	for _, n := range sizes {
		b := Bytes(n)
		id := add(t, s, b)
		encoded, root := bao.EncodeBuf(b, 4, false)
		if root != id {
			t.Fatal("bao has another root")
		}
		for _, r := range ranges(int64(n)) {
			got, err := s.ReadSlice(id, r[0], r[1])
			if err != nil {
				t.Fatalf("%d bytes at %d of %d: %v", r[1], r[0], n, err)
			}
			var want bytes.Buffer
			if err := bao.ExtractSlice(&want, bytes.NewReader(encoded), nil, 4, uint64(r[0]), uint64(r[1])); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("%d bytes at %d of %d: the slice is not Bao's", r[1], r[0], n)
			}
			if len(got) > 300<<10 {
				t.Fatalf("%d bytes at %d of %d: a slice of %d bytes", r[1], r[0], n, len(got))
			}
			content, ok := bao.VerifySlice(got, 4, uint64(r[0]), uint64(r[1]), id)
			if !ok || !bytes.Equal(content, b[r[0]:r[0]+r[1]]) {
				t.Fatalf("%d bytes at %d of %d: Bao does not verify the slice", r[1], r[0], n)
			}
		}
		size := int64(n)
		for _, r := range [][2]int64{{-1, 1}, {0, -1}, {size, 1}, {size + 1, 0}, {0, size + 1}, {0, blob.MaxSlice + 1}, {1, size}, {1 << 62, 1 << 62}, {0, 0}} {
			if n == 0 && r == [2]int64{} || n > 0 && r[0] == 1 && n < 1 {
				continue
			}
			if _, err := s.ReadSlice(id, r[0], r[1]); !errors.Is(err, blob.ErrRange) {
				t.Fatalf("%d bytes at %d of %d: %v", r[1], r[0], n, err)
			}
		}
	}
}
