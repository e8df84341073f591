package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Values cross in deterministic CBOR (RFC 8949 §4.2.1), structs as maps with their field names. What is read must be of
// definite length, without tags and without a key twice; unknown fields are skipped, so that optional ones may be added. A date
// crosses as text in UTC, to the nanosecond.
var (
	encMode = mustMode(encOptions().EncMode())
	decMode = mustMode(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  16,
		MaxArrayElements: 1 << 17,
		MaxMapPairs:      1 << 17,
	}.DecMode())
)

func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.Time = cbor.TimeRFC3339NanoUTC
	return o
}

func mustMode[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}

type codec[T any] struct{}

func (codec[T]) encode(v *T) ([]byte, error) {
	b, err := encMode.Marshal(v)
	if err != nil {
		return nil, Fail(Malformed, "%s does not encode: %v", typeName(reflect.TypeFor[T]()), err)
	}
	return b, nil
}

func (codec[T]) decode(b []byte, v *T) error {
	if err := decMode.Unmarshal(b, v); err != nil {
		return Fail(Malformed, "%d bytes are no %s: %v", len(b), typeName(reflect.TypeFor[T]()), err)
	}
	return nil
}

// Encode gives the bytes of v as a channel carries them, for what speaks to an instance and is none: a peer in a test, a hostile node of
// a simulation. Safe from any goroutine.
func Encode[T any](v T) ([]byte, error) { return codec[T]{}.encode(&v) }

// Decode reads what Encode or a channel has written. Safe from any goroutine.
func Decode[T any](b []byte) (v T, err error) { return v, codec[T]{}.decode(b, &v) }

// holdsTime reports whether a message of type t would carry a Time.
func holdsTime(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if (f.IsExported() || f.Anonymous) && f.Tag.Get("cbor") != "-" && holdsTime(f.Type, seen) {
				return true
			}
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return holdsTime(t.Elem(), seen)
	case reflect.Map:
		return holdsTime(t.Key(), seen) || holdsTime(t.Elem(), seen)
	}
	return t == reflect.TypeFor[Time]()
}

// fingerprint is a hash over the names and the types of the required fields of a channel.
func fingerprint(c *channel, from, to string) uint64 {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s>%s ", c.kind, c.name, from, to)
	describe(&b, c.request, nil)
	if c.reply != nil {
		b.WriteString(" / ")
		describe(&b, c.reply, nil)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return binary.BigEndian.Uint64(sum[:8])
}

// describe writes what of t the two ends must agree on: shapes and names, not the names of Go types.
func describe(b *strings.Builder, t reflect.Type, above []reflect.Type) {
	for i, a := range above {
		if a == t {
			fmt.Fprintf(b, "^%d", len(above)-i)
			return
		}
	}
	above = append(above, t)
	switch t.Kind() {
	case reflect.Struct:
		describeFields(b, t, above)
	case reflect.Pointer:
		describe(b, t.Elem(), above)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			b.WriteString("bytes")
			return
		}
		b.WriteString("[]")
		describe(b, t.Elem(), above)
	case reflect.Array:
		fmt.Fprintf(b, "[%d]", t.Len())
		describe(b, t.Elem(), above)
	case reflect.Map:
		b.WriteString("map ")
		describe(b, t.Key(), above)
		describe(b, t.Elem(), above)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		b.WriteString("int")
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		b.WriteString("uint")
	default:
		b.WriteString(t.Kind().String())
	}
}

// describeFields writes the required fields in the order of their names, since a struct crosses as a map; the order of a
// struct that crosses as an array is part of what it means.
func describeFields(b *strings.Builder, t reflect.Type, above []reflect.Type) {
	var fields []string
	ordered := false
	for f := range t.Fields() {
		tag, ok := f.Tag.Lookup("cbor")
		if !ok {
			tag = f.Tag.Get("json")
		}
		name, opts, _ := strings.Cut(tag, ",")
		if f.Name == "_" && strings.Contains(opts, "toarray") {
			ordered = true
		}
		if name == "" {
			name = f.Name
		}
		optional := strings.Contains(opts, "omitempty") || strings.Contains(opts, "omitzero")
		if !f.IsExported() && !f.Anonymous || name == "-" || optional {
			continue
		}
		if strings.Contains(opts, "keyasint") {
			name = "#" + name
		}
		var field strings.Builder
		field.WriteString(name + ":")
		describe(&field, f.Type, above)
		fields = append(fields, field.String())
	}
	open, end := "{", "}"
	if ordered {
		open, end = "(", ")"
	} else {
		slices.Sort(fields)
	}
	b.WriteString(open + strings.Join(fields, " ") + end)
}

// snapMode decodes snapshots, which are this node's own and may be larger than a message.
var snapMode = mustMode(cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
	TagsMd: cbor.TagsForbidden, MaxNestedLevels: 32, MaxArrayElements: 1 << 26, MaxMapPairs: 1 << 26}.DecMode())
