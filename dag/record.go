package dag

import (
	"encoding/binary"
	"hash/crc32"
)

// The kinds of record in a log. docs/formats/log.md has the bytes.
type recordKind byte

const (
	recordReceived recordKind = 1 // a delta that was received: signature or none, raw
	recordWritten  recordKind = 2 // a delta that this node wrote: the same
	recordWitness  recordKind = 3 // context, id, signature: a witness that came after its delta
	recordJoined   recordKind = 4 // context: a context learned by its id
	recordProof    recordKind = 5 // context, id, what follows the delta in its run: what proves it when that is not admitted
)

const (
	recordHead = 12            // size u32, kind u8, three zeros, crc u32; little endian
	maxRecord  = 64 + maxProof // a proof is the longest
	sumSeed    = 24            // log id and position, before what a checksum covers
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the CRC32C of the log's id, a position and the parts.
func sum(log logID, at int64, parts ...[]byte) uint32 {
	var seed [sumSeed]byte
	copy(seed[:], log[:])
	binary.LittleEndian.PutUint64(seed[16:], uint64(at))
	c := crc32.Update(0, castagnoli, seed[:])
	for _, p := range parts {
		c = crc32.Update(c, castagnoli, p)
	}
	return c
}

// appendRecord writes a record that will stand at position at; the body is the concatenation of parts.
func appendRecord(b []byte, log logID, at int64, kind recordKind, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	head := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = append(b, byte(kind), 0, 0, 0, 0, 0, 0, 0)
	for _, p := range parts {
		b = append(b, p...)
	}
	crc := sum(log, at, b[head:head+8], b[head+recordHead:])
	binary.LittleEndian.PutUint32(b[head+8:], crc)
	return b
}

// record is a record that was read: its body points into the buffer.
type record struct {
	kind  recordKind
	place Place
	body  []byte
}

// readRecord reads the record at the beginning of b, which stands at position at; ok is false when it is not whole or
// does not match its checksum. Size, when it is possible at all, is what the record claims.
func readRecord(b []byte, log logID, at int64) (r record, size int, ok bool) {
	if len(b) < recordHead {
		return r, 0, false
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxRecord || int(n) > len(b)-recordHead {
		return r, 0, false
	}
	size = recordHead + int(n)
	r = record{kind: recordKind(b[4]), place: Place{Offset: at, Size: size}, body: b[recordHead:size]}
	return r, size, sum(log, at, b[:8], r.body) == binary.LittleEndian.Uint32(b[8:])
}

// deltaParts are the parts of the body of a received or written delta.
func deltaParts(e *Entry) [][]byte {
	return [][]byte{{byte(len(e.Sig))}, e.Sig, e.Raw}
}

// sealed is one delta as a log carries it: its bytes, and a signature or none.
type sealed struct {
	raw, sig []byte
}

// sealedOf splits such a body; the signature is empty or SigLen long.
func sealedOf(body []byte) (s sealed, ok bool) {
	if len(body) < 1 || body[0] != 0 && body[0] != SigLen || len(body) < 1+int(body[0]) {
		return s, false
	}
	n := 1 + int(body[0])
	return sealed{raw: body[n:len(body):len(body)], sig: body[1:n:n]}, true
}

// entryOf reads such a body. The hash names the delta; the record's checksum stands for the bytes.
func entryOf(body []byte) (*Entry, error) {
	s, ok := sealedOf(body)
	if !ok {
		return nil, &FormatError{Malformed, "a delta's record has no signature of 0 or 64 bytes"}
	}
	if len(s.sig) == 0 {
		s.sig = nil
	}
	return NewEntry(s.raw, s.sig)
}
