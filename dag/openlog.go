package dag

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// openLog finds the files of a log, or makes them, and learns the log's id and segment length.
func openLog(disk Disk, o Options, rec *Recovery) (*wal, []segmentHeader, error) {
	w := &wal{disk: disk}
	numbers, err := segmentNumbers(disk)
	if err != nil {
		return nil, nil, err
	}
	hm, hasHome, err := loadHome(disk)
	if err != nil {
		return nil, nil, err
	}
	if len(numbers) == 0 {
		if hasHome {
			return nil, nil, errors.New("dag: log: the home names a log and its segments are gone: restore them, or remove log.home to begin an empty log")
		}
		return w, nil, w.create(o)
	}
	last := numbers[len(numbers)-1]
	heads := make([]segmentHeader, last+1)
	w.files = make([]File, last+1)
	known := hm
	for _, n := range numbers {
		f, err := disk.Open(segmentName(n))
		if err != nil {
			return w, nil, fmt.Errorf("dag: log: %w", err)
		}
		w.files[n] = f
		h, err := readHead(f)
		if err != nil && !errors.Is(err, errNoHeader) {
			return w, nil, fmt.Errorf("dag: log: %s: %w", segmentName(n), err)
		}
		if err != nil || h.number != n {
			continue
		}
		if known.length == 0 {
			known = home{log: h.log, length: h.length}
		}
		if h.log != known.log || h.length != known.length {
			return w, nil, fmt.Errorf("dag: log: %s belongs to another log than the home: restore the files of one log", segmentName(n))
		}
		heads[n] = h
	}
	if known.length == 0 {
		return w, nil, w.createAgain(o, last)
	}
	w.id, w.length = known.log, known.length
	for n := range heads {
		if w.files[n] == nil {
			rec.Damage = append(rec.Damage, Damage{Segment: n, Size: w.length, Reason: "the segment's file is missing"})
		} else if heads[n].length == 0 && int64(n) != last {
			rec.Damage = append(rec.Damage, Damage{Segment: n, Size: segmentHead, Reason: errNoHeader.Error()})
		}
	}
	stamp, err := disk.Stamp(segmentName(numbers[0]))
	if err != nil {
		return w, nil, fmt.Errorf("dag: log: stamp: %w", err)
	}
	w.stamp = stamp
	rec.Copied = hasHome && hm.stamp != stamp
	now, err := disk.Touched(segmentName(last))
	if err != nil {
		return w, nil, fmt.Errorf("dag: log: stamp: %w", err)
	}
	// A stop that failed when all but this note was written is no clean one: a copy of it could not be told from the original.
	w.putBack = now != "" && now != hm.touched
	if !hasHome || rec.Copied {
		_ = w.saveHome("") // a full disk must not keep the history from being read; at worst the next start begins new chains once more
	}
	return w, heads, nil
}

func segmentNumbers(disk Disk) ([]int64, error) {
	names, err := disk.List()
	if err != nil {
		return nil, fmt.Errorf("dag: log: %w", err)
	}
	var numbers []int64
	for _, name := range names {
		if n, ok := segmentNumber(name); ok && n < 1<<24 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func loadHome(disk Disk) (home, bool, error) {
	b, err := disk.Load(homeName)
	if errors.Is(err, fs.ErrNotExist) {
		return home{}, false, nil
	}
	if err != nil {
		return home{}, false, fmt.Errorf("dag: log: %w", err)
	}
	h, ok := decodeHome(b)
	return h, ok, nil
}

func readHead(f File) (segmentHeader, error) {
	b := make([]byte, segmentHead)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return segmentHeader{}, err
	}
	return decodeSegmentHeader(b)
}

// create makes an empty log.
func (w *wal) create(o Options) error {
	if _, err := io.ReadFull(o.Rand, w.id[:]); err != nil {
		return fmt.Errorf("dag: log: randomness for the log's id: %w", err)
	}
	w.length = o.SegmentBytes
	if len(w.files) == 0 {
		f, err := w.disk.Create(segmentName(0), w.length)
		if err != nil {
			return fmt.Errorf("dag: log: first segment: %w", err)
		}
		w.files = []File{f}
	}
	if err := w.writeHead(0); err != nil {
		return err
	}
	w.end = segmentHead
	stamp, err := w.disk.Stamp(segmentName(0))
	if err != nil {
		return fmt.Errorf("dag: log: stamp: %w", err)
	}
	w.stamp = stamp
	return w.saveHome("")
}

func (w *wal) saveHome(touched string) error {
	if err := w.disk.Save(homeName, home{w.id, w.length, w.stamp, touched}.encode()); err != nil {
		return fmt.Errorf("dag: log: save %s: %w", homeName, err)
	}
	return nil
}

// rest closes the files and notes how a clean stop leaves the last of them.
func (w *wal) rest() error {
	name := segmentName(int64(w.segments()) - 1)
	if err := w.close(); err != nil {
		return err
	}
	touched, err := w.disk.Touched(name)
	if err != nil {
		return fmt.Errorf("dag: log: stamp: %w", err)
	}
	return w.saveHome(touched)
}

// createAgain makes the log whose creation a crash cut short: one segment that holds nothing, and no home. Anything
// else without an id is refused, for it may be a history.
func (w *wal) createAgain(o Options, last int64) error {
	if last == 0 {
		buf, err := readSegment(w.files[0], maxSegment, nil)
		if err != nil {
			return fmt.Errorf("dag: log: %w", err)
		}
		if len(buf) <= segmentHead {
			return w.create(o)
		}
	}
	return errors.New("dag: log: no segment's head and no home can be read, so the log's id is lost: restore log.home")
}
