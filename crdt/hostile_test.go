package crdt

import (
	"math/bits"
	"strings"
	"testing"
)

// depth is how deep an order is.
func (o *order) depth() int {
	deepest := 0
	for todo, level := []*mark{o.root}, 1; len(todo) > 0; level++ {
		var next []*mark
		for _, m := range todo {
			if m != nil {
				deepest = level
				next = append(next, m.left, m.right)
			}
		}
		todo = next
	}
	return deepest
}

// hostileInserts applies n inserts, one a delta, each with the origins that place gives for the insert before it.
func hostileInserts(t testing.TB, n int, rising bool, place func(before wname) (left, right wname)) *Doc {
	doc := NewDoc()
	before := wedge
	for i := range n {
		left, right := place(before)
		d := docDelta{payload: writeChanges([]change{at(stepL), {kind: changeInsert, left: left, right: right, values: [][]byte{{1}}}})}
		d.ID = [32]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}
		d.Ms = uint64(i + 1)
		if !rising {
			d.Ms = uint64(n - i)
		}
		if err := doc.Apply(d.Carrier, d.payload); err != nil {
			t.Fatal(err)
		}
		before = wname{id: d.ID}
	}
	return doc
}

var hostilePlaces = map[string]struct {
	rising bool
	place  func(before wname) (left, right wname)
}{
	"one place, rising":     {true, func(wname) (wname, wname) { return wedge, wedge }},
	"one place, falling":    {false, func(wname) (wname, wname) { return wedge, wedge }},
	"behind each other":     {true, func(b wname) (wname, wname) { return b, wedge }},
	"before each other":     {true, func(b wname) (wname, wname) { return wedge, b }},
	"below from the left":   {true, func(b wname) (wname, wname) { return b, b }},
	"right of what is last": {false, func(b wname) (wname, wname) { return wedge, b }},
}

// However authors hang their items, no tree of a list gets deeper than some logarithms, and no insert walks a chain: with
// inserts that cost the length of the list these would take minutes.
func TestRule7_3_HostileInsertsStayNLogN(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 20_000
	}
	bound := 3 * bits.Len(uint(3*n))
	for name, c := range hostilePlaces {
		doc := hostileInserts(t, n, c.rising, c.place)
		l := doc.look(Root.List("l")).list
		if doc.Len(Root.List("l")) != n {
			t.Fatalf("%s: %d items", name, doc.Len(Root.List("l")))
		}
		if d := l.line.depth(); d > bound {
			t.Errorf("%s: the order is %d deep, the bound is %d", name, d, bound)
		}
		if d := l.start.rights.depth(); d > bound {
			t.Errorf("%s: siblings are %d deep, the bound is %d", name, d, bound)
		}
	}
}

// A payload of removals of one range, over and over, costs its size and the names, not their product.
func TestRule1_7_RemovalsLookAtANameOnce(t *testing.T) {
	doc := NewDoc()
	values := make([][]byte, 10_000)
	doc.hear(t, [32]byte{1}, [32]byte{}, []change{at(stepL), {kind: changeInsert, left: wedge, right: wedge, values: values}})
	all := make([]span, 6_000)
	for i := range all {
		all[i] = span{wname{back: 1}, 1 << 31}
	}
	doc.hear(t, [32]byte{2}, [32]byte{1}, []change{{kind: changeRemove, seen: all}})
	if n := doc.Len(Root.List("l")); n != 0 {
		t.Fatalf("%d items are left", n)
	}
	h := &doc.deltas[doc.byID[[32]byte{1}]]
	h.skip(0, 1<<20) // the way gets shorter each time
	if end := h.skip(0, 2); end < 2 {
		t.Fatalf("a removal looks at name %d again", end)
	}
}

// Counts back that are as long as the chain cost no more for that, and for the forks on the way some logarithms: there may be
// as many forks as an author likes (DATA 1.6).
func TestRule1_5_CountsBackDoNotWalk(t *testing.T) {
	for name, c := range map[string]struct {
		n     int
		forks bool
	}{"one line": {100_000, false}, "forks": {20_000, true}} {
		doc := NewDoc()
		id := func(i, branch int) [32]byte { return [32]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(branch)} }
		doc.hear(t, id(0, 1), [32]byte{}, []change{at(stepR), {kind: changeSet, value: []byte("x")}})
		for i := range c.n {
			if c.forks { // another comes first, and so each of the chain begins a line
				doc.Pass(Carrier{Delta: Delta{ID: id(i+1, 2)}, Prev: id(i, 1)})
			}
			doc.Pass(Carrier{Delta: Delta{ID: id(i+1, 1)}, Prev: id(i, 1)})
		}
		all := make([]span, 50_000)
		for i := range all {
			all[i] = span{wname{back: uint32(c.n + 1)}, 1}
		}
		doc.hear(t, id(c.n+1, 1), id(c.n, 1), []change{{kind: changeRemove, seen: all}})
		if _, _, ok := doc.Value(Root.Register("r")); ok {
			t.Fatalf("%s: the count back did not reach the first of its chain", name)
		}
		last, most := doc.byID[id(c.n, 1)], 0
		for count := range c.n + 1 {
			steps, pos := 0, uint32(c.n-count)
			for at := doc.deltas[last].line; doc.lines[at].start > pos; steps++ {
				at = doc.toward(at, pos)
			}
			most = max(most, steps)
			if got := doc.deltas[doc.back(last, uint32(count))].id; got != id(c.n-count, 1) {
				t.Fatalf("%s: %d back is %x", name, count, got[:4])
			}
		}
		if doc.back(last, uint32(c.n+1)) != none {
			t.Errorf("%s: a count goes beyond the beginning", name)
		}
		if bound := 3 * bits.Len(uint(len(doc.lines))); most > bound {
			t.Errorf("%s: a count back takes %d steps over %d lines, the bound is %d", name, most, len(doc.lines), bound)
		}
	}
}

