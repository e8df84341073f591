package crdt

import (
	"errors"
	"fmt"
	"math"
)

// The changes of a Doc's payload, by their numbers in the encoding. All but changeAt and changeRemove make names.
const (
	changeAt      = 0 // where those behind it happen
	changeSet     = 1 // a value of a register
	changeAdd     = 2 // an amount of a counter
	changeInclude = 3 // an element of a set
	changeMake    = 4 // that a place exists, be it empty
	changeInsert  = 5 // items of a list, a register with a value in each
	changePlace   = 6 // one item of a list that holds an empty place of some kind
	changeRemove  = 7 // takes away what it names, wherever that is
	changeUnknown = 8 // this and above
)

// change is one change of a payload.
type change struct {
	kind        uint8
	at          []wstep  // changeAt; the others have none
	value       []byte   // changeSet; changeInclude: the element
	values      [][]byte // changeInsert
	amount      int64    // changeAdd
	left, right wname    // changeInsert, changePlace
	continues   wname    // changeAdd: by a count back; edge: none
	makes       Kind     // changePlace
	seen        []span   // what is taken away
}

// wname is a name as a payload has it: by an id, or, when that is zero, by a count back through prev from the delta that
// carries the payload; 0 is that delta itself.
type wname struct {
	id    [32]byte
	back  uint32
	index uint32
}

var wedge = wname{index: math.MaxUint32}

// span is count names of one delta in a row.
type span struct {
	first wname
	count uint32
}

// wstep is a Step as a payload has it.
type wstep struct {
	kind Kind
	key  string
	item wname
}

func (w wname) counts() bool { return w.id == [32]byte{} }

// MaxParts is how many names, and steps of paths, a payload of a Doc may have in all. So a payload of 512 KiB, which may be
// of many small parts, takes at most some 16 MB of memory when it is folded.
const MaxParts = 1 << 15

// checker reads the changes of a payload in order and refuses what no Doc could fold.
type checker struct {
	made  uint32 // names made so far
	steps int    // steps of paths so far
	kind  Kind   // of the place where changes happen
	at    []wstep
	fresh bool // a changeAt that nothing used
	deep  bool // some name counts back to another delta
}

func (c *checker) check(ch *change) error {
	for _, s := range ch.seen {
		if err := c.span(s); err != nil {
			return err
		}
	}
	switch ch.kind {
	case changeAt:
		return c.move(ch.at)
	case changeRemove:
		if len(ch.seen) == 0 {
			return errors.New("removal of nothing")
		}
		return nil
	}
	if len(c.at) == 0 {
		return errors.New("change of the root itself")
	}
	c.fresh = false
	return c.make(ch)
}

// make checks a change that makes names, and counts them.
func (c *checker) make(ch *change) error {
	fits, makes := false, uint32(1)
	switch ch.kind {
	case changeSet:
		fits = c.kind == KindRegister
	case changeAdd:
		fits = c.kind == KindCounter || c.kind == KindPersonCounter
		if ch.continues != wedge {
			if err := c.name(ch.continues); err != nil {
				return err
			}
		}
	case changeInclude:
		fits = c.kind == KindSet
	case changeMake:
		fits = c.kind != KindRegister
	case changeInsert, changePlace:
		fits = c.kind == KindList
		if ch.kind == changeInsert {
			makes = uint32(len(ch.values))
		} else if ch.makes < KindCounter || ch.makes > KindList {
			return fmt.Errorf("item that holds a %v", ch.makes)
		}
		for _, n := range [...]wname{ch.left, ch.right} {
			if n != wedge {
				if err := c.name(n); err != nil {
					return err
				}
			}
		}
	}
	if !fits {
		return fmt.Errorf("change %d of a %v", ch.kind, c.kind)
	}
	if makes == 0 {
		return errors.New("insert of no item")
	}
	c.made += makes
	return c.parts()
}

// move checks a changeAt.
func (c *checker) move(to []wstep) error {
	if c.fresh || len(to) == 0 || len(to) > MaxDepth || sameSteps(to, c.at) {
		return fmt.Errorf("path of %d steps: a path has 1 to %d, leads elsewhere than the one before, and is used", len(to), MaxDepth)
	}
	in := KindMap
	for _, s := range to {
		if s.kind < KindRegister || s.kind > KindList {
			return fmt.Errorf("path to a %v", s.kind)
		}
		switch in {
		case KindMap:
		case KindList:
			if err := c.name(s.item); err != nil {
				return err
			}
		default:
			return fmt.Errorf("path through a %v", in)
		}
		in = s.kind
	}
	c.at, c.kind, c.fresh = to, in, true
	c.steps += len(to)
	return c.parts()
}

func (c *checker) parts() error {
	if n := int(c.made) + c.steps; n > MaxParts {
		return fmt.Errorf("%d names and steps, at most %d fit in a payload; split it over several deltas", n, MaxParts)
	}
	return nil
}

// name refuses a name of the carrying delta that no earlier change made.
func (c *checker) name(n wname) error {
	if n.index == math.MaxUint32 {
		return errors.New("index beyond the last")
	}
	if n.counts() && n.back == 0 && n.index >= c.made {
		return fmt.Errorf("its own name %d is named before it is made", n.index)
	}
	c.deep = c.deep || n.counts() && n.back > 0
	return nil
}

func (c *checker) span(s span) error {
	if s.count == 0 || s.count > math.MaxUint32-s.first.index {
		return fmt.Errorf("removal of %d names from %d", s.count, s.first.index)
	}
	last := s.first
	last.index += s.count - 1
	return c.name(last)
}

func sameSteps(a, b []wstep) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
