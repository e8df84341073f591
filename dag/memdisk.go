package dag

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
)

// Sector is the unit in which a MemDisk loses what was not synced, in bytes.
const Sector = 512

// MemDisk is a Disk in memory that keeps at a crash only what was synced. It is safe for concurrent use.
type MemDisk struct {
	mu     sync.Mutex
	files  map[string]*memFile
	small  map[string][]byte
	stamp  int
	epoch  int // grows at each crash: handles and locks from before are dead
	locked bool
	faults faults
}

// memFile holds the contents that a program sees, and those that a power cut leaves.
type memFile struct {
	now, safe []byte
	size      int64
	touched   int
	named     bool           // the name is durable
	dirty     map[int64]bool // sectors written since the last sync
	stray     map[int64]bool // sectors whose sync failed: no later sync writes them (as Linux does), unless they are written again
}

// NewMemDisk gives an empty disk.
func NewMemDisk() *MemDisk {
	return &MemDisk{files: make(map[string]*memFile), small: make(map[string][]byte)}
}

var errCrashed = errors.New("the disk crashed since this was opened")

// Crash cuts the power: everything that was not synced is lost, and open files and locks are dead.
func (d *MemDisk) Crash() { d.CrashKeep(func(string, int64) int { return 0 }) }

// CrashKeep cuts the power while some sectors had reached the disk: of each that was written since the last sync, as many of
// its first bytes as keep gives survive, Sector or more for all of them. Sector -1 stands for the name of a file that
// was made since the last SyncDir: the file is gone when keep gives 0. It is asked in order of name and sector. The disk is
// sound again: the faults of FailSync, FailWrite and Full are over.
func (d *MemDisk) CrashKeep(keep func(name string, sector int64) int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.epoch++
	d.locked = false
	d.faults = faults{syncs: d.faults.syncs}
	for _, name := range d.names() {
		f := d.files[name]
		if !f.named && keep(name, -1) == 0 {
			delete(d.files, name)
			continue
		}
		f.named = true
		sectors := make([]int64, 0, len(f.dirty)+len(f.stray))
		for s := range f.dirty { //lint:unordered sorted below
			sectors = append(sectors, s)
		}
		for s := range f.stray { //lint:unordered sorted below
			sectors = append(sectors, s)
		}
		slices.Sort(sectors)
		for _, s := range sectors {
			f.settle(s, int64(keep(name, s)))
		}
		f.now = slices.Clone(f.safe)
		clear(f.dirty)
		clear(f.stray)
	}
}

// Clone gives a copy of what a program sees now, with another stamp: a home that was copied.
func (d *MemDisk) Clone() *MemDisk {
	c := d.Backup()
	c.stamp++
	return c
}

// Backup gives a copy of what a program sees now with the same stamp: what a restored image of the whole disk is.
func (d *MemDisk) Backup() *MemDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewMemDisk()
	c.stamp = d.stamp
	for name, f := range d.files { //lint:unordered each by itself
		c.files[name] = &memFile{
			now: slices.Clone(f.now), safe: slices.Clone(f.now), size: f.size, touched: f.touched, named: true, dirty: make(map[int64]bool), stray: make(map[int64]bool),
		}
	}
	for name, b := range d.small { //lint:unordered each by itself
		c.small[name] = slices.Clone(b)
	}
	return c
}

// PutBack writes the files of an image over those that are here, in their place, as a backup is restored: the stamp stays, and
// each file was touched. Open files and locks are dead.
func (d *MemDisk) PutBack(image *MemDisk) {
	c := image.Backup()
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, f := range c.files { //lint:unordered each by itself
		if f.touched++; d.files[name] != nil {
			f.touched += d.files[name].touched
		}
	}
	d.files, d.small, d.locked = c.files, c.small, false
	d.epoch++
}

// Lock implements Disk.
func (d *MemDisk) Lock() (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, ErrInUse
	}
	d.locked = true
	return &memLock{d, d.epoch}, nil
}

type memLock struct {
	d     *MemDisk
	epoch int
}

func (l *memLock) Close() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.d.epoch == l.epoch {
		l.d.locked = false
	}
	return nil
}

func (d *MemDisk) names() []string {
	names := make([]string, 0, len(d.files))
	for n := range d.files { //lint:unordered sorted below
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// List implements Disk.
func (d *MemDisk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names(), nil
}

// Create implements Disk. Memory is taken for what is written, not for size.
func (d *MemDisk) Create(name string, size int64) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] != nil {
		return nil, fs.ErrExist
	}
	if d.faults.full != nil {
		return nil, d.faults.full
	}
	d.files[name] = &memFile{size: size, dirty: make(map[int64]bool), stray: make(map[int64]bool)}
	return &memHandle{d: d, f: d.files[name], epoch: d.epoch}, nil
}

// Open implements Disk.
func (d *MemDisk) Open(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return nil, fs.ErrNotExist
	}
	return &memHandle{d: d, f: d.files[name], epoch: d.epoch}, nil
}

// SyncDir implements Disk.
func (d *MemDisk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files { //lint:unordered each by itself
		f.named = true
	}
	return nil
}

// Load implements Disk.
func (d *MemDisk) Load(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.small[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(b), nil
}

// Save implements Disk.
func (d *MemDisk) Save(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults.full != nil {
		return d.faults.full
	}
	d.small[name] = slices.Clone(data)
	return nil
}

// Touched implements Disk.
func (d *MemDisk) Touched(name string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return "", fs.ErrNotExist
	}
	return fmt.Sprint(d.files[name].touched), nil
}

// Stamp implements Disk.
func (d *MemDisk) Stamp(string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("mem %d", d.stamp), nil
}
