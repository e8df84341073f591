package crdt

import (
	"bytes"
	"encoding/binary"
	"slices"

	"lukechampine.com/blake3"
)

// The root of a Doc is the root of a tree over a set of digests: one of each live write, with its place, its name
// and its content, and one of each shown item of a list, with the shown item before it. So it is a function of what is
// visible and of the live ids (DATA 6.5).
//
// The tree is a function of the set: a node of at most maxLeaf digests is a leaf, one of more has a child for each value of
// the next 4 bits.
const maxLeaf = 16

// tree is a set of digests.
type tree struct {
	digests  [][32]byte // of a leaf, sorted
	children *[16]tree  // nil: a leaf
	size     int
	hash     [32]byte
	hashed   bool
}

func nibble(d *[32]byte, depth int) int { return int(d[depth/2]>>(4*(1-depth%2))) & 15 }

func compareDigests(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }

// put adds a digest that the set does not have, or takes away one that it has.
func (t *tree) put(digest [32]byte, in bool, depth int) {
	t.hashed = false
	if t.children == nil {
		at, _ := slices.BinarySearchFunc(t.digests, digest, compareDigests)
		if !in {
			t.digests = slices.Delete(t.digests, at, at+1)
			t.size--
			return
		}
		t.digests = slices.Insert(t.digests, at, digest)
		t.size++
		if t.size > maxLeaf {
			t.children = &[16]tree{}
			for _, d := range t.digests {
				t.children[nibble(&d, depth)].put(d, true, depth+1)
			}
			t.digests = nil
		}
		return
	}
	t.children[nibble(&digest, depth)].put(digest, in, depth+1)
	if in {
		t.size++
		return
	}
	if t.size--; t.size <= maxLeaf {
		t.digests = t.collect(make([][32]byte, 0, maxLeaf))
		t.children = nil
	}
}

func (t *tree) collect(out [][32]byte) [][32]byte {
	if t.children == nil {
		return append(out, t.digests...)
	}
	for i := range t.children {
		out = t.children[i].collect(out)
	}
	return out
}

// root hashes what changed since the last time.
func (t *tree) root() [32]byte {
	if t.hashed {
		return t.hash
	}
	b := []byte{0}
	if t.children == nil {
		for i := range t.digests {
			b = append(b, t.digests[i][:]...)
		}
	} else {
		b[0] = 1
		for i := range t.children {
			h := t.children[i].root()
			b = append(b, h[:]...)
		}
	}
	t.hash, t.hashed = blake3.Sum256(b), true
	return t.hash
}

// A digest stands for its place by 32 bytes, whatever the length of the path: BLAKE3 over the bytes of the place above and
// the step from there, once for each place. The root stands by zeros.

// placeBytes are what the bytes of a place are hashed from.
func placeBytes(above [32]byte, step Step, in Kind) []byte {
	return step.append(append([]byte{4}, above[:]...), in)
}

// writeBytes are what the digest of a live write is hashed from.
func writeBytes(place [32]byte, name Name, kind uint8, value []byte, amount int64) []byte {
	b := append(make([]byte, 0, 80+len(value)), 2)
	b = append(name.append(append(b, place[:]...)), kind)
	if kind == changeAdd {
		return binary.BigEndian.AppendUint64(b, uint64(amount))
	}
	return append(b, value...)
}

// itemBytes are what the digest of an item is hashed from that stands behind another; Edge stands for the beginning.
func itemBytes(place [32]byte, before, name Name) []byte {
	b := append(make([]byte, 0, 112), 3)
	return name.append(before.append(append(b, place[:]...)))
}

// hash counts the bytes, so that a test can tell what a root costs.
func (d *Doc) hash(b []byte) [32]byte {
	d.hashed += len(b)
	return blake3.Sum256(b)
}

// place is what stands for a place in digests.
func (d *Doc) place(n *node) [32]byte {
	if n.place == nil {
		if n.place = new([32]byte); n.in != nil {
			*n.place = d.hash(placeBytes(d.place(n.in.of), d.step(n), n.in.of.kind))
		}
	}
	return *n.place
}

// Root is a hash of what is visible, and of the ids of what is live: equal on all nodes that hold the same deltas, whatever
// the order in which these came. It is computed when it is asked for: what changed since the last call is hashed, each in the
// logarithm of what is live and in its own bytes, whatever the length of its path. The first call begins to keep 32 bytes for
// each live write and shown item, and 40 for each place. It counts as a change.
func (d *Doc) Root() [32]byte {
	if !d.rooted {
		d.rooted = true
		d.reach(&d.root)
	}
	for _, w := range d.dirty {
		w.dirty = false
		if in := !w.gone && w.node.reachable(); in != w.told {
			w.told = in
			b := writeBytes(d.place(w.node), d.nameOf(w.delta, w.index), w.kind, w.value, w.amount)
			d.tree.put(d.hash(b), in, 0)
		}
		if w.gone {
			w.value = nil
		}
	}
	d.dirty, d.sweepAt = nil, 1024
	for _, l := range d.dirtyLists {
		if l.at.reachable() {
			l.tell(d.place(l.at))
		}
		for _, it := range l.dirty {
			it.dirty = false
		}
		l.dirty = nil
	}
	d.dirtyLists = d.dirtyLists[:0]
	return d.tree.root()
}

// tell brings the places of items into the tree. When an item comes or goes, it and the one behind it have another before
// them.
func (l *list) tell(place [32]byte) {
	for _, it := range l.dirty {
		l.tellItem(place, it)
		_, _, shows := it.self.rank()
		if it.self.shown {
			shows++
		}
		if m := l.line.at(shows, true); m != nil {
			l.tellItem(place, m.of)
		}
	}
}

func (l *list) tellItem(place [32]byte, it *item) {
	var before *item
	if it.self.shown {
		_, _, shows := it.self.rank()
		if before = &l.start; shows > 0 {
			before = l.line.at(shows-1, true).of
		}
	}
	if before == it.before {
		return
	}
	if it.before != nil {
		l.doc.tree.put(l.doc.hash(itemBytes(place, l.name(it.before), l.name(it))), false, 0)
	}
	if before != nil {
		l.doc.tree.put(l.doc.hash(itemBytes(place, l.name(before), l.name(it))), true, 0)
	}
	it.before = before
}

func (l *list) name(it *item) Name {
	if it == &l.start {
		return Edge
	}
	return l.doc.nameOf(it.delta, it.index)
}
