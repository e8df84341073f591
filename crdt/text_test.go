package crdt

import (
	"errors"
	"strings"
	"testing"
)

// author is one who writes in tests of texts.
type author struct {
	t     *testing.T
	id    byte
	clock uint64
	text  *Text
}

func newAuthor(t *testing.T, id byte) *author { return &author{t: t, id: id, text: NewText()} }

func (a *author) edit(patches ...Patch) testDelta {
	a.t.Helper()
	ops, err := a.text.Edit(patches...)
	if err != nil {
		a.t.Fatal(err)
	}
	payload, err := EncodeOps(ops)
	if err != nil {
		a.t.Fatal(err)
	}
	a.clock++
	d := makeDelta(a.id, a.clock, payload)
	fold(a.t, a.text, d)
	return d
}

func (a *author) hear(deltas ...testDelta) {
	a.t.Helper()
	for _, d := range deltas {
		a.clock = max(a.clock, d.Ms)
		fold(a.t, a.text, d)
		checkText(a.t, a.text)
	}
}

func (a *author) shows(want string) {
	a.t.Helper()
	if got := a.text.String(); got != want {
		a.t.Fatalf("author %d sees %q, want %q", a.id, got, want)
	}
}

// typed types letters one by one, each behind the one before, or each before it.
func (a *author) typed(pos int, word string, backward bool) (deltas []testDelta) {
	for i, r := range word {
		at := pos + i
		if backward {
			at = pos
		}
		deltas = append(deltas, a.edit(Patch{Pos: at, Insert: string(r)}))
	}
	return deltas
}

func TestRule7_3_PositionsBecomeNamesAtTheAuthorsVersion(t *testing.T) {
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	b.hear(a.edit(Patch{Insert: "hello world"}))
	da := a.edit(Patch{Pos: 0, Deleted: 6})       // "world"
	db := b.edit(Patch{Pos: 11, Insert: "!"})     // at b's version
	db2 := b.edit(Patch{Pos: 5, Insert: " good"}) // in the middle of what goes
	a.hear(db, db2)
	b.hear(da)
	a.shows(" goodworld!")
	b.shows(" goodworld!")
}

func TestRule7_3_EachPatchSeesTheOneBefore(t *testing.T) {
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	d := a.edit(
		Patch{Pos: 0, Insert: "one three"},
		Patch{Pos: 4, Insert: "two "},
		Patch{Pos: 0, Deleted: 4},
		Patch{Pos: 1, Deleted: 1, Insert: "WW"},
		Patch{Pos: 2, Deleted: 1}, // a character that this transaction made
	)
	a.shows("tWo three")
	b.hear(d)
	b.shows("tWo three")
}

func TestRule7_3_WordsAreNotInterleaved(t *testing.T) {
	for _, backward := range []bool{false, true} {
		a, b := newAuthor(t, 1), newAuthor(t, 2)
		start := a.edit(Patch{Insert: "<>"})
		b.hear(start)
		ofA, ofB := a.typed(1, "aaaa", backward), b.typed(1, "bbbb", backward)
		a.hear(ofB...)
		for i := range ofA { // in the other order
			b.hear(ofA[len(ofA)-1-i])
		}
		if got := a.text.String(); got != "<aaaabbbb>" && got != "<bbbbaaaa>" {
			t.Errorf("backward %v: %q: the words are mixed", backward, got)
		}
		b.shows(a.text.String())
	}
}

