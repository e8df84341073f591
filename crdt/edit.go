package crdt

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Patch is a change of a text by position: at Pos, Deleted characters go and Insert comes in their place. Positions and
// counts are in Unicode code points.
type Patch struct {
	Pos, Deleted int
	Insert       string
}

// Edit turns the patches of one transaction into operations that mean the same on every node: positions become names. The
// positions are read in the text as it is, at the version that the author saw; each patch sees those before it. Edit leaves
// the text as it was: the change comes when the delta that carries the operations is applied, as on every other node.
//
// An error says which patch lies outside the text or is not UTF-8; then there are no operations.
func (t *Text) Edit(patches ...Patch) ([]Op, error) {
	d := draft{text: t, delta: &Delta{}}
	defer d.undo()
	for i, p := range patches {
		if err := d.check(p); err != nil {
			return nil, fmt.Errorf("crdt: patch %d of %d: %w", i+1, len(patches), err)
		}
		d.write(p, i < len(patches)-1)
	}
	return d.ops, nil
}

// draft is a transaction in the making. What later patches must see is done to the text, and undone at the end. Its
// characters find their places as they will in the end: they come between a character and the next of the list, where no
// others hang, so that their stamp, which does not exist yet, decides nothing.
type draft struct {
	text     *Text
	delta    *Delta // of the draft's own characters: a mark, its id is zero
	ops      []Op
	inserted []*char // done to the text, in order
	deleted  []*char
	count    uint32 // characters inserted so far
}

func (d *draft) check(p Patch) error {
	if n := d.text.Len(); p.Pos < 0 || p.Deleted < 0 || p.Pos > n || p.Deleted > n-p.Pos {
		return fmt.Errorf("position %d, deleting %d, lies outside the text of %d characters", p.Pos, p.Deleted, n)
	}
	if !utf8.ValidString(p.Insert) {
		return fmt.Errorf("inserts %d bytes that are not UTF-8", len(p.Insert))
	}
	return nil
}

// write adds the operations of a patch, and does them to the text when a later patch follows.
func (d *draft) write(p Patch, followed bool) {
	t := d.text
	at := t.shown(p.Pos) // the place of the character before the patch
	if p.Deleted > 0 {
		var ranges []Range
		for i, left := at+1, p.Deleted; left > 0; i++ {
			c := t.list[i]
			if c.deleted {
				continue
			}
			left--
			ranges = extend(ranges, c.name())
			if followed {
				c.deleted = true
				t.visible--
				d.deleted = append(d.deleted, c)
			}
		}
		d.ops = append(d.ops, Delete{Ranges: ranges})
	}
	if p.Insert == "" {
		return
	}
	op := Insert{Left: Edge, Right: Edge, Text: p.Insert}
	left, right := t.list[at], (*char)(nil)
	if at > 0 {
		op.Left = left.name()
	}
	if at+1 < len(t.list) {
		right = t.list[at+1]
		op.Right = right.name()
	}
	d.ops = append(d.ops, op)
	if followed {
		var chars []*char
		for _, r := range p.Insert {
			chars = append(chars, &char{delta: d.delta, index: d.count, value: r})
			d.count++
		}
		t.place(chars, left, right)
		d.inserted = append(d.inserted, chars...)
	}
}

// undo takes everything that the draft did out of the text again.
func (d *draft) undo() {
	t := d.text
	for _, c := range slices.Backward(d.inserted) {
		at := t.index(c)
		t.list = slices.Delete(t.list, at, at+1)
		gone := func(o *char) bool { return o == c }
		c.parent.lefts = slices.DeleteFunc(c.parent.lefts, gone)
		c.parent.rights = slices.DeleteFunc(c.parent.rights, gone)
		if !c.deleted {
			t.visible--
		}
	}
	for _, c := range d.deleted {
		c.deleted = false
		if c.delta != d.delta {
			t.visible++
		}
	}
}

// extend adds a name to ranges, the last of which it may continue.
func extend(ranges []Range, n Name) []Range {
	if len(ranges) > 0 {
		r := &ranges[len(ranges)-1]
		if r.First.Delta == n.Delta && r.First.Index+r.Count == n.Index {
			r.Count++
			return ranges
		}
	}
	return append(ranges, Range{First: n, Count: 1})
}

// shown is the place in the list of the n-th character shown, counted from 1; for 0 that of the root.
func (t *Text) shown(n int) int {
	at := 0
	for ; n > 0; at++ {
		if !t.list[at+1].deleted {
			n--
		}
	}
	return at
}
