package crdt

import (
	"errors"
	"fmt"
)

// docVersion is the first element of a payload of a Doc.
const docVersion = 2

// changeEncoder writes changes. A delta id stands once, in a table in the order of first use.
type changeEncoder struct {
	b   []byte
	ids [][32]byte
	num map[[32]byte]int
}

// encodeChanges gives the payload of changes that a Draft made.
func encodeChanges(changes []change) ([]byte, error) {
	var check checker
	for i := range changes {
		if err := check.check(&changes[i]); err != nil {
			return nil, fmt.Errorf("crdt: change %d: %w: %w", i, err, ErrMalformed)
		}
	}
	b := writeChanges(changes)
	if len(b) > MaxPayload {
		return nil, fmt.Errorf("crdt: %d changes take %d bytes, a payload at most %d; split them over several deltas, "+
			"or put the content in a blob: %w", len(changes), len(b), MaxPayload, ErrMalformed)
	}
	return b, nil
}

func writeChanges(changes []change) []byte {
	e := changeEncoder{num: map[[32]byte]int{}}
	for i := range changes {
		e.change(&changes[i])
	}
	b := appendHead(nil, majorArray, uint64(2+len(changes)))
	b = appendHead(b, majorUint, docVersion)
	b = appendHead(b, majorArray, uint64(len(e.ids)))
	for _, id := range e.ids {
		b = appendBytes(b, id[:])
	}
	return append(b, e.b...)
}

func (e *changeEncoder) change(c *change) {
	head := func(n int) {
		e.b = appendHead(e.b, majorArray, uint64(1+n))
		e.b = appendHead(e.b, majorUint, uint64(c.kind))
	}
	switch c.kind {
	case changeAt:
		head(len(c.at))
		e.steps(c.at)
	case changeSet, changeInclude:
		head(2)
		e.b = appendBytes(e.b, c.value)
		e.b = appendHead(e.b, majorArray, uint64(len(c.seen)))
		e.spans(c.seen)
	case changeAdd:
		head(2)
		e.b = appendInt(e.b, c.amount)
		e.nameOrNull(c.continues)
	case changeMake:
		head(0)
	case changeInsert:
		head(2 + len(c.values))
		e.nameOrNull(c.left)
		e.nameOrNull(c.right)
		for _, v := range c.values {
			e.b = appendBytes(e.b, v)
		}
	case changePlace:
		head(3)
		e.nameOrNull(c.left)
		e.nameOrNull(c.right)
		e.b = appendHead(e.b, majorUint, uint64(c.makes))
	case changeRemove:
		head(len(c.seen))
		e.spans(c.seen)
	}
}

func (e *changeEncoder) steps(steps []wstep) {
	in := KindMap
	for _, s := range steps {
		if in == KindList {
			e.b = appendHead(e.b, majorArray, 3)
			e.b = appendHead(e.b, majorUint, uint64(s.kind))
			e.ref(s.item)
			e.b = appendHead(e.b, majorUint, uint64(s.item.index))
		} else {
			e.b = appendHead(e.b, majorArray, 2)
			e.b = appendHead(e.b, majorUint, uint64(s.kind))
			e.b = appendBytes(e.b, []byte(s.key))
		}
		in = s.kind
	}
}

// ref writes what stands for a delta: a count back, or a place in the table below zero.
func (e *changeEncoder) ref(n wname) {
	if n.counts() {
		e.b = appendHead(e.b, majorUint, uint64(n.back))
		return
	}
	at, ok := e.num[n.id]
	if !ok {
		at = len(e.ids)
		e.num[n.id] = at
		e.ids = append(e.ids, n.id)
	}
	e.b = appendInt(e.b, ^int64(at))
}

func (e *changeEncoder) nameOrNull(n wname) {
	if n == wedge {
		e.b = append(e.b, null)
		return
	}
	e.b = appendHead(e.b, majorArray, 2)
	e.ref(n)
	e.b = appendHead(e.b, majorUint, uint64(n.index))
}

func (e *changeEncoder) spans(spans []span) {
	for _, s := range spans {
		e.b = appendHead(e.b, majorArray, 3)
		e.ref(s.first)
		e.b = appendHead(e.b, majorUint, uint64(s.first.index))
		e.b = appendHead(e.b, majorUint, uint64(s.count))
	}
}

// changeDecoder reads changes.
type changeDecoder struct {
	reader
	checker
	ids  [][32]byte
	used int
}

