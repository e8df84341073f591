package crdt

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

var (
	stepR = wstep{kind: KindRegister, key: "r"}
	stepL = wstep{kind: KindList, key: "l"}
	far   = wname{id: [32]byte{1}, index: 70000}
)

// formatChanges is format 2.
var formatChanges = format[change]{
	decode: func(b []byte) ([]change, error) {
		changes, _, _, err := decodeChanges(b)
		return changes, err
	},
	encode:  encodeChanges,
	file:    "testdata/changes.txt",
	vectors: goldenChanges,
}

var goldenChanges = []vector[change]{
	{"nothing", nil},
	{"set", []change{at(stepR), {kind: changeSet, value: []byte("value")}}},
	{"set over own chain", []change{at(stepR), {kind: changeSet, value: []byte("x"), seen: []span{{wname{back: 1, index: 2}, 1}}}}},
	{"set over others", []change{at(stepR), {kind: changeSet, value: []byte{0, 255},
		seen: []span{{far, 300}, {wname{id: [32]byte{2}}, 1}, {wname{id: [32]byte{1}}, 7}}}}},
	{"add", []change{at(wstep{kind: KindCounter, key: "c"}), {kind: changeAdd, amount: 24, continues: wedge},
		{kind: changeAdd, amount: math.MinInt64, continues: wname{back: 0, index: 0}}, {kind: changeAdd, amount: math.MaxInt64, continues: wname{back: 300, index: 9}}}},
	{"include", []change{at(wstep{kind: KindSet, key: "s"}), {kind: changeInclude, value: []byte("x")}}},
	{"make", []change{at(wstep{kind: KindMap, key: "m"}, wstep{kind: KindPersonCounter, key: ""}), {kind: changeMake}}},
	{"insert", []change{at(stepL), {kind: changeInsert, left: wedge, right: wedge, values: [][]byte{[]byte("a"), {}}},
		{kind: changeInsert, left: wname{index: 1}, right: far, values: [][]byte{[]byte("b")}}}},
	{"place and fill", []change{at(stepL), {kind: changePlace, left: far, right: wedge, makes: KindMap},
		at(stepL, wstep{kind: KindMap, item: wname{}}, stepR), {kind: changeSet, value: []byte("v")}}},
	{"remove", []change{{kind: changeRemove, seen: []span{{wname{back: 3, index: 5}, 24}}}}},
}

func TestGoldenChanges(t *testing.T) { formatChanges.golden(t) }

// TestGoldenRoot compares with a root that was made once: nodes of other versions compute it too.
func TestGoldenRoot(t *testing.T) {
	a, l, m := newDocAuthor(1), Root.List("l"), Root.Map("m")
	a.write(t, func(e *Draft) {
		e.Set(m.Map("deep").Register("r"), []byte("value"))
		e.Add(m.Counter("c"), -3)
		e.Include(Root.Set("s"), "element")
		e.Make(Root.PersonCounter(""))
		e.Insert(l, 0, []byte("one"), []byte("two"))
		e.Set(m.Map("deep").Register(strings.Repeat("k", 200)), []byte{0, 255})
		for i := range byte(20) { // more than a leaf holds
			e.Include(Root.Set("many"), string([]byte{i}))
		}
	})
	a.write(t, func(e *Draft) { e.Set(l.Item(e.Place(l, 1, KindMap), KindMap).Register("in"), nil) })
	want, err := os.ReadFile("testdata/root.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x\n", a.doc.Root()); got != string(want) {
		t.Fatalf("the root changed to %s", got)
	}
}

