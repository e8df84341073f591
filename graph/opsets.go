package graph

import (
	"slices"
	"strings"
)

// Opsets are the opsets that a binary knows, by name. It is a plain value: the zero value is empty, every method leaves it
// as it is, and nothing is registered anywhere else.
type Opsets struct{ sets []*Opset }

// With gives these opsets and more. One of a name that is there already takes its place.
func (o Opsets) With(sets ...*Opset) Opsets {
	out := o.Clone()
	for _, s := range sets {
		out.sets = append(out.Without(s.name).sets, s)
	}
	slices.SortFunc(out.sets, func(a, b *Opset) int { return strings.Compare(a.name, b.name) }) //lint:total-key names are unique
	return out
}

// Without gives these opsets but those of the names.
func (o Opsets) Without(names ...string) Opsets {
	out := o.Clone()
	out.sets = slices.DeleteFunc(out.sets, func(s *Opset) bool { return slices.Contains(names, s.name) })
	return out
}

// Clone gives a copy of the list; the opsets in it are the same.
func (o Opsets) Clone() Opsets { return Opsets{slices.Clone(o.sets)} }

// All gives the opsets in the order of their names. The caller owns the slice.
func (o Opsets) All() []*Opset { return o.Clone().sets }

// Find finds the op of a full name, such as globalregistry.announce.
func (o Opsets) Find(op string) (OpInfo, bool) {
	for _, s := range o.sets {
		s.mu.Lock()
		info, ok := s.ops[op]
		s.mu.Unlock()
		if ok {
			return info, true
		}
	}
	return OpInfo{}, false
}
