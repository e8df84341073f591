package crdt

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"lukechampine.com/blake3"
)

// Naive is the naive fold: what a [Doc] must come to, from the set of deltas alone, written to be read and believed. It keeps
// the deltas, and computes all anew each time it is asked. It shares with Doc the reading of payloads and the form of
// digests; the order of lists is that of the naive [Text]. [NewNaive] makes an empty one.
type Naive struct{ deltas map[[32]byte]*naiveDelta }

type naiveDelta struct {
	Carrier
	changes []change
	deep    bool
}

// NewNaive returns an empty fold.
func NewNaive() *Naive { return &Naive{map[[32]byte]*naiveDelta{}} }

// Apply takes one delta, and returns what [Doc.Apply] returns.
func (f *Naive) Apply(c Carrier, payload []byte) error {
	if c.ID == [32]byte{} {
		return fmt.Errorf("crdt: delta id of zeros: %w", ErrMalformed)
	}
	changes, _, deep, err := decodeChanges(payload)
	if err != nil {
		changes, deep = nil, false
	}
	if f.deltas[c.ID] == nil {
		f.deltas[c.ID] = &naiveDelta{c, changes, deep}
	}
	return err
}

// naiveWrite is a name that took effect.
type naiveWrite struct {
	name      Name
	path      string
	needs     []naiveItem // the items that must be placed for it to show
	kind      uint8
	value     []byte
	amount    int64
	continues *Name
}

// naiveItem is an item of a list.
type naiveItem struct {
	list string
	name Name
}

// naiveRow is items in a row, to be placed.
type naiveRow struct {
	list        string
	needs       []naiveItem
	names       []Name
	left, right Name
}

// naiveFold is one computation.
type naiveFold struct {
	*Naive
	writes []naiveWrite
	rows   []naiveRow
	spans  map[[32]byte][]Range
}

// chained reports whether all before a delta in its chain is held.
func (f *Naive) chained(d *naiveDelta) bool {
	for range len(f.deltas) {
		if d.Prev == [32]byte{} {
			return true
		}
		if d = f.deltas[d.Prev]; d == nil {
			return false
		}
	}
	return false
}

// name resolves a name; one that leaves the chain becomes the name of nothing.
func (f *Naive) name(d *naiveDelta, n wname) Name {
	switch {
	case n == wedge:
		return Edge
	case !n.counts():
		return Name{n.id, n.index}
	}
	for range n.back {
		if d.Prev == [32]byte{} {
			return Name{Index: n.index}
		}
		d = f.deltas[d.Prev]
	}
	return Name{d.ID, n.index}
}

func (f *naiveFold) delta(d *naiveDelta) {
	path, needs, in := "", []naiveItem(nil), KindMap
	made := uint32(0)
	write := func(path string, needs []naiveItem, c change) Name {
		w := naiveWrite{name: Name{d.ID, made}, path: path, needs: needs, kind: c.kind, value: c.value, amount: c.amount}
		if c.kind == changeAdd && c.continues != wedge {
			before := f.name(d, c.continues)
			w.continues = &before
		}
		f.writes = append(f.writes, w)
		made++
		return w.name
	}
	for _, c := range d.changes {
		for _, s := range c.seen {
			n := f.name(d, s.first)
			f.spans[n.Delta] = append(f.spans[n.Delta], Range{n, s.count})
		}
		switch c.kind {
		case changeAt:
			path, needs, in = "", nil, KindMap
			for _, s := range c.at {
				step := Step{Kind: s.kind, Key: s.key}
				if in == KindList {
					step.Item = f.name(d, s.item)
					needs = append(needs, naiveItem{path, step.Item})
				}
				path, in = string(step.append([]byte(path), in)), s.kind
			}
		case changeSet, changeMake, changeAdd:
			write(path, needs, c)
		case changeInclude:
			write(string(Step{Kind: kindMember, Key: string(c.value)}.append([]byte(path), KindSet)), needs, c)
		case changeInsert, changePlace:
			one, values := change{kind: changeSet}, c.values
			kind := KindRegister
			if c.kind == changePlace {
				one.kind, values, kind = changeMake, [][]byte{nil}, c.makes
			}
			row := naiveRow{path, needs, nil, f.name(d, c.left), f.name(d, c.right)}
			for _, v := range values {
				n := Name{d.ID, made}
				one.value = v
				write(string(Step{Kind: kind, Item: n}.append([]byte(path), KindList)), append(slices.Clip(needs), naiveItem{path, n}), one)
				row.names = append(row.names, n)
			}
			f.rows = append(f.rows, row)
		}
	}
}

