package dag

import "sync"

// memIndex is an Index in memory.
type memIndex struct {
	mu     sync.RWMutex
	places map[ID]Place
	mark   Mark
}

// NewMemIndex gives an empty index in memory, for tests and the simulator.
func NewMemIndex() Index { return &memIndex{places: make(map[ID]Place)} }

func (x *memIndex) Mark() (Mark, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.mark, nil
}

func (x *memIndex) Put(batch []Located, mark Mark) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, l := range batch {
		if l.Place.Size != 0 {
			x.places[l.ID] = l.Place
		}
	}
	x.mark = mark
	return nil
}

func (x *memIndex) Get(id ID) (Place, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	p, ok := x.places[id]
	return p, ok, nil
}

func (x *memIndex) Reset() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.places, x.mark = make(map[ID]Place), Mark{}
	return nil
}