func (d *Doc) hear(t testing.TB, id, prev [32]byte, changes []change) {
	t.Helper()
	if err := d.Apply(Carrier{Delta: Delta{ID: id, Ms: 1}, Prev: prev}, writeChanges(changes)); err != nil {
		t.Fatal(err)
	}
}

// However long a path is, a root hashes it once, and not for each write, item and place below it.
func TestRule7_4_RootHashesAPathOnce(t *testing.T) {
	const n = 3_000
	key := strings.Repeat("k", 400<<10)
	makes := []change{at(wstep{kind: KindMap, key: key})}
	for range n {
		makes = append(makes, change{kind: changeMake})
	}
	for name, changes := range map[string][]change{
		"writes": makes,
		"items":  {at(wstep{kind: KindList, key: key}), {kind: changeInsert, left: wedge, right: wedge, values: make([][]byte, n)}},
	} {
		doc, size := NewDoc(), len(writeChanges(changes))
		empty := doc.Root()
		doc.hear(t, [32]byte{1}, [32]byte{}, changes)
		if doc.Root() == empty || doc.hashed > size+256*n {
			t.Errorf("%s: a payload of %d bytes makes the root hash %d", name, size, doc.hashed)
		}
		doc.hashed = 0
		doc.hear(t, [32]byte{2}, [32]byte{1}, []change{{kind: changeRemove, seen: []span{{wname{back: 1}, n}}}})
		if doc.Root() != empty || doc.hashed > 512*n {
			t.Errorf("%s: their removal makes the root hash %d bytes", name, doc.hashed)
		}
	}
}

// A key that a payload shows and hides over and over is put into the order of keys once: to find its place there costs its
// length.
func TestRule7_1_AKeyMovesOnceADelta(t *testing.T) {
	doc := NewDoc()
	changes := []change{at(wstep{kind: KindMap, key: "m"}, wstep{kind: KindSet, key: strings.Repeat("k", 300<<10)})}
	for i := range uint32(10_000) {
		changes = append(changes, change{kind: changeMake}, change{kind: changeRemove, seen: []span{{wname{index: i}, 1}}})
	}
	doc.hear(t, [32]byte{1}, [32]byte{}, append(changes, change{kind: changeMake}))
	if doc.moved != 2 || doc.Len(Root) != 1 || doc.Len(Root.Map("m")) != 1 {
		t.Fatalf("two keys moved %d times", doc.moved)
	}
	doc.hear(t, [32]byte{2}, [32]byte{1}, []change{{kind: changeRemove, seen: []span{{wname{back: 1, index: 10_000}, 1}}}})
	if doc.moved != 4 || doc.Len(Root) != 0 {
		t.Fatalf("two keys moved %d times until they were gone", doc.moved)
	}
	checkDoc(t, doc)
}

// Of many writes of a register that nobody replaced, those that go leave no memory, and the rest its order.
func TestRegisterForgetsWhatIsGone(t *testing.T) {
	doc := NewDoc()
	for i := range 100 {
		doc.hear(t, [32]byte{byte(i + 1)}, [32]byte{}, []change{at(stepR), {kind: changeSet, value: []byte{byte(i)}}})
	}
	for i := range 99 { // the lesser ones go, from beneath
		doc.hear(t, [32]byte{200, byte(i)}, [32]byte{}, []change{{kind: changeRemove, seen: []span{{wname{id: [32]byte{byte(i + 1)}}, 1}}}})
		checkDoc(t, doc)
	}
	n := doc.look(Root.Register("r"))
	if v, _, _ := doc.Value(Root.Register("r")); len(v) != 1 || v[0] != 99 || len(n.writes) > 17 {
		t.Fatalf("the register shows %v and keeps %d writes", v, len(n.writes))
	}
}

// A key with many writes that did not see each other costs no more for the next one.
func TestRule7_1_ManyWritesOfOneKeyAtOnce(t *testing.T) {
	var m Map
	const n = 20_000
	id := func(i int) [32]byte { return [32]byte{byte(i), byte(i >> 8), 1} }
	for i := range n {
		if err := m.ApplyOps(Delta{ID: id(i), Ms: uint64(i*7919%n + 1)}, []Op{Put{Key: "k", Value: []byte{1}}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n - 1 {
		_, top, _ := m.Get("k")
		if want := uint64(n - i); top.Delta.Ms != want {
			t.Fatalf("the clock of what is shown is %d, want %d", top.Delta.Ms, want)
		}
		if err := m.ApplyOps(Delta{ID: [32]byte{byte(i), byte(i >> 8), 2}}, []Op{Remove{Key: "k", Seen: []Name{top.Name()}}}); err != nil {
			t.Fatal(err)
		}
	}
	if m.Len() != 1 {
		t.Fatalf("%d keys are left", m.Len())
	}
}
