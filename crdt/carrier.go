package crdt

// Carrier is the delta that carries a payload of a [Doc]: its stamp, and what its envelope says of its place and author.
type Carrier struct {
	Delta
	Prev   [32]byte // the delta before it in its chain; zero in the first
	Person [32]byte // whom persons' counters count it to: the credential at the root of its author's grants (DATA 1.1)
}

// none is the number of no delta, and of no line.
const none = ^uint32(0)

// held is what a Doc knows of a delta, named or held. Deltas are interned: inside, a number stands for an id.
type held struct {
	id             [32]byte
	ms, n          uint64
	author, person uint32 // in Doc.people
	prev           uint32
	line, pos      uint32 // its place among the deltas of its chain; line is none until its whole chain is held
	known, folded  bool   // known: applied; folded: its changes were done too
	waits          bool   // it counts back, and its chain is not held
	made           []*write
	rest           *rest // nil for most
}

// rest is what few deltas have, or for a while.
type rest struct {
	changes []change // until they are done
	next    []uint32 // of each name the next that may be live; nil: none is gone
	early   []early  // removals of its names that came before it
	after   []uint32 // deltas whose prev it is and which have no line yet
}

func (h *held) more() *rest {
	if h.rest == nil {
		h.rest = &rest{}
	}
	return h.rest
}

// early is a removal that waits for the delta whose names it names.
type early struct {
	first, count uint32
	by           uint32 // author
}

// line is a part of a chain without forks: where a fork begins, the second branch is a line of its own. With lines, and their
// leaps over others, a count back costs the logarithm of the forks on the way, and nothing for what it counts.
type line struct {
	deltas []uint32
	from   uint32 // the line that it leaves; itself when it begins its chain
	leap   uint32 // a line further back on the way, or from
	depth  uint32 // how many lines are on the way
	start  uint32 // how many deltas of the chain come before it
}

// intern gives the number of a delta.
func (d *Doc) intern(id [32]byte) uint32 {
	n, ok := d.byID[id]
	if !ok {
		n = uint32(len(d.deltas))
		d.byID[id] = n
		d.deltas = append(d.deltas, held{id: id, prev: none, line: none})
	}
	return n
}

// who gives the number of an author or person.
func (d *Doc) who(key [32]byte) uint32 {
	n, ok := d.people[key]
	if !ok {
		n = uint32(len(d.keys))
		d.people[key] = n
		d.keys = append(d.keys, key)
		d.waiting = append(d.waiting, 0)
	}
	return n
}

// link gives a delta its place in its chain when all before it is held, and so to those that come behind it. It calls
// linked for each, first to last.
func (d *Doc) link(n uint32, linked func(uint32)) {
	if p := d.deltas[n].prev; p != none && d.deltas[p].line == none {
		r := d.deltas[p].more()
		r.after = append(r.after, n)
		return
	}
	for todo := []uint32{n}; len(todo) > 0; {
		n, todo = todo[0], todo[1:]
		h := &d.deltas[n]
		h.line, h.pos = d.join(n, h.prev)
		if h.rest != nil {
			todo = append(todo, h.rest.after...)
			h.rest.after = nil
		}
		linked(n)
	}
}

// join puts a delta behind prev, on the same line when it is the first to follow.
func (d *Doc) join(n, prev uint32) (at, pos uint32) {
	at = uint32(len(d.lines))
	l := line{from: at, leap: at}
	if prev != none {
		p := &d.deltas[prev]
		on := &d.lines[p.line]
		if on.deltas[len(on.deltas)-1] == prev {
			on.deltas = append(on.deltas, n)
			return p.line, p.pos + 1
		}
		l.start, l.depth = p.pos+1, on.depth+1
		l.from, l.leap = p.line, p.line
		if leap := &d.lines[on.leap]; on.depth-leap.depth == leap.depth-d.lines[leap.leap].depth {
			l.leap = leap.leap // two leaps of one length make one of both
		}
	}
	l.deltas = []uint32{n}
	d.lines = append(d.lines, l)
	return at, l.start
}

// toward goes from a line that begins behind a place of its chain one step to the line where that place is.
func (d *Doc) toward(at, pos uint32) uint32 {
	if leap := d.lines[at].leap; d.lines[leap].start > pos {
		return leap
	}
	return d.lines[at].from
}

// back is the delta that stands count before n in its chain; none when the chain is not as long.
func (d *Doc) back(n, count uint32) uint32 {
	h := &d.deltas[n]
	switch {
	case count == 0:
		return n
	case count > h.pos:
		return none
	}
	at, pos := h.line, h.pos-count
	for d.lines[at].start > pos {
		at = d.toward(at, pos)
	}
	return d.lines[at].deltas[pos-d.lines[at].start]
}

// distance is how many deltas n stands before from in from's chain; false when it does not.
func (d *Doc) distance(from, n uint32) (uint32, bool) {
	if from == none || d.deltas[from].line == none || d.deltas[n].line == none || d.deltas[n].pos > d.deltas[from].pos {
		return 0, false
	}
	count := d.deltas[from].pos - d.deltas[n].pos
	return count, d.back(from, count) == n
}
