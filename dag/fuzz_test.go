package dag

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// FuzzDecodeGrant: what is accepted is canonical.
func FuzzDecodeGrant(f *testing.F) {
	f.Add(must(Grant{}.Encode()))
	f.Add(must(Grant{Keys: []Key{{1}, {2}}, Role: RoleAdmin}.Encode()))
	f.Add([]byte{0x82, 0x64, 'k', 'i', 'n', 'g', 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeGrant(b)
		if err != nil {
			return
		}
		if again, err := g.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, written as %x: %v", b, again, err)
		}
	})
}

// FuzzSegmentHead: a head that is accepted is within its bounds, and stands in one of its copies.
func FuzzSegmentHead(f *testing.F) {
	h := segmentHeader{log: logID{1}, number: 3, length: minSegment, first: 9, prevEnd: 3 * minSegment}
	f.Add(h.encode())
	f.Add(h.encode()[:segmentFields])
	f.Add([]byte(segmentMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeSegmentHeader(b)
		if err != nil {
			return
		}
		if h.number < 0 || h.length < minSegment || h.length > maxSegment || h.prevEnd < 0 || !bytes.Contains(b, h.encode()[:segmentFields]) {
			t.Fatalf("%+v", h)
		}
	})
}

// FuzzHome: what is accepted is what would be written.
func FuzzHome(f *testing.F) {
	f.Add(home{logID{1}, minSegment, "machine/7/1.5", ""}.encode())
	f.Add(home{logID{1}, minSegment, "mem 3", "17"}.encode())
	f.Add([]byte("merograph log 00 1 x\n00000000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := decodeHome(b)
		if !ok {
			return
		}
		if again, ok := decodeHome(h.encode()); !ok || again != h {
			t.Fatalf("%q is read as %+v, which is read as %+v", b, h, again)
		}
	})
}

// FuzzMended: what is accepted is what would be written.
func FuzzMended(f *testing.F) {
	f.Add(encodeMended(logID{1}, []spot{{0, 4136, 300, 0, "a bad place"}, {7, 9000, 40, 0xdeadbeef, "line \n and \"quote\""}}))
	f.Add(encodeMended(logID{1}, nil))
	f.Add([]byte("merograph mended 01\n"))
	b := []byte("merograph mended 01000000000000000000000000000000\n0 4136\n") // as it was once
	f.Add(fmt.Appendf(b, "%08x\n", sum(logID{1}, 0, b)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if spots := decodeMended(logID{1}, b); spots != nil && !slices.Equal(decodeMended(logID{1}, encodeMended(logID{1}, spots)), spots) {
			t.Fatalf("%q gives %v", b, spots)
		}
	})
}

// FuzzGroup writes two records and changes a byte of the group: no record is read that was not written, and what is lost is named.
func FuzzGroup(f *testing.F) {
	f.Add([]byte("one"), []byte("two"), uint16(3), byte(0))
	f.Add([]byte{}, make([]byte, 300), uint16(groupHead+2), byte(1))
	f.Add([]byte("MGR1"), []byte("x"), uint16(groupHead+recordHead+5), byte(128))
	f.Add([]byte("one"), []byte("two"), uint16(8), byte(255))
	f.Fuzz(func(t *testing.T, one, two []byte, flip uint16, xor byte) {
		const at = 5000
		g := newGroup(logID{1}, at, nil)
		g.add(recordReceived, one)
		g.add(recordWritten, two)
		b, _ := g.seal(7, segmentHead, 0)
		b = bytes.Clone(b)
		n := int(flip) % len(b)
		b[n] ^= xor
		h, ok := readGroupHeader(b, logID{1}, at, int64(len(b)-groupHead))
		if ok != (xor == 0 || n >= groupHead) {
			t.Fatalf("byte %d of %d flipped by %x: the head is good: %v", n, len(b), xor, ok)
		}
		if !ok {
			return
		}
		var sums []byte
		list, lost := h.records(b[groupHead:], logID{1}, at+groupHead, nil, &sums)
		if (len(lost) > 0) != (xor != 0) || xor == 0 && len(list) != 2 {
			t.Fatalf("byte %d flipped by %x: %d records, lost %v", n, xor, len(list), lost)
		}
		for _, r := range list {
			if !bytes.Equal(r.body, one) && !bytes.Equal(r.body, two) {
				t.Fatalf("byte %d flipped by %x: the record %x was never written", n, xor, r.body)
			}
		}
	})
}

// FuzzRecord reads any bytes as a record and as a delta in it.
func FuzzRecord(f *testing.F) {
	g := forge(Delta{Author: person("a").Public(), Nonce: bytes.Repeat([]byte{1}, 16), Ms: 5})
	f.Add(appendRecord(nil, logID{}, 0, recordWritten, deltaParts(g)...))
	f.Add(appendRecord(nil, logID{}, 0, recordJoined, make([]byte, 32)))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, size, ok := readRecord(b, logID{}, 0)
		if size > len(b) || ok && size != recordHead+len(r.body) {
			t.Fatalf("size %d of %d bytes", size, len(b))
		}
		if len(b) < recordHead {
			return
		}
		if s, ok := sealedOf(b[recordHead:]); ok {
			e, err := entryOf(b[recordHead:])
			if err == nil && (!bytes.Equal(e.Raw, s.raw) || e.Sig != nil && len(e.Sig) != SigLen) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
