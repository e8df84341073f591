package blob

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// treeSuffix is what the name of a blob's tree adds to the blob's.
const treeSuffix = ".tree"

// Store is a set of blobs, in a directory or in memory. Safe for concurrent use.
type Store struct {
	files files

	naming sync.Mutex // held while a blob gets its name; before mu

	mu       sync.Mutex // held for moments, never over I/O
	sizes    map[ID]int64
	partials map[partialKey]*partial
}

// Open opens the store in a directory, which it makes when there is none, and removes what a crash left of blobs that were
// not whole. It keeps nothing open: a Store needs no Close. Files whose names it does not know it leaves alone.
func Open(dir string) (*Store, error) {
	d, err := openDisk(dir)
	if err != nil {
		return nil, fmt.Errorf("blob: open %s: %w", dir, err)
	}
	s, err := newStore(d)
	if err != nil {
		return nil, fmt.Errorf("blob: open %s: %w", dir, err)
	}
	return s, nil
}

// NewMem returns an empty store that lives in memory, for tests and the simulator.
func NewMem() *Store {
	return &Store{files: newMemory(), sizes: map[ID]int64{}, partials: map[partialKey]*partial{}}
}

func newStore(f files) (*Store, error) {
	s := &Store{files: f, sizes: map[ID]int64{}, partials: map[partialKey]*partial{}}
	list, err := f.list()
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if id, err := ParseID(e.name); err == nil {
			s.sizes[id] = e.size
		}
	}
	for _, e := range list {
		left := isTemp(e.name)
		if name, ok := strings.CutSuffix(e.name, treeSuffix); ok {
			if id, err := ParseID(name); err == nil {
				_, whole := s.sizes[id]
				left = !whole // the tree comes to its name before the content
			}
		}
		if left {
			if err := f.remove(e.name); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// Has tells whether the store holds a blob, and its size in bytes. It reads memory alone.
func (s *Store) Has(id ID) (size int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, ok = s.sizes[id]
	return size, ok
}

// List gives all blobs held, in the order of their ids' bytes.
func (s *Store) List() ([]Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Info, 0, len(s.sizes))
	for id, size := range s.sizes { //lint:unordered sorted below
		out = append(out, Info{id, size})
	}
	slices.SortFunc(out, func(a, b Info) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return out, nil
}

// Get opens a blob for reading, and tells its size. The caller closes it. Reading does not check the bytes again: they
// were checked when they came. The error wraps ErrNotFound when the store does not hold the blob.
func (s *Store) Get(id ID) (io.ReadSeekCloser, int64, error) {
	f, size, err := s.open(id)
	if err != nil {
		return nil, 0, err
	}
	return reader{io.NewSectionReader(f, 0, size), f}, size, nil
}

type reader struct {
	*io.SectionReader
	io.Closer
}

func (s *Store) open(id ID) (file, int64, error) {
	size, ok := s.Has(id)
	if !ok {
		return nil, 0, fmt.Errorf("blob: %v: %w", id, ErrNotFound)
	}
	f, err := s.files.open(id.String())
	if errors.Is(err, os.ErrNotExist) {
		s.drop(id)
		return nil, 0, fmt.Errorf("blob: %v: its file is gone; add or fetch it again: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("blob: %v: %w", id, err)
	}
	return f, size, nil
}

// drop forgets a blob whose file is gone or damaged, so that it can be added or received again. The file, when there is
// one, stays until then.
func (s *Store) drop(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sizes, id)
}

// ReadSlice gives the range of a blob with its proof, for [Receiver.Write] on another node: at least one byte, and at
// most MaxSlice; of the empty blob the range of no bytes. It checks what it read before it gives it away: when the disk
// changed a byte the error wraps ErrDamaged, and the blob is no longer held. Other errors wrap ErrNotFound or ErrRange.
func (s *Store) ReadSlice(id ID, off, length int64) ([]byte, error) {
	content, size, err := s.open(id)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	if err := checkRange(size, off, length); err != nil {
		return nil, fmt.Errorf("blob: %v: %w", id, err)
	}
	slice, err := s.readSlice(content, id, size, off, length)
	if err == nil {
		return slice, nil
	}
	// The tree is gone or damaged, or the content is: making the tree again tells which.
	if err := s.remakeTree(content, id, size); err != nil {
		return nil, err
	}
	slice, err = s.readSlice(content, id, size, off, length)
	if err != nil {
		return nil, fmt.Errorf("blob: %v: read %d bytes at %d: %v: %w", id, length, off, err, ErrDamaged)
	}
	return slice, nil
}

func checkRange(size, off, length int64) error {
	empty := size == 0 && off == 0 && length == 0
	if off < 0 || length > MaxSlice || off > size-length || length < 1 && !empty {
		return fmt.Errorf("%d bytes at %d of %d, of which at most %d at once: %w", length, off, size, MaxSlice, ErrRange)
	}
	return nil
}

func (s *Store) readSlice(content file, id ID, size, off, length int64) ([]byte, error) {
	tree, err := s.files.open(id.String() + treeSuffix)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	slice, err := encodeSlice(content, tree, size, off, length)
	if err != nil {
		return nil, err
	}
	_, err = verifySlice(id, size, off, length, slice)
	return slice, err
}

func (s *Store) damaged(id ID) error {
	s.drop(id)
	return fmt.Errorf("blob: %v: add or fetch it again: %w", id, ErrDamaged)
}