func TestDecodeChangesIsStrict(t *testing.T) {
	id := strings.Repeat("11", 32)
	table := "81" + "5820" + id
	r := "82" + "00" + "82" + "01" + "4172" // at the register r
	l := "82" + "00" + "82" + "06" + "416c"
	formatChanges.strict(t, map[string]badPayload{
		"no bytes":                   {"", ErrMalformed},
		"not an array":               {"a0", ErrMalformed},
		"no version":                 {"80", ErrMalformed},
		"no table":                   {"8102", ErrMalformed},
		"earlier version":            {"8101", ErrUnknown},
		"later version":              {"820380", ErrUnknown},
		"later kind":                 {"830280" + "8108", ErrUnknown},
		"later kind, large":          {"830280" + "81190100", ErrUnknown},
		"trailing byte":              {"82028000", ErrMalformed},
		"long head":                  {"98020280", ErrMalformed},
		"long number":                {"82180280", ErrMalformed},
		"indefinite array":           {"9f0280ff", ErrMalformed},
		"tagged":                     {"82c10280", ErrMalformed},
		"array beyond the end":       {"9affffffff02", ErrMalformed},
		"bytes beyond the end":       {"820281" + "5affffffff", ErrMalformed},
		"unused id":                  {"8202" + table, ErrMalformed},
		"id twice":                   {"830282" + "5820" + id + "5820" + id + "8207" + "83200001", ErrMalformed},
		"id of zeros":                {"8302" + "81" + "5820" + strings.Repeat("00", 32) + "8207" + "83200001", ErrMalformed},
		"short id":                   {"8302" + "81" + "4111" + "8207" + "83200001", ErrMalformed},
		"second id first":            {"840282" + "5820" + id + "5820" + strings.Repeat("22", 32) + "8207" + "83210001" + "8207" + "83200001", ErrMalformed},
		"id beyond the table":        {"8302" + table + "8207" + "83210001", ErrMalformed},
		"change of nothing":          {"830280" + "80", ErrMalformed},
		"kind is text":               {"830280" + "816130", ErrMalformed},
		"path that nothing uses":     {"830280" + r, ErrMalformed},
		"path twice":                 {"860280" + r + "8301" + "40" + "80" + r + "8301" + "40" + "80", ErrMalformed},
		"path to the root":           {"840280" + "8100" + "8104", ErrMalformed},
		"path to an element":         {"840280" + "82" + "00" + "82" + "07" + "4172" + "8104", ErrMalformed},
		"path through a register":    {"840280" + "83" + "00" + "82" + "01" + "4172" + "82" + "01" + "4172" + "8301" + "40" + "80", ErrMalformed},
		"key in a list":              {"840280" + "83" + "00" + "82" + "06" + "416c" + "82" + "01" + "4172" + "8301" + "40" + "80", ErrMalformed},
		"set without a path":         {"830280" + "8301" + "40" + "80", ErrMalformed},
		"set of a list":              {"840280" + l + "8301" + "40" + "80", ErrMalformed},
		"set of text":                {"840280" + r + "8301" + "60" + "80", ErrMalformed},
		"set of two parts":           {"840280" + r + "8201" + "40", ErrMalformed},
		"make of a register":         {"840280" + r + "8104", ErrMalformed},
		"insert of nothing":          {"840280" + l + "8305" + "f6f6", ErrMalformed},
		"insert at the end's number": {"840280" + l + "8405" + "82001affffffff" + "f6" + "40", ErrMalformed},
		"insert behind what comes":   {"840280" + l + "8405" + "820000" + "f6" + "40", ErrMalformed},
		"place of a register":        {"840280" + l + "8406" + "f6f6" + "01", ErrMalformed},
		"place of an element":        {"840280" + l + "8406" + "f6f6" + "07", ErrMalformed},
		"add of a float":             {"840280" + "82" + "00" + "82" + "02" + "4163" + "8302" + "f90000" + "f6", ErrMalformed},
		"add beyond 64 bits":         {"840280" + "82" + "00" + "82" + "02" + "4163" + "8302" + "1b8000000000000000" + "f6", ErrMalformed},
		"add behind another chain":   {"8402" + table + "82" + "00" + "82" + "02" + "4163" + "8302" + "01" + "822000", ErrMalformed},
		"removal of nothing":         {"830280" + "8107", ErrMalformed},
		"removal of none":            {"830280" + "8207" + "83010000", ErrMalformed},
		"removal of all and more":    {"830280" + "8207" + "8301011affffffff", ErrMalformed},
		"removal of what comes":      {"830280" + "8207" + "83000001", ErrMalformed},
		"count back of 33 bits":      {"830280" + "8207" + "831b00000001000000000001", ErrMalformed},
		"index of 33 bits":           {"830280" + "8207" + "83011b000000010000000001", ErrMalformed},
	})
	many := append([]byte{0x84, 2, 0x80, 0x82, 0, 0x82, 6, 0x41, 'l'}, appendHead(nil, majorArray, MaxParts+3)...)
	many = append(append(many, changeInsert, null, null), bytes.Repeat([]byte{0x40}, MaxParts)...)
	if _, _, _, err := decodeChanges(many); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "names and steps") {
		t.Errorf("a payload of %d names and one step: %v", MaxParts, err)
	}
	if _, _, _, err := decodeChanges(make([]byte, MaxPayload+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a payload of one byte more: %v", err)
	}
}

