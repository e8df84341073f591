package dag

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

const (
	fieldsV1    = 15 // the fields of version 1
	maxFields   = 32 // and of any later one
	maxNesting  = 8  // of arrays and maps in an appended field
	domainDelta = "merograph/delta/1\x00"
)

// Encode gives the canonical encoding: deterministic CBOR (RFC 8949 §4.2.1), an array of the fields in their order, an
// absent id as an empty byte string. It does not check the delta; Decode does.
func (d *Delta) Encode() []byte {
	return d.append(make([]byte, 0, d.room()))
}

// room is as much as the encoding takes, or a little more.
func (d *Delta) room() int {
	size := 256 + len(d.Payload) + 34*len(d.Parents)
	for _, x := range d.Extra {
		size += len(x)
	}
	return size
}

func (d *Delta) append(b []byte) []byte {
	b = appendHead(b, majorArray, uint64(fieldsV1+len(d.Extra)))
	b = appendHead(b, majorUint, d.Version)
	b = appendID(b, d.Context)
	b = appendBytes(b, d.Author[:])
	b = appendID(b, d.Chain)
	b = appendHead(b, majorUint, d.Seq)
	b = appendBytes(b, d.Nonce)
	b = appendID(b, d.Prev)
	b = appendHead(b, majorArray, uint64(len(d.Parents)))
	for _, p := range d.Parents {
		b = appendBytes(b, p[:])
	}
	b = appendHead(b, majorUint, d.Ms)
	b = appendHead(b, majorUint, d.N)
	b = appendInt(b, d.Wall)
	b = appendID(b, d.Credential)
	b = appendHead(b, majorUint, d.Epoch)
	b = appendHead(b, majorUint, d.Kind)
	b = appendBytes(b, d.Payload)
	for _, x := range d.Extra {
		b = append(b, x...)
	}
	return b
}

// Decode reads a canonical encoding, and nothing else: an encoding that Encode would not give is refused, and so is a
// delta whose own fields break DATA 1.2 or 1.8. What needs the delta's past is checked on admission. The result points
// into raw. Every error is a *FormatError. Sizes are checked before memory is taken.
func Decode(raw []byte) (*Delta, error) {
	d := new(Delta)
	if err := d.decode(raw); err != nil {
		return nil, err
	}
	return d, nil
}

// decode is Decode into d, whose Parents lend their room.
func (d *Delta) decode(raw []byte) error {
	if d.quick(raw) {
		return nil
	}
	return d.slow(raw)
}

func (d *Delta) slow(raw []byte) error {
	if len(raw) > MaxEncoded {
		return &FormatError{TooLarge, fmt.Sprintf("a delta is at most %d bytes", MaxEncoded)}
	}
	*d = Delta{}
	r := reader{b: raw}
	fields := r.array("the delta", maxFields)
	d.Version = r.uint("version")
	d.Context = r.id("context", true)
	r.fixed("author", d.Author[:], false)
	d.Chain = r.id("chain", true)
	d.Seq = r.uint("seq")
	d.Nonce = r.bytes("nonce", NonceLen)
	d.Prev = r.id("prev", true)
	d.Parents = r.parents()
	d.Ms = r.uint("ms")
	d.N = r.uint("n")
	d.Wall = r.int("wall")
	d.Credential = r.id("credential", true)
	d.Epoch = r.uint("epoch")
	d.Kind = r.uint("kind")
	d.Payload = r.bytes("payload", MaxPayload)
	for i := fieldsV1; i < fields && r.err == nil; i++ {
		at := r.off
		r.item(maxNesting)
		d.Extra = append(d.Extra, r.b[at:r.off:r.off])
	}
	if r.err == nil && fields < fieldsV1 {
		r.fail(Malformed, "a delta has %d fields, not %d", fields, fieldsV1)
	}
	r.end("the delta")
	if r.err == nil {
		r.err = d.check()
	}
	if r.err != nil {
		return r.err
	}
	return nil
}

func (r *reader) parents() []ID {
	n := r.array("parents", MaxParents)
	if n == 0 {
		return nil
	}
	list := make([]ID, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		id := r.id("a parent", false)
		if i > 0 && r.err == nil && list[i-1].Compare(id) >= 0 {
			r.fail(NotCanonical, "parents are not ascending")
		}
		list = append(list, id)
	}
	return list
}

// item passes over one canonical item of a later version: integers, strings, arrays, maps with ascending keys, false,
// true and null. Tags and floating point are not canonical here.
func (r *reader) item(depth int) {
	at := r.off
	major, v := r.head("an appended field")
	if r.err != nil {
		return
	}
	switch major {
	case majorUint, majorNeg:
	case majorBytes, majorText:
		if v > uint64(len(r.b)-r.off) {
			r.fail(Truncated, "an appended field announces %d bytes and %d are there", v, len(r.b)-r.off)
			return
		}
		s := r.b[r.off : r.off+int(v)]
		r.off += int(v)
		if major == majorText && !utf8.Valid(s) {
			r.fail(NotCanonical, "an appended text at byte %d is not UTF-8", at)
		}
	case majorArray, majorMap:
		if depth == 0 {
			r.fail(TooLarge, "an appended field at byte %d nests deeper than %d", at, maxNesting)
			return
		}
		if v > uint64(len(r.b)-r.off) {
			r.fail(Truncated, "an appended field announces %d items in %d bytes", v, len(r.b)-r.off)
			return
		}
		var last []byte
		for ; v > 0 && r.err == nil; v-- {
			key := r.off
			r.item(depth - 1)
			if major == majorArray || r.err != nil {
				continue
			}
			if k := r.b[key:r.off]; last != nil && bytes.Compare(last, k) >= 0 {
				r.fail(NotCanonical, "an appended map at byte %d has keys out of order", at)
			} else {
				last = k
			}
			r.item(depth - 1)
		}
	default:
		if first := r.b[at]; first < 0xf4 || first > 0xf6 {
			r.fail(NotCanonical, "an appended field at byte %d is a tag or floating point", at)
		}
	}
}

// check applies the rules that one delta can break by itself.
func (d *Delta) check() *FormatError {
	bad := func(s string) *FormatError { return &FormatError{Malformed, s} }
	first := d.Seq == 0
	genesis := d.Kind == KindGenesis
	switch {
	case d.Version == 0:
		return bad("version 0 does not exist")
	case d.Version == Version1 && len(d.Extra) > 0:
		return bad("version 1 has no appended fields")
	case d.Ms >= MaxMs:
		return bad("ms is not before the year 9999")
	case first && (len(d.Nonce) != NonceLen || !d.Chain.IsZero() || !d.Prev.IsZero()):
		return bad("the first delta of a chain has a nonce of 16 bytes, and neither chain nor prev")
	case !first && (len(d.Nonce) != 0 || d.Chain.IsZero() || d.Prev.IsZero()):
		return bad("a later delta of a chain has no nonce, and names its chain and its prev")
	case genesis && (!first || !d.Context.IsZero() || !d.Credential.IsZero() || len(d.Parents) > 0):
		return bad("a genesis begins a chain and names neither context, credential nor parents")
	case !genesis && (d.Context.IsZero() || d.Credential.IsZero()):
		return bad("a delta names its context and its credential")
	case first && !genesis && len(d.Parents) == 0:
		return bad("the first delta of a chain names parents, or is a genesis")
	}
	for _, p := range d.Parents {
		if p == d.Prev {
			return bad("parents hold prev")
		}
	}
	return nil
}
