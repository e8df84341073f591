package graph

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"

	"github.com/fxamacker/cbor/v2"
)

// suspends reports whether an activation may wait at s.
func (s *step) suspends() bool {
	return s.kind == kindCall || s.kind == kindWork || s.kind == kindForEach
}

// liveAcross gives the wires that an activation which waits at s may still read: those of the steps that follow s, which do
// not follow it themselves. An open for-each reads its items too, until the last has begun.
func liveAcross(steps []*step, s *step) []source {
	after := map[*step]bool{s: true}
	var live []source
	add := func(in source) {
		if in.kind == fromWire && !after[in.s] && !slices.ContainsFunc(live, func(o source) bool { return o.s == in.s && o.out == in.out }) {
			live = append(live, in)
		}
	}
	for _, r := range steps { // recording order is a topological order
		for _, in := range r.ins {
			if in.kind == fromWire && after[in.s] {
				after[r] = true
			}
		}
	}
	for _, r := range steps {
		if !after[r] || r == s && s.kind != kindForEach {
			continue
		}
		for _, in := range append(slices.Clone(r.ins), r.outer...) {
			add(in)
		}
	}
	return live
}

// notEncodable says which part of t a snapshot could not keep, or "".
func notEncodable(t reflect.Type, seen map[reflect.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	for _, i := range []reflect.Type{reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[cbor.Marshaler]()} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return ""
		}
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Interface, reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return "a " + typeName(t)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return notEncodable(t.Elem(), seen)
	case reflect.Map:
		if bad := notEncodable(t.Key(), seen); bad != "" {
			return bad
		}
		return notEncodable(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.Name == "_" {
				continue
			}
			if !f.IsExported() && !f.Anonymous {
				return fmt.Sprintf("the unexported field %s of %s", f.Name, typeName(t))
			}
			if bad := notEncodable(f.Type, seen); bad != "" {
				return bad
			}
		}
	}
	return ""
}

// snapshots finds what a snapshot could not keep: rows, and wires that are alive across a suspension.
func (c *checker) snapshots() {
	for _, r := range c.g.roles {
		for _, t := range r.tables {
			if bad := notEncodable(t.row, map[reflect.Type]bool{}); bad != "" {
				c.faults = append(c.faults, Fault{r.name, "table " + t.name, "its rows hold " + bad + ", which a snapshot cannot keep",
					"export it, or give its type MarshalBinary and UnmarshalBinary"})
			}
		}
		steps := stepsOf(c.g, r)
		told := map[source]bool{}
		for _, s := range steps {
			if !s.suspends() {
				continue
			}
			for _, in := range liveAcross(steps, s) {
				if bad := notEncodable(in.typ, map[reflect.Type]bool{}); bad != "" && !told[in] {
					told[in] = true
					c.fault(in.s, fmt.Sprintf("its wire is alive while %s waits, and holds %s, which a snapshot cannot keep", s.title(), bad),
						"export it, give its type MarshalBinary and UnmarshalBinary, or read the wire before")
				}
			}
		}
	}
}

func stepsOf(g *Graph, r *Role) (steps []*step) {
	for _, s := range g.steps {
		if s.role == r {
			steps = append(steps, s)
		}
	}
	return steps
}

// shiftTimes moves every Time in what v points to by d; zero and Forever mean the same on every clock.
func shiftTimes(v reflect.Value, d Time) {
	if !holdsTime(v.Type(), map[reflect.Type]bool{}) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shiftTimes(v.Elem(), d)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				shiftTimes(f, d)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			shiftTimes(v.Index(i), d)
		}
	case reflect.Map:
		moved := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); { //lint:unordered each entry moves by itself
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			k.Set(it.Key())
			e.Set(it.Value())
			shiftTimes(k, d)
			shiftTimes(e, d)
			moved.SetMapIndex(k, e)
		}
		if !v.IsNil() {
			v.Set(moved)
		}
	default:
		if t := Time(v.Int()); t != 0 && t != Forever {
			v.SetInt(int64(t.Add(0) + d))
		}
	}
}
