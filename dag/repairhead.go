package dag

import (
	"errors"
	"fmt"
)

// repairHeads writes the heads of segments again of which no copy can be read, from what their groups and the segment before
// tell. It gives how many. A segment without a good group keeps its damage.
func repairHeads(disk Disk) (fixed int, err error) {
	lock, err := disk.Lock()
	if err != nil {
		return 0, fmt.Errorf("dag: repair: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	w, heads, err := openLog(glass{disk}, Options{Rand: noRand{}}, new(Recovery)) // it must not settle the home's stamp
	if w != nil {
		defer func() { err = errors.Join(err, w.close()) }()
	}
	if err != nil {
		return 0, err
	}
	w.disk = disk
	end := int64(0)
	for n := range heads {
		f := w.file(int64(n))
		if f == nil {
			end = 0
			continue
		}
		buf, err := readSegment(f, w.length, nil)
		if err != nil {
			return fixed, fmt.Errorf("dag: repair: read %s: %w", segmentName(int64(n)), err)
		}
		s := w.scan(int64(n), buf, -1, nil)
		if h := &heads[n]; h.length == 0 {
			if first, ok := s.first(); ok && (n == 0 || end > 0) {
				*h = segmentHeader{log: w.id, number: int64(n), length: w.length, first: first, prevEnd: end}
				if err := w.saveHead(f.(pane).File, *h); err != nil {
					return fixed, err
				}
				fixed++
			}
		}
		end = s.end(-1)
	}
	return fixed, nil
}

// first gives the number of a segment's first record, when its first group can be read.
func (s *scanned) first() (uint64, bool) {
	if len(s.groups) == 0 || s.groups[0].bad != "" {
		return 0, false
	}
	return s.groups[0].head.first, true
}
