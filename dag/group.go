package dag

import (
	"bytes"
	"encoding/binary"
)

// A group is what one fdatasync made durable: a head, then records. All numbers are little endian:
// magic u32, count u32, size of the records u32, flags u32, number of the first record u64, synced end u64 (the position
// up to which the log was synced before it), crc of the records' crcs u32, crc of the head u32.
const (
	groupHead  = 40
	groupMagic = 0x3152474d // "MGR1"

	flagClean uint32 = 1 // the empty group of a clean stop
	flagFresh uint32 = 2 // no author goes on with a chain from before this group
)

type groupHeader struct {
	count, size, flags uint32
	first              uint64
	synced             int64
	body, crc          uint32
}

// group is a group being made for position at.
type group struct {
	log   logID
	at    int64
	buf   []byte
	sums  []byte
	count uint32
}

// newGroup begins a group in the room of a buffer, whose contents are over.
func newGroup(log logID, at int64, room []byte) *group {
	return &group{log: log, at: at, buf: append(room[:0], make([]byte, groupHead)...)}
}

func (g *group) add(kind recordKind, parts ...[]byte) Place {
	at := g.at + int64(len(g.buf))
	n := len(g.buf)
	g.buf = appendRecord(g.buf, g.log, at, kind, parts...)
	g.sums = append(g.sums, g.buf[n+8:n+12]...)
	g.count++
	return Place{Offset: at, Size: len(g.buf) - n}
}

// seal writes the head and gives the bytes of the group.
func (g *group) seal(first uint64, synced int64, flags uint32) ([]byte, uint32) {
	le := binary.LittleEndian
	h := g.buf[:groupHead]
	le.PutUint32(h, groupMagic)
	le.PutUint32(h[4:], g.count)
	le.PutUint32(h[8:], uint32(len(g.buf)-groupHead))
	le.PutUint32(h[12:], flags)
	le.PutUint64(h[16:], first)
	le.PutUint64(h[24:], uint64(synced))
	le.PutUint32(h[32:], sum(g.log, g.at, g.sums))
	crc := sum(g.log, g.at, h[:36])
	le.PutUint32(h[36:], crc)
	return g.buf, crc
}

// readGroupHeader reads a head that stands at position at; room is how many bytes follow it in its segment.
func readGroupHeader(b []byte, log logID, at, room int64) (h groupHeader, ok bool) {
	le := binary.LittleEndian
	if len(b) < groupHead || le.Uint32(b) != groupMagic || sum(log, at, b[:36]) != le.Uint32(b[36:]) {
		return h, false
	}
	h = groupHeader{
		count: le.Uint32(b[4:]), size: le.Uint32(b[8:]), flags: le.Uint32(b[12:]), first: le.Uint64(b[16:]),
		synced: int64(le.Uint64(b[24:])), body: le.Uint32(b[32:]), crc: le.Uint32(b[36:]),
	}
	return h, int64(h.size) <= room && int64(h.count)*recordHead <= int64(h.size) && h.synced >= 0 && h.synced <= at
}

// loss is a place inside a group that could not be read.
type loss struct {
	at, end int64
	reason  string
}

// records reads the records of a group whose head is good; b holds the group's records, which begin at position at. What
// fails its checksum is left out and named. A record whose length is lost too is passed by looking for the next good one. List and
// sums lend their room.
func (h groupHeader) records(b []byte, log logID, at int64, list []record, sums *[]byte) (_ []record, lost []loss) {
	b = b[:h.size]
	*sums = (*sums)[:0]
	from := len(list)
	off := 0
	for off < len(b) {
		r, size, ok := readRecord(b[off:], log, at+int64(off))
		if ok {
			list = append(list, r)
			*sums = append(*sums, b[off+8:off+12]...)
			off += size
			continue
		}
		next := off + nextRecord(b[off:], log, at+int64(off), size)
		lost = append(lost, loss{at + int64(off), at + int64(next), "a record does not match its checksum"})
		off = next
	}
	if len(lost) == 0 && (uint32(len(list)-from) != h.count || sum(log, at-groupHead, *sums) != h.body) {
		lost = append(lost, loss{at, at + int64(len(b)), "the records are not those that the group's head names"})
	}
	return list, lost
}

// nextRecord gives the distance to the next good record after a bad one that claims size, or to the end.
func nextRecord(b []byte, log logID, at int64, size int) int {
	if size > 0 {
		if _, _, ok := readRecord(b[size:], log, at+int64(size)); ok || size == len(b) {
			return size
		}
	}
	for i := 1; i <= len(b)-recordHead; i++ {
		if b[i+5]|b[i+6]|b[i+7] != 0 {
			continue
		}
		if _, _, ok := readRecord(b[i:], log, at+int64(i)); ok {
			return i
		}
	}
	return len(b)
}

// findGroup gives the offset of the first good group head in b at or after from, or -1; b begins at position base, where a
// segment of the given length begins.
func findGroup(b []byte, from int, log logID, base, length int64) int {
	magic := binary.LittleEndian.AppendUint32(nil, groupMagic)
	for from < len(b) {
		i := bytes.Index(b[from:], magic)
		if i < 0 {
			return -1
		}
		from += i
		if _, ok := readGroupHeader(b[from:], log, base+int64(from), length-int64(from)-groupHead); ok {
			return from
		}
		from++
	}
	return -1
}
