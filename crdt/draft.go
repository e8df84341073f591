package crdt

import (
	"cmp"
	"fmt"
	"slices"
)

// Draft is the changes of one delta in the making. Each sees the document as it was at [Doc.Edit], with those before it; the
// document itself changes when the delta that carries the payload is applied. The first mistake stays, and [Draft.Payload]
// tells it. The document must not change while a draft is made; drafts may be made at once.
type Draft struct {
	doc     *Doc
	prev    uint32
	changes []change
	made    uint32
	at      string                // id of the path where changes happen
	root    draftPlace            // what the draft sees
	lists   map[string]*draftList // by the id of their path
	err     error
}

// Edit begins the changes of a delta whose prev will be the given one; zero for the first of a chain.
func (d *Doc) Edit(prev [32]byte) *Draft {
	e := &Draft{doc: d, prev: none, lists: map[string]*draftList{}}
	e.root = draftPlace{kind: KindMap, base: &d.root, live: d.root.live}
	if n, ok := d.byID[prev]; ok && d.deltas[n].line != none {
		e.prev = n
	}
	return e
}

// Payload gives the payload of the delta, or the first mistake.
func (e *Draft) Payload() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	return encodeChanges(e.changes)
}

// Set writes a register, over all that its writes are now.
func (e *Draft) Set(p Path, value []byte) {
	if e.to(p, KindRegister) {
		e.replace(e.place(p), change{kind: changeSet, value: value})
	}
}

// Add adds to a counter; a negative amount decrements.
func (e *Draft) Add(p Path, amount int64) {
	want := KindCounter
	if p.kind() == KindPersonCounter {
		want = KindPersonCounter
	}
	if e.to(p, want) {
		at := e.place(p)
		e.make(at, change{kind: changeAdd, amount: amount, continues: e.last(at)}, 1)
	}
}

// Include adds an element to a set.
func (e *Draft) Include(p Path, element string) {
	if e.to(p, KindSet) {
		e.replace(e.member(p, element), change{kind: changeInclude, value: []byte(element)})
	}
}

// Exclude takes an element out of a set; an addition that this document does not hold stays.
func (e *Draft) Exclude(p Path, element string) {
	if p.kind() != KindSet {
		e.fail("exclude from a %v", p.kind())
		return
	}
	e.remove(e.take(e.member(p, element)))
}

// Make makes a place that exists although it is empty: a map, a set, a list or a counter.
func (e *Draft) Make(p Path) {
	if e.to(p, p.kind()) {
		e.make(e.place(p), change{kind: changeMake}, 1)
	}
}

// Remove takes away what is at a place and below it. What this document does not hold yet stays, and keeps the place. It costs
// a name for each write that is removed; names of one delta in a row cost one.
func (e *Draft) Remove(p Path) {
	if len(p) == 0 {
		e.fail("the root cannot be removed; remove its keys")
		return
	}
	e.remove(e.take(e.place(p)))
}

func (e *Draft) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("crdt: change %d: %w", len(e.changes), fmt.Errorf(format, args...))
	}
}

// to goes to the place of the next change.
func (e *Draft) to(p Path, want Kind) bool {
	if p.kind() != want || len(p) == 0 {
		e.fail("path of %d steps leads to a %v, and not to a %v below the root", len(p), p.kind(), want)
	}
	id := p.id()
	if e.err != nil || id == e.at {
		return e.err == nil
	}
	c := change{kind: changeAt, at: make([]wstep, len(p))}
	for i, s := range p {
		c.at[i] = wstep{kind: s.Kind, key: s.Key}
		if p[:i].kind() == KindList {
			c.at[i] = wstep{kind: s.Kind, item: e.name(s.Item)}
		}
	}
	check := checker{made: e.made}
	if err := check.move(c.at); err != nil {
		e.fail("%w", err)
		return false
	}
	e.changes, e.at = append(e.changes, c), id
	return true
}

// make adds a change that makes one name at a place, where as many more live then.
func (e *Draft) make(at *draftPlace, c change, more int) {
	e.changes = append(e.changes, c)
	at.own = append(at.own, ownName{e.made, c.kind == changeAdd})
	e.made++
	at.bump(more)
}

// replace makes the one name that lives at a place.
func (e *Draft) replace(at *draftPlace, c change) {
	c.seen = spans(e.clear(at, nil))
	e.make(at, c, 1-at.live)
}

