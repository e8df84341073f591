package crdt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// MaxPayload is the greatest size of an encoded payload in bytes (DATA 1.2): content of 512 KiB, a key of 64 KiB, and room
// for the names of what it replaces; what is larger is a blob.
const MaxPayload = 584 << 10

// ErrMalformed is wrapped by every error about a payload, or a list of operations, that no version could fold. Such a
// payload has no effect, on any node.
var ErrMalformed = errors.New("malformed")

// ErrUnknown is wrapped by the errors about a payload of a later format or with a kind of operation that this version
// does not have. It has no effect here; it is kept and relayed, and folded again after an upgrade.
var ErrUnknown = errors.New("unknown to this version: upgrade, then fold the delta again")

// Op is one operation of a payload: a [Put] or [Remove] of a map, an [Insert] or [Delete] of a text. The operations of
// one payload are of one type.
type Op interface{ family() family }

// family is the type that an operation belongs to.
type family string

const (
	ofMap  family = "map"
	ofText family = "text"
)

// Put writes a key of a map. Its name is (its delta, its place in the payload).
type Put struct {
	Key   string // any bytes
	Value []byte
	Seen  []Name // the writes of the key that it replaces: those that the author saw; sorted by Name.Compare, no repeats
}

// Remove takes away the writes of a key that the author saw; a write that it did not see stays.
type Remove struct {
	Key  string
	Seen []Name // at least one; sorted by Name.Compare, no repeats
}

// Insert puts characters between two others. Each code point of Text is a character with a name of its own; the first has
// the origins Left and Right, each further one has the one before it and Right.
type Insert struct {
	Left  Name   // the visible character before it, or Edge
	Right Name   // what followed Left in the author's document, deleted characters included, or Edge
	Text  string // UTF-8, at least one code point; nothing is normalised
}

// Delete deletes characters, each once and for all.
type Delete struct {
	Ranges []Range // at least one
}

// Range is Count names of one delta in a row, beginning with First.
type Range struct {
	First Name
	Count uint32 // at least 1
}

func (Put) family() family    { return ofMap }
func (Remove) family() family { return ofMap }
func (Insert) family() family { return ofText }
func (Delete) family() family { return ofText }

// checkOps refuses a list of operations that is malformed, whatever is held. It reads the operations alone.
func checkOps(ops []Op) error {
	made := uint32(0) // how many names the operations before have made
	for i, op := range ops {
		if op == nil {
			return fmt.Errorf("crdt: operation %d is nil: %w", i, ErrMalformed)
		}
		if op.family() != ops[0].family() {
			return fmt.Errorf("crdt: operation %d is of a %s, the first of a %s; put them in two deltas: %w",
				i, op.family(), ops[0].family(), ErrMalformed)
		}
		n, err := checkOp(op, made)
		if err != nil {
			return fmt.Errorf("crdt: operation %d: %w: %w", i, err, ErrMalformed)
		}
		made += n
	}
	return nil
}

// checkOp checks one operation, before which made names were made, and returns how many it makes.
func checkOp(op Op, made uint32) (uint32, error) {
	switch op := op.(type) {
	case Put:
		return 1, checkSeen(op.Seen, made)
	case Remove:
		if len(op.Seen) == 0 {
			return 1, fmt.Errorf("remove of key %q names no write", op.Key)
		}
		return 1, checkSeen(op.Seen, made)
	case Insert:
		if !utf8.ValidString(op.Text) {
			return 0, fmt.Errorf("insert of %d bytes that are not UTF-8", len(op.Text))
		}
		if op.Text == "" {
			return 0, errors.New("insert of no characters")
		}
		if len(op.Text) > MaxPayload {
			return 0, fmt.Errorf("insert of %d bytes, at most %d fit in a payload", len(op.Text), MaxPayload)
		}
		for _, n := range []Name{op.Left, op.Right} {
			if n != Edge {
				if err := checkName(n, made); err != nil {
					return 0, err
				}
			}
		}
		return uint32(utf8.RuneCountInString(op.Text)), nil
	case Delete:
		if len(op.Ranges) == 0 {
			return 0, errors.New("delete of no range")
		}
		for _, r := range op.Ranges {
			if r.Count == 0 || r.Count > math.MaxUint32-r.First.Index {
				return 0, fmt.Errorf("delete of %d characters from %v", r.Count, r.First)
			}
			last := r.First
			last.Index += r.Count - 1
			if err := checkName(last, made); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}
	return 0, fmt.Errorf("operation of type %T", op)
}

func checkSeen(seen []Name, made uint32) error {
	for _, n := range seen {
		if err := checkName(n, made); err != nil {
			return err
		}
	}
	if !slices.IsSortedFunc(seen, Name.Compare) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
		return errors.New("seen names are not sorted, or one stands twice")
	}
	return nil
}

// checkName refuses Edge, and a name of the carrying delta that no earlier operation made.
func checkName(n Name, made uint32) error {
	if n == Edge {
		return errors.New("edge where a name must stand")
	}
	if n.own() && n.Index >= made {
		return fmt.Errorf("%v is named before it is made", n)
	}
	return nil
}