// The case in which FugueMax differs from Fugue: of two right children of one character, the one whose right origin is
// further to the right stands first.
func TestRule7_3_FugueMaxOrdersByRightOrigin(t *testing.T) {
	a, b, c := newAuthor(t, 1), newAuthor(t, 2), newAuthor(t, 3)
	start := a.edit(Patch{Insert: "L"})
	b.hear(start)
	c.hear(start)
	y := b.edit(Patch{Pos: 1, Insert: "Y"}) // right of L, right origin: the end
	x := c.edit(Patch{Pos: 1, Insert: "X"}) // the same, without seeing Y
	first := newAuthor(t, 4)
	first.hear(start, y, x)
	order := first.text.String() // LXY or LYX, by stamp
	// d sees the one that stands last only, and inserts before it: the left origin is L, whose right child the other is.
	last := map[string]testDelta{"LXY": y, "LYX": x}[order]
	d := newAuthor(t, 5)
	d.hear(start, last)
	z := d.edit(Patch{Pos: 1, Insert: "Z"})
	first.hear(z)
	want := order[:2] + "Z" + order[2:]
	first.shows(want)

	// And right children with unlike right origins, stated by hand: whichever stamp is greater.
	for _, swap := range []bool{false, true} {
		text := NewText()
		base := makeDelta(1, 1, mustEncode(t, Insert{Edge, Edge, "LM"}))
		m := Name{base.ID, 1}
		author1, author2 := byte(2), byte(3)
		if swap {
			author1, author2 = author2, author1
		}
		// Left M: right origin the end; left M too, but right origin L, which stands before M.
		far := makeDelta(author1, 2, mustEncode(t, Insert{m, Edge, "f"}))
		near := makeDelta(author2, 2, mustEncode(t, Insert{m, Name{base.ID, 0}, "n"}))
		for _, d := range []testDelta{near, base, far} {
			fold(t, text, d)
		}
		checkText(t, text)
		if got := text.String(); got != "LMfn" {
			t.Errorf("swap %v: %q, want LMfn", swap, got)
		}
	}
}