// gone tells which names were taken away.
func (f *naiveFold) gone() map[Name]bool {
	gone := map[Name]bool{}
	by := map[Name]*naiveWrite{}
	for i := range f.writes {
		w := &f.writes[i]
		by[w.name] = w
		for _, r := range f.spans[w.name.Delta] {
			if w.name.Index >= r.First.Index && w.name.Index-r.First.Index < r.Count {
				gone[w.name] = true
			}
		}
	}
	for i := range f.writes {
		for w := &f.writes[i]; gone[w.name] && w.continues != nil; {
			before := by[*w.continues]
			if before == nil || before.kind != changeAdd || before.path != w.path {
				break
			}
			gone[before.name] = true
			w = before
		}
	}
	return gone
}

// lists gives the items of each list in order: a naive text has a character for each.
func (f *naiveFold) lists() map[string][]Name {
	texts := map[string]*Text{}
	for _, row := range f.rows {
		t := texts[row.list]
		if t == nil {
			t = NewText()
			texts[row.list] = t
		}
		in := &run{left: row.left, right: row.right}
		for _, n := range row.names {
			d := f.deltas[n.Delta].Delta
			for len(t.made[n.Delta]) <= int(n.Index) {
				t.made[n.Delta] = append(t.made[n.Delta], &char{delta: &d, index: uint32(len(t.made[n.Delta]))})
			}
			in.chars = append(in.chars, t.made[n.Delta][n.Index])
		}
		t.settle(in)
	}
	out := map[string][]Name{}
	for path, t := range texts { //lint:unordered one entry each
		for _, c := range t.list[1:] {
			out[path] = append(out[path], c.name())
		}
	}
	return out
}

// visit gives all that is visible: the live writes in placed items, and the shown items of each list with the one before.
func (f *Naive) visit(write func(path []byte, w naiveWrite), item func(path []byte, before, name Name)) {
	fold := naiveFold{Naive: f, spans: map[[32]byte][]Range{}}
	for _, d := range f.deltas { //lint:unordered what is visible is a set
		if !d.deep || f.chained(d) {
			fold.delta(d)
		}
	}
	gone, lists := fold.gone(), fold.lists()
	placed := map[naiveItem]bool{}
	for path, names := range lists { //lint:unordered one entry each
		for _, n := range names {
			placed[naiveItem{path, n}] = true
		}
	}
	shown := map[naiveItem]bool{}
	for _, w := range fold.writes {
		if !gone[w.name] && !slices.ContainsFunc(w.needs, func(i naiveItem) bool { return !placed[i] }) {
			write([]byte(w.path), w)
			for _, i := range w.needs {
				shown[i] = true
			}
		}
	}
	for path, names := range lists { //lint:unordered what is visible is a set
		before := Edge
		for _, n := range names {
			if shown[naiveItem{path, n}] {
				item([]byte(path), before, n)
				before = n
			}
		}
	}
}

// Root is as [Doc.Root].
func (f *Naive) Root() [32]byte {
	var all [][32]byte
	f.visit(func(path []byte, w naiveWrite) {
		all = append(all, blake3.Sum256(writeBytes(naivePlace(path), w.name, w.kind, w.value, w.amount)))
	},
		func(path []byte, before, name Name) {
			all = append(all, blake3.Sum256(itemBytes(naivePlace(path), before, name)))
		})
	slices.SortFunc(all, compareDigests) //lint:total-key equal digests are one
	return naiveRoot(all, 0)
}

// naivePlace hashes a path step by step.
func naivePlace(path []byte) (place [32]byte) {
	for in := KindMap; len(path) > 0; {
		key, n := binary.Uvarint(path)
		if n += int(key); in == KindList {
			n = 36 // a name
		}
		place = blake3.Sum256(append(append([]byte{4}, place[:]...), path[:n+1]...))
		in, path = Kind(path[n]), path[n+1:]
	}
	return place
}

func naiveRoot(all [][32]byte, depth int) [32]byte {
	b := []byte{0}
	if len(all) <= maxLeaf {
		for _, d := range all {
			b = append(b, d[:]...)
		}
		return blake3.Sum256(b)
	}
	b[0] = 1
	for v := range 16 {
		var below [][32]byte
		for _, d := range all {
			if fmt.Sprintf("%x", d)[depth] == "0123456789abcdef"[v] {
				below = append(below, d)
			}
		}
		h := naiveRoot(below, depth+1)
		b = append(b, h[:]...)
	}
	return blake3.Sum256(b)
}

// State is what is visible, as text, a line for each thing; equal to [Doc.State].
func (f *Naive) State() string {
	var lines []string
	f.visit(func(path []byte, w naiveWrite) {
		lines = append(lines, stateWrite(path, w.name, w.kind, w.value, w.amount))
	},
		func(path []byte, before, name Name) { lines = append(lines, stateItem(path, before, name)) })
	return strings.Join(slices.Sorted(slices.Values(lines)), "\n")
}
