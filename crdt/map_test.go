package crdt

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// putOf gives the delta that writes or removes a key as the map of its author shows it, and folds it there.
func putOf(t interface {
	Helper()
	Fatal(...any)
}, m *Map, author byte, clock uint64, key, value string) testDelta {
	t.Helper()
	var op Op = m.Put(key, []byte(value))
	if value == "" {
		op, _ = m.Remove(key)
	}
	payload, err := EncodeOps([]Op{op})
	if err != nil {
		t.Fatal(err)
	}
	d := makeDelta(author, clock, payload)
	if err := m.Apply(d.Delta, payload); err != nil {
		t.Fatal(err)
	}
	return d
}

func (m *Map) give(t interface{ Fatal(...any) }, ds ...testDelta) {
	for _, d := range ds {
		if err := m.Apply(d.Delta, d.payload); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *Map) show() string {
	var b strings.Builder
	for e := range m.List("") {
		fmt.Fprintf(&b, "%q=%q@%v ", e.Key, e.Value, e.Stamp.Name())
	}
	return b.String()
}

// values is what the keys show.
func (m *Map) values() string {
	var b strings.Builder
	for e := range m.List("") {
		fmt.Fprintf(&b, "%s=%s ", e.Key, e.Value)
	}
	return strings.TrimSpace(b.String())
}

func TestRule7_1_LastWriterByClock(t *testing.T) {
	var a, b Map
	early := putOf(t, &a, 9, 1, "k", "early")
	late := putOf(t, &b, 1, 2, "k", "late")
	a.give(t, late)
	b.give(t, early)
	if a.values() != "k=late" || b.values() != "k=late" {
		t.Fatalf("a shows %s, b shows %s, want k=late", a.values(), b.values())
	}

	var r Register[string]
	if _, ok := r.Get(); ok {
		t.Fatal("an empty register has a value")
	}
	if !r.Set(Stamp{late.Delta, 0}, "late") || r.Set(Stamp{early.Delta, 0}, "early") || r.Set(Stamp{late.Delta, 0}, "again") {
		t.Fatal("Set does not report what is the value now")
	}
	if v, ok := r.Get(); v != "late" || !ok {
		t.Fatalf("the register holds %q", v)
	}
}

func TestRule1_5_TiesBreakByClockAuthorID(t *testing.T) {
	base := Delta{ID: [32]byte{5}, Ms: 5, N: 5, Author: [32]byte{5}}
	greater := []Delta{ // each in a part that weighs more than those behind it, which are less
		{Ms: 6},
		{Ms: 5, N: 6},
		{Ms: 5, N: 5, Author: [32]byte{6}},
		{Ms: 5, N: 5, Author: [32]byte{5}, ID: [32]byte{6}},
	}
	for _, g := range greater {
		if g.Compare(base) <= 0 || base.Compare(g) >= 0 {
			t.Errorf("%+v is not greater than %+v", g, base)
		}
	}
	if base.Compare(base) != 0 {
		t.Error("a delta is not equal to itself")
	}
	if (Stamp{base, 1}).Compare(Stamp{base, 0}) <= 0 || (Stamp{base, 9}).Compare(Stamp{greater[3], 0}) >= 0 {
		t.Error("the index decides within a delta, and only there")
	}
}

func TestRule7_2_DeletesNameWhatTheySaw(t *testing.T) {
	var a, b Map
	first := putOf(t, &a, 1, 1, "k", "first")
	b.give(t, first)
	removal := putOf(t, &a, 1, 9, "k", "") // saw first
	concurrent := putOf(t, &b, 2, 2, "k", "concurrent")
	a.give(t, concurrent)
	b.give(t, removal)
	if a.values() != "k=concurrent" || b.values() != "k=concurrent" {
		t.Fatalf("a shows %q, b shows %q: the write that the removal did not see must stay", a.values(), b.values())
	}
	b.give(t, putOf(t, &a, 1, 10, "k", ""))
	if a.Len() != 0 || b.Len() != 0 {
		t.Fatalf("a shows %q, b shows %q after a removal that saw all", a.values(), b.values())
	}
	if _, ok := a.Remove("k"); ok {
		t.Fatal("there is something to remove in an empty map")
	}
}

// Of two writes at once the greater is shown; a removal that saw only the greater brings the other back.
func TestRule7_2_ConcurrentWriteSurvivesBeneath(t *testing.T) {
	var a, b Map
	greater := putOf(t, &a, 1, 5, "k", "greater")
	lesser := putOf(t, &b, 2, 4, "k", "lesser")
	removal := putOf(t, &a, 1, 6, "k", "")
	var m Map
	m.give(t, greater, lesser)
	if m.values() != "k=greater" {
		t.Fatalf("shows %q", m.values())
	}
	m.give(t, removal)
	if m.values() != "k=lesser" {
		t.Fatalf("shows %q", m.values())
	}
}

// A write that replaced one brings nothing back when it is removed.
func TestRule7_2_OverwrittenStaysGone(t *testing.T) {
	var a Map
	deltas := []testDelta{
		putOf(t, &a, 1, 1, "k", "one"),
		putOf(t, &a, 1, 2, "k", "two"),
		putOf(t, &a, 1, 3, "k", ""),
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {1, 0, 2}, {0, 2, 1}, {2, 0, 1, 0, 1}} {
		var m Map
		for _, i := range order {
			m.give(t, deltas[i])
		}
		if m.Len() != 0 {
			t.Errorf("order %v shows %q", order, m.values())
		}
	}
}

func TestRule1_7_BadMapPayloadHasNoEffect(t *testing.T) {
	var m Map
	good := putOf(t, &m, 1, 1, "k", "v")
	before := m.show()
	insert, _ := EncodeOps([]Op{Insert{Edge, Edge, "x"}})
	for name, payload := range map[string][]byte{
		"empty":       {},
		"cut":         good.payload[:len(good.payload)-1],
		"longer":      append(bytes.Clone(good.payload), 0),
		"of a text":   insert,
		"second bad":  {0x83, 1, 0x84, 1, 0x41, 'k', 0x41, 'w', 0x80, 0x83, 2, 0x41, 'k', 0x80},
		"kind of now": {0x82, 1, 0x81, 9},
	} {
		if err := m.Apply(makeDelta(2, 9, payload).Delta, payload); err == nil || m.show() != before {
			t.Errorf("%s: error %v, map %s", name, err, m.show())
		}
	}
	if err := m.ApplyOps(Delta{}, []Op{m.Put("k", nil)}); err == nil || m.show() != before {
		t.Errorf("delta id of zeros: error %v, map %s", err, m.show())
	}
	if err := m.ApplyOps(Delta{ID: [32]byte{1}}, []Op{Remove{Key: "k"}}); err == nil || m.show() != before {
		t.Errorf("removal of nothing: error %v, map %s", err, m.show())
	}
}

// drawMapHistory is the map's counterpart of drawTextHistory, with removals and operations that name what they like.
func drawMapHistory(t *rapid.T) []testDelta {
	var maps [3]Map
	var clocks [3]uint64
	var deltas []testDelta
	key := rapid.SampledFrom([]string{"", "a", "ab", "b", "\xff"})
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		a := rapid.IntRange(0, 2).Draw(t, "author")
		m := &maps[a]
		if len(deltas) > 0 && rapid.Bool().Draw(t, "hears") {
			d := rapid.SampledFrom(deltas).Draw(t, "delta")
			m.give(t, d)
			clocks[a] = max(clocks[a], d.Ms)
			continue
		}
		var ops []Op
		for range rapid.IntRange(1, 3).Draw(t, "ops") {
			k := key.Draw(t, "key")
			var op Op = m.Put(k, rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "value"))
			if r, ok := m.Remove(k); ok && rapid.Bool().Draw(t, "remove") {
				op = r
			} else if len(deltas) > 0 && rapid.IntRange(0, 3).Draw(t, "hostile") == 0 {
				d := rapid.SampledFrom(deltas).Draw(t, "named")
				op = Remove{k, []Name{{d.ID, rapid.Uint32Range(0, 4).Draw(t, "index")}}}
			} else if len(ops) > 0 && rapid.Bool().Draw(t, "own") {
				op = Remove{k, []Name{{Index: rapid.Uint32Range(0, uint32(len(ops)-1)).Draw(t, "own index")}}}
			}
			ops = append(ops, op)
		}
		payload, err := EncodeOps(ops)
		if err != nil {
			t.Fatal(err)
		}
		clocks[a] += rapid.Uint64Range(1, 3).Draw(t, "clock")
		d := makeDelta(byte(a+1), clocks[a], payload)
		m.give(t, d)
		deltas = append(deltas, d)
	}
	return deltas
}

