package crdt

// mark is an entry of an order: a place in a line of elements. An item of a list has one or more of them.
type mark struct {
	up, left, right *mark
	of              *item
	self, shown     bool // self: it stands for the item itself; shown: and the item is shown
	size            int32
	selves, shows   int32 // how many of these there are below, itself included
}

// order is a sequence that grows in the middle: a binary tree that is built anew, part by part, where it leans too far.
// No input makes it deeper than a few times the logarithm of its size; an insert costs that, on average.
type order struct{ root *mark }

func (m *mark) count() {
	m.size, m.selves, m.shows = 1, 0, 0
	if m.self {
		m.selves = 1
	}
	if m.shown {
		m.shows = 1
	}
	for _, c := range [...]*mark{m.left, m.right} {
		if c != nil {
			c.up = m
			m.size += c.size
			m.selves += c.selves
			m.shows += c.shows
		}
	}
}

// leans reports whether one side holds more than 7 of 10.
func (m *mark) leans() bool {
	var l, r int32
	if m.left != nil {
		l = m.left.size
	}
	if m.right != nil {
		r = m.right.size
	}
	return 10*int64(max(l, r)) > 7*int64(m.size)+10
}

// insertAfter puts a new mark behind x.
func (o *order) insertAfter(x, m *mark) {
	at := &x.right
	for ; *at != nil; at = &x.left {
		x = *at
	}
	o.hang(m, x, at)
}

// insertBefore puts a new mark before x.
func (o *order) insertBefore(x, m *mark) {
	at := &x.left
	for ; *at != nil; at = &x.right {
		x = *at
	}
	o.hang(m, x, at)
}

// insertSorted puts a new mark where less says, and gives the mark before it, or nil.
func (o *order) insertSorted(m *mark, less func(a, b *item) bool) *mark {
	at, up, before := &o.root, (*mark)(nil), (*mark)(nil)
	for *at != nil {
		up = *at
		if less(m.of, up.of) {
			at = &up.left
		} else {
			before = up
			at = &up.right
		}
	}
	o.hang(m, up, at)
	return before
}

func (o *order) hang(m, up *mark, at **mark) {
	*at = m
	m.up = up
	m.count()
	var tilted *mark
	for ; up != nil; up = up.up {
		up.count()
		if up.leans() {
			tilted = up
		}
	}
	if tilted != nil {
		o.rebuild(tilted)
	}
}

func (o *order) rebuild(m *mark) {
	up, marks := m.up, make([]*mark, 0, m.size)
	var walk func(*mark)
	walk = func(m *mark) {
		if m != nil {
			walk(m.left)
			marks = append(marks, m)
			walk(m.right)
		}
	}
	walk(m)
	top := level(marks)
	top.up = up
	switch {
	case up == nil:
		o.root = top
	case up.left == m:
		up.left = top
	default:
		up.right = top
	}
}

func level(marks []*mark) *mark {
	if len(marks) == 0 {
		return nil
	}
	half := len(marks) / 2
	m := marks[half]
	m.left, m.right = level(marks[:half]), level(marks[half+1:])
	m.count()
	return m
}

// show sets whether the mark's item is shown.
func (m *mark) show(on bool) {
	if m.shown == on {
		return
	}
	m.shown = on
	step := int32(1)
	if !on {
		step = -1
	}
	for ; m != nil; m = m.up {
		m.shows += step
	}
}

// rank is how many marks, items and shown items stand before m.
func (m *mark) rank() (marks, selves, shows int) {
	add := func(c *mark) {
		if c != nil {
			marks, selves, shows = marks+int(c.size), selves+int(c.selves), shows+int(c.shows)
		}
	}
	add(m.left)
	for ; m.up != nil; m = m.up {
		if up := m.up; up.right == m {
			add(up)
			marks, selves, shows = marks-int(m.size), selves-int(m.selves), shows-int(m.shows)
		}
	}
	return marks, selves, shows
}

// at is the k-th mark of an item, counted from 0, or of a shown item; nil when there are not as many.
func (o *order) at(k int, shown bool) *mark {
	weight := func(m *mark) int {
		switch {
		case m == nil:
			return 0
		case shown:
			return int(m.shows)
		}
		return int(m.selves)
	}
	m := o.root
	if k < 0 || k >= weight(m) {
		return nil
	}
	for {
		l := weight(m.left)
		switch here := weight(m) - l - weight(m.right); {
		case k < l:
			m = m.left
		case k < l+here:
			return m
		default:
			k -= l + here
			m = m.right
		}
	}
}
