package dag

import "encoding/binary"

// cursor reads what most deltas are made of, in their canonical form. At anything else it turns bad, and Decode looks again
// with the reader, which knows every form and says what is wrong.
type cursor struct {
	b   []byte
	bad bool
}

// quick fills in a delta of version 1 from its canonical encoding; false says nothing about raw. It keeps what Parents has room for.
func (d *Delta) quick(raw []byte) bool {
	if len(raw) < 2 || len(raw) > MaxEncoded || raw[0] != majorArray<<5|fieldsV1 || raw[1] != byte(Version1) {
		return false
	}
	c := cursor{b: raw[2:]}
	d.Version, d.Extra = Version1, nil
	c.id(&d.Context, true)
	c.id((*ID)(&d.Author), false)
	c.id(&d.Chain, true)
	d.Seq = c.uint()
	d.Nonce = c.bytes(NonceLen)
	c.id(&d.Prev, true)
	d.Parents = c.parents(d.Parents[:0])
	d.Ms = c.uint()
	d.N = c.uint()
	d.Wall = int64(c.uint())
	c.id(&d.Credential, true)
	d.Epoch = c.uint()
	d.Kind = c.uint()
	d.Payload = c.bytes(MaxPayload)
	return !c.bad && len(c.b) == 0 && d.Wall >= 0 && d.check() == nil
}

func (c *cursor) head(major byte) uint64 {
	if len(c.b) == 0 || c.b[0]>>5 != major {
		c.bad = true
		return 0
	}
	info := c.b[0] & 31
	if info < 24 {
		c.b = c.b[1:]
		return uint64(info)
	}
	var v uint64
	size := 1 << (info - 24)
	if info > 27 || len(c.b) <= size {
		c.bad = true
		return 0
	}
	switch info {
	case 24:
		v = uint64(c.b[1])
	case 25:
		v = uint64(binary.BigEndian.Uint16(c.b[1:]))
	case 26:
		v = uint64(binary.BigEndian.Uint32(c.b[1:]))
	default:
		v = binary.BigEndian.Uint64(c.b[1:])
	}
	c.bad = c.bad || headLen(v) != 1+size
	c.b = c.b[1+size:]
	return v
}

func (c *cursor) uint() uint64 { return c.head(majorUint) }

func (c *cursor) bytes(most int) []byte {
	n := c.head(majorBytes)
	if n > uint64(most) || n > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// id takes 32 bytes, or none when empty is allowed.
func (c *cursor) id(id *ID, empty bool) {
	const size = len(ID{})
	if len(c.b) >= 2+size && c.b[0] == majorBytes<<5|24 && c.b[1] == byte(size) {
		*id = ID(c.b[2:])
		c.b = c.b[2+size:]
		c.bad = c.bad || empty && id.IsZero()
		return
	}
	*id = ID{}
	if empty && len(c.b) > 0 && c.b[0] == majorBytes<<5 {
		c.b = c.b[1:]
		return
	}
	c.bad = true
}

func (c *cursor) parents(list []ID) []ID {
	n := c.head(majorArray)
	if n == 0 || n > MaxParents || n > uint64(len(c.b)) {
		c.bad = c.bad || n != 0
		return nil
	}
	if uint64(cap(list)) < n {
		list = make([]ID, 0, n)
	}
	for i := range int(n) {
		list = list[:i+1]
		c.id(&list[i], false)
		c.bad = c.bad || list[i].IsZero() || i > 0 && list[i-1].Compare(list[i]) >= 0
	}
	return list
}