// mapOracle says what a map shows, from the set alone: of the writes that nobody has seen, the greatest.
func mapOracle(t *rapid.T, deltas []testDelta) string {
	type named struct {
		key string
		Name
	}
	gone := map[named]bool{}
	for _, d := range deltas {
		ops, err := DecodeOps(d.payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			switch op := op.(type) {
			case Put:
				for _, n := range op.Seen {
					gone[named{op.Key, n.in(d.ID)}] = true
				}
			case Remove:
				for _, n := range op.Seen {
					gone[named{op.Key, n.in(d.ID)}] = true
				}
			}
		}
	}
	top := map[string]Stamp{}
	values := map[string][]byte{}
	for _, d := range deltas {
		ops, _ := DecodeOps(d.payload)
		for i, op := range ops {
			s := Stamp{d.Delta, uint32(i)}
			if op, ok := op.(Put); ok && !gone[named{op.Key, s.Name()}] {
				if t, ok := top[op.Key]; !ok || s.Compare(t) > 0 {
					top[op.Key], values[op.Key] = s, op.Value
				}
			}
		}
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(top)) {
		fmt.Fprintf(&b, "%q=%q@%v ", key, values[key], top[key].Name())
	}
	return b.String()
}

func TestRule7_1_MapIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deltas := drawMapHistory(t)
		if len(deltas) == 0 {
			return
		}
		want := mapOracle(t, deltas)
		for range 3 {
			var m Map
			m.give(t, shuffleTwice(t, deltas, "order")...)
			if got := m.show(); got != want {
				t.Fatalf("the map shows %s, want %s", got, want)
			}
			listed := 0
			for range m.List("") {
				listed++
			}
			if m.Len() != listed {
				t.Fatalf("Len is %d, List gives %d", m.Len(), listed)
			}
		}
	})
}

