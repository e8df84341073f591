package dag

import "fmt"

// replay reads the log back into a new journal.
type replay struct {
	j     *Journal
	rec   *Recovery
	proof Mark  // of the index, when it is of this log: synced up to its end
	after int64 // the index has everything before this position
	at    int64 // position of the record being read
	batch []Located
	size  int  // bytes that the batch keeps in memory
	mark  Mark // of the last group in the batch
	clean bool
	each  func(Record) error // sees the good records, or nil
	quiet bool               // nobody is told of deltas
	delta Delta              // for those that nobody is told of
	c     *context           // of the delta before
	s     *scanned           // the segment before
	buf   []byte
	// of the group being read
	told  map[*context][]*Entry
	order []*context
}

// recover reads every segment, cuts the torn tail of the last, and stands ready to append.
func (j *Journal) recover(heads []segmentHeader, rec *Recovery, each func(Record) error) error {
	r := &replay{j: j, rec: rec, each: each, clean: true, told: make(map[*context][]*Entry)}
	r.quiet = j.o.Observer == Observer(nobody{})
	w := j.w
	last := int64(len(heads) - 1)
	if err := r.checkMark(); err != nil {
		return err
	}
	for n := int64(0); n <= last; n++ {
		f := w.file(n)
		if f == nil {
			continue
		}
		buf, err := readSegment(f, w.length, r.buf)
		if err != nil {
			return fmt.Errorf("dag: log: read %s: %w", segmentName(n), err)
		}
		r.buf = buf
		to := int64(-1)
		if n < last && heads[n+1].length != 0 && (heads[n+1].prevEnd-1)/w.length == n {
			to = heads[n+1].prevEnd
		}
		s := w.scan(n, buf, to, r.s)
		r.s = s
		if n == last {
			torn := heads[n].length == 0 && s.synced == 0
			if err := r.lastSegment(f, s, heads[n], torn); err != nil {
				return err
			}
		} else {
			w.end = s.end(to)
		}
		rec.Damage = append(rec.Damage, w.damage(s)...)
		if err := r.segment(s); err != nil {
			return err
		}
	}
	if err := r.flushIndex(); err != nil {
		return err
	}
	return r.finish(len(heads) > 0)
}

// checkMark asks the index where it stands, and resets it when that is not in this log.
func (r *replay) checkMark() error {
	w, x := r.j.w, r.j.o.Index
	m, err := x.Mark()
	if err != nil {
		return fmt.Errorf("dag: open: index: %w", err)
	}
	if m.Log == w.id {
		r.proof = m
	}
	switch {
	case m == (Mark{}):
		return nil
	case w.holds(m):
		r.after = m.End
		return nil
	}
	r.rec.Rebuilt = true
	if err := x.Reset(); err != nil {
		return fmt.Errorf("dag: open: reset the index: %w", err)
	}
	return nil
}

// holds tells whether the group that a mark names stands in this log.
func (w *wal) holds(m Mark) bool {
	f := w.file(m.Start / w.length)
	if f == nil || m.Log != w.id || m.Start < segmentHead {
		return false
	}
	b := make([]byte, groupHead)
	off := m.Start % w.length
	if _, err := f.ReadAt(b, off); err != nil {
		return false
	}
	h, ok := readGroupHeader(b, w.id, m.Start, w.length-off-groupHead)
	return ok && h.crc == m.CRC && m.Start+groupHead+int64(h.size) == m.End
}

// end is the position after the segment's last group; to is as in scan.
func (s *scanned) end(to int64) int64 {
	if n := len(s.groups); to < 0 && n > 0 { // the next head is lost: what is here was synced before that segment began
		to = s.groups[n-1].end
	}
	return max(s.base+segmentHead, to)
}

