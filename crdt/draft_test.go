package crdt

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Each change of a draft sees those before it: a model of a plain list must agree.
func TestRule7_3_EachChangeSeesTheOneBefore(t *testing.T) {
	t.Run("model", rapid.MakeCheck(draftBesideAModel))
	t.Run("fold", rapid.MakeCheck(draftBesideTheFold))
	l := Root.List("l")
	three := func(e *Draft) { e.Insert(l, 0, []byte("a"), []byte("b"), []byte("c")) }
	for name, c := range map[string]struct {
		edit func(e *Draft, first Name)
		want string
	}{
		"removal of the list":  {func(e *Draft, _ Name) { e.Remove(l); e.Insert(l, 0, []byte("x")) }, "[x]"},
		"removal of an item":   {func(e *Draft, first Name) { e.Remove(l.Item(first, KindRegister)); e.Delete(l, 0, 1) }, "[c]"},
		"removal of own items": {func(e *Draft, _ Name) { three(e); e.Remove(l); three(e); e.Delete(l, 1, 1) }, "[a c]"},
		"write into a deleted item": {func(e *Draft, first Name) {
			e.Delete(l, 0, 2)
			e.Set(l.Item(first, KindRegister), []byte("A"))
			e.Insert(l, 1, []byte("x"))
		}, "[A x c]"},
	} {
		a := newDocAuthor(1)
		a.write(t, three)
		first, _ := a.doc.Item(l, 0)
		a.write(t, func(e *Draft) { c.edit(e, first) })
		if got := show(a.doc, l); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		e := a.doc.Edit(a.prev)
		e.Remove(l)
		e.Insert(l, 1, []byte("y"))
		if _, err := e.Payload(); err == nil {
			t.Errorf("%s: an insert at 1 into a list that was removed", name)
		}
	}
}

// draftBesideAModel edits a list and a plain slice alike.
func draftBesideAModel(t *rapid.T) {
	a, l := newDocAuthor(1), Root.List("l")
	var want []string
	for range rapid.IntRange(1, 5).Draw(t, "deltas") {
		a.write(t, func(e *Draft) {
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				at := rapid.IntRange(0, len(want)).Draw(t, "at")
				switch rapid.IntRange(0, 4).Draw(t, "what") {
				case 0, 1:
					n := rapid.IntRange(0, len(want)-at).Draw(t, "count")
					e.Delete(l, at, n)
					want = slices.Delete(want, at, at+n)
				case 2:
					if rapid.Bool().Draw(t, "all") {
						e.Remove(l)
						want = nil
					}
				default:
					v := rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "value")
					e.Insert(l, at, []byte(v), []byte(v+"2"))
					want = slices.Insert(want, at, v, v+"2")
				}
			}
			e.Set(Root.Register("r"), []byte("once"))
			e.Set(Root.Register("r"), []byte("twice"))
			e.Include(Root.Set("s"), "gone")
			e.Remove(Root.Set("s"))
		})
		got := "[" + strings.Join(want, " ") + "]"
		if show(a.doc, l) != got || show(a.doc, Root.Register("r")) != "twice" {
			t.Fatalf("%s, want %v", show(a.doc, Root), want)
		}
		if len(a.doc.Values(Root.Register("r"))) != 1 || a.doc.Len(Root.Set("s")) != 0 {
			t.Fatal("a later change did not see an earlier one")
		}
	}
}

// draftBesideTheFold draws changes of any kind on a document that holds some of a history, and compares what the draft sees
// after some of them with the fold of the changes so far.
func draftBesideTheFold(t *rapid.T) {
	draw := rapid.SampledFrom([]func(*rapid.T) []docDelta{drawDocHistory, drawListHistory}).Draw(t, "history")
	all := rapid.Permutation(draw(t)).Draw(t, "order")
	all = all[:rapid.IntRange(0, len(all)).Draw(t, "held")]
	build := func() *Doc {
		doc := NewDoc()
		for _, d := range all {
			if err := doc.Apply(d.Carrier, d.payload); err != nil {
				t.Fatal(err)
			}
		}
		return doc
	}
	var prev [32]byte
	if len(all) > 0 && rapid.Bool().Draw(t, "chained") {
		prev = rapid.SampledFrom(all).Draw(t, "prev").ID
	}
	doc := build()
	e := doc.Edit(prev)
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		drawChange(t, e, drawDraftPath(t, e, all))
		if rapid.Bool().Draw(t, "compared") {
			checkDraft(t, e, prev, build())
		}
	}
	checkDraft(t, e, prev, build())
}

