package crdt

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// shuffleTwice draws an order in which every delta comes once, and some come again.
func shuffleTwice(t *rapid.T, deltas []testDelta, label string) []testDelta {
	again := rapid.SliceOfN(rapid.SampledFrom(deltas), 0, len(deltas)).Draw(t, label+" again")
	return rapid.Permutation(append(slices.Clone(deltas), again...)).Draw(t, label)
}

// checkText checks what must hold of every text: the list is the walk of the tree, siblings are in order, and the counts
// are right.
func checkText(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, text *Text) {
	t.Helper()
	var walk []*char
	var visit func(c *char)
	visit = func(c *char) {
		for _, l := range c.lefts {
			visit(l)
		}
		walk = append(walk, c)
		for _, r := range c.rights {
			visit(r)
		}
	}
	visit(text.list[0])
	if !slices.Equal(walk, text.list) {
		t.Fatal("the list is not the walk of the tree")
	}
	place := map[*char]int{nil: len(walk)}
	shown := 0
	for i, c := range walk {
		place[c] = i
		if !c.deleted {
			shown++
		}
	}
	if shown != text.Len() || len([]rune(text.String())) != shown {
		t.Fatalf("Len is %d, %d characters are shown", text.Len(), shown)
	}
	for _, c := range walk {
		for i := 1; i < len(c.rights); i++ {
			a, b := c.rights[i-1], c.rights[i]
			if place[a.right] < place[b.right] || a.right == b.right && a.stamp().Compare(b.stamp()) < 0 {
				t.Fatal("right children are not in the reverse order of their right origins")
			}
		}
		for i := 1; i < len(c.lefts); i++ {
			if c.lefts[i-1].stamp().Compare(c.lefts[i].stamp()) < 0 {
				t.Fatal("left children are not in the order of their stamps")
			}
		}
	}
}

// state is all that a text holds, with the order of deleted characters too.
func (t *Text) state() string {
	var b []byte
	for _, c := range t.list[1:] {
		b = fmt.Appendf(b, "%v %q %v\n", c.name(), c.value, c.deleted)
	}
	return fmt.Sprintf("%s%d pending", b, t.Pending())
}

func drawPatch(t *rapid.T, length int) Patch {
	pos := rapid.IntRange(0, length).Draw(t, "pos")
	return Patch{
		Pos:     pos,
		Deleted: rapid.IntRange(0, min(4, length-pos)).Draw(t, "deleted"),
		Insert:  rapid.StringOfN(rapid.SampledFrom([]rune("abcé世\U0001F600\u0301")), 0, 4, -1).Draw(t, "insert"),
	}
}

// drawTextHistory lets some authors write at once, each seeing what came to it so far, in any order, and returns all deltas.
func drawTextHistory(t *rapid.T) []testDelta {
	authors := rapid.IntRange(1, 4).Draw(t, "authors")
	texts := make([]*Text, authors)
	clocks := make([]uint64, authors)
	for i := range texts {
		texts[i] = NewText()
	}
	var deltas []testDelta
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		a := rapid.IntRange(0, authors-1).Draw(t, "author")
		if len(deltas) > 0 && rapid.Bool().Draw(t, "hears") {
			d := rapid.SampledFrom(deltas).Draw(t, "delta")
			fold(t, texts[a], d)
			clocks[a] = max(clocks[a], d.Ms)
			continue
		}
		text := texts[a]
		want := []rune(text.String())
		var patches []Patch
		for range rapid.IntRange(1, 3).Draw(t, "patches") {
			p := drawPatch(t, len(want))
			want = slices.Concat(want[:p.Pos], []rune(p.Insert), want[p.Pos+p.Deleted:])
			patches = append(patches, p)
		}
		before := text.state()
		ops, err := text.Edit(patches...)
		if err != nil {
			t.Fatal(err)
		}
		checkText(t, text)
		if text.state() != before {
			t.Fatalf("Edit changed the text\nbefore\n%s\nafter\n%s", before, text.state())
		}
		payload, err := EncodeOps(ops)
		if err != nil {
			t.Fatal(err)
		}
		clocks[a] += rapid.Uint64Range(1, 3).Draw(t, "clock")
		d := makeDelta(byte(a+1), clocks[a], payload)
		fold(t, text, d)
		if text.String() != string(want) {
			t.Fatalf("the author's text is %q after %v, want %q", text.String(), patches, string(want))
		}
		deltas = append(deltas, d)
	}
	return deltas
}

// drawHostileText gives deltas whose operations name whatever they like: characters of other deltas that exist or not,
// a right before the left, one character as both.
func drawHostileText(t *rapid.T) []testDelta {
	var deltas []testDelta
	for i := range rapid.IntRange(1, 8).Draw(t, "deltas") {
		made := uint32(0)
		name := func() Name {
			options := []Name{{Delta: [32]byte{0xee}, Index: 1}}
			for j := range deltas {
				for k := range uint32(4) {
					options = append(options, Name{deltas[j].ID, k})
				}
			}
			for k := range made {
				options = append(options, Name{Index: k})
			}
			return rapid.SampledFrom(options).Draw(t, "name")
		}
		origin := func() Name {
			if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				return Edge
			}
			return name()
		}
		var ops []Op
		for range rapid.IntRange(0, 4).Draw(t, "ops") {
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				r := Range{name(), rapid.SampledFrom([]uint32{1, 2, 3, 1 << 31}).Draw(t, "count")}
				if r.First.own() {
					r.Count = 1
				}
				ops = append(ops, Delete{[]Range{r}})
				continue
			}
			in := Insert{origin(), origin(), rapid.SampledFrom([]string{"x", "yz", "世界!"}).Draw(t, "text")}
			made += uint32(len([]rune(in.Text)))
			ops = append(ops, in)
		}
		payload, err := EncodeOps(ops)
		if err != nil {
			t.Fatal(err)
		}
		deltas = append(deltas, makeDelta(byte(rapid.IntRange(1, 3).Draw(t, "author")),
			rapid.Uint64Range(1, 3).Draw(t, "clock")<<8+uint64(i), payload))
	}
	return deltas
}

func testTextOrders(draw func(*rapid.T) []testDelta) func(*rapid.T) {
	return func(t *rapid.T) {
		deltas := draw(t)
		if len(deltas) == 0 {
			return
		}
		var first string
		for i := range 3 {
			text := NewText()
			for _, d := range shuffleTwice(t, deltas, "order") {
				fold(t, text, d)
				checkText(t, text)
			}
			if i == 0 {
				first = text.state()
			} else if got := text.state(); got != first {
				t.Fatalf("two orders of one set differ:\n%s\nand\n%s", first, got)
			}
		}
	}
}

func TestRule7_1_TextIsAFunctionOfTheSet(t *testing.T) {
	t.Run("honest", rapid.MakeCheck(testTextOrders(drawTextHistory)))
	t.Run("hostile", rapid.MakeCheck(testTextOrders(drawHostileText)))
}