// decodeChanges reads a payload of a Doc. It takes only the bytes that encodeChanges gives for some changes. deep tells that
// it counts back to other deltas; names is how many names it makes.
func decodeChanges(b []byte) (changes []change, names uint32, deep bool, err error) {
	if len(b) > MaxPayload {
		return nil, 0, false, fmt.Errorf("crdt: payload of %d bytes, at most %d: %w", len(b), MaxPayload, ErrMalformed)
	}
	d := changeDecoder{reader: reader{b: b}}
	count := d.array()
	if version := d.of(majorUint); d.err == nil && version != docVersion {
		return nil, 0, false, fmt.Errorf("crdt: payload of format %d, a document reads %d: %w", version, docVersion, ErrUnknown)
	}
	d.table()
	changes = make([]change, 0, max(0, min(count-2, 8)))
	for i := 2; i < count && d.err == nil; i++ {
		c := d.change()
		if c.kind >= changeUnknown {
			return nil, 0, false, fmt.Errorf("crdt: change %d is of kind %d: %w", i-2, c.kind, ErrUnknown)
		}
		if d.err == nil {
			d.fail(d.check(&c))
		}
		if d.err != nil {
			return nil, 0, false, fmt.Errorf("crdt: change %d: %w: %w", i-2, d.err, ErrMalformed)
		}
		changes = append(changes, c)
	}
	if d.err == nil && (count < 2 || len(d.b) > 0 || d.fresh || d.used != len(d.ids)) {
		d.fail(errors.New("bytes behind the end, or an id or a path that nothing uses"))
	}
	if d.err != nil {
		return nil, 0, false, fmt.Errorf("crdt: payload of %d bytes: %w: %w", len(b), d.err, ErrMalformed)
	}
	return changes, d.made, d.deep, nil
}

// table reads the ids.
func (d *changeDecoder) table() {
	n := d.array()
	if n == 0 {
		return
	}
	seen := map[[32]byte]bool{{}: true}
	for range n {
		id := d.bytes()
		if d.err != nil {
			return
		}
		if len(id) != 32 || seen[[32]byte(id)] {
			d.fail(errors.New("table of ids with one of another length, of zeros, or twice"))
			return
		}
		seen[[32]byte(id)] = true
		d.ids = append(d.ids, [32]byte(id))
	}
}

func (d *changeDecoder) change() (c change) {
	n := d.array() - 1
	kind := d.of(majorUint)
	if d.err != nil {
		return c
	}
	c.kind = uint8(min(kind, changeUnknown))
	fits := true
	switch c.kind {
	case changeAt:
		d.steps(&c, n)
	case changeSet, changeInclude:
		if fits = n == 2; fits {
			c.value = d.bytes()
			d.spans(&c, d.array())
		}
	case changeAdd:
		if fits = n == 2; fits {
			c.amount, c.continues = d.int(), d.nameOrNull()
			fits = c.continues.counts()
		}
	case changeMake:
		fits = n == 0
	case changeInsert:
		if fits = n > 2; fits {
			c.left, c.right = d.nameOrNull(), d.nameOrNull()
			for i := 2; i < n && d.err == nil; i++ {
				c.values = append(c.values, d.bytes())
			}
		}
	case changePlace:
		if fits = n == 3; fits {
			c.left, c.right = d.nameOrNull(), d.nameOrNull()
			c.makes = d.kindOf()
		}
	case changeRemove:
		d.spans(&c, n)
	}
	if !fits {
		d.fail(fmt.Errorf("change of kind %d with %d parts", kind, n))
	}
	return c
}

func (d *changeDecoder) kindOf() Kind { return Kind(min(d.of(majorUint), 255)) }

func (d *changeDecoder) steps(c *change, n int) {
	in := KindMap
	for i := 0; i < n && d.err == nil; i++ {
		want, s := 2, wstep{}
		if in == KindList {
			want = 3
		}
		if d.array() != want {
			d.fail(fmt.Errorf("step out of a %v of another length", in))
		}
		s.kind = d.kindOf()
		if in == KindList {
			s.item = d.ref()
			s.item.index = d.uint32()
		} else {
			s.key = string(d.bytes())
		}
		c.at = append(c.at, s)
		in = s.kind
	}
}

// ref reads what stands for a delta. The table is used first to last.
func (d *changeDecoder) ref() (n wname) {
	v := d.int()
	switch at := ^v; {
	case d.err != nil:
	case v >= 1<<32 || v < 0 && (at > int64(d.used) || at >= int64(len(d.ids))):
		d.fail(fmt.Errorf("delta %d of a table of %d", v, len(d.ids)))
	case v >= 0:
		n.back = uint32(v)
	default:
		n.id = d.ids[at]
		d.used = max(d.used, int(at)+1)
	}
	return n
}

func (d *changeDecoder) nameOrNull() wname {
	if d.reader.null() {
		return wedge
	}
	if d.array() != 2 {
		d.fail(errors.New("name that is no pair"))
	}
	n := d.ref()
	n.index = d.uint32()
	if n == wedge {
		d.fail(errors.New("end by its number"))
	}
	return n
}

func (d *changeDecoder) spans(c *change, n int) {
	for i := 0; i < n && d.err == nil; i++ {
		if d.array() != 3 {
			d.fail(errors.New("removal that is not of three parts"))
		}
		s := span{first: d.ref()}
		s.first.index = d.uint32()
		s.count = d.uint32()
		c.seen = append(c.seen, s)
	}
}
