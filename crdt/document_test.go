package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// show is what a document shows, for people.
func show(d *Doc, p Path) string {
	switch p.kind() {
	case KindRegister:
		v, _, _ := d.Value(p)
		return string(v)
	case KindCounter, KindPersonCounter:
		return fmt.Sprint(d.Total(p))
	case KindSet:
		return "{" + strings.Join(slices.Collect(d.Elements(p)), " ") + "}"
	case KindList:
		var parts []string
		for item, kinds := range d.Items(p) {
			for _, k := range kinds {
				parts = append(parts, show(d, p.Item(item, k)))
			}
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	var parts []string
	for key, k := range d.Keys(p) {
		parts = append(parts, key+":"+show(d, p.to(Step{Kind: k, Key: key})))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func (a *docAuthor) shows(t *testing.T, want string) {
	t.Helper()
	checkDoc(t, a.doc)
	if got := show(a.doc, Root); got != want {
		t.Fatalf("author %d sees %s, want %s", a.id, got, want)
	}
}

// two gives two authors that have seen the same first delta.
func two(t *testing.T, edit func(e *Draft)) (a, b *docAuthor) {
	a, b = newDocAuthor(1), newDocAuthor(2)
	b.hear(t, a.write(t, edit))
	return a, b
}

// meet exchanges what two authors wrote without seeing each other, and both must show want.
func meet(t *testing.T, a, b *docAuthor, da, db docDelta, want string) {
	t.Helper()
	a.hear(t, db)
	b.hear(t, da)
	a.shows(t, want)
	b.shows(t, want)
	if a.doc.Root() != b.doc.Root() {
		t.Fatal("one state, two roots")
	}
}

func TestRule7_1_RegisterOfADocument(t *testing.T) {
	r := Root.Register("r")
	a, b := two(t, func(e *Draft) { e.Set(r, []byte("old")) })
	da := a.write(t, func(e *Draft) { e.Set(r, []byte("a")) })
	db := b.write(t, func(e *Draft) { e.Set(r, []byte("b")) })
	meet(t, a, b, da, db, "(r:b)") // one clock: the greater author
	got := a.doc.Values(r)
	if len(got) != 2 || string(got[0].Value) != "b" || string(got[1].Value) != "a" {
		t.Fatalf("the writes that nobody replaced are %v", got)
	}
	b.hear(t, a.write(t, func(e *Draft) { e.Set(r, []byte("both seen")) }))
	b.shows(t, "(r:both seen)")
	if len(b.doc.Values(r)) != 1 {
		t.Fatalf("a write that saw both leaves %v", b.doc.Values(r))
	}
}

func TestRule7_2_CounterCountsEachOnce(t *testing.T) {
	c := Root.Counter("c")
	a, b := two(t, func(e *Draft) { e.Add(c, 5) })
	prev := a.prev
	da := a.write(t, func(e *Draft) { e.Add(c, 1); e.Add(c, 1) })
	db := b.write(t, func(e *Draft) { e.Add(c, -3) })
	meet(t, a, b, da, db, "(c:4)")
	a.prev = prev // a backup of a is put back: its chain forks
	b.hear(t, a.write(t, func(e *Draft) { e.Add(c, 10) }))
	b.shows(t, "(c:14)")
	want := []Share{{[32]byte{1}, 17, 0}, {[32]byte{2}, 0, -3}}
	if got := b.doc.Shares(c); !slices.Equal(got, want) {
		t.Fatalf("the shares are %v, want %v", got, want)
	}
}

func TestRule1_1_CounterPerPersonOrDevice(t *testing.T) {
	devices, persons := Root.Counter("c"), Root.PersonCounter("c")
	a, other := newDocAuthor(1), newDocAuthor(3) // two devices of one person: makeDocDelta gives the odd ones one credential
	add := func(e *Draft) { e.Add(devices, 2); e.Add(persons, 2) }
	a.hear(t, other.write(t, add))
	a.write(t, add)
	a.shows(t, "(c:4 c:4)")
	if got := len(a.doc.Shares(devices)); got != 2 {
		t.Fatalf("%d shares of devices", got)
	}
	if got := a.doc.Shares(persons); !slices.Equal(got, []Share{{[32]byte{1}, 4, 0}}) {
		t.Fatalf("the shares of persons are %v", got)
	}
}

func TestRule7_2_CounterRemovalTakesWhatItSaw(t *testing.T) {
	c := Root.Counter("c")
	a, b := two(t, func(e *Draft) { e.Add(c, 5) })
	a.hear(t, b.write(t, func(e *Draft) { e.Add(c, 1) }))
	b.hear(t, a.write(t, func(e *Draft) { e.Add(c, 1) }))
	e := a.doc.Edit(a.prev)
	e.Remove(c)
	if n := len(e.changes[0].seen); n != 2 {
		t.Fatalf("the removal of three amounts in two chains names %d", n)
	}
	da := a.write(t, func(e *Draft) { e.Remove(c) })
	db := b.write(t, func(e *Draft) { e.Add(c, 100) })
	meet(t, a, b, da, db, "(c:100)")
}

func TestCounterNeverOverflows(t *testing.T) {
	c := Root.Counter("c")
	a := newDocAuthor(1)
	a.write(t, func(e *Draft) { e.Add(c, math.MaxInt64); e.Add(c, math.MaxInt64) })
	if got := a.doc.Total(c); got != math.MaxInt64 {
		t.Fatalf("the total is %d", got)
	}
	for range 4 {
		a.write(t, func(e *Draft) { e.Add(c, math.MinInt64) })
	}
	if got := a.doc.Total(c); got != math.MinInt64 {
		t.Fatalf("the total is %d", got)
	}
	a.write(t, func(e *Draft) { e.Add(c, math.MaxInt64); e.Add(c, math.MaxInt64); e.Add(c, 5) })
	if got := a.doc.Total(c); got != 1 {
		t.Fatalf("the total is %d, want 1", got)
	}
}

func TestRule7_2_SetAdditionsWin(t *testing.T) {
	s := Root.Set("s")
	a, b := two(t, func(e *Draft) { e.Include(s, "x"); e.Include(s, "y") })
	da := a.write(t, func(e *Draft) { e.Exclude(s, "x"); e.Exclude(s, "y") })
	db := b.write(t, func(e *Draft) { e.Include(s, "x") })
	meet(t, a, b, da, db, "(s:{x})")
	if !a.doc.Has(s, "x") || a.doc.Has(s, "y") || a.doc.Len(s) != 1 {
		t.Fatal("Has and Len say something else than Elements")
	}
}

func TestRule7_2_NestedMapsMergeUnderOneKey(t *testing.T) {
	a, b := newDocAuthor(1), newDocAuthor(2)
	m := Root.Map("m")
	da := a.write(t, func(e *Draft) { e.Set(m.Register("name"), []byte("ann")); e.Include(m.Set("tags"), "x") })
	db := b.write(t, func(e *Draft) { e.Add(m.Counter("age"), 7); e.Set(Root.Register("m"), []byte("a value too")) })
	meet(t, a, b, da, db, "(m:a value too m:(age:7 name:ann tags:{x}))")
}

func TestRule7_2_RemovalOfAMapLeavesWhatItDidNotSee(t *testing.T) {
	m := Root.Map("m")
	a, b := two(t, func(e *Draft) {
		e.Set(m.Register("one"), []byte("1"))
		e.Set(m.Map("deep").Register("two"), []byte("2"))
		e.Make(m)
	})
	da := a.write(t, func(e *Draft) { e.Remove(m) })
	a.shows(t, "()")
	db := b.write(t, func(e *Draft) { e.Set(m.Map("deep").Register("three"), []byte("3")) })
	meet(t, a, b, da, db, "(m:(deep:(three:3)))")
}

func TestMakeShowsAnEmptyPlace(t *testing.T) {
	a := newDocAuthor(1)
	a.write(t, func(e *Draft) {
		e.Make(Root.Map("m"))
		e.Make(Root.List("l"))
		e.Make(Root.Set("s"))
		e.Make(Root.Counter("c"))
	})
	a.shows(t, "(c:0 l:[] m:() s:{})")
	a.write(t, func(e *Draft) { e.Remove(Root.Map("m")); e.Remove(Root.List("l")) })
	a.shows(t, "(c:0 s:{})")
}

func TestRule7_2_ListKeepsRunsTogether(t *testing.T) {
	l := Root.List("l")
	put := func(at int, values ...string) func(e *Draft) {
		return func(e *Draft) {
			for i, v := range values {
				e.Insert(l, at+i, []byte(v))
			}
		}
	}
	a, b := two(t, put(0, "<", ">"))
	da, db := a.write(t, put(1, "a", "a", "a")), b.write(t, put(1, "b", "b"))
	a.hear(t, db)
	b.hear(t, da)
	if got := show(a.doc, l); got != "[< a a a b b >]" && got != "[< b b a a a >]" || show(b.doc, l) != got {
		t.Fatalf("%s and %s", got, show(b.doc, l))
	}
}

func TestRule7_2_ListItemSurvivesByAWriteInIt(t *testing.T) {
	l := Root.List("l")
	var item Name
	a, b := two(t, func(e *Draft) {
		item = e.Place(l, 0, KindMap)
		e.Set(l.Item(item, KindMap).Register("task"), []byte("sleep"))
		e.Insert(l, 1, []byte("end"))
	})
	item, _ = a.doc.Item(l, 0)
	da := a.write(t, func(e *Draft) { e.Delete(l, 0, 2) })
	a.shows(t, "()")
	db := b.write(t, func(e *Draft) { e.Set(l.Item(item, KindMap).Register("done"), []byte("no")) })
	meet(t, a, b, da, db, "(l:[(done:no)])")
}

func TestDraftRefuses(t *testing.T) {
	l, item := Root.List("l"), Name{Delta: [32]byte{7}}
	deep := Root
	for range MaxDepth + 1 {
		deep = deep.Map("m")
	}
	for name, edit := range map[string]func(e *Draft){
		"set of a map":         func(e *Draft) { e.Set(Root.Map("m"), nil) },
		"set of the root":      func(e *Draft) { e.Set(Root, nil) },
		"add to a register":    func(e *Draft) { e.Add(Root.Register("r"), 1) },
		"exclude from a list":  func(e *Draft) { e.Exclude(l, "x") },
		"path through a value": func(e *Draft) { e.Set(Root.Register("r").Register("s"), nil) },
		"path too deep":        func(e *Draft) { e.Make(deep) },
		"removal of the root":  func(e *Draft) { e.Remove(Root) },
		"insert beyond":        func(e *Draft) { e.Insert(l, 1, nil) },
		"delete beyond":        func(e *Draft) { e.Delete(l, 0, 1) },
		"place of a register":  func(e *Draft) { e.Place(l, 0, KindRegister) },
		"own item, not made":   func(e *Draft) { e.Set(l.Item(Name{Index: 3}, KindRegister), nil) },
		"too many":             func(e *Draft) { e.Insert(l, 0, make([][]byte, MaxParts+1)...) },
		"too large":            func(e *Draft) { e.Set(Root.Register("r"), make([]byte, MaxPayload)) },
		"first of two":         func(e *Draft) { e.Set(Root, nil); e.Set(l.Item(item, KindRegister), nil) },
	} {
		e := NewDoc().Edit([32]byte{})
		edit(e)
		if b, err := e.Payload(); err == nil || b != nil {
			t.Errorf("%s: payload %x, error %v", name, b, err)
		}
	}
}

func TestRule1_7_BadPayloadOfADocumentHasNoEffect(t *testing.T) {
	a := newDocAuthor(1)
	good := a.write(t, func(e *Draft) { e.Set(Root.Register("r"), []byte("x")) })
	state, root := a.doc.State(), a.doc.Root()
	bad := append(slices.Clone(good.payload), 0)
	d := makeDocDelta(2, 9, [32]byte{}, bad)
	if err := a.doc.Apply(d.Carrier, bad); !errors.Is(err, ErrMalformed) {
		t.Fatalf("error %v", err)
	}
	// Its second change is bad: the first has no effect either.
	half := writeChanges([]change{at(wstep{kind: KindRegister, key: "r"}), {kind: changeSet, value: []byte("y")}, {kind: changeAdd, continues: wedge}})
	if err := a.doc.Apply(makeDocDelta(2, 10, [32]byte{}, half).Carrier, half); !errors.Is(err, ErrMalformed) {
		t.Fatalf("error %v", err)
	}
	if a.doc.State() != state || a.doc.Root() != root {
		t.Fatal("a bad payload has an effect")
	}
	// It has its place in its chain nevertheless.
	e := a.doc.Edit(d.ID)
	e.Add(Root.Counter("c"), 1)
	next, err := e.Payload()
	if err != nil {
		t.Fatal(err)
	}
	a.hear(t, makeDocDelta(2, 11, d.ID, next))
	counts := writeChanges([]change{at(wstep{kind: KindCounter, key: "c"}), {kind: changeAdd, amount: 1, continues: wname{back: 1}}})
	a.hear(t, makeDocDelta(2, 12, makeDocDelta(2, 11, d.ID, next).ID, counts))
	if a.doc.Total(Root.Counter("c")) != 2 || a.doc.Pending() != 0 {
		t.Fatal("what stands behind a bad payload waits")
	}
}

func at(steps ...wstep) change { return change{kind: changeAt, at: steps} }

func TestRule1_7_WhatNamesTheMissingWaitsForIt(t *testing.T) {
	l, r := Root.List("l"), Root.Register("r")
	a := newDocAuthor(1)
	first := a.write(t, func(e *Draft) { e.Insert(l, 0, []byte("x")); e.Set(r, []byte("1")) })
	item, _ := a.doc.Item(l, 0)
	b := newDocAuthor(2)
	b.hear(t, first)
	behind := b.write(t, func(e *Draft) { e.Insert(l, 1, []byte("y")) })
	into := b.write(t, func(e *Draft) { e.Set(l.Item(item, KindRegister), []byte("X")) })
	gone := b.write(t, func(e *Draft) { e.Remove(r) })

	late := newDocAuthor(3)
	late.hear(t, gone, into, behind)
	late.shows(t, "()")
	if n := late.doc.Waiting([32]byte{2}); n < 3 || late.doc.Pending() != n {
		t.Fatalf("%d of author 2 wait, %d in all", n, late.doc.Pending())
	}
	late.hear(t, first)
	late.shows(t, "(l:[X y])")
	if n := late.doc.Pending(); n != 0 {
		t.Fatalf("%d still wait", n)
	}
}

func TestRule1_5_OwnChainIsNamedByCounts(t *testing.T) {
	a, r := newDocAuthor(1), Root.Register("r")
	a.write(t, func(e *Draft) { e.Set(r, []byte("0")) })
	for i := range 5 {
		pass := makeDocDelta(1, uint64(100+i), a.prev, nil) // a grant, say
		a.doc.Pass(pass.Carrier)
		a.prev, a.clock = pass.ID, pass.Ms
	}
	prev := a.prev
	d := a.write(t, func(e *Draft) { e.Set(r, []byte("1")) })
	if len(d.payload) > 24 {
		t.Fatalf("the payload has %d bytes: it names its own chain by an id", len(d.payload))
	}
	a.shows(t, "(r:1)")
	if len(a.doc.Values(r)) != 1 {
		t.Fatal("the count back names something else")
	}
	a.prev = prev // a fork: its counts go back on its own branch
	a.write(t, func(e *Draft) { e.Add(Root.Counter("c"), 1) })
	a.write(t, func(e *Draft) { e.Add(Root.Counter("c"), 1); e.Remove(Root.Counter("c")) })
	a.shows(t, "(r:1)")
}

func TestRule1_6_ForksFoldAsConcurrent(t *testing.T) {
	a, r := newDocAuthor(1), Root.Register("r")
	a.write(t, func(e *Draft) { e.Set(r, []byte("0")) })
	one := a.doc.Edit(a.prev)
	one.Set(r, []byte("1"))
	p1, _ := one.Payload()
	other := a.doc.Edit(a.prev)
	other.Set(r, []byte("2"))
	p2, _ := other.Payload()
	a.hear(t, makeDocDelta(1, 2, a.prev, p1), makeDocDelta(1, 2, a.prev, p2))
	if got := a.doc.Values(r); len(got) != 2 {
		t.Fatalf("of two branches %v is left", got)
	}
}

func TestRule7_4_RootIsOverVisibleStateAndLiveIDs(t *testing.T) {
	a, b := newDocAuthor(1), newDocAuthor(2)
	empty := a.doc.Root()
	a.write(t, func(e *Draft) { e.Insert(Root.List("l"), 0, []byte("x")); e.Set(Root.Register("r"), []byte("y")) })
	full := a.doc.Root()
	b.write(t, func(e *Draft) { e.Insert(Root.List("l"), 0, []byte("x")); e.Set(Root.Register("r"), []byte("y")) })
	if full == empty || b.doc.Root() == full {
		t.Fatal("the root does not tell states with other content, or with other ids")
	}
	a.write(t, func(e *Draft) { e.Remove(Root.List("l")); e.Remove(Root.Register("r")) })
	if a.doc.Root() != empty {
		t.Fatal("what was removed leaves something in the root")
	}
	var t1, t2 tree
	rng := rand.New(rand.NewPCG(1, 1))
	var all [][32]byte
	for range 500 {
		var d [32]byte
		binary.BigEndian.PutUint64(d[:], rng.Uint64()&0x0f0f0f0f0f0f0f0f)
		all = append(all, d)
		t1.put(d, true, 0)
		t1.root()
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, d := range all[:400] {
		t1.put(d, false, 0)
	}
	for _, d := range all[400:] {
		t2.put(d, true, 0)
	}
	if t1.root() != t2.root() || t1.size != 100 {
		t.Fatal("one set, two roots")
	}
}
