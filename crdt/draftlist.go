package crdt

// draftList is a list as a draft sees it: parts of the document's, and items that the draft made. Positions count shown items.
type draftList struct {
	path  Path
	base  *list // nil: the document has none
	parts []part
	after map[Name]Name // what stands behind an item, where that is not as in base
}

// part is shown items in a row: of base from a place on, or the draft's own from a name on.
type part struct {
	own     bool
	from, n int
}

func (e *Draft) list(p Path) *draftList {
	id := p.id()
	l := e.lists[id]
	if l == nil {
		l = &draftList{path: p, after: map[Name]Name{}}
		if n := e.doc.look(p); n != nil && n.list != nil {
			l.base = n.list
			l.parts = []part{{from: 0, n: int(l.base.line.root.shows)}}
		}
		e.lists[id] = l
	}
	return l
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
	l := e.list(p)
	if n := l.len(); at < 0 || at > n {
		e.fail("insert at %d into a list of %d items", at, n)
		return nil
	}
	left := Edge
	if at > 0 {
		left = l.name(e, at-1)
	}
	right := l.behind(e, left)
	c.left, c.right = e.name(left), e.name(right)
	if left == Edge {
		c.left = wedge
	}
	e.changes = append(e.changes, c)
	names := make([]Name, count)
	for i := range names {
		names[i] = Name{Index: e.made}
		e.own[p.Item(names[i], k).id()] = []live{{index: e.made}}
		l.after[left] = names[i]
		left = names[i]
		e.made++
	}
	l.after[left] = right
	l.split(at, part{own: true, from: int(names[0].Index), n: count})
	return names
}

// Delete takes items out of a list, with all that this document holds in them: count of them from a place on.
func (e *Draft) Delete(p Path, at, count int) {
	if p.kind() != KindList || len(p) == 0 {
		e.fail("delete of items from a %v", p.kind())
		return
	}
	l := e.list(p)
	if n := l.len(); at < 0 || count < 0 || at > n || count > n-at {
		e.fail("delete of %d items at %d from a list of %d", count, at, n)
		return
	}
	var seen []span
	for i := at; i < at+count; i++ {
		name := l.name(e, i)
		id := string(Step{Item: name}.appendSpot([]byte(p.id()), KindList))
		seen = append(seen, e.take(id, nil)...)
		if delta, ok := e.doc.byID[name.Delta]; ok {
			var names []wname
			seen = append(seen, spans(e.belowSpot(l.base.items[packed(delta, name.Index)].spot, names))...)
		}
	}
	l.cut(at, count)
	var names []wname
	for _, s := range seen {
		for i := range s.count {
			n := s.first
			n.index += i
			names = append(names, n)
		}
	}
	e.remove(spans(names))
}

func (l *draftList) len() (n int) {
	for _, p := range l.parts {
		n += p.n
	}
	return n
}

// name is the name of the item at a place.
func (l *draftList) name(e *Draft, at int) Name {
	for _, p := range l.parts {
		if at < p.n {
			if p.own {
				return Name{Index: uint32(p.from + at)}
			}
			it := l.base.line.at(p.from+at, true).of
			return e.doc.nameOf(it.delta, it.index)
		}
		at -= p.n
	}
	return Edge
}

// behind is what stands behind an item, removed ones included; Edge as the item is the beginning, as the answer the end.
func (l *draftList) behind(e *Draft, n Name) Name {
	if next, ok := l.after[n]; ok {
		return next
	}
	if l.base == nil {
		return Edge
	}
	at := 0
	if n != Edge {
		_, at, _ = l.base.items[packed(e.doc.byID[n.Delta], n.Index)].self.rank()
		at++
	}
	m := l.base.line.at(at, false)
	if m == nil {
		return Edge
	}
	return e.doc.nameOf(m.of.delta, m.of.index)
}

// split puts a part at a place.
func (l *draftList) split(at int, in part) {
	var out []part
	for _, p := range l.parts {
		if at >= 0 && at < p.n {
			if at > 0 {
				out = append(out, part{p.own, p.from, at})
			}
			out = append(out, in, part{p.own, p.from + at, p.n - at})
			at = -1
			continue
		}
		if at >= 0 {
			at -= p.n
		}
		out = append(out, p)
	}
	if at == 0 {
		out = append(out, in)
	}
	l.parts = out
}

// cut takes items out.
func (l *draftList) cut(at, count int) {
	var out []part
	for _, p := range l.parts {
		from, to := max(0, min(at, p.n)), max(0, min(at+count, p.n))
		if from > 0 {
			out = append(out, part{p.own, p.from, from})
		}
		if to < p.n {
			out = append(out, part{p.own, p.from + to, p.n - to})
		}
		at -= p.n
	}
	l.parts = out
}
