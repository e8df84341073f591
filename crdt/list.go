package crdt

// list is the order of the items of a place: FugueMax, as in place.go, with each search in logarithmic time. The part of the
// order that hangs at an item lies between its begin and its end, which stand in the order too: so the tree is never walked,
// and 10⁵ items that hostile authors hang at one place, or below each other, cost n log n.
type list struct {
	doc     *Doc
	at      *node
	items   map[uint64]*item // by name, those too that are only named
	start   item             // the root of the tree: never shown
	line    order            // of begins, items and ends
	waiting map[uint64][]*insertion
	dirty   []*item // to be looked at for the next root
}

// item is one item of a list. It is for good: a list keeps the place of what was removed.
type item struct {
	spot         *spot
	delta, index uint32
	placed       bool
	dirty        bool
	before       *item // the one shown before it as the last root has it; nil: it is not in the root

	right         *item // its right origin; nil: the end
	self, sibling mark
	begin, end    *mark // nil: the item is the first, or the last, of what hangs at it
	lefts, rights order // its children
}

// insertion is items that stand in a row when they are placed, and the names that they are placed between.
type insertion struct {
	items       []*item
	left, right uint64
	by          uint32
}

// edge is the name of both ends.
const edge = ^uint64(0)

func packed(delta, index uint32) uint64 { return uint64(delta)<<32 | uint64(index) }

func newList(d *Doc, at *node) *list {
	l := &list{doc: d, at: at, items: map[uint64]*item{}, waiting: map[uint64][]*insertion{}}
	l.start.self = mark{of: &l.start}
	l.start.placed = true
	l.line.hang(&l.start.self, nil, &l.line.root)
	return l
}

// list is the list at a place, made at the first use.
func (d *Doc) list(n *node) *list {
	if n.list == nil {
		n.list = newList(d, n)
	}
	return n.list
}

// item gives the item of a name, placed or not.
func (l *list) item(delta, index uint32) *item {
	it := l.items[packed(delta, index)]
	if it == nil {
		it = &item{delta: delta, index: index}
		it.spot = &spot{of: l.at, item: it}
		it.self = mark{of: it, self: true}
		it.sibling = mark{of: it}
		l.items[packed(delta, index)] = it
	}
	return it
}

// find gives a placed item; edge stands for what is given.
func (l *list) find(name uint64, atEdge *item) (*item, bool) {
	if name == edge {
		return atEdge, true
	}
	it := l.items[name]
	return it, it != nil && it.placed
}

// settle places an insertion and all that waited for it, or keeps it by the name that is missing.
func (l *list) settle(in *insertion) {
	for todo := []*insertion{in}; len(todo) > 0; {
		in, todo = todo[0], todo[1:]
		left, ok := l.find(in.left, &l.start)
		if !ok {
			l.wait(in.left, in)
			continue
		}
		right, ok := l.find(in.right, nil)
		if !ok {
			l.wait(in.right, in)
			continue
		}
		for _, it := range in.items {
			l.place(it, left, right)
			left = it
		}
		for _, it := range in.items {
			l.doc.appear(it)
			name := packed(it.delta, it.index)
			for _, w := range l.waiting[name] {
				l.doc.waits(w.by, -1)
				todo = append(todo, w)
			}
			delete(l.waiting, name)
		}
	}
}

func (l *list) wait(name uint64, in *insertion) {
	l.waiting[name] = append(l.waiting[name], in)
	l.doc.waits(in.by, 1)
}

// below reports whether c is a, or hangs below it.
func (c *item) below(a *item) bool {
	first, last := &a.self, &a.self
	if a.begin != nil {
		first = a.begin
	}
	if a.end != nil {
		last = a.end
	}
	from, _, _ := first.rank()
	to, _, _ := last.rank()
	at, _, _ := c.self.rank()
	return from <= at && at <= to
}

// place hangs an item between left and right (nil: the end).
func (l *list) place(it, left, right *item) {
	it.right, it.placed = right, true
	var before *mark
	var at *mark
	if right != nil && right.below(left) {
		if right.begin == nil {
			right.begin = &mark{of: right}
			l.line.insertBefore(&right.self, right.begin)
		}
		before, at = right.lefts.insertSorted(&it.sibling, l.greater), right.begin
	} else {
		if left.end == nil {
			left.end = &mark{of: left}
			l.line.insertAfter(&left.self, left.end)
		}
		before, at = left.rights.insertSorted(&it.sibling, l.further), &left.self
	}
	if before != nil {
		at = &before.of.self
		if before.of.end != nil {
			at = before.of.end
		}
	}
	l.line.insertAfter(at, &it.self)
}

// greater is the order of left children: by stamp, the greater first.
func (l *list) greater(a, b *item) bool { return l.doc.compare(a.delta, a.index, b.delta, b.index) > 0 }

// further is the order of right children: the one whose right origin is further to the right first, then by stamp.
func (l *list) further(a, b *item) bool {
	if a.right == b.right {
		return l.greater(a, b)
	}
	if a.right == nil || b.right == nil {
		return a.right == nil
	}
	x, _, _ := a.right.self.rank()
	y, _, _ := b.right.self.rank()
	return x > y
}

// touch makes the next root look at an item.
func (l *list) touch(it *item) {
	if !l.doc.rooted || it.dirty {
		return
	}
	if len(l.dirty) == 0 {
		l.doc.dirtyLists = append(l.doc.dirtyLists, l)
	}
	it.dirty = true
	l.dirty = append(l.dirty, it)
}
