package dag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// mostChunk bounds the memory that one delta of a page keeps from being freed, when the others are not kept.
const mostChunk = 8 << 10

// pageReader takes a page apart and rebuilds its deltas. The first fault stays in err. It takes memory for what the page has, not
// for what it announces.
type pageReader struct {
	b, whole []byte
	err      *FormatError
	ctx      ID
	names    []ID
	ids      []ID // of the deltas that were read
	branches []branch
	past     moment
	chunk    []byte // room for canonical encodings, which do not move
	rebuilt  int    // the length of all that were read
	win      []byte // as pack.go tells
	d        *Delta // the one being read
	made     []made
	sig      []byte
	list     []arrival
}

// PageDeltas gives how many deltas a page says that it has; 0 of what is no page.
func PageDeltas(page []byte) int {
	if len(page) < pageHead-3 || page[0] != pageVersion {
		return 0
	}
	n, _ := binary.Uvarint(page[pageHead-3:])
	return int(min(n, MaxPageDeltas))
}

// PageLast gives the id of the last delta of a page: of a batch, the end of its run. It is false of what is no page, or an empty one.
// The page is decoded whole; nothing of it is verified but its form.
func PageLast(page []byte) (ID, bool) {
	list, err := decodePage(page)
	if err != nil || len(list) == 0 {
		return ID{}, false
	}
	return list[len(list)-1].e.ID, true
}

// decodePage reads a page and gives its deltas in the page's order. A page that is over its bounds, cut short, or has
// a delta that Decode refuses, is refused whole.
func decodePage(b []byte) ([]arrival, *FormatError) {
	if len(b) > MaxPage {
		return nil, &FormatError{TooLarge, fmt.Sprintf("a page of %d bytes, at most %d are allowed", len(b), MaxPage)}
	}
	r := pageReader{b: b, whole: b}
	left := r.head()
	r.ids = make([]ID, 0, left)
	r.list = make([]arrival, 0, left)
	r.win = make([]byte, 0, min(2*len(b)+len(ID{})*left, MaxPageRebuilt))
	for left > 0 && r.err == nil {
		left -= r.run(left)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail(Malformed, "%d bytes follow the page", len(r.b))
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.list, nil
}

func (r *pageReader) fail(reason RefuseReason, format string, args ...any) {
	if r.err == nil {
		where := fmt.Sprintf("at byte %d, delta %d: ", len(r.whole)-len(r.b), len(r.ids))
		r.err = &FormatError{Reason: reason, Detail: where + fmt.Sprintf(format, args...)}
	}
	r.b = nil
}

// head reads what stands before the runs, and gives the number of deltas.
func (r *pageReader) head() int {
	if len(r.b) > 0 && r.b[0] != pageVersion {
		r.fail(Malformed, "the page is of version %d, this program knows version %d", r.b[0], pageVersion)
		return 0
	}
	r.bytes("the version", 1)
	copy(r.ctx[:], r.bytes("the context", len(r.ctx)))
	r.names = append(r.names, r.ctx)
	n := r.uint("the number of deltas")
	switch {
	case r.err != nil:
	case n == 0:
		r.fail(Malformed, "the page has no deltas")
	case n > MaxPageDeltas:
		r.fail(TooLarge, "the page has %d deltas, at most %d are allowed", n, MaxPageDeltas)
	case n*minDelta > uint64(len(r.b)):
		r.fail(Truncated, "the page announces %d deltas in %d bytes", n, len(r.b))
	default:
		return int(n)
	}
	return 0
}

func (r *pageReader) uint(what string) uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		if n == 0 {
			r.fail(Truncated, "%s is cut short", what)
		}
		r.fail(Malformed, "%s is over 64 bits", what)
		return 0
	}
	r.b = r.b[n:]
	return v
}

