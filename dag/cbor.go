package dag

import (
	"encoding/binary"
	"fmt"
)

// The major types of CBOR that deltas, pages and grants are made of (RFC 8949 §3.1).
const (
	majorUint  byte = 0
	majorNeg   byte = 1
	majorBytes byte = 2
	majorText  byte = 3
	majorArray byte = 4
	majorMap   byte = 5
	majorOther byte = 7
)

// appendHead writes the shortest head of a major type with its argument.
func appendHead(b []byte, major byte, v uint64) []byte {
	major <<= 5
	switch {
	case v < 24:
		return append(b, major|byte(v))
	case v < 1<<8:
		return append(b, major|24, byte(v))
	case v < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(v))
	case v < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), v)
	}
}

func appendBytes(b, v []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(v))), v...) }

func appendText(b []byte, v string) []byte {
	return append(appendHead(b, majorText, uint64(len(v))), v...)
}

// appendID writes an id, the zero id as an empty byte string.
func appendID(b []byte, id ID) []byte {
	if id.IsZero() {
		return append(b, majorBytes<<5)
	}
	return appendBytes(b, id[:])
}

func appendInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendHead(b, majorNeg, uint64(-(v + 1)))
	}
	return appendHead(b, majorUint, uint64(v))
}

// headLen is the length of appendHead's result, in bytes.
func headLen(v uint64) int {
	switch {
	case v < 24:
		return 1
	case v < 1<<8:
		return 2
	case v < 1<<16:
		return 3
	case v < 1<<32:
		return 5
	default:
		return 9
	}
}

// reader takes canonical CBOR apart. The first fault stays in err, and everything after it gives zero values; nothing
// is allocated, what it gives points into the input.
type reader struct {
	b   []byte
	off int
	err *FormatError
}

func (r *reader) fail(reason RefuseReason, format string, args ...any) {
	if r.err == nil {
		r.err = &FormatError{Reason: reason, Detail: fmt.Sprintf(format, args...)}
	}
}

// head takes one head of any major type and checks that its argument is in the shortest form.
func (r *reader) head(what string) (major byte, v uint64) {
	if r.err != nil {
		return 0, 0
	}
	if r.off >= len(r.b) {
		r.fail(Truncated, "%s is missing at byte %d", what, r.off)
		return 0, 0
	}
	first := r.b[r.off]
	major, info := first>>5, first&31
	if info < 24 {
		r.off++
		return major, uint64(info)
	}
	if info > 27 {
		r.fail(NotCanonical, "%s at byte %d has the head 0x%x (indefinite or reserved)", what, r.off, first)
		return 0, 0
	}
	n := 1 << (info - 24)
	if len(r.b)-r.off-1 < n {
		r.fail(Truncated, "%s ends inside its head at byte %d", what, r.off)
		return 0, 0
	}
	for _, c := range r.b[r.off+1 : r.off+1+n] {
		v = v<<8 | uint64(c)
	}
	if headLen(v) != 1+n {
		r.fail(NotCanonical, "%s at byte %d is not in its shortest form", what, r.off)
		return 0, 0
	}
	r.off += 1 + n
	return major, v
}

func (r *reader) typed(what string, want byte) uint64 {
	at := r.off
	major, v := r.head(what)
	if r.err == nil && major != want {
		r.fail(Malformed, "%s at byte %d has major type %d, not %d", what, at, major, want)
		return 0
	}
	return v
}

func (r *reader) uint(what string) uint64 { return r.typed(what, majorUint) }

func (r *reader) int(what string) int64 {
	at := r.off
	major, v := r.head(what)
	if r.err == nil && (major > majorNeg || v > 1<<63-1) {
		r.fail(Malformed, "%s at byte %d is not an integer of 64 bits", what, at)
		return 0
	}
	if major == majorNeg {
		return -1 - int64(v)
	}
	return int64(v)
}

// array takes the head of an array of at most most items, each at least one byte long.
func (r *reader) array(what string, most int) int {
	n := r.typed(what, majorArray)
	if r.err == nil && n > uint64(most) {
		r.fail(TooLarge, "%s has %d items, at most %d are allowed", what, n, most)
	}
	if r.err == nil && n > uint64(len(r.b)-r.off) {
		r.fail(Truncated, "%s announces %d items in %d bytes", what, n, len(r.b)-r.off)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) str(what string, major byte, most int) []byte {
	n := r.typed(what, major)
	if r.err == nil && n > uint64(most) {
		r.fail(TooLarge, "%s has %d bytes, at most %d are allowed", what, n, most)
	}
	if r.err == nil && n > uint64(len(r.b)-r.off) {
		r.fail(Truncated, "%s announces %d bytes and %d are there", what, n, len(r.b)-r.off)
	}
	if r.err != nil {
		return nil
	}
	v := r.b[r.off : r.off+int(n) : r.off+int(n)]
	r.off += int(n)
	return v
}

func (r *reader) bytes(what string, most int) []byte { return r.str(what, majorBytes, most) }

// fixed takes a byte string of exactly size bytes, or an empty one when empty is allowed.
func (r *reader) fixed(what string, dst []byte, empty bool) {
	at := r.off
	v := r.bytes(what, len(dst))
	switch {
	case r.err != nil:
	case len(v) == len(dst):
		copy(dst, v)
	case len(v) > 0 || !empty:
		r.fail(Malformed, "%s at byte %d has %d bytes, not %d", what, at, len(v), len(dst))
	}
}

// id takes an id; the zero id may stand only as an empty byte string.
func (r *reader) id(what string, empty bool) (id ID) {
	at := r.off
	r.fixed(what, id[:], empty)
	if r.err == nil && id.IsZero() && r.off-at > 1 {
		r.fail(NotCanonical, "%s at byte %d is 32 zero bytes", what, at)
	}
	return id
}

func (r *reader) end(what string) {
	if r.err == nil && r.off != len(r.b) {
		r.fail(Malformed, "%d bytes follow %s", len(r.b)-r.off, what)
	}
}
