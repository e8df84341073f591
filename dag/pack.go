package dag

import (
	"encoding/binary"
	"math/bits"
)

// A payload in a page is told by what it repeats. The window is, for each delta before it in the page, the payload and the id, then as much of
// the payload as is there already: so an edit that names the delta before costs a few bytes, and so does what each edit
// of a kind has in common. A packed payload is a list of steps: a byte whose high half is a number of bytes that follow as they are,
// and whose low half is the length of a copy, less minCopy; 15 in a half says that a uvarint with the rest follows the byte, the high
// half's first. After the bytes comes the distance back to where the copy begins, as a uvarint. It may reach into
// what it makes. The last step may end with its bytes.
const (
	minCopy  = 4
	half     = 15
	maxTable = 16 // the logarithm of the slots of the writer's table
)

// window is what a writer finds repetitions in.
type window struct {
	b     []byte
	table []int32 // by the hash of 4 bytes, one more than the last place where they stood
	shift int
	out   []byte
}

func newWindow(payload, count int) window {
	log := min(maxTable, bits.Len(uint(payload+count*len(ID{}))))
	return window{b: make([]byte, 0, payload+count*len(ID{})), table: make([]int32, 1<<log), shift: 32 - log}
}

func (w *window) slot(at int) *int32 {
	return &w.table[binary.LittleEndian.Uint32(w.b[at:])*2654435761>>w.shift]
}

// pack puts a payload and the id of its delta in the window, and gives the payload packed. The result is good until the next call.
func (w *window) pack(payload []byte, id ID) []byte {
	from := len(w.b)
	w.b = append(w.b, payload...)
	w.out = w.out[:0]
	kept, misses := from, 0 // what stands from kept on is not told yet
	for at := from; at+minCopy <= len(w.b); {
		s := w.slot(at)
		was := int(*s) - 1
		*s = int32(at) + 1
		n := 0
		if was >= 0 {
			n = w.equal(was, at)
		}
		if n < minCopy {
			misses++
			at += 1 + misses>>5 // what does not repeat at all is passed faster and faster
			continue
		}
		w.step(w.b[kept:at], n, at-was)
		for k := at + 1; k < at+n && k+minCopy <= len(w.b); k++ {
			*w.slot(k) = int32(k) + 1
		}
		at += n
		kept, misses = at, 0
	}
	if kept < len(w.b) {
		w.step(w.b[kept:], 0, 0)
	}
	at := len(w.b)
	w.b = append(w.b, id[:]...)
	*w.slot(at) = int32(at) + 1
	return w.out
}

// equal counts the bytes that are the same from two places on.
func (w *window) equal(was, at int) (n int) {
	for at+n+8 <= len(w.b) {
		if x := binary.LittleEndian.Uint64(w.b[was+n:]) ^ binary.LittleEndian.Uint64(w.b[at+n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for at+n < len(w.b) && w.b[was+n] == w.b[at+n] {
		n++
	}
	return n
}

// step writes a step; one without a copy is the last.
func (w *window) step(lit []byte, n, distance int) {
	long := max(n-minCopy, 0)
	w.out = append(w.out, byte(min(len(lit), half)<<4|min(long, half)))
	if len(lit) >= half {
		w.out = binary.AppendUvarint(w.out, uint64(len(lit)-half))
	}
	if long >= half {
		w.out = binary.AppendUvarint(w.out, uint64(long-half))
	}
	w.out = append(w.out, lit...)
	if n > 0 {
		w.out = binary.AppendUvarint(w.out, uint64(distance))
	}
}

// unpack reads a packed payload of n bytes into the window.
func (r *pageReader) unpack(n int) {
	for n > 0 && r.err == nil {
		var step byte
		if s := r.bytes("a step", 1); s != nil {
			step = s[0]
		}
		lit, long := int(step>>4), int(step&half)
		if lit == half {
			lit += r.length("bytes", n)
		}
		if long == half {
			long += r.length("a copy", n)
		}
		if lit > n {
			r.fail(Malformed, "a step has %d bytes of a payload that lacks %d", lit, n)
		}
		r.win = append(r.win, r.bytes("bytes", lit)...)
		if n -= lit; n == 0 || r.err != nil {
			return
		}
		long += minCopy
		back := r.uint("a distance")
		if long > n || back == 0 || back > uint64(len(r.win)) {
			r.fail(Malformed, "a copy of %d bytes from %d back, where %d lack and %d are there", long, back, n, len(r.win))
			return
		}
		n -= long
		for from := len(r.win) - int(back); long > 0; { // when it reaches into what it makes, that repeats what is there
			k := min(long, len(r.win)-from)
			r.win = append(r.win, r.win[from:from+k]...)
			long -= k
		}
	}
}
