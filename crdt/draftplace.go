package crdt

// draftPlace is a place as a draft sees it. A draft has those that it came to; of the others it believes the document.
type draftPlace struct {
	in    *draftSpot // nil: the root
	kind  Kind
	base  *node                 // what the document has there; nil: nothing
	taken bool                  // the draft took away what the document shows there
	own   []ownName             // what the draft made there and did not take away
	live  int                   // as of a node
	spots map[string]*draftSpot // by key or element, in a list by itemKey
	list  *draftList            // of a list
}

// ownName is a name that the draft made.
type ownName struct {
	index  uint32
	amount bool
}

// draftSpot is a key of a map, an element of a set or an item of a list, as a draft sees it.
type draftSpot struct {
	of     *draftPlace
	item   Name // of a list
	base   *spot
	taken  bool
	places []*draftPlace // few
	live   int           // as of a spot
}

// itemKey is the key of an item's spot.
func itemKey(n Name) string { return string(n.append(make([]byte, 0, 36))) }

// place gives the place that a path leads to.
func (e *Draft) place(p Path) *draftPlace {
	at := &e.root
	for i, step := range p {
		if at = e.spot(at, step).place(step.Kind); at.kind == KindList && at.list == nil {
			at.list = e.list(p[:i+1].id(), at)
		}
	}
	return at
}

// spot gives the spot that a step leads to, and makes it.
func (e *Draft) spot(at *draftPlace, to Step) *draftSpot {
	key := to.Key
	if at.kind == KindList {
		key = itemKey(to.Item)
	}
	s := at.spots[key]
	if s != nil {
		return s
	}
	s = &draftSpot{of: at, item: to.Item, taken: at.taken}
	switch {
	case at.base == nil:
	case at.kind != KindList:
		s.base = at.base.spots[key]
	case at.list.item(to.Item) != nil:
		s.base = at.list.item(to.Item).spot
	}
	if s.base != nil && !s.taken {
		s.live = int(s.base.live)
	}
	if at.spots == nil {
		at.spots = map[string]*draftSpot{}
	}
	at.spots[key] = s
	return s
}

// place gives the place of a kind in a spot, and makes it.
func (s *draftSpot) place(k Kind) *draftPlace {
	for _, p := range s.places {
		if p.kind == k {
			return p
		}
	}
	p := &draftPlace{in: s, kind: k, taken: s.taken}
	if s.base != nil {
		for _, n := range s.base.nodes {
			if n.kind == k {
				p.base = n
			}
		}
	}
	if p.base != nil && !p.taken {
		p.live = p.base.live
	}
	s.places = append(s.places, p)
	return p
}

// bump is that of a node: what begins or ends to be shown is shown or hidden above, and in the lists on the way.
func (p *draftPlace) bump(by int) {
	for {
		was := p.live > 0
		if p.live += by; p.in == nil || was == (p.live > 0) {
			return
		}
		if by = 1; was {
			by = -1
		}
		s := p.in
		was = s.live > 0
		if s.live += by; was == (s.live > 0) {
			return
		}
		if p = s.of; p.kind == KindList && !p.list.show(s.item, !was) {
			return // an item that has no place yet
		}
	}
}

// take takes away all that lives at a place and below it, and gives the names.
func (e *Draft) take(p *draftPlace) []span {
	names := e.clear(p, nil)
	p.bump(-p.live)
	return spans(names)
}

// clear forgets what is at a place and below it, and collects the names. It leaves the count of what is live to the caller.
func (e *Draft) clear(p *draftPlace, out []wname) []wname {
	for _, o := range p.own {
		out = append(out, wname{index: o.index})
	}
	for _, s := range p.spots { //lint:unordered sorted by spans
		out = e.clearSpot(s, out)
	}
	if p.base != nil && !p.taken {
		out = e.below(p.base, p.spots, out)
	}
	if p.list != nil {
		p.list.clear()
	}
	p.taken, p.own, p.spots = true, nil, nil
	return out
}

func (e *Draft) clearSpot(s *draftSpot, out []wname) []wname {
	kinds := [kindMember + 1]bool{}
	for _, p := range s.places {
		kinds[p.kind] = true
		out = e.clear(p, out)
	}
	if s.base != nil && !s.taken {
		for _, n := range s.base.nodes {
			if n.live > 0 && !kinds[n.kind] {
				out = e.below(n, nil, out)
			}
		}
	}
	s.taken, s.places, s.live = true, nil, 0
	return out
}

// below collects the names of what lives at a place of the document, but for the spots that the draft has. Amounts that
// another continues go with that one.
func (e *Draft) below(n *node, but map[string]*draftSpot, out []wname) []wname {
	for _, w := range n.writes {
		if !w.gone && !w.continued {
			out = append(out, e.name(e.doc.nameOf(w.delta, w.index)))
		}
	}
	for key, s := range n.spots { //lint:unordered sorted by spans
		if but[key] == nil {
			out = e.belowSpot(s, out)
		}
	}
	if n.list == nil {
		return out
	}
	for i := range int(n.list.line.root.shows) {
		it := n.list.line.at(i, true).of
		if len(but) == 0 || but[itemKey(e.doc.nameOf(it.delta, it.index))] == nil {
			out = e.belowSpot(it.spot, out)
		}
	}
	return out
}

func (e *Draft) belowSpot(s *spot, out []wname) []wname {
	for _, n := range s.nodes {
		if n.live > 0 {
			out = e.below(n, nil, out)
		}
	}
	return out
}
