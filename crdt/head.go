package crdt

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// The CBOR (RFC 8949) that payloads of a Doc are made of: integers, byte strings and arrays with the shortest heads, and null.
const (
	majorUint  = 0
	majorNeg   = 1
	majorBytes = 2
	majorArray = 4
	null       = 0xf6
)

var errShort = errors.New("payload ends early")

// appendHead writes a head in its shortest form.
func appendHead(b []byte, major byte, v uint64) []byte {
	switch m := major << 5; {
	case v < 24:
		return append(b, m|byte(v))
	case v <= math.MaxUint8:
		return append(b, m|24, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, m|25), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, m|26), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(b, m|27), v)
	}
}

func appendInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendHead(b, majorNeg, uint64(^v))
	}
	return appendHead(b, majorUint, uint64(v))
}

func appendBytes(b, v []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(v))), v...) }

// reader reads canonical CBOR. After an error it reads nothing more; what it gives shares no memory with its input.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if err == nil {
		return
	}
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// head reads a head.
func (r *reader) head() (major byte, v uint64) {
	if len(r.b) == 0 {
		r.fail(errShort)
		return 0, 0
	}
	first := r.b[0]
	r.b = r.b[1:]
	major, v = first>>5, uint64(first&31)
	if v < 24 {
		return major, v
	}
	if v > 27 {
		r.fail(errors.New("head that payloads do not have"))
		return 0, 0
	}
	size := 1 << (v - 24)
	if len(r.b) < size {
		r.fail(errShort)
		return 0, 0
	}
	v = 0
	for _, c := range r.b[:size] {
		v = v<<8 | uint64(c)
	}
	r.b = r.b[size:]
	if size == 1 && v < 24 || size > 1 && bits.Len64(v) <= size*4 {
		r.fail(errors.New("head that is not the shortest"))
		return 0, 0
	}
	return major, v
}

// of reads the head of an item of one major type.
func (r *reader) of(want byte) uint64 {
	major, v := r.head()
	if r.err == nil && major != want {
		r.fail(errors.New("item of another type"))
	}
	if r.err != nil {
		return 0
	}
	return v
}

func (r *reader) int() int64 {
	major, v := r.head()
	switch {
	case r.err != nil:
	case major > majorNeg || v > math.MaxInt64:
		r.fail(errors.New("no integer of 64 bits"))
	case major == majorNeg:
		return ^int64(v)
	default:
		return int64(v)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	v := r.of(majorUint)
	if v > math.MaxUint32 {
		r.fail(errors.New("number above 32 bits"))
		return 0
	}
	return uint32(v)
}

func (r *reader) bytes() []byte {
	n := r.of(majorBytes)
	if n > uint64(len(r.b)) {
		r.fail(errShort)
	}
	if r.err != nil {
		return nil
	}
	out := append([]byte{}, r.b[:n]...)
	r.b = r.b[n:]
	return out
}

// array reads the head of an array. Each element takes a byte at least, so a length that is given fits into what is left.
func (r *reader) array() int {
	n := r.of(majorArray)
	if n > uint64(len(r.b)) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}

// null reads a null if one is next.
func (r *reader) null() bool {
	if len(r.b) > 0 && r.b[0] == null {
		r.b = r.b[1:]
		return true
	}
	return false
}
