package blob

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A slice carries all groups that a range touches, with what proves them: the blob's size (8 bytes, little endian), then
// the tree from its root down, left before right, leaving out what the range does not touch: each parent as the hashes of
// its children, each group as its bytes. It is the slice of Bao with groups of 16 KiB, as lukechampine.com/blake3/bao
// encodes it with group 4.

const sliceHeader = 8

// part is a piece of a blob in the walk over its tree.
type part struct {
	pos, n int64 // its bytes
	base   int64 // how many parents stand before its own in the tree file
}

func (p part) children() (left, right part) {
	k := split(p.n)
	return part{p.pos, k, p.base}, part{p.pos + k, p.n - k, p.base + groups(k) - 1}
}

func (p part) touches(off, length int64) bool {
	return p.pos < off+length && off < p.pos+p.n
}

// sliceSize is the size of the slice that a range of a blob gives.
func sliceSize(size, off, length int64) int64 {
	var walk func(p part) int64
	walk = func(p part) int64 {
		if !p.touches(off, length) {
			return 0
		}
		if p.n <= GroupSize {
			return p.n
		}
		l, r := p.children()
		return parentSize + walk(l) + walk(r)
	}
	return sliceHeader + walk(part{n: size})
}

// encodeSlice reads the slice of a range from a blob's content and tree.
func encodeSlice(content, tree io.ReaderAt, size, off, length int64) ([]byte, error) {
	out := make([]byte, sliceHeader, sliceSize(size, off, length))
	binary.LittleEndian.PutUint64(out, uint64(size))
	read := func(from io.ReaderAt, at, n int64) error {
		k := int64(len(out))
		out = out[:k+n]
		if got, err := from.ReadAt(out[k:], at); int64(got) < n {
			return fmt.Errorf("read %d bytes at %d: %w", n, at, err)
		}
		return nil
	}
	var walk func(p part) error
	walk = func(p part) error {
		if !p.touches(off, length) {
			return nil
		}
		if p.n <= GroupSize {
			return read(content, p.pos, p.n)
		}
		if err := read(tree, parentAt(p.base, p.n), parentSize); err != nil {
			return err
		}
		l, r := p.children()
		if err := walk(l); err != nil {
			return err
		}
		return walk(r)
	}
	return out, walk(part{n: size})
}

// piece is verified bytes of a slice: a parent of the tree file, or content.
type piece struct {
	at    int64
	bytes []byte // a part of the slice
}

// verified is what a slice was found to hold.
type verified struct {
	content []piece // one for each group, in order
	parents []piece
}

// verifySlice checks that a slice is what encodeSlice gives for the range of the blob with that id and size. Every byte
// counts: nothing is returned unless all of it is right.
func verifySlice(id ID, size, off, length int64, slice []byte) (verified, error) {
	if int64(len(slice)) != sliceSize(size, off, length) {
		return verified{}, fmt.Errorf("slice of %d bytes at %d, want %d: %w", len(slice), off, sliceSize(size, off, length), ErrCorrupt)
	}
	if stated := binary.LittleEndian.Uint64(slice); stated != uint64(size) {
		return verified{}, fmt.Errorf("slice at %d of a blob of %d bytes, not of %d: %w", off, stated, size, ErrCorrupt)
	}
	rest := slice[sliceHeader:]
	take := func(n int64) []byte {
		b := rest[:n:n]
		rest = rest[n:]
		return b
	}
	var v verified
	var walk func(p part, want hash) error
	walk = func(p part, want hash) error {
		root := p.n == size
		if !p.touches(off, length) {
			return nil
		}
		if p.n <= GroupSize {
			b := take(p.n)
			if groupHash(b, p.pos, root) != want {
				return fmt.Errorf("the %d bytes at %d: %w", p.n, p.pos, ErrCorrupt)
			}
			v.content = append(v.content, piece{p.pos, b})
			return nil
		}
		b := take(parentSize)
		left, right := hash(b[:32]), hash(b[32:])
		if parentHash(left, right, root) != want {
			return fmt.Errorf("the hashes of the %d bytes at %d: %w", p.n, p.pos, ErrCorrupt)
		}
		v.parents = append(v.parents, piece{parentAt(p.base, p.n), b})
		l, r := p.children()
		if err := walk(l, left); err != nil {
			return err
		}
		return walk(r, right)
	}
	if err := walk(part{n: size}, hash(id)); err != nil {
		return verified{}, err
	}
	return v, nil
}
