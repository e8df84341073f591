package store

import (
	"errors"
	"fmt"
	"sync"

	"github.com/merograph/merograph/dag"
)

// A Store is the present of every context of a node, and the index of its log, on one Backend. Both are derived from the
// log, and stand with the mark that they stand at in one atomic batch (DATA 3.3). It is the dag.Index and the dag.Observer
// of the journal. Safe for concurrent use.
type Store struct {
	b Backend

	views views

	mu       sync.Mutex
	ctxs     map[dag.ID]*present
	overlay  overlay
	applying bool      // a batch may show before the overlay lets go of it
	applied  sync.Cond // applying ended
	batches  uint64    // applied so far
	folded   uint64    // deltas folded since the store opened
	err      error     // why nothing is written any more
	closed   bool
}

var (
	_ dag.Index    = (*Store)(nil)
	_ dag.Observer = (*Store)(nil)
)

// ErrLags says that the store could not be written, while the log has what it lacks: nothing is lost, and a start with room
// on the disk brings it to where the log is.
var ErrLags = errors.New("the store could not take what the log holds already")

// New opens the store on a backend, which Close closes. What another version of the store left there is removed, and
// comes again from the log.
func New(b Backend) (*Store, error) {
	s := &Store{b: b, ctxs: map[dag.ID]*present{}, overlay: newOverlay()}
	s.applied.L = &s.mu
	switch known, err := ours(b); {
	case err != nil:
		return nil, fmt.Errorf("store: %w", err)
	case known:
		return s, nil
	}
	return s, s.Reset()
}

// ours tells whether a backend holds a store of this version.
func ours(b Backend) (bool, error) {
	v, ok, err := b.Get(formatKey)
	if err != nil || !ok || len(v) != 1 || v[0] != formatVersion {
		return false, err
	}
	_, ok, err = b.Get(markKey)
	return ok, err
}

// Close makes the store durable, so that the next start folds nothing again, and ends its watchers.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, c := range s.ctxs { //lint:unordered contexts do not touch each other
		for w := range c.watchers { //lint:unordered all of them end
			w.end(ErrClosed)
		}
		clear(c.watchers)
	}
	s.mu.Unlock()
	return s.b.Close()
}

// Mark implements dag.Index.
func (s *Store) Mark() (dag.Mark, error) {
	v, ok, err := s.b.Get(markKey)
	if err != nil || !ok {
		return dag.Mark{}, err
	}
	return decodeMark(v)
}

// Get implements dag.Index.
func (s *Store) Get(id dag.ID) (p dag.Place, ok bool, err error) {
	v, ok, err := s.b.Get(placeKey(id))
	if err != nil || !ok {
		return p, false, err
	}
	at, err := decodePlaced(v)
	return at.at, err == nil && at.at.Size > 0, err
}

// Put implements dag.Index: it folds what was synced, and applies that, the places and the mark as one batch. After an
// error nothing more is folded until the store is opened again.
func (s *Store) Put(batch []dag.Located, m dag.Mark) error {
	d := newDraft(s.b, s.base)
	for i, k := range s.known(batch) {
		d.take(&batch[i], k)
	}
	d.set(markKey, encodeMark(m))
	changes, err := d.finish()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err == nil {
		s.applying = true
		s.mu.Unlock()
		err = s.b.Apply(changes)
		s.mu.Lock()
		s.applying = false
		s.applied.Broadcast()
	}
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("%w: %w; nothing of it is lost: see to the disk and start the node again", ErrLags, err)
	}
	if s.err != nil {
		return s.err
	}
	s.batches++
	s.folded += d.folds
	for i := range batch {
		s.overlay.settle(batch[i].ID)
	}
	for _, f := range d.order {
		c := s.present(f.ctx)
		c.count, c.loaded = f.count, true // rebase asks for it
		c.rebase(f)
		c.tell(f.events)
	}
	return nil
}

// Reset implements dag.Index: it forgets everything, in one batch.
func (s *Store) Reset() error {
	err := s.b.Apply([]Change{
		{Key: []byte{0}, Below: []byte{0xff}},
		{Key: formatKey, Value: []byte{formatVersion}},
		{Key: markKey, Value: encodeMark(dag.Mark{})},
	})
	if err != nil {
		return fmt.Errorf("store: forget: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.ctxs { //lint:unordered contexts do not touch each other
		c.loaded = false
	}
	return nil
}

// Folded counts the deltas that were folded since the store opened: after a start, those that it did not have yet.
func (s *Store) Folded() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.folded
}

// Err is why nothing is written any more, the journal's failure or the store's own, or nil.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// present is one context of a store; all of it is under the store's lock.
type present struct {
	s        *Store
	id       dag.ID
	count    count
	loaded   bool            // count is
	pins     map[string]*pin // keys of which something is not synced, or that are being written
	watchers map[*Watcher]struct{}
	changed  chan struct{} // closed when the next deltas are synced; nil when nobody asked
}

// present gives the state of a context; mu is held.
func (s *Store) present(ctx dag.ID) *present {
	c := s.ctxs[ctx]
	if c == nil {
		c = &present{s: s, id: ctx, pins: map[string]*pin{}, watchers: map[*Watcher]struct{}{}}
		s.ctxs[ctx] = c
	}
	return c
}

// counted gives what the context has; mu is held.
func (c *present) counted() (count, error) {
	if !c.loaded {
		n, err := loadCount(c.s.b, c.id)
		if err != nil {
			return n, err
		}
		c.count, c.loaded = n, true
	}
	return c.count, nil
}

// tell hands the watchers what changed; mu is held.
func (c *present) tell(events []Event) {
	for w := range c.watchers { //lint:unordered each has a queue of its own
		w.offer(events)
	}
}