func TestRule7_1_RegisterIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stamps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Stamp {
			return Stamp{Delta{[32]byte{rapid.Byte().Draw(t, "id")}, rapid.Uint64Range(0, 2).Draw(t, "ms"), rapid.Uint64Range(0, 2).Draw(t, "n"),
				[32]byte{rapid.Byte().Draw(t, "author")}}, rapid.Uint32Range(0, 1).Draw(t, "index")}
		}), 1, 10).Draw(t, "stamps")
		want := slices.MaxFunc(stamps, Stamp.Compare)
		var r Register[Stamp]
		for _, s := range rapid.Permutation(append(stamps, stamps...)).Draw(t, "order") {
			r.Set(s, s)
		}
		if got, ok := r.Get(); !ok || got != want {
			t.Fatalf("the register holds %v, want %v", got, want)
		}
		if got, ok := r.Stamp(); !ok || got != want {
			t.Fatalf("the register's stamp is %v, want %v", got, want)
		}
	})
}

func TestMapListByPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Map
		keys := map[string]bool{}
		key := rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 0, 3, -1)
		for i := range rapid.IntRange(0, 40).Draw(t, "steps") {
			k := key.Draw(t, "key")
			value := "v"
			if keys[k] && rapid.Bool().Draw(t, "remove") {
				value = ""
			}
			putOf(t, &m, 1, uint64(i+1), k, value)
			keys[k] = value != ""
		}
		prefix := key.Draw(t, "prefix")
		var want, got []string
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if keys[k] && strings.HasPrefix(k, prefix) {
				want = append(want, k)
			}
		}
		for e := range m.List(prefix) {
			got = append(got, e.Key)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("List(%q) gives %q, want %q", prefix, got, want)
		}
	})
}

// Many keys, so that the chunks of the ordered keys split and empty.
func TestSortedKeysMany(t *testing.T) {
	var s sortedKeys
	key := func(i int) string { return fmt.Sprintf("%05d", i*7919%10000) }
	for i := range 10000 {
		s.add(key(i))
		s.add(key(i / 2))
	}
	got := slices.Collect(s.from(""))
	if len(got) != 10000 || s.count != 10000 || !slices.IsSorted(got) {
		t.Fatalf("%d keys of 10000, count %d, sorted %v", len(got), s.count, slices.IsSorted(got))
	}
	if from := slices.Collect(s.from("07000")); len(from) != 3000 || from[0] != "07000" {
		t.Fatalf("%d keys from 07000", len(from))
	}
	for i := range 10000 {
		s.remove(key(i))
		s.remove(key(i))
	}
	if s.count != 0 || len(s.chunks) != 0 {
		t.Fatalf("%d keys, %d chunks are left", s.count, len(s.chunks))
	}
}

func BenchmarkMapPut(b *testing.B) {
	var m Map
	value := make([]byte, 100)
	for i := 0; b.Loop(); i++ {
		op := m.Put(fmt.Sprintf("key/%d", i*7919%100000), value)
		payload, err := EncodeOps([]Op{op})
		if err != nil {
			b.Fatal(err)
		}
		var d Delta
		d.Ms = uint64(i + 1)
		copy(d.ID[:], fmt.Sprintf("%032d", i))
		if err := m.Apply(d, payload); err != nil {
			b.Fatal(err)
		}
	}
}
