package crdt

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawName(t *rapid.T, made uint32) Name {
	if made > 0 && rapid.Bool().Draw(t, "own") {
		return Name{Index: rapid.Uint32Range(0, made-1).Draw(t, "own index")}
	}
	n := Name{Index: rapid.Uint32().Draw(t, "index")}
	n.Delta[rapid.IntRange(0, 31).Draw(t, "byte")] = rapid.ByteRange(1, 255).Draw(t, "value")
	return n
}

func drawOps(t *rapid.T) []Op {
	ops := []Op{}
	isMap, made := rapid.Bool().Draw(t, "map"), uint32(0)
	for range rapid.IntRange(0, 5).Draw(t, "ops") {
		switch second := rapid.Bool().Draw(t, "second"); {
		case isMap:
			var seen []Name
			for range rapid.IntRange(0, 3).Draw(t, "seen") {
				if n := drawName(t, made); len(seen) == 0 || seen[len(seen)-1].Compare(n) < 0 {
					seen = append(seen, n)
				}
			}
			made++
			key := string(rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "key"))
			if second && len(seen) > 0 {
				ops = append(ops, Remove{key, seen})
			} else {
				ops = append(ops, Put{key, rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "value"), seen})
			}
		case second:
			d := Delete{}
			for range rapid.IntRange(1, 3).Draw(t, "ranges") {
				r := Range{First: drawName(t, made)}
				r.First.Index /= 2
				r.Count = rapid.Uint32Range(1, 1000).Draw(t, "count")
				if r.First.own() {
					r.Count = 1
				}
				d.Ranges = append(d.Ranges, r)
			}
			ops = append(ops, d)
		default:
			in := Insert{Edge, Edge, rapid.StringN(1, 10, -1).Draw(t, "text")}
			if rapid.Bool().Draw(t, "left") {
				in.Left = drawName(t, made)
			}
			if rapid.Bool().Draw(t, "right") {
				in.Right = drawName(t, made)
			}
			made += uint32(len([]rune(in.Text)))
			ops = append(ops, in)
		}
	}
	return ops
}

func TestOpsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := drawOps(t)
		payload, err := EncodeOps(ops)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeOps(payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ops, again); diff != "" {
			t.Fatal(diff)
		}
		// No byte can be changed to give the same operations.
		at := rapid.IntRange(0, len(payload)-1).Draw(t, "at")
		bent := bytes.Clone(payload)
		bent[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if other, err := DecodeOps(bent); err == nil && cmp.Equal(ops, other) {
			t.Fatalf("%x and %x are the same operations", payload, bent)
		}
		if _, err := DecodeOps(payload[:at]); err == nil {
			t.Fatalf("%x, cut to %d bytes, is a payload", payload, at)
		}
	})
}

// formatOps is format 1.
var formatOps = format[Op]{decode: DecodeOps, encode: EncodeOps, file: "testdata/payloads.txt", vectors: []vector[Op]{
	{"nothing", nil},
	{"put", []Op{Put{Key: "key", Value: []byte("value")}}},
	{"put over two", []Op{Put{Key: "k", Value: []byte{0, 255}, Seen: []Name{{[32]byte{1}, 2}, {[32]byte{1}, 300}}}}},
	{"put, remove", []Op{Put{Key: "", Value: nil}, Remove{Key: "", Seen: []Name{{}}}}},
	{"insert into nothing", []Op{Insert{Edge, Edge, "héllo"}}},
	{"insert between", []Op{Insert{Name{[32]byte{1}, 0}, Name{[32]byte{2}, 70000}, "x"}, Insert{Name{Index: 0}, Edge, "世"}}},
	{"delete", []Op{Delete{[]Range{{Name{[32]byte{1}, 5}, 24}, {Name{[32]byte{9}, 0}, 1}}}}},
}}

func TestGoldenPayloads(t *testing.T) { formatOps.golden(t) }

