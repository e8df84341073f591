package dag

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// Journal is one log on disk, with every context of a node. It is safe for concurrent use; only one may have a home open.
type Journal struct {
	o    Options
	lock io.Closer
	w    *wal

	// mu is the order lock: what is admitted under it stands in the log in that order.
	mu       sync.Mutex
	ctxs     map[ID]*context
	groups   []*commit // not yet taken by a leader, oldest first
	flying   []*commit // taken and not yet delivered, oldest first
	unsynced int       // bytes in both
	syncing  bool      // a leader has the log
	turn     sync.Cond // a group was delivered, or the log is free
	failed   error     // the first failure; nothing is written after it
	dropped  bool      // the overlay is dropped
	closed   bool
	fresh    bool // the next clean stop ends the chains
	damaged  bool // the log has damage
	indexed  bool // somebody gave an index
	refused  tally
	synced   Mark
	records  uint64 // good ones, synced
}

// context is one context of a journal.
type context struct {
	id     ID
	g      *Graph
	synced uint32        // the deltas below this number are synced
	own    map[Key]*own  // the chains that this node goes on with
	sigs   map[ID][]byte // witnesses that came after their delta
	proofs map[ID]Place  // of what no admitted delta proves
	proved map[Key]bool  // whose deltas were signed again after damage
}

// own is the chain that this node writes for one author.
type own struct{ tip uint32 }

func newContext(id ID) *context {
	return &context{id: id, g: NewGraph(id), own: make(map[Key]*own), sigs: make(map[ID][]byte), proofs: make(map[ID]Place), proved: make(map[Key]bool)}
}

// Open opens the log on a disk, or makes one. It reads the whole log, tells the observer of every delta beyond the index's mark,
// cuts a torn tail, and writes the last group again before it tells of it (DATA 3.2). Damage does not prevent it from opening:
// Recovery names it. Errors: ErrInUse, a log of a later version or of another home, an error of the disk or the index.
func Open(disk Disk, o Options) (*Journal, Recovery, error) { return openJournal(disk, o, nil) }

// openJournal is Open, and shows the good records to each, if there is one.
func openJournal(disk Disk, o Options, each func(Record) error) (*Journal, Recovery, error) {
	var rec Recovery
	o, err := o.withDefaults()
	if err != nil {
		return nil, rec, err
	}
	lock, err := disk.Lock()
	if err != nil {
		return nil, rec, fmt.Errorf("dag: open: %w", err)
	}
	j := &Journal{o: o, lock: lock, ctxs: make(map[ID]*context), indexed: o.Index != Index(fixedIndex{})}
	j.turn.L = &j.mu
	w, heads, err := openLog(disk, o, &rec)
	if err == nil {
		j.w = w
		err = j.recover(heads, &rec, each)
	}
	if err != nil {
		if w != nil {
			err = errors.Join(err, w.close())
		}
		return nil, rec, errors.Join(err, lock.Close())
	}
	return j, rec, nil
}

// Close syncs what is admitted, marks the stop as clean, and lets go of the home. After a failure, or a second time, it
// only lets go. The journal answers ErrClosed from then on.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	err := j.drain()
	for j.syncing || len(j.flying) > 0 {
		j.turn.Wait()
	}
	if j.failed == nil {
		err = errors.Join(err, j.stopClean())
	}
	if j.failed == nil && err == nil {
		return errors.Join(j.w.rest(), j.lock.Close())
	}
	return errors.Join(err, j.w.close(), j.lock.Close())
}

// stopClean writes the empty group of a clean stop, unless the log ends in one.
func (j *Journal) stopClean() error {
	flags := flagClean
	if j.fresh {
		flags |= flagFresh
	}
	if j.w.flags == flags {
		return nil
	}
	_, err := j.w.appendEmpty(flags)
	return err
}

// usable gives a context that may be written to or ingested into; mu is held.
func (j *Journal) usable(ctx ID) (*context, error) {
	if j.closed {
		return nil, ErrClosed
	}
	if j.failed != nil {
		return nil, fmt.Errorf("%w: %w", ErrStopped, j.failed)
	}
	return j.known(ctx)
}

func (j *Journal) known(ctx ID) (*context, error) {
	if c := j.ctxs[ctx]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w %v", ErrUnknownContext, ctx)
}

// Contexts gives the contexts that were founded or joined here, ascending.
func (j *Journal) Contexts() []ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.SortedFunc(maps.Keys(j.ctxs), ID.Compare) //lint:total-key equal ids are the same
}

// Refusals counts what Ingest refused since the journal opened, sorted by reason.
func (j *Journal) Refusals() []Refusal {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refused.sorted()
}
