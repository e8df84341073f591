package store

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// The bounds of an entry, in bytes. A value that is larger is a blob.
const (
	MaxKey   = 64 << 10
	MaxValue = 512 << 10
)

// maxSeen bounds the writes that one delta replaces, and nameRoom is what a name takes of a payload at most. So many
// writes are there only when as many authors wrote the key at once.
const (
	maxSeen  = 4096
	nameRoom = 48
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

// A KV is the store of one context. Safe for concurrent use. Its reads are of what is synced here: they wait for no sync, no
// write, no peer.
type KV struct {
	c       *present
	journal *dag.Journal
	signer  dag.Signer
}

// KV gives the store of one context, which writes to the journal as the signer.
func (s *Store) KV(j *dag.Journal, signer dag.Signer, ctx dag.ID) *KV {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &KV{c: s.present(ctx), journal: j, signer: signer}
}

// Context is the context that the store shows.
func (k *KV) Context() dag.ID { return k.c.id }

// Put writes a key. When it returns without an error the write is durable; after an error that wraps
// dag.ErrUnknownOutcome it may or may not be. After a failed sync every Put and Remove gives dag.ErrStopped, also one that
// would change nothing. It keeps nothing of value.
func (k *KV) Put(key string, value []byte) (Written, error) {
	if err := CheckKey(key); err != nil {
		return Written{}, err
	}
	if err := CheckValue(key, len(value)); err != nil {
		return Written{}, err
	}
	return k.write(key, func(s *slot) (crdt.Op, Written) {
		w := s.top()
		if w != nil && string(w.value) == string(value) {
			return nil, Written{key, w.stamp.Delta.ID, Unchanged}
		}
		status := Updated
		if w == nil {
			status = Created
		}
		return crdt.Put{Key: key, Value: append([]byte{}, value...), Seen: s.seen(len(key) + len(value))}, Written{Key: key, Status: status}
	})
}

// Remove removes a key; the error wraps ErrNotFound when it is not there.
func (k *KV) Remove(key string) (Written, error) {
	if err := CheckKey(key); err != nil {
		return Written{}, err
	}
	for {
		rest := false
		w, err := k.write(key, func(s *slot) (crdt.Op, Written) {
			if s.top() == nil {
				return nil, Written{}
			}
			seen := s.seen(len(key))
			rest = len(s.live) > len(seen)
			return crdt.Remove{Key: key, Seen: seen}, Written{Key: key, Status: Deleted}
		})
		switch {
		case err != nil:
			return Written{}, err
		case w.Status == "":
			return Written{}, fmt.Errorf("%q: %w", key, ErrNotFound)
		case !rest:
			return w, nil
		}
	}
}

// CheckKey says what is wrong with a key, or nothing. A key is any bytes: nothing in it is a separator.
func CheckKey(key string) error {
	if key == "" || len(key) > MaxKey {
		return fmt.Errorf("a key of %d bytes: a key has 1 to %d bytes", len(key), MaxKey)
	}
	return nil
}

// CheckValue says what is wrong with a value of so many bytes, or nothing.
func CheckValue(key string, size int) error {
	if size > MaxValue {
		return fmt.Errorf("a value of %d bytes for %.40q: the store takes %d; add it as a blob and put the blob's id", size, key, MaxValue)
	}
	return nil
}

// write decides what to write on top of all that is admitted, and waits until it is durable. decide runs under the
// store's lock; an operation of nil writes nothing.
func (k *KV) write(key string, decide func(*slot) (crdt.Op, Written)) (Written, error) {
	pin := k.c.hold(key)
	op, out, open, err := k.decide(pin, decide)
	if err != nil || op == nil {
		k.c.let(pin)
		if err == nil && open {
			// What it stands on is admitted and not synced: the answer waits for it.
			err = k.journal.Flush()
		}
		return out, err
	}
	p, err := k.submit(op)
	k.c.let(pin)
	if err != nil {
		return Written{}, err
	}
	e, err := p.Wait()
	if err != nil {
		return Written{}, err
	}
	out.Version = e.ID
	return out, nil
}

// decide asks what to write of a key that is held; open says that something of it is not synced.
func (k *KV) decide(p *pin, decide func(*slot) (crdt.Op, Written)) (op crdt.Op, out Written, open bool, err error) {
	s := k.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, err := k.c.load(p)
	if err != nil {
		return nil, Written{}, false, fmt.Errorf("read %.40q: %w", p.key, err)
	}
	if s.err != nil { // what is read here may be overwritten by a write whose outcome is unknown
		return nil, Written{}, false, fmt.Errorf("%w: %w", dag.ErrStopped, s.err)
	}
	if w := slot.top(); w != nil && w.value == nil {
		if w.value, _, err = s.b.Get(underKey(famBody, k.c.id, slot.sum(p.key), w.stamp.Name())); err != nil {
			return nil, Written{}, false, fmt.Errorf("read %.40q: %w", p.key, err)
		}
	}
	op, out = decide(slot)
	return op, out, len(p.ops) > 0, nil
}

// submit gives a delta to the journal, which tells the overlay of it before it returns.
func (k *KV) submit(op crdt.Op) (*dag.Pending, error) {
	ops := []crdt.Op{op}
	payload, err := crdt.EncodeOps(ops)
	if err != nil {
		return nil, err
	}
	s := k.c.s
	s.mu.Lock()
	s.overlay.mine[&payload[0]] = ops
	s.mu.Unlock()
	p, err := k.journal.Write(k.c.id, k.signer, dag.Edit{Kind: dag.KindData, Payload: payload})
	s.mu.Lock()
	delete(s.overlay.mine, &payload[0])
	s.mu.Unlock()
	return p, err
}

// seen gives the names of the writes that a write on top of the slot replaces, sorted: the greatest, when not all fit in a
// payload with so many bytes of content. Those that stay are less than the new write, and so not shown.
func (s *slot) seen(content int) []crdt.Name {
	n := min(len(s.live), maxSeen, (crdt.MaxPayload-content-64)/nameRoom)
	names := make([]crdt.Name, 0, n)
	for i := range s.live[:n] {
		names = append(names, s.live[i].stamp.Name())
	}
	slices.SortFunc(names, crdt.Name.Compare) //lint:total-key no two names are equal
	return names
}

// Get gives the entry of a key; the error wraps ErrNotFound when there is none.
func (k *KV) Get(key string) (Entry, error) {
	if err := CheckKey(key); err != nil {
		return Entry{}, err
	}
	v, ok, err := k.c.s.b.Get(entryKey(k.c.id, key))
	if err != nil {
		return Entry{}, fmt.Errorf("read %.40q: %w", key, err)
	}
	if !ok {
		return Entry{}, fmt.Errorf("%q: %w", key, ErrNotFound)
	}
	w, _, err := decodeEntry(v)
	if err != nil {
		return Entry{}, err
	}
	return shownAs(key, &w), nil
}

// Contains tells whether there is a key.
func (k *KV) Contains(key string) (bool, error) {
	_, err := k.Get(key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// List gives the entries whose keys begin with prefix and come after a key, in the order of their bytes, as they stand when
// the sequence begins; after "" come all. It ends after its first error. To go on later, give the last key that came.
func (k *KV) List(prefix, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c, err := k.c.cursor(prefix, after)
		k.c.entries(c, err)(yield)
	}
}

func (c *present) cursor(prefix, from string) (Cursor, error) {
	p := entryKey(c.id, prefix)
	end := after(p)
	if from >= prefix && from != "" {
		p = append(entryKey(c.id, from), 0)
	}
	return c.s.b.Scan(p, end)
}

// entries reads a cursor to its end and closes it.
func (c *present) entries(cur Cursor, err error) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if cur == nil || err != nil {
			if err != nil {
				yield(Entry{}, fmt.Errorf("list: %w", err))
			}
			return
		}
		for cur.Next() {
			w, _, err := decodeEntry(slices.Clone(cur.Value()))
			if !yield(shownAs(string(cur.Key()[1+idLen:]), &w), err) || err != nil {
				_ = cur.Close()
				return
			}
		}
		if err := cur.Close(); err != nil {
			yield(Entry{}, fmt.Errorf("list: %w", err))
		}
	}
}

// Len is the number of entries; the error is the backend's.
func (k *KV) Len() (int, error) {
	k.c.s.mu.Lock()
	defer k.c.s.mu.Unlock()
	n, err := k.c.counted()
	if err != nil {
		return 0, fmt.Errorf("count the entries: %w", err)
	}
	return int(n.entries), nil
}

// Changed gives a channel that is closed when the next deltas of the context are synced, whatever they change; the journal
// tells of them then.
func (k *KV) Changed() <-chan struct{} {
	k.c.s.mu.Lock()
	defer k.c.s.mu.Unlock()
	if k.c.changed == nil {
		k.c.changed = make(chan struct{})
	}
	return k.c.changed
}
