package blob

import (
	"encoding/binary"
	"io"
	"math/bits"

	"lukechampine.com/blake3/guts"
)

// The tree is BLAKE3's own, cut off at groups of 16 KiB: a part of n bytes is one group when n is at most GroupSize, else
// a parent of its first split(n) bytes and the rest. A parent is kept as the hashes of its two children, 64 bytes.

// hash is a chaining value of BLAKE3: of the whole, the id.
type hash [32]byte

const parentSize = 64

// groups is how many groups n bytes have; no bytes have one.
func groups(n int64) int64 { return max(1, (n-1)/GroupSize+1) }

// split is the size of the left child of a part of n bytes, n > GroupSize: the greatest power of two below n.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }

// treeSize is the size of a blob's tree file: its parents, each after its children.
func treeSize(size int64) int64 { return (groups(size) - 1) * parentSize }

// parentAt is where the tree file has the parent of a part of n bytes, before which base parents stand.
func parentAt(base, n int64) int64 { return (base + groups(n) - 2) * parentSize }

// groupHash hashes the group that begins at the byte pos of the blob. It is the one place where content is hashed.
func groupHash(content []byte, pos int64, root bool) hash {
	var short [GroupSize]byte
	buf := &short
	if len(content) == GroupSize {
		buf = (*[GroupSize]byte)(content)
	} else {
		copy(short[:], content)
	}
	return finish(guts.CompressBuffer(buf, len(content), &guts.IV, uint64(pos)/guts.ChunkSize, 0), root)
}

// parentHash hashes a parent.
func parentHash(left, right hash, root bool) hash {
	return finish(guts.ParentNode(left.words(), right.words(), &guts.IV, 0), root)
}

func finish(n guts.Node, root bool) (h hash) {
	if root {
		n.Flags |= guts.FlagRoot
	}
	for i, w := range guts.ChainingValue(n) {
		binary.LittleEndian.PutUint32(h[4*i:], w)
	}
	return h
}

func (h hash) words() (w [8]uint32) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(h[4*i:])
	}
	return w
}

// hasher hashes a stream and writes its tree. It holds one group, and a hash for each level of the tree.
type hasher struct {
	tree  io.Writer
	buf   [GroupSize]byte
	n     int      // bytes of buf
	size  int64    // bytes of the groups before
	stack [64]hash // stack[i] is of 2^i groups, when the count of groups before has bit i
	pair  [parentSize]byte
}

// Write takes content. The error is of the tree's writer.
func (h *hasher) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if h.n == GroupSize { // more follows, so it is not the last group
			if err := h.push(h.buf[:]); err != nil {
				return 0, err
			}
			h.n = 0
		}
		if h.n == 0 && len(rest) > GroupSize {
			if err := h.push(rest[:GroupSize]); err != nil {
				return 0, err
			}
			rest = rest[GroupSize:]
			continue
		}
		k := copy(h.buf[h.n:], rest)
		h.n += k
		rest = rest[k:]
	}
	return len(p), nil
}

// push takes a group that is not the last.
func (h *hasher) push(group []byte) error {
	count := h.size / GroupSize
	sum := groupHash(group, h.size, false)
	level := 0
	for ; count&(1<<level) != 0; level++ {
		if err := h.parent(h.stack[level], sum); err != nil {
			return err
		}
		sum = parentHash(h.stack[level], sum, false)
	}
	h.stack[level] = sum
	h.size += GroupSize
	return nil
}

func (h *hasher) parent(left, right hash) error {
	copy(h.pair[:32], left[:])
	copy(h.pair[32:], right[:])
	_, err := h.tree.Write(h.pair[:])
	return err
}

// sum ends the stream and returns the id and size.
func (h *hasher) sum() (ID, int64, error) {
	count := h.size / GroupSize
	sum := groupHash(h.buf[:h.n], h.size, count == 0)
	for ; count != 0; count &= count - 1 {
		left := h.stack[bits.TrailingZeros64(uint64(count))]
		if err := h.parent(left, sum); err != nil {
			return ID{}, 0, err
		}
		sum = parentHash(left, sum, count&(count-1) == 0)
	}
	return ID(sum), h.size + int64(h.n), nil
}