// checkCanonical says that a payload that decodes is the one that encodes the same, and canonical CBOR for others too.
func checkCanonical(t fataler, b []byte) {
	t.Helper()
	if !formatChanges.oneForm(t, b) {
		return
	}
	var any any
	if err := decMode.Unmarshal(b, &any); err != nil {
		t.Fatal(err)
	}
	if again, err := cbor.CoreDetEncOptions().EncMode(); err != nil {
		t.Fatal(err)
	} else if other, err := again.Marshal(any); err != nil || !bytes.Equal(other, b) {
		t.Fatalf("another codec has %x for %x, %v", other, b, err)
	}
}

func TestChangesAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, d := range drawHostileDoc(t) {
			checkCanonical(t, d.payload)
			if len(d.payload) > 0 {
				bent := bytes.Clone(d.payload)
				bent[rapid.IntRange(0, len(bent)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
				checkCanonical(t, bent)
			}
		}
	})
}

func FuzzDecodeChanges(f *testing.F) {
	formatChanges.seed(f, func(p []byte) { f.Add(p) })
	f.Fuzz(func(t *testing.T, b []byte) { checkCanonical(t, b) })
}

// FuzzFold folds whatever bytes as three deltas that can name each other, in two orders, beside the naive fold.
func FuzzFold(f *testing.F) {
	formatChanges.seed(f, func(p []byte) { f.Add(p, p, p) })
	l := []change{at(stepL), {kind: changeInsert, left: wname{back: 1, index: 1}, right: wedge, values: [][]byte{[]byte("x"), []byte("y")}},
		{kind: changeRemove, seen: []span{{wname{id: [32]byte{1}}, 1}, {wname{id: [32]byte{3}}, 9}}}}
	f.Add(writeChanges(goldenChanges[7].parts), writeChanges(l), writeChanges(l))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		if len(a)+len(b)+len(c) > 1<<10 {
			return
		}
		ds := []docDelta{makeDocDelta(1, 1, [32]byte{}, a), makeDocDelta(1, 2, [32]byte{1}, b), makeDocDelta(2, 2, [32]byte{2}, c)}
		for i := range ds {
			ds[i].ID = [32]byte{byte(i + 1)}
		}
		naive := NewNaive()
		for _, d := range ds {
			_ = naive.Apply(d.Carrier, d.payload)
		}
		for _, order := range [][]int{{0, 1, 2, 0}, {2, 1, 0, 1}} {
			doc := NewDoc()
			for _, i := range order {
				_ = doc.Apply(ds[i].Carrier, ds[i].payload)
				checkDoc(t, doc)
				doc.Root()
			}
			if doc.State() != naive.State() || doc.Root() != naive.Root() {
				t.Fatalf("the document shows\n%s\nthe naive fold\n%s", doc.State(), naive.State())
			}
		}
	})
}