// drawDraftPath draws a place, through an item at times: one that the document shows, one of the draft, or one that is gone,
// not held, or no item at all.
func drawDraftPath(t *rapid.T, e *Draft, all []docDelta) Path {
	p := drawPath(t, e.doc)
	for p.kind() == KindList && rapid.Bool().Draw(t, "into any") {
		names := []Name{{Delta: [32]byte{0xee}}}
		for _, d := range all {
			names = append(names, Name{Delta: d.ID}, Name{Delta: d.ID, Index: 1})
		}
		for i := range e.made {
			names = append(names, Name{Index: i})
		}
		p = p.Item(rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom([]Kind{KindRegister, KindCounter, KindMap, KindList}).Draw(t, "kind"))
	}
	return p
}

// checkDraft folds the changes of a draft so far into a document like the one that it is made on, and compares: what is live
// at some places, and the items of every list.
func checkDraft(t *rapid.T, e *Draft, prev [32]byte, doc *Doc) {
	changes := slices.Clone(e.changes)
	for len(changes) > 0 && changes[len(changes)-1].kind == changeAt {
		changes = changes[:len(changes)-1]
	}
	payload, err := encodeChanges(changes)
	if err == nil {
		err = e.err
	}
	if err != nil {
		t.Fatal(err)
	}
	d := makeDocDelta(9, 1<<40, prev, payload)
	if err := doc.Apply(d.Carrier, payload); err != nil {
		t.Fatal(err)
	}
	for _, p := range testPaths {
		live := 0
		if n := doc.look(p); n != nil {
			live = n.live
		}
		if got := e.place(p).live; got != live {
			t.Fatalf("at %v the draft counts %d live, the document %d", p, got, live)
		}
	}
	var visit func(in, own Path)
	visit = func(in, own Path) {
		switch in.kind() {
		case KindList:
			l := e.place(own).list
			if l.shown != doc.Len(in) {
				t.Fatalf("%v has %d items for the draft, %d for the document", in, l.shown, doc.Len(in))
			}
			at := 0
			for item, kinds := range doc.Items(in) {
				mine := item
				if item.Delta == d.ID {
					mine.Delta = [32]byte{}
				}
				if got := l.name(l.find(at)); got != mine {
					t.Fatalf("item %d of %v is %v for the draft, %v for the document", at, in, got, mine)
				}
				for _, k := range kinds {
					visit(in.Item(item, k), own.Item(mine, k))
				}
				at++
			}
		case KindMap:
			for key, k := range doc.Keys(in) {
				visit(in.to(Step{Kind: k, Key: key}), own.to(Step{Kind: k, Key: key}))
			}
		}
	}
	visit(Root, Root)
}

// What an author types in a row is one row, and so is what it takes away: a long draft does not get slow by its length.
func TestDraftKeepsRowsTogether(t *testing.T) {
	const n = 20_000
	l, e := Root.List("l"), NewDoc().Edit([32]byte{})
	for i := range n {
		e.Insert(l, i, nil)
	}
	in := e.place(l).list
	if in.shown != n || len(in.parts) != 1 {
		t.Fatalf("%d items typed in a row stand in %d parts", in.shown, len(in.parts))
	}
	for range n / 2 {
		e.Delete(l, n/4, 1)
	}
	if in.shown != n/2 || len(in.parts) != 3 {
		t.Fatalf("%d items are left in %d parts", in.shown, len(in.parts))
	}
}