func mustEncode(t *testing.T, ops ...Op) []byte {
	t.Helper()
	b, err := EncodeOps(ops)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRule7_3_NothingIsNormalised(t *testing.T) {
	a := newAuthor(t, 1)
	const s = "e\u0301é\u212b\r\n\x00\ufffd\U0001F468\u200D\U0001F469"
	a.edit(Patch{Insert: s})
	a.shows(s)
	if n := len([]rune(s)); a.text.Len() != n {
		t.Fatalf("Len is %d, want %d code points", a.text.Len(), n)
	}
	a.edit(Patch{Pos: 1, Deleted: 1})
	a.shows("eé\u212b\r\n\x00\ufffd\U0001F468\u200D\U0001F469")
}

func TestRule7_3_InvalidUTF8IsABadPayload(t *testing.T) {
	text := NewText()
	for _, bad := range []string{"\xff", "a\xc3", "\xed\xa0\x80"} {
		if _, err := text.Edit(Patch{Insert: bad}); err == nil {
			t.Errorf("Edit takes %q", bad)
		}
		if _, err := EncodeOps([]Op{Insert{Edge, Edge, bad}}); !errors.Is(err, ErrMalformed) {
			t.Errorf("EncodeOps of %q: %v", bad, err)
		}
		payload := append([]byte{0x82, 1, 0x84, 3, 0xf6, 0xf6, 0x60 + byte(len(bad))}, bad...)
		if err := text.Apply(makeDelta(1, 1, payload).Delta, payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("Apply of %q: %v", bad, err)
		}
	}
	if text.Len() != 0 || len(text.made) != 0 {
		t.Error("a bad payload had an effect")
	}
}

func TestRule1_7_OneBadOperationSpoilsThePayload(t *testing.T) {
	text := NewText()
	good := makeDelta(1, 1, mustEncode(t, Insert{Edge, Edge, "good"}))
	fold(t, text, good)
	before := text.state()
	for name, ops := range map[string][]Op{
		"insert of nothing":     {Insert{Edge, Edge, "a"}, Insert{Edge, Edge, ""}},
		"of another type":       {Insert{Edge, Edge, "a"}, Put{Key: "k"}},
		"names itself":          {Insert{Edge, Edge, "a"}, Insert{Name{Index: 1}, Edge, "b"}},
		"deletes what comes":    {Delete{[]Range{{Name{}, 1}}}, Insert{Edge, Edge, "a"}},
		"deletes too many":      {Insert{Edge, Edge, "a"}, Delete{[]Range{{Name{}, 2}}}},
		"deletes the edge":      {Delete{[]Range{{Edge, 1}}}},
		"deletes up to edge":    {Delete{[]Range{{Name{good.ID, 5}, 1<<32 - 1}}}},
		"empty range":           {Delete{[]Range{{Name{good.ID, 0}, 0}}}},
		"delete without ranges": {Delete{}},
		"nil":                   {nil},
	} {
		if err := text.ApplyOps(makeDelta(2, 2, []byte(name)).Delta, ops); !errors.Is(err, ErrMalformed) || text.state() != before {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := EncodeOps(ops); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: encoded with error %v", name, err)
		}
	}
	if err := text.ApplyOps(Delta{}, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("delta id of zeros: %v", err)
	}
	putting := mustEncode(t, Put{Key: "k"})
	if err := text.Apply(makeDelta(3, 3, putting).Delta, putting); !errors.Is(err, ErrMalformed) || text.state() != before {
		t.Errorf("operations of a map: %v", err)
	}
}

func TestRule1_7_WhatIsNamedMayComeLater(t *testing.T) {
	a := newAuthor(t, 1)
	first := a.edit(Patch{Insert: "one"})
	second := a.edit(Patch{Pos: 3, Insert: " two"})
	third := a.edit(Patch{Pos: 0, Deleted: 4})
	a.shows("two")

	late := NewText()
	fold(t, late, third)
	if late.Pending() != 2 || late.Len() != 0 { // "one" and " " are of two deltas
		t.Fatalf("%d pending, %d shown", late.Pending(), late.Len())
	}
	fold(t, late, second) // its neighbour is missing, and a part of it is deleted already
	if late.Pending() != 2 || late.String() != "" {
		t.Fatalf("%d pending, shows %q", late.Pending(), late.String())
	}
	fold(t, late, first)
	if late.Pending() != 0 || late.String() != "two" || late.state() != a.text.state() {
		t.Fatalf("%d pending, shows %q", late.Pending(), late.String())
	}
	// A name that a held delta never made names nothing, for good.
	fold(t, late, makeDelta(2, 9, mustEncode(t, Delete{[]Range{{Name{first.ID, 3}, 7}}}, Insert{Name{first.ID, 3}, Edge, "never"})))
	if late.Pending() != 1 || late.String() != "two" {
		t.Fatalf("%d pending, shows %q", late.Pending(), late.String())
	}
}

func TestEditRefusesWhatLiesOutside(t *testing.T) {
	a := newAuthor(t, 1)
	a.edit(Patch{Insert: "four"})
	before := a.text.state()
	for _, p := range []Patch{{Pos: -1}, {Pos: 5}, {Pos: 4, Deleted: 1}, {Pos: 0, Deleted: -1}, {Pos: 1, Deleted: int(^uint(0) >> 1)}} {
		ops, err := a.text.Edit(Patch{Pos: 4, Insert: "!"}, Patch{Pos: 5, Deleted: 0}, p, Patch{})
		if p.Pos == 5 || p.Pos == 4 {
			continue // inside, after the first patch
		}
		if err == nil || ops != nil || !strings.Contains(err.Error(), "patch 3 of 4") {
			t.Errorf("%+v: %v, %v", p, ops, err)
		}
	}
	if _, err := a.text.Edit(Patch{Pos: 5}); err == nil {
		t.Error("position 5 of 4 is taken")
	}
	if a.text.state() != before {
		t.Error("Edit changed the text")
	}
	if ops, err := a.text.Edit(Patch{Pos: 2}); err != nil || len(ops) != 0 {
		t.Errorf("a patch of nothing gives %v, %v", ops, err)
	}
}

// Operations of one transaction are small: a word typed at once is one insert, a stretch deleted is one range.
func TestEditJoinsNames(t *testing.T) {
	a := newAuthor(t, 1)
	d := a.edit(Patch{Insert: "0123456789"})
	ops, err := a.text.Edit(Patch{Pos: 2, Deleted: 5, Insert: "word"})
	if err != nil {
		t.Fatal(err)
	}
	if len(ops) != 2 || len(ops[0].(Delete).Ranges) != 1 || ops[0].(Delete).Ranges[0] != (Range{Name{d.ID, 2}, 5}) {
		t.Fatalf("%v", ops)
	}
}
