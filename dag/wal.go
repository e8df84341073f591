package dag

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// wal is the log's files. Appends come one at a time; reads may run beside them.
type wal struct {
	disk     Disk
	id       logID
	length   int64  // of a segment
	stamp    string // of the first segment
	putBack  bool   // the last segment was touched since the last clean stop
	sequence uint64 // number of the last record
	end      int64  // position after the last group
	last     Mark   // of the last group, the zero Mark in an empty log
	flags    uint32 // of the last group
	room     []byte // for the next group
	zeroed   int64  // position up to which zeros were written ahead

	mu    sync.RWMutex
	files []File // by segment number; nil where the file is missing
	shut  bool
}

// maxGroup is the length at which a group takes no more records: with one more record, and a head, it fits in the
// smallest segment.
const maxGroup = 2 << 20

// maxPosition bounds a log, to what a node has room for in the place of its record: 16 TiB.
const maxPosition = 1 << (64 - placeBits)

// maxRoom is the greatest buffer that is kept for the next group.
const maxRoom = 1 << 20

func (w *wal) file(segment int64) File {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if segment < 0 || segment >= int64(len(w.files)) {
		return nil
	}
	return w.files[segment]
}

func (w *wal) closed() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.shut
}

func (w *wal) segments() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.files)
}

// place gives the position for a group of size bytes, and begins a new segment when it does not fit.
func (w *wal) place(size int64) (int64, error) {
	if size > w.length-segmentHead {
		return 0, fmt.Errorf("dag: log: a group of %d bytes does not fit in a segment", size)
	}
	if w.fits(size) {
		return w.end, nil
	}
	n := int64(w.segments())
	if (n+1)*w.length > maxPosition {
		return 0, fmt.Errorf("dag: log: it has %d segments, and none after them can be named", n)
	}
	f, err := w.disk.Create(segmentName(n), w.length)
	if err != nil {
		return 0, fmt.Errorf("dag: log: new segment: %w", err)
	}
	w.mu.Lock()
	w.files = append(w.files, f)
	w.mu.Unlock()
	if err := w.writeHead(n); err != nil {
		return 0, err
	}
	w.end = n*w.length + segmentHead
	return w.end, nil
}

// fits tells whether a group of size bytes has room in the last segment.
func (w *wal) fits(size int64) bool {
	at := w.end % w.length
	return at != 0 && at+size <= w.length
}

// writeHead writes the head of segment n, whose groups begin after those that end at w.end, and makes it durable.
func (w *wal) writeHead(n int64) error {
	h := segmentHeader{log: w.id, number: n, length: w.length, first: w.sequence + 1, prevEnd: w.end}
	return w.saveHead(w.file(n), h)
}

// saveHead writes a head, and makes it and the file's name durable.
func (w *wal) saveHead(f File, h segmentHeader) error {
	name := segmentName(h.number)
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return fmt.Errorf("dag: log: head of %s: %w", name, err)
	}
	if err := f.Fdatasync(); err != nil {
		return fmt.Errorf("dag: log: sync %s: %w", name, err)
	}
	if err := w.disk.SyncDir(); err != nil {
		return fmt.Errorf("dag: log: sync the folder: %w", err)
	}
	return nil
}

// append writes a group that was made for the position of place, and syncs.
func (w *wal) append(g *group, flags uint32) (Mark, error) {
	synced := w.last.End
	b, crc := g.seal(w.sequence+1, synced, flags)
	n := g.at / w.length
	f := w.file(n)
	if _, err := f.WriteAt(b, g.at%w.length); err != nil {
		return Mark{}, fmt.Errorf("dag: log: append to %s: %w", segmentName(n), err)
	}
	w.zeroAhead(f, g.at+int64(len(b)))
	if err := f.Fdatasync(); err != nil {
		return Mark{}, fmt.Errorf("dag: log: sync %s: %w", segmentName(n), err)
	}
	w.sequence += uint64(g.count)
	w.end, w.flags = g.at+int64(len(b)), flags
	w.last = Mark{Log: w.id, Start: g.at, End: w.end, CRC: crc, Sequence: w.sequence}
	return w.last, nil
}

// zeroAhead writes zeros after the end of the group that was just written, when it used up those before. The first write to a block
// that was only allocated changes metadata, which makes its sync dearer; so one sync in many pays for all. That it
// fails is no matter: the space reads as zeros anyway, and the sync tells of a disk that is broken.
func (w *wal) zeroAhead(f File, end int64) {
	if end <= w.zeroed {
		return
	}
	off := end % w.length
	if n := min(int64(len(zeros)), w.length-off); off != 0 {
		f.WriteAt(zeros[:n], off)
		w.zeroed = end + n
	}
}

var zeros [1 << 20]byte

// appendEmpty writes an empty group.
func (w *wal) appendEmpty(flags uint32) (Mark, error) {
	at, err := w.place(groupHead)
	if err != nil {
		return Mark{}, err
	}
	return w.append(newGroup(w.id, at, nil), flags)
}

// read gives the body of the record at a place, checked.
func (w *wal) read(p Place) (record, error) {
	f := w.file(p.Offset / w.length)
	if f == nil && w.closed() {
		return record{}, ErrClosed
	}
	if f == nil || p.Size < recordHead || p.Size > recordHead+maxRecord {
		return record{}, fmt.Errorf("dag: log: no record at %d: %w", p.Offset, ErrDamaged)
	}
	b := make([]byte, p.Size)
	if _, err := f.ReadAt(b, p.Offset%w.length); err != nil && !errors.Is(err, io.EOF) {
		return record{}, fmt.Errorf("dag: log: read %s: %w", segmentName(p.Offset/w.length), err)
	}
	r, size, ok := readRecord(b, w.id, p.Offset)
	if !ok || size != p.Size {
		return record{}, fmt.Errorf("dag: log: %s at %d: %w",
			segmentName(p.Offset/w.length), p.Offset%w.length, ErrDamaged)
	}
	return r, nil
}

func (w *wal) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, f := range w.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	w.files, w.shut = nil, true
	return errors.Join(errs...)
}
