package dag

import (
	"errors"
	"io"
)

// The runs of a page lie close together in the log, mostly: ahead reads a stretch at once, the longer the more of it was of use.
const (
	aheadLeast = 4 << 10
	aheadMost  = 256 << 10
)

type ahead struct {
	w    *wal
	at   int64 // where b begins in the log
	b    []byte
	next int // how much to read
}

// read gives what the log's read gives; the bytes stay.
func (a *ahead) read(p Place) (record, error) {
	if r, ok := a.within(p); ok {
		a.next = min(2*len(a.b), aheadMost)
		return r, nil
	}
	f := a.w.file(p.Offset / a.w.length)
	if f == nil || p.Size > a.next {
		return a.w.read(p)
	}
	off := p.Offset % a.w.length
	b := make([]byte, min(int64(a.next), a.w.length-off))
	n, err := f.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return a.w.read(p)
	}
	a.at, a.b, a.next = p.Offset, b[:n], aheadLeast
	if r, ok := a.within(p); ok {
		return r, nil
	}
	return a.w.read(p) // which says what is wrong
}

// within gives a record that was read already; false when it was not, or is not good.
func (a *ahead) within(p Place) (r record, ok bool) {
	off := p.Offset - a.at
	if off < 0 || off+int64(p.Size) > int64(len(a.b)) || p.Size < recordHead {
		return r, false
	}
	r, size, ok := readRecord(a.b[off:], a.w.id, p.Offset)
	return r, ok && size == p.Size
}
