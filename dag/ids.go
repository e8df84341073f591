package dag

import (
	"encoding/binary"
	"hash/maphash"
)

// ids finds the number of a delta by its id: a hash table with open addressing, 8 bytes a slot, of which at least a quarter are
// empty. A slot holds 32 bits of the hash above the number + 1; zero is empty. Ids are hashes already, so a product with a secret
// odd number spreads them, even those that somebody chose.
type ids struct {
	slots []uint64
	shift int // a hash's home is what is left of its 32 bits
	count int
	mult  uint64
}

func newIDs() ids {
	return ids{slots: make([]uint64, 16), shift: 28, mult: maphash.Comparable(maphash.MakeSeed(), 0) | 1} //lint:entropy it decides no order that shows
}

func (t *ids) hash(id *ID) uint32 {
	return uint32((binary.LittleEndian.Uint64(id[:]) * t.mult) >> 32)
}

// find gives the slot where an id stands or would stand, and its number or none.
func (g *Graph) find(id *ID) (slot, number uint32) {
	t := &g.ids
	h := t.hash(id)
	mask := uint32(len(t.slots) - 1)
	for at := h >> t.shift; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s == 0 {
			return at, none
		}
		if n := uint32(s) - 1; uint32(s>>32) == h && g.node(n).id == *id {
			return at, n
		}
	}
}

// number gives the number of a held delta.
func (g *Graph) number(id ID) (uint32, bool) {
	_, n := g.find(&id)
	return n, n != none
}

// held is number, of a delta that is held.
func (g *Graph) held(id ID) uint32 {
	_, n := g.find(&id)
	return n
}

// put fills a slot that find gave.
func (t *ids) put(slot uint32, id *ID, number uint32) {
	t.slots[slot] = uint64(t.hash(id))<<32 | uint64(number+1)
	if t.count++; t.count*4 > len(t.slots)*3 {
		t.grow()
	}
}

func (t *ids) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	t.shift--
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		at := uint32(s>>32) >> t.shift
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = s
	}
}

// remove empties a slot, and moves back what stands behind it and not at its home.
func (t *ids) remove(slot uint32) {
	t.count--
	mask := uint32(len(t.slots) - 1)
	for next := (slot + 1) & mask; ; next = (next + 1) & mask {
		s := t.slots[next]
		if s == 0 {
			break
		}
		if home := uint32(s>>32) >> t.shift; (next-home)&mask >= (next-slot)&mask {
			t.slots[slot] = s
			slot = next
		}
	}
	t.slots[slot] = 0
}
