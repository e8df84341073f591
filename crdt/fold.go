package crdt

// folding is a delta whose changes are being done.
type folding struct {
	doc   *Doc
	delta uint32
	at    *node
}

// fold does the changes of a delta. All of them are good; what they name may be missing.
func (d *Doc) fold(n uint32) {
	f := folding{doc: d, delta: n, at: &d.root}
	r := d.deltas[n].rest
	d.deltas[n].rest, d.deltas[n].folded = nil, true
	for i := range r.changes {
		f.do(&r.changes[i])
	}
	for _, e := range r.early {
		d.waits(e.by, -1)
		d.remove(n, e.first, e.count, e.by)
	}
	if r.after != nil {
		d.deltas[n].more().after = r.after
	}
}

func (f *folding) do(c *change) {
	d := f.doc
	switch c.kind {
	case changeAt:
		f.move(c.at)
	case changeSet, changeMake:
		f.write(f.at, c)
	case changeInclude:
		f.write(f.at.spot(string(c.value)).node(kindMember), c)
	case changeAdd:
		f.add(c)
	case changeInsert, changePlace:
		f.insert(c)
	}
	for _, s := range c.seen { // last, so that what is replaced is not hidden in between
		if delta := f.resolve(s.first); delta != none {
			d.remove(delta, s.first.index, s.count, d.deltas[f.delta].author)
		}
	}
}

// resolve gives the delta of a name; none when a count back leaves the chain.
func (f *folding) resolve(n wname) uint32 {
	if n.counts() {
		return f.doc.back(f.delta, n.back)
	}
	return f.doc.intern(n.id)
}

// move goes to the place where the changes happen.
func (f *folding) move(to []wstep) {
	f.at = &f.doc.root
	for _, s := range to {
		if f.at == nil {
			return
		}
		if f.at.kind != KindList {
			f.at = f.at.spot(s.key).node(s.kind)
			continue
		}
		delta := f.resolve(s.item)
		if delta == none { // in an item that never comes to be: the names are made, and show nowhere
			f.at = nil
			return
		}
		f.at = f.doc.list(f.at).item(delta, s.item.index).spot.node(s.kind)
	}
}

// write makes the next name of the delta: a write at a place.
func (f *folding) write(at *node, c *change) *write {
	d := f.doc
	h := &d.deltas[f.delta]
	w := &write{delta: f.delta, index: uint32(len(h.made)), node: at, value: c.value, amount: c.amount, kind: c.kind}
	h.made = append(h.made, w)
	if at == nil {
		w.gone = true
		return w
	}
	if !at.reachable() {
		w.waits = true
		d.waits(h.author, 1)
	}
	at.sum.add(c.amount)
	d.push(at, w)
	d.touch(w)
	d.bump(at, 1)
	return w
}

func (f *folding) add(c *change) {
	if f.at == nil {
		f.write(nil, c)
		return
	}
	d := f.doc
	w := f.write(f.at, c)
	if c.continues != wedge {
		if delta := f.resolve(c.continues); delta != none {
			if made := d.deltas[delta].made; uint64(c.continues.index) < uint64(len(made)) {
				if before := made[c.continues.index]; before.node == f.at && before.kind == changeAdd {
					w.continues, before.continued = before, true
				}
			}
		}
	}
	if on := d.deltas[f.delta].line; on != none {
		if f.at.last == nil {
			f.at.last = map[uint32]*write{}
		}
		f.at.last[on] = w
	}
}

// insert makes items, and places them when their neighbours are.
func (f *folding) insert(c *change) {
	values, kind := c.values, KindRegister
	one := change{kind: changeSet}
	if c.kind == changePlace {
		values, kind, one.kind = [][]byte{nil}, c.makes, changeMake
	}
	if f.at == nil {
		for range values {
			f.write(nil, &one)
		}
		return
	}
	d := f.doc
	l := d.list(f.at)
	in := &insertion{left: f.origin(c.left), right: f.origin(c.right), by: d.deltas[f.delta].author}
	for _, v := range values {
		one.value = v
		it := l.item(f.delta, uint32(len(d.deltas[f.delta].made)))
		f.write(it.spot.node(kind), &one)
		in.items = append(in.items, it)
	}
	l.settle(in)
}

// origin gives the name of a neighbour; of one beyond the beginning of the chain, a name that nothing has.
func (f *folding) origin(n wname) uint64 {
	if n == wedge {
		return edge
	}
	delta := f.resolve(n)
	if delta == none {
		return packed(none, 0)
	}
	return packed(delta, n.index)
}

// appear shows what is in an item that was placed just now.
func (d *Doc) appear(it *item) {
	if it.spot.live > 0 {
		it.self.show(true)
		it.spot.of.list.touch(it)
		d.bump(it.spot.of, 1)
	}
	if it.spot.of.reachable() {
		for _, n := range it.spot.nodes {
			d.reach(n)
		}
	}
}

// reach tells the root, and the counts of what waits, of all that became reachable below a place.
func (d *Doc) reach(n *node) {
	for _, w := range n.writes {
		if w.waits {
			w.waits = false
			d.waits(d.deltas[w.delta].author, -1)
		}
		d.touch(w)
	}
	for _, s := range n.spots { //lint:unordered each is told of by itself
		for _, below := range s.nodes {
			d.reach(below)
		}
	}
	if n.list == nil {
		return
	}
	for _, it := range n.list.items { //lint:unordered each is told of by itself
		if it.placed {
			n.list.touch(it)
			for _, below := range it.spot.nodes {
				d.reach(below)
			}
		}
	}
}

// touch makes the next root look at a write.
func (d *Doc) touch(w *write) {
	if !d.rooted || w.dirty {
		return
	}
	if len(d.dirty) >= d.sweepAt {
		needed := d.dirty[:0]
		for _, w := range d.dirty {
			if w.dirty = !w.gone || w.told; w.dirty {
				needed = append(needed, w)
			}
		}
		clear(d.dirty[len(needed):])
		d.dirty, d.sweepAt = needed, 2*len(needed)+1024
	}
	w.dirty = true
	d.dirty = append(d.dirty, w)
}
