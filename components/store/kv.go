package store

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// The bounds of an entry, in bytes. A value that is larger, with its key, than fits one delta is a blob.
const (
	MaxKey   = 64 << 10
	MaxValue = 500 << 10
)

// A Status is what a write did.
type Status string

// The outcomes of a write.
const (
	Created   Status = "created"
	Updated   Status = "updated"
	Unchanged Status = "unchanged"
	Deleted   Status = "deleted"
)

// ErrNotFound says that there is no such key.
var ErrNotFound = errors.New("no such key")

// A Written answers a write: Version is the id of the delta that wrote the value.
type Written struct {
	Key     string
	Version dag.ID
	Status  Status
}

// An Entry is a key with its value; Version is the id of the delta that wrote it, Time its author's wall clock.
type Entry struct {
	Key     string
	Value   []byte // not to be changed
	Version dag.ID
	Time    time.Time
}

// A KV is the store of one context. Safe for concurrent use.
type KV struct {
	journal *dag.Journal
	signer  dag.Signer
	ctx     dag.ID

	writing  sync.Mutex // one write at a time decides its status and is admitted
	mu       sync.RWMutex
	next     crdt.Map         // all that is admitted
	present  crdt.Map         // all that is synced
	wall     map[dag.ID]int64 // of the deltas that show a value
	changed  map[chan struct{}]struct{}
	unsynced map[dag.ID][]crdt.Op // what is in next and not in present
}

// NewKV gives the store of a context, a view of the node's Fold.
func NewKV(j *dag.Journal, s dag.Signer, ctx dag.ID) *KV {
	return &KV{journal: j, signer: s, ctx: ctx, wall: map[dag.ID]int64{}, changed: map[chan struct{}]struct{}{}, unsynced: map[dag.ID][]crdt.Op{}}
}

// Context is the context that the store shows.
func (k *KV) Context() dag.ID { return k.ctx }

// Put writes a key. When it returns without an error the write is durable; after an error that wraps
// dag.ErrUnknownOutcome it may or may not be.
func (k *KV) Put(key string, value []byte) (Written, error) {
	if key == "" || len(key) > MaxKey {
		return Written{}, fmt.Errorf("a key of %d bytes: a key has 1 to %d bytes", len(key), MaxKey)
	}
	if len(value) > MaxValue {
		return Written{}, fmt.Errorf("a value of %d bytes for %q: the store takes %d; add it as a blob and put the blob's id", len(value), key, MaxValue)
	}
	return k.write(key, func() (crdt.Op, Status, *Written) {
		old, stamp, ok := k.next.Get(key)
		switch {
		case !ok:
			return k.next.Put(key, value), Created, nil
		case string(old) == string(value):
			return nil, Unchanged, &Written{key, dag.ID(stamp.Delta.ID), Unchanged}
		}
		return k.next.Put(key, value), Updated, nil
	})
}

// Remove removes a key; ErrNotFound when it is not there.
func (k *KV) Remove(key string) (Written, error) {
	w, err := k.write(key, func() (crdt.Op, Status, *Written) {
		op, ok := k.next.Remove(key)
		if !ok {
			return nil, "", &Written{}
		}
		return op, Deleted, nil
	})
	if err == nil && w.Status == "" {
		return Written{}, fmt.Errorf("%q: %w", key, ErrNotFound)
	}
	return w, err
}

// write decides what to write on top of all that is admitted, and waits until it is durable.
func (k *KV) write(key string, decide func() (crdt.Op, Status, *Written)) (Written, error) {
	k.writing.Lock()
	k.mu.RLock()
	op, status, nothing := decide()
	k.mu.RUnlock()
	if nothing != nil {
		k.writing.Unlock()
		// What it stands on may be admitted and not synced: the answer waits for it.
		return *nothing, k.journal.Flush()
	}
	payload, err := crdt.EncodeOps([]crdt.Op{op})
	if err != nil {
		k.writing.Unlock()
		return Written{}, err
	}
	p, err := k.journal.Write(k.ctx, k.signer, dag.Edit{Kind: dag.KindData, Payload: payload})
	k.writing.Unlock()
	if err != nil {
		return Written{}, err
	}
	e, err := p.Wait()
	if err != nil {
		return Written{}, err
	}
	return Written{key, e.ID, status}, nil
}

// Get gives the entry of a key; ErrNotFound when there is none.
func (k *KV) Get(key string) (Entry, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	v, stamp, ok := k.present.Get(key)
	if !ok {
		return Entry{}, fmt.Errorf("%q: %w", key, ErrNotFound)
	}
	return k.entry(key, v, stamp), nil
}

func (k *KV) entry(key string, v []byte, s crdt.Stamp) Entry {
	return Entry{key, v, dag.ID(s.Delta.ID), time.UnixMilli(k.wall[dag.ID(s.Delta.ID)]).UTC()}
}

// List gives the entries whose keys begin with prefix, in the order of their bytes, at most limit of them; 0 is no limit.
func (k *KV) List(prefix string, limit int) []Entry {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := []Entry{}
	for e := range k.present.List(prefix) {
		if limit > 0 && len(out) == limit {
			break
		}
		out = append(out, k.entry(e.Key, e.Value, e.Stamp))
	}
	return out
}

// Len is the number of entries.
func (k *KV) Len() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.present.Len()
}

// Changed gives a channel that is closed when the present changes next.
func (k *KV) Changed() <-chan struct{} {
	c := make(chan struct{})
	k.mu.Lock()
	k.changed[c] = struct{}{}
	k.mu.Unlock()
	return c
}

// Admitted implements View. A payload that does not fold has no effect, on any node.
func (k *KV) Admitted(e *dag.Entry) {
	if e.Delta.Kind != dag.KindData || e.Delta.NeedsUpgrade() {
		return
	}
	ops, err := crdt.DecodeOps(e.Delta.Payload)
	if err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next.ApplyOps(StampOf(e), ops) == nil {
		k.unsynced[e.ID] = ops
	}
}

// Synced implements View.
func (k *KV) Synced(entries []*dag.Entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range entries {
		ops, ok := k.unsynced[e.ID]
		if !ok {
			continue
		}
		delete(k.unsynced, e.ID)
		if k.present.ApplyOps(StampOf(e), ops) == nil {
			k.wall[e.ID] = e.Delta.Wall
		}
	}
	for c := range k.changed { //lint:unordered all of them are closed
		close(c)
	}
	clear(k.changed)
}

// Failed implements View: nothing that was not synced is ever shown, and the journal takes no more writes.
func (k *KV) Failed(error) {}
