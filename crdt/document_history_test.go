package crdt

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// docDelta is a delta of a test.
type docDelta struct {
	Carrier
	payload []byte
}

// makeDocDelta gives a payload a carrier with a good clock; the id is a hash, as in a real delta.
func makeDocDelta(author byte, clock uint64, prev [32]byte, payload []byte) docDelta {
	d := docDelta{Carrier{Delta: Delta{Ms: clock, Author: [32]byte{author}}, Prev: prev, Person: [32]byte{author % 2}}, payload}
	d.ID = sha256.Sum256(fmt.Appendf(nil, "%d %d %x %x", author, clock, prev, payload))
	return d
}

// docAuthor is one who writes in tests of documents.
type docAuthor struct {
	id    byte
	clock uint64
	prev  [32]byte
	doc   *Doc
}

func newDocAuthor(id byte) *docAuthor { return &docAuthor{id: id, doc: NewDoc()} }

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// write makes a delta of the changes, and folds it.
func (a *docAuthor) write(t fataler, edit func(e *Draft)) docDelta {
	t.Helper()
	e := a.doc.Edit(a.prev)
	edit(e)
	payload, err := e.Payload()
	if err != nil {
		t.Fatal(err)
	}
	a.clock++
	d := makeDocDelta(a.id, a.clock, a.prev, payload)
	a.prev = d.ID
	a.hear(t, d)
	return d
}

func (a *docAuthor) hear(t fataler, ds ...docDelta) {
	t.Helper()
	for _, d := range ds {
		a.clock = max(a.clock, d.Ms)
		if err := a.doc.Apply(d.Carrier, d.payload); err != nil {
			t.Fatal(err)
		}
	}
}

var testPaths = []Path{
	Root.Register("r"), Root.Counter("c"), Root.PersonCounter("c"), Root.Set("s"), Root.List("l"), Root.Map("m"),
	Root.Map("m").Register("r"), Root.Map("m").Map("n").Counter("c"), Root.Map("m").List("l"), Root.Map("r"), Root.Map("m").Set(""),
}

// drawPath draws a place of the document, through an item of a list at times.
func drawPath(t *rapid.T, d *Doc) Path {
	p := rapid.SampledFrom(testPaths).Draw(t, "path")
	for p.kind() == KindList && d.Len(p) > 0 && rapid.Bool().Draw(t, "into") {
		item, _ := d.Item(p, rapid.IntRange(0, d.Len(p)-1).Draw(t, "item"))
		p = p.Item(item, rapid.SampledFrom([]Kind{KindRegister, KindCounter, KindMap, KindList}).Draw(t, "kind"))
	}
	return p
}

// drawChange draws one change at a place.
func drawChange(t *rapid.T, e *Draft, p Path) {
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0:
		if len(p) > 1 && p[:len(p)-1].kind() == KindMap && rapid.Bool().Draw(t, "above") {
			p = p[:len(p)-1]
		}
		e.Remove(p)
		return
	case 1:
		if p.kind() != KindRegister {
			e.Make(p)
			return
		}
	}
	drawContent(t, e, p)
}

func drawContent(t *rapid.T, e *Draft, p Path) {
	value := func() []byte { return []byte(rapid.SampledFrom([]string{"", "x", "yz"}).Draw(t, "value")) }
	switch p.kind() {
	case KindRegister:
		e.Set(p, value())
	case KindCounter, KindPersonCounter:
		e.Add(p, rapid.SampledFrom([]int64{1, -1, 5, 1<<63 - 1, -1 << 63}).Draw(t, "amount"))
	case KindSet:
		if rapid.Bool().Draw(t, "exclude") {
			e.Exclude(p, string(value()))
		} else {
			e.Include(p, string(value()))
		}
	case KindMap:
		e.Set(p.Register("deep"), value())
	case KindList:
		n := e.place(p).list.shown
		at := rapid.IntRange(0, n).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "in list") {
		case 0:
			e.Delete(p, at, rapid.IntRange(0, n-at).Draw(t, "count"))
		case 1:
			item := e.Place(p, at, KindMap)
			e.Set(p.Item(item, KindMap).Register("in"), value())
		default:
			for range e.Insert(p, at, value(), value()) {
			}
		}
	}
}

// drawDocHistory lets some authors write at once, each seeing what came to it so far, in any order; some go back, and
// fork their chain, or begin another.
func drawDocHistory(t *rapid.T) (all []docDelta) {
	authors := make([]*docAuthor, rapid.IntRange(1, 3).Draw(t, "authors"))
	for i := range authors {
		authors[i] = newDocAuthor(byte(i + 1))
	}
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		a := rapid.SampledFrom(authors).Draw(t, "author")
		switch step := rapid.IntRange(0, 9).Draw(t, "step"); {
		case len(all) > 0 && step < 4:
			a.hear(t, rapid.SampledFrom(all).Draw(t, "delta"))
			continue
		case len(all) > 0 && step == 4: // a backup is put back
			prev := rapid.SampledFrom(all).Draw(t, "fork at")
			if prev.Author == [32]byte{a.id} {
				a.prev = prev.Prev
			}
		}
		all = append(all, a.write(t, func(e *Draft) {
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				drawChange(t, e, drawPath(t, a.doc))
			}
		}))
	}
	return all
}

