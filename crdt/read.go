package crdt

import (
	"bytes"
	"iter"
	"slices"
)

// look gives the place that a path leads to; nil when there is none, or nothing in it.
func (d *Doc) look(p Path) *node {
	n := &d.root
	for _, s := range p {
		var at *spot
		switch {
		case n.kind == KindList:
			delta, ok := d.byID[s.Item.Delta]
			if !ok || n.list == nil {
				return nil
			}
			it := n.list.items[packed(delta, s.Item.Index)]
			if it == nil || !it.placed {
				return nil
			}
			at = it.spot
		default:
			at = n.spots[s.Key]
		}
		if n = at.find(s.Kind); n == nil {
			return nil
		}
	}
	return n
}

// find gives the live place of a kind in a spot.
func (s *spot) find(k Kind) *node {
	if s != nil {
		for _, n := range s.nodes {
			if n.kind == k && n.live > 0 {
				return n
			}
		}
	}
	return nil
}

// Value gives what a register shows: of the writes that nobody replaced, that of the last writer by clock (DATA 7.1). The
// value is the document's own memory and must not be changed.
func (d *Doc) Value(p Path) ([]byte, Stamp, bool) {
	n := d.look(p)
	if n == nil || n.kind != KindRegister || len(n.writes) == 0 {
		return nil, Stamp{}, false
	}
	w := n.writes[0]
	return w.value, d.stamp(w.delta, w.index), true
}

// Written is one of the writes of a register.
type Written struct {
	Value []byte // the document's own memory: not to be changed
	Stamp Stamp
}

// Values gives all writes of a register that nobody replaced, the one that Value shows first: the multi-value rule. A rule of
// one's own (by role, a merge) is a pure function of them.
func (d *Doc) Values(p Path) (out []Written) {
	n := d.look(p)
	if n == nil || n.kind != KindRegister {
		return nil
	}
	for _, w := range n.writes {
		if !w.gone {
			out = append(out, Written{w.value, d.stamp(w.delta, w.index)})
		}
	}
	slices.SortFunc(out, func(a, b Written) int { return b.Stamp.Compare(a.Stamp) }) //lint:total-key no two stamps are equal
	return out
}

// Total is the sum of a counter, or the nearest number that an int64 holds; 0 when there is none.
func (d *Doc) Total(p Path) int64 {
	if n := d.look(p); n != nil {
		return n.sum.int64()
	}
	return 0
}

// Share is what one device, or one person, added to a counter: Up is the sum of the increments, Down that of the decrements,
// each at most the greatest int64, and Down at most its negative.
type Share struct {
	Of       [32]byte
	Up, Down int64
}

// Shares gives the shares of a counter, in the order of whom they are of. It costs as much as the counter has amounts.
func (d *Doc) Shares(p Path) (out []Share) {
	n := d.look(p)
	if n == nil || n.kind != KindCounter && n.kind != KindPersonCounter {
		return nil
	}
	sums := map[uint32]*[2]sum{}
	for _, w := range n.writes {
		if w.gone || w.kind != changeAdd {
			continue
		}
		of := d.deltas[w.delta].author
		if n.kind == KindPersonCounter {
			of = d.deltas[w.delta].person
		}
		if sums[of] == nil {
			sums[of] = &[2]sum{}
		}
		if w.amount < 0 {
			sums[of][1].add(w.amount)
		} else {
			sums[of][0].add(w.amount)
		}
	}
	for of, s := range sums { //lint:unordered sorted below
		out = append(out, Share{d.keys[of], s[0].int64(), s[1].int64()})
	}
	slices.SortFunc(out, func(a, b Share) int { return bytes.Compare(a.Of[:], b.Of[:]) }) //lint:total-key one share each
	return out
}

// Has reports whether a set has an element.
func (d *Doc) Has(p Path, element string) bool {
	n := d.look(p)
	return n != nil && n.kind == KindSet && n.spots[element].find(kindMember) != nil
}

// Elements gives the elements of a set, in the order of their bytes. The document must not change while the sequence runs.
func (d *Doc) Elements(p Path) iter.Seq[string] {
	return func(yield func(string) bool) {
		if n := d.look(p); n != nil && n.kind == KindSet {
			n.keys.from("")(yield)
		}
	}
}

// Keys gives the places in a map: its keys in the order of their bytes, and the kinds of a key in the order of their numbers.
// The document must not change while the sequence runs.
func (d *Doc) Keys(p Path) iter.Seq2[string, Kind] {
	return func(yield func(string, Kind) bool) {
		n := d.look(p)
		if n == nil || n.kind != KindMap {
			return
		}
		for key := range n.keys.from("") {
			for _, k := range n.spots[key].kinds() {
				if !yield(key, k) {
					return
				}
			}
		}
	}
}

// kinds are the kinds that live in a spot.
func (s *spot) kinds() (out []Kind) {
	for _, n := range s.nodes {
		if n.live > 0 {
			out = append(out, n.kind)
		}
	}
	return out
}

// Items gives the items of a list, first to last, each with the kinds that it holds. The document must not change while the
// sequence runs.
func (d *Doc) Items(p Path) iter.Seq2[Name, []Kind] {
	return func(yield func(Name, []Kind) bool) {
		n := d.look(p)
		if n == nil || n.list == nil {
			return
		}
		for i := 0; ; i++ {
			m := n.list.line.at(i, true)
			if m == nil || !yield(d.nameOf(m.of.delta, m.of.index), m.of.spot.kinds()) {
				return
			}
		}
	}
}

// Item gives the name of the item at a place of a list, counted from 0; false when the list is shorter.
func (d *Doc) Item(p Path, i int) (Name, bool) {
	n := d.look(p)
	if n == nil || n.list == nil {
		return Name{}, false
	}
	m := n.list.line.at(i, true)
	if m == nil {
		return Name{}, false
	}
	return d.nameOf(m.of.delta, m.of.index), true
}

// Len is how many items a list, keys a map, or elements a set has; 0 when there is none.
func (d *Doc) Len(p Path) int {
	switch n := d.look(p); {
	case n == nil:
		return 0
	case n.kind == KindList && n.list != nil:
		return int(n.list.line.root.shows)
	default:
		return n.keys.count
	}
}