func (e *Draft) remove(seen []span) {
	if len(seen) > 0 && e.err == nil {
		e.changes = append(e.changes, change{kind: changeRemove, seen: seen})
	}
}

// name gives a name as a payload has it: by a count back where the delta is in the chain.
func (e *Draft) name(n Name) wname {
	if n == Edge {
		return wedge
	}
	w := wname{id: n.Delta, index: n.Index}
	if delta, ok := e.doc.byID[n.Delta]; ok {
		if back, ok := e.doc.distance(e.prev, delta); ok {
			w.id, w.back = [32]byte{}, back+1
		}
	}
	return w
}

// last is the amount of this chain that the next one continues.
func (e *Draft) last(at *draftPlace) wname {
	if n := len(at.own); n > 0 && at.own[n-1].amount {
		return wname{index: at.own[n-1].index}
	}
	if at.base == nil || at.taken || e.prev == none {
		return wedge
	}
	w := at.base.last[e.doc.deltas[e.prev].line]
	if w == nil || w.gone {
		return wedge
	}
	if name := e.name(e.doc.nameOf(w.delta, w.index)); name.counts() {
		return name
	}
	return wedge
}

// member is the place of an element of a set.
func (e *Draft) member(p Path, element string) *draftPlace {
	return e.spot(e.place(p), Step{Key: element}).place(kindMember)
}

// Insert puts values, each in a register of an item of its own, into a list before the item at a place, counted from 0; at
// the list's length behind the last. It gives the names of the items, by which later changes of the draft may lead into them.
func (e *Draft) Insert(p Path, at int, values ...[]byte) []Name {
	if len(values) == 0 {
		return nil
	}
	return e.insert(p, at, change{kind: changeInsert, values: values}, len(values), KindRegister)
}

// Place puts an item that holds an empty map, set, list or counter into a list, as Insert does.
func (e *Draft) Place(p Path, at int, k Kind) Name {
	if k < KindCounter || k > KindList {
		e.fail("item that holds a %v: insert its value", k)
	}
	if names := e.insert(p, at, change{kind: changePlace, makes: k}, 1, k); names != nil {
		return names[0]
	}
	return Edge
}

func (e *Draft) insert(p Path, at int, c change, count int, k Kind) []Name {
	if !e.to(p, KindList) {
		return nil
	}
	in := e.place(p)
	if n := in.list.shown; at < 0 || at > n {
		e.fail("insert at %d into a list of %d items", at, n)
		return nil
	}
	left, right := in.list.insert(at, part{own: true, state: allShown, from: int(e.made), n: count, shown: count})
	c.left, c.right = e.name(left), e.name(right)
	e.changes = append(e.changes, c)
	names := make([]Name, count)
	for i := range names {
		names[i] = Name{Index: e.made}
		s := e.spot(in, Step{Item: names[i]})
		made := s.place(k)
		made.own, made.live, s.live = []ownName{{index: e.made}}, 1, 1
		e.made++
	}
	in.bump(count)
	return names
}

// Delete takes items out of a list, with all that this document holds in them: count of them from a place on.
func (e *Draft) Delete(p Path, at, count int) {
	if p.kind() != KindList || len(p) == 0 {
		e.fail("delete of items from a %v", p.kind())
		return
	}
	in := e.place(p)
	if n := in.list.shown; at < 0 || count < 0 || at > n || count > n-at {
		e.fail("delete of %d items at %d from a list of %d", count, at, n)
		return
	}
	if count == 0 {
		return
	}
	var names []wname
	for _, name := range in.list.take(at, count) {
		names = e.clearSpot(e.spot(in, Step{Item: name}), names)
	}
	in.bump(-count)
	e.remove(spans(names))
}

// spans sorts names and joins those in a row: own chain first, from near to far, then by id.
func spans(names []wname) (out []span) {
	slices.SortFunc(names, func(a, b wname) int { //lint:total-key no two names are equal
		return cmp.Or(Name{a.id, 0}.Compare(Name{b.id, 0}), cmp.Compare(a.back, b.back), cmp.Compare(a.index, b.index))
	})
	for _, n := range names {
		if len(out) > 0 {
			l := &out[len(out)-1]
			if l.first.id == n.id && l.first.back == n.back && l.first.index+l.count == n.index {
				l.count++
				continue
			}
		}
		out = append(out, span{n, 1})
	}
	return out
}