// length reads how much of something follows, each at least one byte long.
func (r *pageReader) length(what string, most int) int {
	n := r.uint(what)
	if n > uint64(most) {
		r.fail(TooLarge, "%s: %d, at most %d are allowed", what, n, most)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// bytes reads n bytes, which point into the page.
func (r *pageReader) bytes(what string, n int) []byte {
	if n > len(r.b) {
		r.fail(Truncated, "%s is cut short", what)
	}
	if r.err != nil {
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *pageReader) name(what string) (id ID) {
	v := r.uint(what)
	switch n := v >> 1; {
	case r.err != nil:
	case v == 0:
		copy(id[:], r.bytes(what, len(id)))
		r.names = append(r.names, id)
	case v&1 != 0 && n < uint64(len(r.names)):
		return r.names[n]
	case v&1 == 0 && n <= uint64(len(r.ids)):
		return r.ids[uint64(len(r.ids))-n]
	default:
		r.fail(Malformed, "%s is number %d of %d names and %d deltas before", what, v, len(r.names), len(r.ids))
	}
	return id
}

// run reads a stretch of one branch and gives its length.
func (r *pageReader) run(left int) int {
	at := r.uint("a branch")
	switch {
	case r.err != nil:
		return 0
	case at == 0:
		r.branches = append(r.branches, r.open())
		at = uint64(len(r.branches))
	case at > uint64(len(r.branches)):
		r.fail(Malformed, "a run goes on with branch %d of %d", at, len(r.branches))
		return 0
	}
	n := r.length("the deltas of a run", left)
	if r.err == nil && n == 0 {
		r.fail(Malformed, "a run is empty")
	}
	b := &r.branches[at-1]
	for range n {
		if r.delta(b); r.err != nil {
			return 0
		}
		r.keep(b, int(at-1))
	}
	return n
}

func (r *pageReader) open() branch {
	b := newBranch(r.ctx, r.past)
	b.author = r.name("an author")
	if b.seq = r.uint("a seq"); b.seq == 0 {
		b.nonce = r.bytes("a nonce", NonceLen)
	} else {
		b.chain, b.prev = r.name("a chain"), r.name("a prev")
	}
	return b
}

// delta reads the next delta of a branch into r.d.
func (r *pageReader) delta(b *branch) {
	var flags byte
	if f := r.bytes("the flags", 1); f != nil {
		flags = f[0]
	}
	d := r.next()
	d.Version, d.Context, d.Author, d.Chain, d.Seq = b.version, r.ctx, Key(b.author), b.chain, b.seq
	d.Nonce, d.Prev, d.Ms = b.nonce, b.prev, b.past.ms
	d.Credential, d.Epoch, d.Kind = b.credential, b.epoch, b.kind
	if flags&flagMoved != 0 {
		d.Ms += unzigzag(r.uint("ms"))
	}
	if d.N = b.past.follow(d.Ms); flags&flagCount != 0 {
		d.N = r.uint("n")
	}
	if d.Wall = int64(d.Ms); flags&flagWall != 0 {
		d.Wall = b.past.wall + int64(unzigzag(r.uint("wall")))
	}
	if flags&flagHead != 0 {
		d.Version, d.Kind, d.Epoch = r.uint("a version"), r.uint("a kind"), r.uint("an epoch")
		if d.Kind != KindGenesis {
			d.Credential = r.name("a credential")
		}
	}
	if d.Kind == KindGenesis {
		d.Context, d.Credential = ID{}, ID{}
	}
	if flags&flagParents != 0 {
		n := r.length("the parents", MaxParents)
		d.Parents = slices.Grow(d.Parents, n)
		for range n {
			d.Parents = append(d.Parents, r.name("a parent"))
		}
	}
	if flags&flagExtra != 0 {
		for range r.length("the appended fields", maxFields-fieldsV1) {
			d.Extra = append(d.Extra, r.bytes("an appended field", r.length("an appended field", MaxEncoded)))
		}
	}
	r.payload(flags&flagPacked != 0)
	r.sig = nil
	if flags&flagSigned != 0 {
		r.sig = r.bytes("a signature", SigLen)
	}
}

// payload reads the payload into the window, once it is known that there is room for the delta.
func (r *pageReader) payload(packed bool) {
	n := r.length("a payload", MaxPayload)
	if r.take(n + len(r.d.Parents)*len(ID{})); r.err != nil {
		return
	}
	from := len(r.win)
	if more := n + len(ID{}); cap(r.win)-from < more {
		r.win = append(make([]byte, 0, max(2*cap(r.win), from+more)), r.win...)
	}
	if packed {
		r.unpack(n)
	} else {
		r.win = append(r.win, r.bytes("a payload", n)...)
	}
	r.d.Payload = r.win[from:]
}

// take counts rebuilt bytes, of payloads before there is memory for them.
func (r *pageReader) take(n int) {
	if r.rebuilt += n; r.rebuilt > MaxPageRebuilt {
		r.fail(TooLarge, "the deltas have more than %d bytes", MaxPageRebuilt)
	}
}

// keep rebuilds the delta that was read, and names it.
func (r *pageReader) keep(b *branch, at int) {
	raw := r.encode()
	if r.take(len(raw) - len(r.d.Payload) - len(r.d.Parents)*len(ID{})); r.err != nil {
		return
	}
	e := r.entry(raw)
	if r.err != nil {
		return
	}
	b.pass(e.ID, e.Delta)
	r.past = b.past
	r.win = append(r.win, e.ID[:]...)
	r.ids = append(r.ids, e.ID)
	r.list = append(r.list, arrival{e, at})
}

// made is an entry and its delta, made together with some others.
type made struct {
	e Entry
	d Delta
}

// next gives the delta that is read next.
func (r *pageReader) next() *Delta {
	if len(r.made) == cap(r.made) {
		r.made = make([]made, 0, min(1+2*cap(r.made), mostChunk/512))
	}
	r.made = r.made[:len(r.made)+1]
	r.d = &r.made[len(r.made)-1].d
	return r.d
}

// entry gives the entry of the delta that was read. It is what Decode makes of raw, which need not be looked at again in the usual case.
func (r *pageReader) entry(raw []byte) *Entry {
	e := &r.made[len(r.made)-1].e
	*e = Entry{Delta: r.d, Raw: raw, Sig: bytes.Clone(r.sig)}
	if r.d.Version == Version1 && r.d.Seq > 0 && r.d.ascending() && r.d.check() == nil {
		r.d.Nonce, r.d.Payload = raw[:0:0], raw[len(raw)-len(r.d.Payload):]
	} else if err := r.d.decode(raw); err != nil {
		ferr := err.(*FormatError) // Decode gives no other
		r.fail(ferr.Reason, "%s", ferr.Detail)
	}
	e.ID = HashID(raw)
	return e
}

// ascending tells whether the parents are ids in their order.
func (d *Delta) ascending() bool {
	for i, p := range d.Parents {
		if p.IsZero() || i > 0 && d.Parents[i-1].Compare(p) >= 0 {
			return false
		}
	}
	return true
}

// encode gives the canonical encoding of the delta that was read.
func (r *pageReader) encode() []byte {
	if size := r.d.room(); cap(r.chunk)-len(r.chunk) < size {
		r.chunk = make([]byte, 0, max(size, min(2*cap(r.chunk), mostChunk)))
	}
	from := len(r.chunk)
	r.chunk = r.d.append(r.chunk)
	return r.chunk[from:len(r.chunk):len(r.chunk)]
}
