package crdt

import (
	"cmp"
	"fmt"
)

// Doc is a replicated document: a map of registers, counters, sets, lists and maps, and so on below. [Doc.Edit] makes the
// payloads, Apply folds them. [NewDoc] makes an empty one.
//
// It is in memory alone. A delta that overwrites a value or adds an amount takes some 200 to 270 bytes, content apart;
// one that makes a key some 550, one that makes an item of a list some 750. What is removed loses its content; its name stays, and of
// an item its place.
type Doc struct {
	deltas     []held
	byID       map[[32]byte]uint32
	lines      []line
	people     map[[32]byte]uint32
	keys       [][32]byte // of people
	waiting    []int      // of people: what waits
	root       node
	tree       tree
	rooted     bool     // a root was asked for: from then on the following is kept
	dirty      []*write // to be looked at for the next root
	sweepAt    int      // how many of them are worth a look at which are needed
	dirtyLists []*list
	hashed     int     // bytes hashed for places, writes and items
	moving     []*spot // keys that the delta in hand shows or hides
	moved      int     // how often a key was put into an order, or taken out
}

// NewDoc returns an empty document.
func NewDoc() *Doc {
	return &Doc{
		byID:   map[[32]byte]uint32{},
		people: map[[32]byte]uint32{},
		root:   node{kind: KindMap},
	}
}

// Apply folds one delta. An error means that its payload has no effect, and wraps [ErrMalformed] or [ErrUnknown]; the delta
// is held nevertheless, for the counts back that pass it. Applying a delta again changes nothing.
//
// What names a delta or an item that is not held takes effect when that is held (DATA 1.7). A payload that counts back takes
// effect when all before it in its chain is held. Where the log admits deltas after their past, neither waits for long.
func (d *Doc) Apply(c Carrier, payload []byte) error {
	changes, names, deep, err := decodeChanges(payload)
	if c.ID == [32]byte{} {
		return fmt.Errorf("crdt: delta id of zeros: %w", ErrMalformed)
	}
	if err != nil {
		changes, deep = nil, false
	}
	d.hold(c, changes, names, deep)
	return err
}

// Pass tells of a delta that carries nothing for the document: a grant, or one whose payload is for something else. It has
// its place in a chain.
func (d *Doc) Pass(c Carrier) {
	if c.ID != [32]byte{} {
		d.hold(c, nil, 0, false)
	}
}

func (d *Doc) hold(c Carrier, changes []change, names uint32, deep bool) {
	n := d.intern(c.ID)
	if d.deltas[n].known {
		return
	}
	prev := none
	if c.Prev != [32]byte{} {
		prev = d.intern(c.Prev)
	}
	author, person := d.who(c.Author), d.who(c.Person)
	h := &d.deltas[n]
	h.known, h.ms, h.n, h.author, h.person, h.prev = true, c.Ms, c.N, author, person, prev
	h.more().changes = changes
	if names > 0 {
		h.made = make([]*write, 0, names)
	}
	if deep {
		h.waits = true
		d.waits(author, 1)
	}
	d.link(n, func(n uint32) {
		if h := &d.deltas[n]; h.waits {
			h.waits = false
			d.waits(h.author, -1)
		}
		if !d.deltas[n].folded {
			d.fold(n)
		}
	})
	if h := &d.deltas[n]; !h.folded && !h.waits {
		d.fold(n)
	}
	d.move()
}

// waits counts what waits to its author.
func (d *Doc) waits(author uint32, by int) { d.waiting[author] += by }

// Waiting is how much of an author's waits for what is not held: payloads that count back, inserts, removals, and writes into
// items. A delta causes at most one for each byte of its payload.
func (d *Doc) Waiting(author [32]byte) int {
	if n, ok := d.people[author]; ok {
		return d.waiting[n]
	}
	return 0
}

// Pending is how much waits, of all authors.
func (d *Doc) Pending() (all int) {
	for _, n := range d.waiting {
		all += n
	}
	return all
}

// compare is the order of stamps (DATA 1.5), by numbers.
func (d *Doc) compare(a, ai, b, bi uint32) int {
	if a == b {
		return cmp.Compare(ai, bi)
	}
	x, y := &d.deltas[a], &d.deltas[b]
	if c := cmp.Or(cmp.Compare(x.ms, y.ms), cmp.Compare(x.n, y.n)); c != 0 {
		return c
	}
	return d.stamp(a, ai).Compare(d.stamp(b, bi))
}

func (d *Doc) stamp(delta, index uint32) Stamp {
	h := &d.deltas[delta]
	return Stamp{Delta{ID: h.id, Ms: h.ms, N: h.n, Author: d.keys[h.author]}, index}
}

func (d *Doc) nameOf(delta, index uint32) Name { return Name{d.deltas[delta].id, index} }
