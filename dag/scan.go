package dag

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// scanned is one segment as it was read: its groups in order, with what is bad between and in them.
type scanned struct {
	buf     []byte // from the beginning of the file to the last byte that is not zero
	base    int64  // position of the file's first byte
	groups  []span
	records []record // of all groups
	sums    []byte
	synced  int64 // the greatest synced end that a good head names
}

// span is a group with a good head, or bad bytes between groups (bad is not empty and head is zero).
type span struct {
	at, end  int64
	head     groupHeader
	from, to int // its records in scanned.records
	lost     []loss
	bad      string
}

func (s *span) whole() bool { return s.bad == "" && len(s.lost) == 0 }

// readSegment reads a file up to its last byte that is not zero, into buf when that has room.
func readSegment(f File, length int64, buf []byte) ([]byte, error) {
	n, err := f.Written()
	if err != nil {
		return nil, err
	}
	if n = min(n, length); int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := f.ReadAt(buf, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	end := len(buf)
	for end >= segmentHead && bytes.Equal(buf[end-segmentHead:end], zeros[:segmentHead]) {
		end -= segmentHead
	}
	for end > 0 && buf[end-1] == 0 {
		end--
	}
	return buf[:end], nil
}

// scan takes a segment apart. to is where its groups are known to end (the next segment names it), or -1. The room of last, an
// earlier result or nil, is used again.
func (w *wal) scan(n int64, buf []byte, to int64, last *scanned) *scanned {
	s := &scanned{buf: buf, base: n * w.length}
	if last != nil {
		s.groups, s.records, s.sums = last.groups[:0], last.records[:0], last.sums
	}
	end := len(buf)
	if to >= 0 {
		end = int(min(max(to-s.base, 0), w.length))
		if end > len(buf) { // the groups ended in zeros, or what stood there is gone
			buf = append(make([]byte, 0, end), buf...)[:end]
		}
	}
	buf = buf[:end:end]
	s.buf = buf
	// A head, or the end of the last group, may itself end in zeros that were trimmed.
	at := func(off int) []byte {
		if off+groupHead <= len(buf) || off >= len(buf) {
			return buf[off:]
		}
		return append(append(make([]byte, 0, groupHead), buf[off:]...), make([]byte, groupHead)...)[:groupHead]
	}
	for off := segmentHead; off < end; {
		h, ok := readGroupHeader(at(off), w.id, s.base+int64(off), w.length-int64(off)-groupHead)
		if !ok {
			next := findGroup(buf, off+1, w.id, s.base, w.length)
			if next < 0 {
				next = end
			}
			s.groups = append(s.groups, span{at: s.base + int64(off), end: s.base + int64(next),
				bad: "no group begins here"})
			off = next
			continue
		}
		g := span{at: s.base + int64(off), end: s.base + int64(off+groupHead) + int64(h.size), head: h, from: len(s.records)}
		if stop := int(g.end - s.base); stop > len(buf) {
			buf = append(make([]byte, 0, stop), buf...)[:stop]
			s.buf = buf
		}
		s.records, g.lost = h.records(buf[off+groupHead:], w.id, g.at+groupHead, s.records, &s.sums)
		g.to = len(s.records)
		s.groups = append(s.groups, g)
		s.synced = max(s.synced, h.synced)
		off = int(g.end - s.base)
	}
	return s
}

// damage lists what cannot be used of a segment's groups.
func (w *wal) damage(s *scanned) (list []Damage) {
	add := func(at, end int64, reason string) {
		list = append(list, Damage{Segment: int(at / w.length), Offset: at % w.length, Size: end - at, Reason: reason})
	}
	for i := range s.groups {
		if s.groups[i].bad != "" {
			add(s.groups[i].at, s.groups[i].end, s.groups[i].bad)
		}
		for _, l := range s.groups[i].lost {
			add(l.at, l.end, l.reason)
		}
	}
	return list
}

// cut takes the torn tail off the last segment: from the first bad group at or after the synced end. What is cut is
// zeroed and synced, and the last group is written again: the caller syncs that.
func (w *wal) cut(f File, s *scanned, synced int64, rec *Recovery) error {
	end := s.base + segmentHead
	for i := range s.groups {
		g := &s.groups[i]
		if g.whole() || g.end <= synced || g.at < synced {
			end = g.end
			continue
		}
		rec.Cut, rec.CutBytes = true, s.base+int64(len(s.buf))-g.at
		rec.Reason = fmt.Sprintf("the group at %s byte %d was not written whole", segmentName(g.at/w.length), g.at%w.length)
		s.groups = s.groups[:i]
		zero := make([]byte, rec.CutBytes)
		if _, err := f.WriteAt(zero, g.at-s.base); err != nil {
			return fmt.Errorf("dag: log: zero the torn tail of %s: %w", segmentName(s.base/w.length), err)
		}
		if err := f.Fdatasync(); err != nil {
			return fmt.Errorf("dag: log: sync the cut of %s: %w", segmentName(s.base/w.length), err)
		}
		break
	}
	w.end = end
	if len(s.groups) == 0 {
		return nil
	}
	if g := &s.groups[len(s.groups)-1]; g.whole() {
		if _, err := f.WriteAt(s.buf[g.at-s.base:g.end-s.base], g.at-s.base); err != nil {
			return fmt.Errorf("dag: log: write the last group of %s again: %w", segmentName(s.base/w.length), err)
		}
	}
	return nil
}
