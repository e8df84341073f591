package blob

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
)

// memory is a directory that lives in memory, for tests and for the simulator.
type memory struct {
	mu    sync.Mutex
	files map[string]*memFile
	count int // of files created
}

func newMemory() *memory { return &memory{files: map[string]*memFile{}} }

func (m *memory) create() (string, file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	name := fmt.Sprintf("%s%d", tempPrefix, m.count)
	m.files[name] = &memFile{}
	return name, m.files[name], nil
}

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.files[name]; ok {
		return f, nil
	}
	return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
}

func (m *memory) rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[from]
	if !ok {
		return &os.PathError{Op: "rename", Path: from, Err: os.ErrNotExist}
	}
	delete(m.files, from)
	m.files[to] = f
	return nil
}

func (m *memory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.files[name]; !ok {
		return &os.PathError{Op: "remove", Path: name, Err: os.ErrNotExist}
	}
	delete(m.files, name)
	return nil
}

func (m *memory) list() ([]entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []entry
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		out = append(out, entry{name, m.files[name].size()})
	}
	return out, nil
}

func (m *memory) sync() error { return nil }

// memFile is one file; a removed or replaced one stays readable for those who have it open.
type memFile struct {
	mu   sync.RWMutex
	data []byte
}

func (f *memFile) size() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return int64(len(f.data))
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end := off + int64(len(p)); end > int64(len(f.data)) {
		f.data = slices.Grow(f.data, int(end)-len(f.data))[:end]
	}
	return copy(f.data[off:], p), nil
}

func (f *memFile) Sync() error  { return nil }
func (f *memFile) Close() error { return nil }