// drawListHistory lets authors write into one list alone, at few places, and into one register.
func drawListHistory(t *rapid.T) (all []docDelta) {
	authors := make([]*docAuthor, 4)
	for i := range authors {
		authors[i] = newDocAuthor(byte(i + 1))
	}
	list := Root.List("l")
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		a := rapid.SampledFrom(authors).Draw(t, "author")
		if len(all) > 0 && rapid.Bool().Draw(t, "hears") {
			a.hear(t, rapid.SampledFrom(all).Draw(t, "delta"))
			continue
		}
		all = append(all, a.write(t, func(e *Draft) {
			n := e.place(list).list.shown
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				e.Delete(list, 0, min(n, 1))
			case 1:
				e.Set(Root.Register("r"), []byte{a.id})
			default:
				e.Insert(list, rapid.IntRange(0, min(n, 3)).Draw(t, "at"), []byte{a.id})
			}
		}))
	}
	return all
}

// drawHostileDoc gives payloads whose changes name what they like.
func drawHostileDoc(t *rapid.T) (all []docDelta) {
	for i := range rapid.IntRange(1, 9).Draw(t, "deltas") {
		var prev [32]byte
		if i > 0 && rapid.Bool().Draw(t, "chained") {
			prev = rapid.SampledFrom(all).Draw(t, "prev").ID
		}
		check := checker{}
		name := func() wname {
			options := []wname{{id: [32]byte{0xee}, index: 1}, {back: 1}, {back: 2, index: 1}, {back: 9}, wedge}
			for _, d := range all {
				options = append(options, wname{id: d.ID}, wname{id: d.ID, index: 1}, wname{id: d.ID, index: 3})
			}
			if check.made > 0 {
				options = append(options, wname{index: rapid.Uint32Range(0, check.made-1).Draw(t, "own")})
			}
			return rapid.SampledFrom(options).Draw(t, "name")
		}
		var changes []change
		for range rapid.IntRange(0, 8).Draw(t, "changes") {
			c := drawHostileChange(t, name)
			if before := check; check.check(&c) == nil {
				changes = append(changes, c)
			} else {
				check = before
			}
		}
		for len(changes) > 0 && changes[len(changes)-1].kind == changeAt {
			changes = changes[:len(changes)-1]
		}
		payload, err := encodeChanges(changes)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			payload = append(payload, 0)
		}
		all = append(all, makeDocDelta(byte(rapid.IntRange(1, 3).Draw(t, "author")), rapid.Uint64Range(1, 3).Draw(t, "clock")<<8+uint64(i), prev, payload))
	}
	return all
}

func drawHostileChange(t *rapid.T, name func() wname) change {
	c := change{kind: uint8(rapid.SampledFrom([]int{changeAt, changeAt, changeAt, changeSet, changeAdd, changeInclude, changeMake,
		changeInsert, changeInsert, changePlace, changeRemove}).Draw(t, "kind"))}
	spans := func() (out []span) {
		for range rapid.IntRange(0, 2).Draw(t, "spans") {
			out = append(out, span{name(), rapid.SampledFrom([]uint32{1, 2, 1 << 31}).Draw(t, "count")})
			if out[len(out)-1].first.counts() && out[len(out)-1].first.back == 0 {
				out[len(out)-1].count = 1
			}
		}
		return out
	}
	switch c.kind {
	case changeAt:
		list := wstep{kind: KindList, key: "l"}
		item := wstep{kind: rapid.SampledFrom([]Kind{KindRegister, KindList, KindCounter}).Draw(t, "item kind")}
		c.at = rapid.SampledFrom([][]wstep{{list}, {list}, {{kind: KindCounter, key: "c"}}, {{kind: KindSet, key: "s"}},
			{{kind: KindRegister, key: "r"}}, {list, item}, {list, {kind: KindList}, item}}).Draw(t, "at")
		c.at = slices.Clone(c.at)
		for i := 1; i < len(c.at); i++ {
			c.at[i].item = name()
		}
	case changeSet, changeInclude:
		c.value, c.seen = []byte(rapid.SampledFrom([]string{"", "x"}).Draw(t, "value")), spans()
	case changeAdd:
		c.amount, c.continues = 3, name()
		if !c.continues.counts() {
			c.continues = wedge
		}
	case changeInsert:
		c.left, c.right, c.values = name(), name(), [][]byte{[]byte("a"), []byte("b")}
	case changePlace:
		c.left, c.right, c.makes = name(), name(), rapid.SampledFrom([]Kind{KindList, KindCounter}).Draw(t, "makes")
	case changeRemove:
		c.seen = spans()
	}
	return c
}

