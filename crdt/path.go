package crdt

import (
	"encoding/binary"
	"slices"
)

// Kind is what a place of a [Doc] holds. One key may be given several kinds by authors that did not see each other; these
// are places of their own, and all of them are kept and shown.
type Kind uint8

// The kinds. Their numbers are part of the encoding.
const (
	KindRegister      Kind = 1 // a value
	KindCounter       Kind = 2 // a sum, with a share for each device
	KindPersonCounter Kind = 3 // a sum, with a share for each person
	KindSet           Kind = 4 // byte strings, an addition outlives a removal that did not see it
	KindMap           Kind = 5 // keys, each with places of its own
	KindList          Kind = 6 // items in an order, each with places of its own

	kindMember Kind = 7 // one element of a set: never in a path that a caller gives
)

// String is the kind's name for people.
func (k Kind) String() string {
	names := [...]string{"no kind", "register", "counter", "counter of persons", "set", "map", "list", "element of a set"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown kind"
}

// MaxDepth is the greatest number of steps of a path.
const MaxDepth = 32

// Step leads from a map or a list to a place in it.
type Step struct {
	Kind Kind
	Key  string // in a map: the key, any bytes
	Item Name   // in a list: the item, by the name that its insert made
}

// Path leads from [Root] to a place of a [Doc]. It is a value: its methods give longer paths and leave it as it is.
type Path []Step

// Root is the map that every Doc is.
var Root Path

// Register is the register under a key of the map p.
func (p Path) Register(key string) Path { return p.to(Step{Kind: KindRegister, Key: key}) }

// Counter is the counter under a key of the map p, with a share for each device.
func (p Path) Counter(key string) Path { return p.to(Step{Kind: KindCounter, Key: key}) }

// PersonCounter is the counter under a key of the map p, with a share for each person.
func (p Path) PersonCounter(key string) Path { return p.to(Step{Kind: KindPersonCounter, Key: key}) }

// Set is the set under a key of the map p.
func (p Path) Set(key string) Path { return p.to(Step{Kind: KindSet, Key: key}) }

// Map is the map under a key of the map p.
func (p Path) Map(key string) Path { return p.to(Step{Kind: KindMap, Key: key}) }

// List is the list under a key of the map p.
func (p Path) List(key string) Path { return p.to(Step{Kind: KindList, Key: key}) }

// Item is the place of a kind in an item of the list p.
func (p Path) Item(item Name, k Kind) Path { return p.to(Step{Kind: k, Item: item}) }

func (p Path) to(s Step) Path { return append(slices.Clip(p), s) }

// kind is what p leads to.
func (p Path) kind() Kind {
	if len(p) == 0 {
		return KindMap
	}
	return p[len(p)-1].Kind
}

// id is p as bytes: no two paths have the same, and a path's id begins with those of the places above it.
func (p Path) id() string {
	b, in := []byte(nil), KindMap
	for _, s := range p {
		b = s.append(b, in)
		in = s.Kind
	}
	return string(b)
}

// append adds the bytes of a step out of a place of kind in: which spot, then which kind.
func (s Step) append(b []byte, in Kind) []byte {
	return append(s.appendSpot(b, in), byte(s.Kind))
}

func (s Step) appendSpot(b []byte, in Kind) []byte {
	if in == KindList {
		return s.Item.append(b)
	}
	return append(binary.AppendUvarint(b, uint64(len(s.Key))), s.Key...)
}

// append adds the 36 bytes of a name.
func (n Name) append(b []byte) []byte {
	return binary.BigEndian.AppendUint32(append(b, n.Delta[:]...), n.Index)
}
