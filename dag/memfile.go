package dag

import (
	"bytes"
	"fmt"
	"io"
)

// memHandle is an open file of a MemDisk.
type memHandle struct {
	d     *MemDisk
	f     *memFile
	epoch int
}

func (h *memHandle) lock() error {
	h.d.mu.Lock()
	if h.epoch != h.d.epoch {
		h.d.mu.Unlock()
		return errCrashed
	}
	return nil
}

// ReadAt implements File: what was never written reads as zeros, up to the allocated length.
func (h *memHandle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.lock(); err != nil {
		return 0, err
	}
	defer h.d.mu.Unlock()
	end := max(h.f.size, int64(len(h.f.now)))
	if off < 0 || off >= end {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), end-off))
	clear(p[:n])
	if off < int64(len(h.f.now)) {
		copy(p[:n], h.f.now[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements File.
func (h *memHandle) WriteAt(p []byte, off int64) (int, error) {
	if err := h.lock(); err != nil {
		return 0, err
	}
	defer h.d.mu.Unlock()
	f := h.f
	if off < 0 {
		return 0, fmt.Errorf("dag: memdisk: write at %d", off)
	}
	err, whole := h.d.faults.onWrite(), len(p)
	if err != nil {
		p, whole = p[:len(p)/2], len(p)/2
	}
	written := min(max(int64(len(f.now))-off, 0), int64(len(p)))
	if n := int64(len(p)) - written; n <= int64(len(zeros)) && bytes.Equal(p[written:], zeros[:n]) { // beyond what was written it reads as zeros already
		p = p[:written]
	}
	if end := off + int64(len(p)); end > int64(len(f.now)) {
		f.now = append(f.now, make([]byte, end-int64(len(f.now)))...)
	}
	copy(f.now[off:], p)
	f.touched++
	for s := off / Sector; s*Sector < off+int64(len(p)); s++ {
		f.dirty[s] = true
		delete(f.stray, s)
	}
	return whole, err
}

// settle makes the first bytes of one sector safe.
func (f *memFile) settle(s, bytes int64) {
	from := s * Sector
	to := min(from+min(bytes, Sector), int64(len(f.now)))
	if from >= to {
		return
	}
	if to > int64(len(f.safe)) {
		f.safe = append(f.safe, make([]byte, to-int64(len(f.safe)))...)
	}
	copy(f.safe[from:to], f.now[from:to])
}

// Fdatasync implements File.
func (h *memHandle) Fdatasync() error {
	if err := h.lock(); err != nil {
		return err
	}
	defer h.d.mu.Unlock()
	if err := h.d.faults.onSync(); err != nil {
		for s := range h.f.dirty { //lint:unordered each by itself
			h.f.stray[s] = true
		}
		clear(h.f.dirty)
		return err
	}
	for s := range h.f.dirty { //lint:unordered each by itself
		h.f.settle(s, Sector)
	}
	clear(h.f.dirty)
	return nil
}

// Written implements File.
func (h *memHandle) Written() (int64, error) {
	if err := h.lock(); err != nil {
		return 0, err
	}
	defer h.d.mu.Unlock()
	return int64(len(h.f.now)), nil
}

// Close implements File.
func (h *memHandle) Close() error { return nil }
