package crdt

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
)

// Delta is the stamp of the delta that carries an operation: what conflict rules may read of it. The zero ID is not a
// delta; inside operations it stands for the delta that carries them.
type Delta struct {
	ID     [32]byte // the delta's id, the hash of its bytes
	Ms, N  uint64   // its clock (DATA 1.8): milliseconds, then a count within the millisecond
	Author [32]byte // the author's public key
}

// Compare orders deltas by clock, then author, then id. It returns a negative number when d is less than e, zero when
// they are the same delta, and a positive number when d is greater. The greater wins (DATA 1.5).
func (d Delta) Compare(e Delta) int {
	return cmp.Or(
		cmp.Compare(d.Ms, e.Ms),
		cmp.Compare(d.N, e.N),
		bytes.Compare(d.Author[:], e.Author[:]),
		bytes.Compare(d.ID[:], e.ID[:]),
	)
}

// Stamp says which write of which delta: the clock that decides between writes.
type Stamp struct {
	Delta Delta
	Index uint32 // as in [Name]
}

// Compare orders stamps by [Delta.Compare], then by index: within one delta the later operation is the greater.
func (s Stamp) Compare(o Stamp) int {
	return cmp.Or(s.Delta.Compare(o.Delta), cmp.Compare(s.Index, o.Index))
}

// Name is the name of what s made.
func (s Stamp) Name() Name { return Name{Delta: s.Delta.ID, Index: s.Index} }

// Name names one thing that a delta made (DATA 1.5): a write of a map, whose index is the place of its operation in the
// payload, or a character of a text, whose index counts the characters that the payload inserts, in the order of the
// payload. Both begin at 0.
//
// In an operation the zero Delta means the delta that carries the operation, which has no id yet when the operation is
// written; it may name only what an earlier operation of the payload made.
type Name struct {
	Delta [32]byte
	Index uint32
}

// Edge is the name of the two ends of a text: as the left of an insert it is the beginning, as the right the end. It
// names no character, and is allowed nowhere else.
var Edge = Name{Index: math.MaxUint32}

// Compare orders names by delta id, then index. It is the order of lists of names in payloads, and no rule of winning.
func (n Name) Compare(m Name) int {
	return cmp.Or(bytes.Compare(n.Delta[:], m.Delta[:]), cmp.Compare(n.Index, m.Index))
}

// String shows the name for people: the first bytes of the delta id, and the index.
func (n Name) String() string {
	switch {
	case n == Edge:
		return "edge"
	case n.own():
		return fmt.Sprintf("this#%d", n.Index)
	}
	return fmt.Sprintf("%s#%d", hex.EncodeToString(n.Delta[:4]), n.Index)
}

// own reports whether n names something of the delta that carries it.
func (n Name) own() bool { return n.Delta == [32]byte{} }

// in resolves n, as written in the delta with the given id.
func (n Name) in(id [32]byte) Name {
	if n.own() && n != Edge {
		n.Delta = id
	}
	return n
}
