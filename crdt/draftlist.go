package crdt

import "slices"

// draftList is a list as a draft sees it: all items in their order, removed ones included, in parts.
type draftList struct {
	doc   *Doc
	base  *list // nil: the document has none
	parts []part
	shown int // how many items are shown
}

// part is items in a row: places of base's order, or the draft's own from a name on.
type part struct {
	own     bool
	state   partState
	from, n int
	shown   int // how many are shown
}

// partState says which items of a part are shown.
type partState uint8

const (
	asInBase partState = iota // those that base shows; no own ones
	allShown
	allHidden
)

// list gives the list at a place, by the id of its path. It stays although the draft takes the place away: items keep their
// order.
func (e *Draft) list(id string, at *draftPlace) *draftList {
	l := e.lists[id]
	if l == nil {
		l = &draftList{doc: e.doc}
		e.lists[id] = l
		if at.base != nil && at.base.list != nil {
			l.base = at.base.list
			l.replace(0, 0, l.cut(part{n: int(l.base.line.root.selves)}, 0, int(l.base.line.root.selves), asInBase))
		}
		if at.taken {
			l.clear()
		}
	}
	return l
}

// item gives a placed item of the document.
func (l *draftList) item(n Name) *item {
	delta, ok := l.doc.byID[n.Delta]
	if !ok || l.base == nil {
		return nil
	}
	if it := l.base.items[packed(delta, n.Index)]; it != nil && it.placed {
		return it
	}
	return nil
}

// cut gives some of the items of a part, in a state.
func (l *draftList) cut(p part, from, to int, s partState) part {
	p.from, p.n, p.state, p.shown = p.from+from, to-from, s, 0
	switch s {
	case allShown:
		p.shown = p.n
	case asInBase:
		p.shown = l.shownBefore(p.from+p.n) - l.shownBefore(p.from)
	}
	return p
}

// shownBefore is how many items base shows before a place of its order.
func (l *draftList) shownBefore(place int) int {
	m := l.base.line.at(place, false)
	if m == nil {
		return int(l.base.line.root.shows)
	}
	_, _, shows := m.rank()
	return shows
}

// offset is the place in a part of the item shown k-th in it, counted from 0.
func (l *draftList) offset(p part, k int) int {
	if p.shown == p.n {
		return k
	}
	_, place, _ := l.base.line.at(l.shownBefore(p.from)+k, true).rank()
	return place - p.from
}

// name is the name of an item of a part; what is behind the last part is the end.
func (l *draftList) name(i, offset int) Name {
	switch {
	case i == len(l.parts):
		return Edge
	case l.parts[i].own:
		return Name{Index: uint32(l.parts[i].from + offset)}
	}
	it := l.base.line.at(l.parts[i].from+offset, false).of
	return l.doc.nameOf(it.delta, it.index)
}

// find gives the part of the item shown at a place, and where it is in it.
func (l *draftList) find(at int) (i, offset int) {
	for at >= l.parts[i].shown {
		at -= l.parts[i].shown
		i++
	}
	return i, l.offset(l.parts[i], at)
}

// show shows or hides the item of a name; false when the list has no such item.
func (l *draftList) show(n Name, on bool) bool {
	own, place := n.Delta == [32]byte{}, int(n.Index)
	if !own {
		it := l.item(n)
		if it == nil {
			return false
		}
		_, place, _ = it.self.rank()
	}
	i := slices.IndexFunc(l.parts, func(p part) bool { return p.own == own && p.from <= place && place < p.from+p.n })
	if i < 0 {
		return false
	}
	state := allHidden
	if on {
		state = allShown
	}
	at := place - l.parts[i].from
	l.set(i, at, i, at+1, state)
	return true
}

// clear hides all items.
func (l *draftList) clear() {
	if last := len(l.parts) - 1; l.shown > 0 {
		l.set(0, 0, last, l.parts[last].n, allHidden)
	}
}

// take hides items, and gives their names: count of them from a place on.
func (l *draftList) take(at, count int) (names []Name) {
	i, from := l.find(at)
	j, to := l.find(at + count - 1)
	for _, p := range l.parts[:i] {
		at -= p.shown
	}
	for k := i; k <= j; k++ {
		for p := l.parts[k]; at < p.shown && len(names) < count; at++ {
			names = append(names, l.name(k, l.offset(p, at)))
		}
		at = 0
	}
	l.set(i, from, j, to+1, allHidden)
	return names
}

// insert puts own items before the one shown at a place, next to the one shown before that, and gives their neighbours.
func (l *draftList) insert(at int, in part) (left, right Name) {
	if at == 0 {
		right = l.name(0, 0)
		l.replace(0, 0, in)
		return Edge, right
	}
	i, offset := l.find(at - 1)
	left = l.name(i, offset)
	p := l.parts[i]
	if offset++; offset < p.n {
		right = l.name(i, offset)
	} else {
		right = l.name(i+1, 0)
	}
	l.replace(i, i+1, l.cut(p, 0, offset, p.state), in, l.cut(p, offset, p.n, p.state))
	return left, right
}

// set puts items into a state: those from a place of part i to before a place of part j.
func (l *draftList) set(i, from, j, to int, s partState) {
	var out []part
	for k := i; k <= j; k++ {
		p, first, end := l.parts[k], 0, l.parts[k].n
		if k == i {
			first = from
		}
		if k == j {
			end = to
		}
		out = append(out, l.cut(p, 0, first, p.state), l.cut(p, first, end, s), l.cut(p, end, p.n, p.state))
	}
	l.replace(i, j+1, out...)
}

// replace puts parts in the place of parts i to before j. What makes one row with what is beside it becomes one part.
func (l *draftList) replace(i, j int, with ...part) {
	if i > 0 {
		i--
		with = append([]part{l.parts[i]}, with...)
	}
	if j < len(l.parts) {
		with = append(with, l.parts[j])
		j++
	}
	for _, p := range l.parts[i:j] {
		l.shown -= p.shown
	}
	var out []part
	for _, p := range with {
		l.shown += p.shown
		if len(out) > 0 {
			if last := &out[len(out)-1]; last.own == p.own && last.state == p.state && last.from+last.n == p.from {
				last.n += p.n
				last.shown += p.shown
				continue
			}
		}
		if p.n > 0 {
			out = append(out, p)
		}
	}
	l.parts = slices.Replace(l.parts, i, j, out...)
}
