package crdt

import "slices"

// The order of characters is FugueMax: M. Weidner, M. Kleppmann, "The Art of the Fugue: Minimizing Interleaving in
// Collaborative Text Editing", arXiv 2305.00583. The characters form a tree, and the document is its walk: a node's left
// children, the node, its right children. A character hangs where its author put it: to the right of its left origin,
// or, when its right origin hangs somewhere below its left origin already, to the left of its right origin. Where several
// authors hung characters at one place without seeing each other, right children stand in the reverse order of their
// right origins, and what is still equal in the order of stamps, the greater first. So the order depends on the set of
// characters alone.

// char is one character.
type char struct {
	delta   *Delta // of the delta that made it
	index   uint32
	value   rune
	deleted bool
	placed  bool // it is in the list, and the fields below are set

	parent        *char
	depth         int
	right         *char   // its right origin; nil: the end of the text
	lefts, rights []*char // its children, in document order
}

func (c *char) name() Name   { return Name{c.delta.ID, c.index} }
func (c *char) stamp() Stamp { return Stamp{*c.delta, c.index} }

// below reports whether c is a or hangs below it.
func (c *char) below(a *char) bool {
	for c.depth > a.depth {
		c = c.parent
	}
	return c == a
}

// first and last are the ends of the part of the document that hangs at c.
func (c *char) first() *char {
	for len(c.lefts) > 0 {
		c = c.lefts[0]
	}
	return c
}

func (c *char) last() *char {
	for len(c.rights) > 0 {
		c = c.rights[len(c.rights)-1]
	}
	return c
}

// place puts new characters, which stand in a row, into the tree and the list. The first has the origins left and right
// (nil: the end), each further one the one before it and right.
func (t *Text) place(chars []*char, left, right *char) {
	c, at := chars[0], 0
	c.right = right
	if right != nil && right.below(left) {
		c.parent = right
		k := t.rank(c, right.lefts, false)
		switch {
		case k > 0:
			at = t.index(right.lefts[k-1].last()) + 1
		case len(right.lefts) > 0:
			at = t.index(right.lefts[0].first())
		default:
			at = t.index(right)
		}
		right.lefts = slices.Insert(right.lefts, k, c)
	} else {
		c.parent = left
		k := t.rank(c, left.rights, true)
		if k > 0 {
			at = t.index(left.rights[k-1].last()) + 1
		} else {
			at = t.index(left) + 1
		}
		left.rights = slices.Insert(left.rights, k, c)
	}
	for i, next := range chars {
		if i > 0 {
			next.parent, next.right = c, right
			c.rights = []*char{next}
			c = next
		}
		c.depth = c.parent.depth + 1
		c.placed = true
		if !c.deleted {
			t.visible++
		}
	}
	t.list = slices.Insert(t.list, at, chars...)
	t.hint = at
}

// rank is how many of the children of one side stand before c.
func (t *Text) rank(c *char, children []*char, rightSide bool) int {
	k := 0
	for _, other := range children {
		if rightSide && c.right != other.right {
			if t.before(other.right, c.right) {
				break
			}
		} else if c.stamp().Compare(other.stamp()) > 0 {
			break
		}
		k++
	}
	return k
}

// before reports whether a stands before b in the document; nil is the end.
func (t *Text) before(a, b *char) bool {
	return b == nil || a != nil && t.index(a) < t.index(b)
}

// index is the place of a character in the list. It looks near the last place asked for first.
func (t *Text) index(c *char) int {
	down, up := min(t.hint, len(t.list)-1), t.hint+1
	for down >= 0 || up < len(t.list) {
		if down >= 0 {
			if t.list[down] == c {
				t.hint = down
				return down
			}
			down--
		}
		if up < len(t.list) {
			if t.list[up] == c {
				t.hint = up
				return up
			}
			up++
		}
	}
	panic("crdt: a placed character is not in the list")
}