// testDocOrders folds deltas in some orders, and compares each with the naive fold.
func testDocOrders(draw func(*rapid.T) []docDelta) func(*rapid.T) {
	return func(t *rapid.T) {
		all := draw(t)
		if len(all) == 0 {
			return
		}
		for range 2 {
			doc, naive := NewDoc(), NewNaive()
			again := rapid.SliceOfN(rapid.SampledFrom(all), 0, len(all)).Draw(t, "again")
			order := rapid.Permutation(append(slices.Clone(all), again...)).Draw(t, "order")
			at := rapid.IntRange(0, len(order)).Draw(t, "asked in between")
			for i, d := range order {
				e1, e2 := doc.Apply(d.Carrier, d.payload), naive.Apply(d.Carrier, d.payload)
				if (e1 == nil) != (e2 == nil) {
					t.Fatalf("errors %v and %v", e1, e2)
				}
				if i == at { // a partition: part of the set
					compareDocs(t, doc, naive)
				}
			}
			compareDocs(t, doc, naive)
		}
	}
}

func compareDocs(t *rapid.T, doc *Doc, naive *Naive) {
	checkDoc(t, doc)
	if got, want := doc.State(), naive.State(); got != want {
		t.Fatalf("the document shows\n%s\nthe naive fold\n%s", got, want)
	}
	if doc.Root() != naive.Root() {
		t.Fatal("one state, two roots")
	}
}

// checkDoc checks what must hold inside of every document.
func checkDoc(t fataler, d *Doc) {
	t.Helper()
	var visit func(n *node, seen bool)
	inSpot := func(s *spot, seen bool) (live bool) {
		count := 0
		for _, n := range s.nodes {
			visit(n, seen)
			if n.live > 0 {
				count++
			}
		}
		if int32(count) != s.live || s.item == nil && (s.listed != (count > 0) || s.moves) {
			t.Fatalf("%d live kinds counted as %d", count, s.live)
		}
		return count > 0
	}
	visit = func(n *node, seen bool) {
		live, gone, total := 0, 0, sum{}
		for i, w := range n.writes {
			if w.gone {
				gone++
				continue
			}
			live++
			total.add(w.amount)
			if d.over(w, n.writes[(i-1)/2]) && i > 0 {
				t.Fatal("a heap of writes is out of order")
			}
		}
		if gone != n.gone || total != n.sum || len(n.writes) > 0 && n.writes[0].gone {
			t.Fatalf("%d gone counted as %d, sum %v counted as %v", gone, n.gone, total, n.sum)
		}
		keys := 0
		for _, s := range n.spots {
			if inSpot(s, seen) {
				live++
				keys++
			}
		}
		if keys != n.keys.count {
			t.Fatalf("%d keys counted as %d", keys, n.keys.count)
		}
		if n.list != nil {
			for _, it := range n.list.items {
				on := inSpot(it.spot, seen && it.placed)
				if it.self.shown != (on && it.placed) {
					t.Fatal("an item is shown, and is not live and placed, or the other way round")
				}
				if on && it.placed {
					live++
				}
			}
			checkList(t, n.list)
		}
		if live != n.live {
			t.Fatalf("%d live counted as %d", live, n.live)
		}
	}
	visit(&d.root, true)
	for _, n := range d.waiting {
		if n < 0 {
			t.Fatal("less than nothing waits")
		}
	}
}

// checkList checks the order of a list: counts, depth, and that the order is the walk of the tree.
func checkList(t fataler, l *list) {
	t.Helper()
	var walk func(m *mark, depth int) []*mark
	walk = func(m *mark, depth int) []*mark {
		if m == nil {
			return nil
		}
		was := *m
		if m.count(); was.size != m.size || was.selves != m.selves || was.shows != m.shows || m.leans() {
			t.Fatal("an order counts wrongly, or leans")
		}
		return append(append(walk(m.left, depth+1), m), walk(m.right, depth+1)...)
	}
	var want []*mark
	var visit func(it *item)
	visit = func(it *item) {
		if it.begin != nil {
			want = append(want, it.begin)
		}
		for _, c := range walk(it.lefts.root, 0) {
			visit(c.of)
		}
		want = append(want, &it.self)
		for _, c := range walk(it.rights.root, 0) {
			visit(c.of)
		}
		if it.end != nil {
			want = append(want, it.end)
		}
	}
	visit(&l.start)
	if !slices.Equal(walk(l.line.root, 0), want) {
		t.Fatal("the order is not the walk of the tree")
	}
}

func TestRule7_1_DocIsAFunctionOfTheSet(t *testing.T) {
	t.Run("honest", rapid.MakeCheck(testDocOrders(drawDocHistory)))
	t.Run("list", rapid.MakeCheck(testDocOrders(drawListHistory)))
	t.Run("hostile", rapid.MakeCheck(testDocOrders(drawHostileDoc)))
}
