package crdt

import (
	"strings"
)

// Text is the naive text: a list of identified characters in the order of FugueMax, deleted ones included. It is built to
// be read and believed: finding a character's place is a scan of the list, so a document of n characters costs O(n) an
// operation; many concurrent inserts at one place cost more. [NewText] makes an empty one.
//
// A text holds, per character ever inserted, some 300 bytes. Deltas whose operations name characters that are not held
// are kept until those are; [Text.Pending] counts them.
type Text struct {
	list    []*char              // document order; list[0] is the root, which stands at the beginning and is never shown
	made    map[[32]byte][]*char // the characters of each delta applied, by index
	waiting map[Name][]*run      // runs with an origin that is not in the list, by the name of that origin
	absent  map[[32]byte][]Range // deletes of characters of deltas that were not applied yet
	visible int                  // how many characters of the list are shown
	hint    int                  // the place in the list that was last asked for
}

// NewText returns an empty text.
func NewText() *Text {
	return &Text{
		list:    []*char{{deleted: true}},
		made:    map[[32]byte][]*char{},
		waiting: map[Name][]*run{},
		absent:  map[[32]byte][]Range{},
	}
}

// run is an insert: characters that stand in a row when they are placed, and the names they are placed between.
type run struct {
	chars       []*char
	left, right Name
}

// Apply folds one delta. The payload is as [EncodeOps] makes it, with operations of a text. An error means that the delta
// has no effect, and wraps [ErrMalformed] or [ErrUnknown]. Applying a delta again changes nothing.
func (t *Text) Apply(d Delta, payload []byte) error {
	ops, err := DecodeOps(payload)
	if err != nil {
		return err
	}
	return t.apply(d, ops)
}

// ApplyOps is Apply for operations that are decoded already.
func (t *Text) ApplyOps(d Delta, ops []Op) error {
	if err := checkOps(ops); err != nil {
		return err
	}
	return t.apply(d, ops)
}

func (t *Text) apply(d Delta, ops []Op) error {
	if err := checkDelta(d, ops, ofText); err != nil {
		return err
	}
	if _, again := t.made[d.ID]; again {
		return nil
	}
	// First the characters come to be, then they are deleted, then they find their places: each step finds what it names
	// whatever the order of the deltas.
	var made []*char
	var runs []*run
	var deletes []Range
	for _, op := range ops {
		switch op := op.(type) {
		case Insert:
			first := len(made)
			for _, r := range op.Text {
				made = append(made, &char{delta: &d, index: uint32(len(made)), value: r})
			}
			runs = append(runs, &run{made[first:], op.Left.in(d.ID), op.Right.in(d.ID)})
		case Delete:
			deletes = append(deletes, op.Ranges...)
		}
	}
	t.made[d.ID] = made
	for _, r := range t.absent[d.ID] {
		t.delete(r)
	}
	delete(t.absent, d.ID)
	for _, r := range deletes {
		r.First = r.First.in(d.ID)
		t.delete(r)
	}
	for _, r := range runs {
		t.settle(r)
	}
	return nil
}

// delete deletes the characters of a range, and keeps the range when their delta is not held. Names that their delta did
// not make name nothing.
func (t *Text) delete(r Range) {
	chars, held := t.made[r.First.Delta]
	if !held {
		t.absent[r.First.Delta] = append(t.absent[r.First.Delta], r)
		return
	}
	from := min(uint64(r.First.Index), uint64(len(chars)))
	to := min(uint64(r.First.Index)+uint64(r.Count), uint64(len(chars)))
	for _, c := range chars[from:to] {
		if !c.deleted && c.placed {
			t.visible--
		}
		c.deleted = true
	}
}

// settle places a run and all that waited for it, or keeps it by the name that is missing.
func (t *Text) settle(r *run) {
	for todo := []*run{r}; len(todo) > 0; {
		r, todo = todo[0], todo[1:]
		left, ok := t.find(r.left, t.list[0])
		if !ok {
			t.waiting[r.left] = append(t.waiting[r.left], r)
			continue
		}
		right, ok := t.find(r.right, nil)
		if !ok {
			t.waiting[r.right] = append(t.waiting[r.right], r)
			continue
		}
		t.place(r.chars, left, right)
		for _, c := range r.chars {
			if len(t.waiting) == 0 {
				break
			}
			todo = append(todo, t.waiting[c.name()]...)
			delete(t.waiting, c.name())
		}
	}
}

// find returns the character in the list that has the name; edge for Edge; false when the list has none.
func (t *Text) find(n Name, edge *char) (*char, bool) {
	if n == Edge {
		return edge, true
	}
	chars := t.made[n.Delta]
	if uint64(n.Index) >= uint64(len(chars)) || !chars[n.Index].placed {
		return nil, false
	}
	return chars[n.Index], true
}

// Len is the number of characters shown, in Unicode code points.
func (t *Text) Len() int { return t.visible }

// String is the text shown.
func (t *Text) String() string {
	var b strings.Builder
	for _, c := range t.list {
		if !c.deleted {
			b.WriteRune(c.value)
		}
	}
	return b.String()
}

// Pending counts what waits for something that is not held: inserts that wait for a neighbour, and ranges of deletes
// that wait for their delta.
func (t *Text) Pending() int {
	n := 0
	for _, runs := range t.waiting { //lint:unordered a sum
		n += len(runs)
	}
	for _, ranges := range t.absent { //lint:unordered a sum
		n += len(ranges)
	}
	return n
}
