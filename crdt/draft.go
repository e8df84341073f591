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
	at      string            // id of the path where changes happen
	own     map[string][]live // names that the draft made and did not remove, by the id of their place
	lists   map[string]*draftList
	err     error
}

// live is a name that the draft made.
type live struct {
	index  uint32
	amount bool
}

// Edit begins the changes of a delta whose prev will be the given one; zero for the first of a chain.
func (d *Doc) Edit(prev [32]byte) *Draft {
	e := &Draft{doc: d, prev: none, own: map[string][]live{}, lists: map[string]*draftList{}}
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
		e.make(p.id(), change{kind: changeSet, value: value, seen: e.replaced(p.id(), e.doc.look(p))})
	}
}

// Add adds to a counter; a negative amount decrements.
func (e *Draft) Add(p Path, amount int64) {
	want := KindCounter
	if p.kind() == KindPersonCounter {
		want = KindPersonCounter
	}
	if e.to(p, want) {
		e.make(p.id(), change{kind: changeAdd, amount: amount, continues: e.last(p)})
	}
}

// Include adds an element to a set.
func (e *Draft) Include(p Path, element string) {
	if e.to(p, KindSet) {
		id, n := e.member(p, element)
		e.make(id, change{kind: changeInclude, value: []byte(element), seen: e.replaced(id, n)})
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
		e.make(p.id(), change{kind: changeMake})
	}
}

// Remove takes away what is at a place and below it. What this document does not hold yet stays, and keeps the place. It costs
// a name for each write that is removed; names of one delta in a row cost one.
func (e *Draft) Remove(p Path) {
	if len(p) == 0 {
		e.fail("the root cannot be removed; remove its keys")
		return
	}
	e.remove(e.take(p.id(), e.doc.look(p)))
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

// make adds a change that makes one name at a place.
func (e *Draft) make(id string, c change) {
	e.changes = append(e.changes, c)
	e.own[id] = append(e.own[id], live{e.made, c.kind == changeAdd})
	e.made++
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
func (e *Draft) last(p Path) wname {
	if own := e.own[p.id()]; len(own) > 0 && own[len(own)-1].amount {
		return wname{index: own[len(own)-1].index}
	}
	n := e.doc.look(p)
	if n == nil || e.prev == none {
		return wedge
	}
	w := n.last[e.doc.deltas[e.prev].line]
	if w == nil || w.gone {
		return wedge
	}
	if name := e.name(e.doc.nameOf(w.delta, w.index)); name.counts() {
		return name
	}
	return wedge
}

// member is the place of an element of a set.
func (e *Draft) member(p Path, element string) (string, *node) {
	id := string(Step{Kind: kindMember, Key: element}.append([]byte(p.id()), KindSet))
	if n := e.doc.look(p); n != nil {
		return id, n.spots[element].find(kindMember)
	}
	return id, nil
}

// replaced gives the names that a write of a register, or an element, replaces.
func (e *Draft) replaced(id string, n *node) []span {
	var names []wname
	for _, l := range e.own[id] { // with the first of these the draft replaced what the document has
		names = append(names, wname{index: l.index})
	}
	if names == nil && n != nil {
		names = e.below(n, names)
	}
	delete(e.own, id)
	return spans(names)
}

// take gives the names of all that lives at a place and below it, and forgets those of the draft.
func (e *Draft) take(id string, n *node) []span {
	var own, names []wname
	for at, made := range e.own { //lint:unordered sorted below
		if len(at) >= len(id) && at[:len(id)] == id {
			for _, l := range made {
				own = append(own, wname{index: l.index})
			}
			delete(e.own, at)
		}
	}
	if n != nil {
		names = e.below(n, names)
	}
	return spans(append(names, own...))
}

// below collects the names of what lives at a place. Amounts that another continues go with that one.
func (e *Draft) below(n *node, out []wname) []wname {
	for _, w := range n.writes {
		if !w.gone && !w.continued {
			out = append(out, e.name(e.doc.nameOf(w.delta, w.index)))
		}
	}
	for _, s := range n.spots { //lint:unordered sorted by spans
		out = e.belowSpot(s, out)
	}
	if n.list != nil && n.list.line.root.shows > 0 {
		for i := 0; i < int(n.list.line.root.shows); i++ {
			out = e.belowSpot(n.list.line.at(i, true).of.spot, out)
		}
	}
	return out
}

func (e *Draft) belowSpot(s *spot, out []wname) []wname {
	for _, n := range s.nodes {
		if n.live > 0 {
			out = e.below(n, out)
		}
	}
	return out
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
