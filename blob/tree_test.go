package blob

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"lukechampine.com/blake3"
	"pgregory.net/rapid"
)

// TestSliceProperty takes ranges of blobs in random order, bends some slices on the way, and always ends with the blob.
func TestSliceProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20*GroupSize).Draw(t, "size")
		content := make([]byte, n)
		_, _ = io.ReadFull(blake3.New(32, nil).XOF(), content)
		content[0] = rapid.Byte().Draw(t, "first")
		from, to := NewMem(), NewMem()
		id, size, err := from.Add(bytes.NewReader(content))
		if err != nil || size != int64(n) || id != blake3.Sum256(content) {
			t.Fatalf("%v of %d bytes, %v", id, size, err)
		}
		r, err := to.Receive(id, size)
		if err != nil {
			t.Fatal(err)
		}
		for {
			off, length, done := r.Next()
			if done {
				break
			}
			if rapid.Bool().Draw(t, "own range") {
				off = rapid.Int64Range(0, size-1).Draw(t, "off")
				length = rapid.Int64Range(1, min(MaxSlice, size-off)).Draw(t, "length")
			}
			slice, err := from.ReadSlice(id, off, length)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "bend") == 0 {
				bent := bytes.Clone(slice)
				bent[rapid.IntRange(0, len(bent)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
				if err := r.Write(off, bent); !errors.Is(err, ErrCorrupt) {
					t.Fatalf("a bent slice: %v", err)
				}
				continue
			}
			if err := r.Write(off, slice); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "resume") == 0 {
				_ = r.Close()
				if r, err = to.Receive(id, size); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, _, err := to.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(got); err != nil || !bytes.Equal(b, content) {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		want, _ := from.files.open(id.String() + treeSuffix)
		tree, _ := to.files.open(id.String() + treeSuffix)
		if !bytes.Equal(want.(*memFile).data, tree.(*memFile).data) || int64(len(tree.(*memFile).data)) != treeSize(size) {
			t.Fatal("the receiver's tree is another")
		}
	})
}

// FuzzReceiveSlice writes whatever bytes as a slice: taken are only those that ReadSlice gives.
func FuzzReceiveSlice(f *testing.F) {
	content := pattern(5*GroupSize + 77)
	from := NewMem()
	id, size, err := from.Add(bytes.NewReader(content))
	if err != nil {
		f.Fatal(err)
	}
	// The end is the smallest slice: the fuzzer takes its time over great inputs.
	end, err := from.ReadSlice(id, 5*GroupSize, 77)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(int64(5*GroupSize), size, end)
	f.Add(int64(0), int64(0), make([]byte, 8))
	f.Fuzz(func(t *testing.T, off, stated int64, slice []byte) {
		to := NewMem()
		r, err := to.Receive(id, stated)
		if err != nil {
			return
		}
		if r.Write(off, slice) != nil {
			if len(r.partial.have) != 0 || r.partial.temp != nil {
				t.Fatal("a refused slice left something")
			}
			return
		}
		at := off / GroupSize * GroupSize
		for n := at; n <= size; n++ {
			if want, err := from.ReadSlice(id, at, max(1, n-at)); err == nil && bytes.Equal(want, slice) {
				return
			}
			n += GroupSize / 4
		}
		if want, err := from.ReadSlice(id, at, size-at); err == nil && bytes.Equal(want, slice) {
			return
		}
		t.Fatalf("%d bytes at %d of %d are taken", len(slice), off, stated)
	})
}

func benchmarkContent() []byte { return pattern(64 << 20) }

func BenchmarkAdd(b *testing.B) {
	content := benchmarkContent()
	for name, open := range benchmarkStores {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := open(b).Add(bytes.NewReader(content)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var benchmarkStores = map[string]func(b *testing.B) *Store{
	"disk": func(b *testing.B) *Store {
		s, err := Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		return s
	},
	"memory": func(b *testing.B) *Store { return NewMem() },
}

func BenchmarkReceive(b *testing.B) {
	content := benchmarkContent()
	from := NewMem()
	id, size, err := from.Add(bytes.NewReader(content))
	if err != nil {
		b.Fatal(err)
	}
	slices := map[int64][]byte{}
	for off := int64(0); off < size; off += MaxSlice {
		if slices[off], err = from.ReadSlice(id, off, MaxSlice); err != nil {
			b.Fatal(err)
		}
	}
	for name, open := range benchmarkStores {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				r, err := open(b).Receive(id, size)
				if err != nil {
					b.Fatal(err)
				}
				for {
					off, _, done := r.Next()
					if done {
						break
					}
					if err := r.Write(off, slices[off]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkReadSlice(b *testing.B) {
	content := benchmarkContent()
	for name, open := range benchmarkStores {
		b.Run(name, func(b *testing.B) {
			s := open(b)
			id, size, err := s.Add(bytes.NewReader(content))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(MaxSlice)
			for off := int64(0); b.Loop(); off = (off + MaxSlice) % size {
				if _, err := s.ReadSlice(id, off, MaxSlice); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLimit is the hash alone and the disk alone, on one core: what Add cannot be faster than.
func BenchmarkLimit(b *testing.B) {
	content := benchmarkContent()
	b.Run("hash", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			blake3.Sum256(content)
		}
	})
	b.Run("disk", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			_, f, err := disk(b.TempDir()).create()
			if err != nil {
				b.Fatal(err)
			}
			for off := int64(0); off < int64(len(content)); off += bufferSize {
				if _, err := f.WriteAt(content[off:off+bufferSize], off); err != nil {
					b.Fatal(err)
				}
			}
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
