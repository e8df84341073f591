package graph

import (
	"fmt"
	"hash/maphash"
	"reflect"
)

var hashSeed = maphash.MakeSeed()

// given is what a step was given, and its hash before the step fired.
type given struct {
	values []any
	hash   uint64
}

// inputs takes the values that a step is about to be given; tables and components may change, so they are left out.
func (in *Instance) inputs(ps *planStep) (g given) {
	for i, get := range ps.inputs {
		if k := ps.s.ins[i].kind; k == fromTable || k == fromComponent {
			continue
		}
		g.values = append(g.values, get(&in.x))
	}
	g.hash = g.sum()
	return g
}

func (g given) sum() (sum uint64) {
	for _, v := range g.values {
		sum = sum*31 + deepHash(reflect.ValueOf(v), 0)
	}
	return sum
}

func (g given) check(ps *planStep) {
	if g.sum() != g.hash {
		panic(fmt.Sprintf("graph: %s changed a value that it was given: values in wires, cells and rows are immutable, so copy it first", ps.name))
	}
}

// deepHash follows pointers, slices and maps, to a depth that no message reaches.
func deepHash(v reflect.Value, depth int) uint64 {
	if !v.IsValid() || depth > 32 {
		return 0
	}
	h := uint64(v.Kind()) * 0x9e3779b97f4a7c15
	mix := func(o uint64) { h = (h ^ o) * 0x100000001b3 }
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		mix(deepHash(v.Elem(), depth+1))
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && (v.Kind() == reflect.Slice || v.CanAddr()) {
			mix(maphash.Bytes(hashSeed, v.Bytes()))
			break
		}
		mix(uint64(v.Len()))
		for i := range v.Len() {
			mix(deepHash(v.Index(i), depth+1))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			mix(deepHash(field, depth+1))
		}
	case reflect.Map:
		var sum uint64
		for it := v.MapRange(); it.Next(); { //lint:unordered the sum is the same in any order
			sum += deepHash(it.Key(), depth+1)*31 ^ deepHash(it.Value(), depth+1)
		}
		mix(sum)
	case reflect.String:
		mix(maphash.String(hashSeed, v.String()))
	case reflect.Bool:
		if v.Bool() {
			mix(1)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		mix(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		mix(v.Uint())
	case reflect.Float32, reflect.Float64:
		mix(maphash.Comparable(hashSeed, v.Float()))
	}
	return h
}