// lastSegment cuts the tail, and makes the segment's head and name durable: after a failed sync they may be seen without
// being so. A segment whose head and groups never reached the disk is begun again.
func (r *replay) lastSegment(f File, s *scanned, h segmentHeader, torn bool) error {
	w := r.j.w
	before := w.end
	if err := w.cut(f, s, max(r.proof.End, s.synced, h.prevEnd), r.rec); err != nil {
		return err
	}
	switch {
	case torn && len(s.groups) == 0:
		end := w.end
		w.end = before
		if err := w.writeHead(s.base / w.length); err != nil {
			return err
		}
		w.end = end
	case h.length == 0:
		r.rec.Damage = append(r.rec.Damage, Damage{Segment: int(s.base / w.length), Size: segmentHead, Reason: errNoHeader.Error()})
		if err := f.Fdatasync(); err != nil {
			return fmt.Errorf("dag: log: sync %s: %w", segmentName(s.base/w.length), err)
		}
	default:
		return w.saveHead(f, h)
	}
	return nil
}

// segment replays the groups of a segment.
func (r *replay) segment(s *scanned) error {
	w := r.j.w
	for i := range s.groups {
		g := &s.groups[i]
		if g.bad != "" {
			r.clean = false
			continue
		}
		r.clean = g.head.flags&flagClean != 0
		if g.head.flags&flagFresh != 0 {
			r.j.endChains()
		}
		w.sequence = max(w.sequence, g.head.first+uint64(g.head.count)-1)
		w.flags = g.head.flags
		w.last = Mark{Log: w.id, Start: g.at, End: g.end, CRC: g.head.crc, Sequence: w.sequence}
		for k := range s.records[g.from:g.to] {
			if err := r.show(g, k); err != nil {
				return err
			}
			if err := r.record(&s.records[g.from+k]); err != nil {
				return err
			}
		}
		r.j.synced = w.last
		if len(r.batch) > 0 && g.head.count > 0 {
			r.mark = w.last
		}
		for _, c := range r.order {
			c.synced = uint32(c.g.Len())
			if g.at >= r.after {
				r.j.o.Observer.Synced(c.id, r.told[c], w.last)
			}
			delete(r.told, c)
		}
		r.order = r.order[:0]
		if len(r.batch) >= 4096 || r.size >= maxGroup {
			if err := r.flushIndex(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *replay) flushIndex() error {
	if len(r.batch) == 0 {
		return nil
	}
	if err := r.j.o.Index.Put(r.batch, r.mark); err != nil {
		return fmt.Errorf("dag: open: index: %w", err)
	}
	r.batch, r.size = nil, 0
	return nil
}

// finish ends chains that may not go on, and durably so, and marks the log as open.
func (r *replay) finish(existed bool) error {
	j, w := r.j, r.j.w
	rec := r.rec
	if r.proof.End > w.end {
		rec.Damage = append(rec.Damage, Damage{Segment: int(w.end / w.length), Offset: w.end % w.length, Size: r.proof.End - w.end,
			Reason: "the log ends before what the index had seen synced", proof: r.proof})
	}
	if err := w.forgive(rec); err != nil {
		return err
	}
	rec.Clean = r.clean && !rec.Cut
	rec.Copied = rec.Copied || rec.Clean && existed && w.putBack
	rec.LastSequence = w.sequence
	j.records, j.damaged = rec.Records, len(rec.Damage) > 0
	if _, looking := w.disk.(glass); !existed || looking {
		return nil
	}
	flags := uint32(0) // a stop is clean no more once the log is open: a copy that is taken now is known by that
	if !rec.Clean || rec.Copied || len(rec.Damage) > 0 {
		j.endChains()
		flags = flagFresh
	}
	if !w.fits(groupHead) { // a full disk has no room for another segment, and must not keep the history from being read
		j.fresh = flags == flagFresh
		return nil
	}
	if _, err := w.appendEmpty(flags); err != nil {
		return err
	}
	j.synced = w.last
	return nil
}

// endChains lets every author begin a new chain with its next write.
func (j *Journal) endChains() {
	for _, c := range j.ctxs { //lint:unordered each by itself
		clear(c.own)
	}
}