func TestDecodeOpsIsStrict(t *testing.T) {
	id := strings.Repeat("11", 32)
	formatOps.strict(t, map[string]badPayload{
		"no bytes":               {"", ErrMalformed},
		"not an array":           {"a0", ErrMalformed},
		"no version":             {"80", ErrMalformed},
		"version is text":        {"816131", ErrMalformed},
		"later version":          {"8102", ErrUnknown},
		"later kind":             {"82018109", ErrUnknown},
		"kind is text":           {"8201816139", ErrMalformed},
		"no kind":                {"820180", ErrMalformed},
		"trailing byte":          {"810100", ErrMalformed},
		"long head":              {"9801" + "01", ErrMalformed},
		"long version":           {"811801", ErrMalformed},
		"indefinite array":       {"9f01ff", ErrMalformed},
		"tagged":                 {"81c101", ErrMalformed},
		"put with text as key":   {"820184" + "01" + "616b" + "4176" + "80", ErrMalformed},
		"put with null value":    {"820184" + "01" + "416b" + "f6" + "80", ErrMalformed},
		"put with null seen":     {"820184" + "01" + "416b" + "4176" + "f6", ErrMalformed},
		"put of three":           {"820183" + "01" + "416b" + "4176", ErrMalformed},
		"put of five":            {"820185" + "01" + "416b" + "4176" + "80" + "00", ErrMalformed},
		"name of 31 bytes":       {"820183" + "02" + "416b" + "8182581f" + id[2:] + "00", ErrMalformed},
		"name of zeros":          {"820183" + "02" + "416b" + "81825820" + strings.Repeat("00", 32) + "00", ErrMalformed},
		"seen twice":             {"820183" + "02" + "416b" + "82" + "825820" + id + "00" + "825820" + id + "00", ErrMalformed},
		"seen unsorted":          {"820183" + "02" + "416b" + "82" + "825820" + id + "01" + "825820" + id + "00", ErrMalformed},
		"index of 33 bits":       {"820183" + "02" + "416b" + "81825820" + id + "1b0000000100000000", ErrMalformed},
		"remove of nothing":      {"820183" + "02" + "416b" + "80", ErrMalformed},
		"insert of bytes":        {"820184" + "03" + "f6f6" + "4178", ErrMalformed},
		"insert, undefined left": {"820184" + "03" + "f7f6" + "6178", ErrMalformed},
		"edge by its number":     {"820184" + "03" + "82401affffffff" + "f6" + "6178", ErrMalformed},
		"delete of edge":         {"820182" + "04" + "8183" + "401affffffff" + "01", ErrMalformed},
		"map and text":           {"830184" + "01" + "416b" + "4176" + "80" + "84" + "03" + "f6f6" + "6178", ErrMalformed},
	})
}

func TestPayloadBound(t *testing.T) {
	fits := make([]byte, MaxPayload-12)
	payload, err := EncodeOps([]Op{Put{Key: "k", Value: fits}})
	if err != nil || len(payload) != MaxPayload {
		t.Fatalf("%d bytes, %v; the test wants the greatest payload", len(payload), err)
	}
	if _, err := DecodeOps(payload); err != nil {
		t.Fatal(err)
	}
	if _, err := EncodeOps([]Op{Put{Key: "k", Value: append(fits, 0)}}); !errors.Is(err, ErrMalformed) {
		t.Fatalf("a payload of one byte more: %v", err)
	}
	if _, err := DecodeOps(append(payload, 0)); !errors.Is(err, ErrMalformed) {
		t.Fatalf("a payload of one byte more: %v", err)
	}
}

func FuzzDecodeOps(f *testing.F) {
	formatOps.seed(f, func(p []byte) { f.Add(p) })
	f.Fuzz(func(t *testing.T, b []byte) { formatOps.oneForm(t, b) })
}

// FuzzApply folds whatever bytes as a delta, before and after another: no order may differ, nothing may break.
func FuzzApply(f *testing.F) {
	formatOps.seed(f, func(p []byte) { f.Add(p, p) })
	f.Fuzz(func(t *testing.T, a, b []byte) {
		da, db := makeDelta(1, 1, a), makeDelta(2, 1, b)
		da.ID, db.ID = [32]byte{1}, [32]byte{2} // so that the inputs can name each other
		var texts [2]*Text
		var maps [2]Map
		for i, order := range [][]testDelta{{da, db, da}, {db, da, db}} {
			texts[i] = NewText()
			for _, d := range order {
				_ = texts[i].Apply(d.Delta, d.payload)
				_ = maps[i].Apply(d.Delta, d.payload)
			}
			checkText(t, texts[i])
		}
		if texts[0].state() != texts[1].state() {
			t.Fatalf("two orders differ:\n%s\n%s", texts[0].state(), texts[1].state())
		}
		if maps[0].show() != maps[1].show() {
			t.Fatalf("two orders differ:\n%s\n%s", maps[0].show(), maps[1].show())
		}
	})
}
