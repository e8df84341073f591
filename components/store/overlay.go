package store

import (
	"slices"
	"sync"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// An overlay holds what is admitted and not synced: only the next write sees it (DATA 3.1). It is under the store's lock.
//
// A delta of this node comes with its operations. One that was received is decoded when a write needs it, or when it is
// synced, whichever is first: the journal's order waits for neither.
type overlay struct {
	pending map[dag.ID]*pending
	raw     []*pending          // those that are not decoded, in log order
	mine    map[*byte][]crdt.Op // operations of the payloads that are being written here
	next    uint64
	idle    []*pin // kept for the next write of their key, oldest first
	weight  int    // bytes that idle keeps
}

// maxIdle bounds, in bytes, the keys that were written last: a write of one of them reads nothing. pinWeight is what a pin
// takes beside its key and its writes, writeWeight what each of these takes beside its value, in the two slots of the pin.
const (
	maxIdle     = 16 << 20
	pinWeight   = 320
	writeWeight = 320
)

// pending is a delta that is admitted and not synced.
type pending struct {
	c       *present
	e       *dag.Entry
	number  uint64 // in log order
	ops     []crdt.Op
	decoded bool // and its operations are in the pins
	own     bool // written here just now, so that it is surely not folded yet
	settled bool
}

// A pin is one key of which something is not synced, or which is being written.
type pin struct {
	key     string
	turn    sync.Mutex // one write of the key at a time decides what it does
	users   int
	ops     []pinned // in log order
	slot    *slot    // what is folded, ops included; nil until a write needs it
	base    *slot    // what is folded without them, as the backend has it; nil when that was not read
	awaited map[crdt.Name]bool
	c       *present
	weight  int // in the overlay's idle list; 0 when it is not there
}

// pinned is an operation of a pending delta.
type pinned struct {
	p     *pending
	index int
}

func newOverlay() overlay {
	return overlay{pending: map[dag.ID]*pending{}, mine: map[*byte][]crdt.Op{}}
}

// admit takes a delta in.
func (o *overlay) admit(c *present, e *dag.Entry) {
	if len(e.Delta.Payload) == 0 || e.Delta.Kind != dag.KindData {
		return
	}
	o.next++
	p := &pending{c: c, e: e, number: o.next}
	o.pending[e.ID] = p
	if ops, ok := o.mine[&e.Delta.Payload[0]]; ok {
		o.drain()
		p.own = true
		o.pin(p, ops)
		return
	}
	o.raw = append(o.raw, p)
}

// drain decodes what was received.
func (o *overlay) drain() {
	for _, p := range o.raw {
		if !p.settled {
			o.pin(p, operations(p.e))
		}
	}
	o.raw = o.raw[:0]
}

// pin puts the operations of a delta under their keys.
func (o *overlay) pin(p *pending, ops []crdt.Op) {
	p.ops, p.decoded = ops, true
	for i, op := range ops {
		key, _ := target(op)
		k := p.c.pins[key]
		if k == nil {
			k = &pin{key: key, c: p.c}
			p.c.pins[key] = k
		}
		k.ops = append(k.ops, pinned{p, i})
		if k.slot != nil {
			k.fold(pinned{p, i})
		}
	}
}

// settle lets go of a delta: the backend has it.
func (o *overlay) settle(id dag.ID) {
	p := o.pending[id]
	if p == nil {
		return
	}
	delete(o.pending, id)
	p.settled = true
	for len(o.raw) > 0 && o.raw[0].settled {
		o.raw[0] = nil
		o.raw = o.raw[1:]
	}
	for _, op := range p.ops {
		key, _ := target(op)
		if k := p.c.pins[key]; k != nil {
			k.ops = slices.DeleteFunc(k.ops, func(x pinned) bool { return x.p == p })
			p.c.release(k)
		}
	}
}

// drop forgets everything that is not synced.
func (o *overlay) drop(ctxs map[dag.ID]*present) {
	clear(o.pending)
	o.raw = nil
	o.thin(0)
	for _, c := range ctxs { //lint:unordered contexts do not touch each other
		for _, k := range c.pins { //lint:unordered keys do not touch each other
			k.ops, k.slot, k.base, k.awaited = nil, nil, nil, nil
			c.release(k)
		}
	}
}

// release lets go of a key of which nothing is left: it is kept for the next write while there is room, or forgotten.
func (c *present) release(k *pin) {
	switch {
	case len(k.ops) > 0 || k.users > 0 || k.weight > 0:
	case k.slot == nil || k.base == nil || len(k.base.live) != 1:
		delete(c.pins, k.key)
	default:
		o := &c.s.overlay
		o.idle = append(o.idle, k)
		o.weigh(k)
		o.thin(maxIdle)
	}
}

// weigh counts what an idle key takes now.
func (o *overlay) weigh(k *pin) {
	o.weight -= k.weight
	k.weight = pinWeight + len(k.key)
	for i := range k.base.live {
		k.weight += writeWeight + len(k.base.live[i].value)
	}
	o.weight += k.weight
}

// thin forgets the oldest idle keys until so many bytes are left. One that is in use again stays, and may come back.
func (o *overlay) thin(most int) {
	for o.weight > most {
		k := o.idle[0]
		o.idle[0] = nil
		o.idle = o.idle[1:]
		o.weight -= k.weight
		if k.weight = 0; len(k.ops) == 0 && k.users == 0 {
			delete(k.c.pins, k.key)
		}
	}
}

// fold takes a pending operation into the slot.
func (k *pin) fold(x pinned) {
	k.slot.fold(&pinRules{k, x.p}, StampOf(x.p.e), x.p.e.Delta.Wall, x.index, x.p.ops[x.index])
}

// pinRules are the rules for an operation of a pending delta.
type pinRules struct {
	k *pin
	p *pending
}

var _ rules = (*pinRules)(nil)

func (r *pinRules) folded(delta dag.ID) bool {
	s := r.p.c.s
	if q := s.overlay.pending[delta]; q != nil {
		return q.number < r.p.number
	}
	v, ok, err := s.b.Get(placeKey(delta))
	if err != nil || !ok {
		return false
	}
	at, err := decodePlaced(v)
	return err == nil && at.folded
}

func (r *pinRules) await(n crdt.Name, _ *slot, _ string) {
	if r.k.awaited == nil {
		r.k.awaited = map[crdt.Name]bool{}
	}
	r.k.awaited[n] = true
}

func (r *pinRules) awaited(n crdt.Name, s *slot, key string) bool {
	c := r.p.c
	if r.k.awaited[n] {
		return true
	}
	if have, err := c.counted(); err != nil || have.awaited == 0 {
		return false
	}
	_, ok, err := c.s.b.Get(awaitedKey(c.id, n, s.sum(key)))
	return err == nil && ok
}

// known is what the overlay knows of a delta that is to be folded.
type known struct {
	ops     []crdt.Op
	decoded bool
	own     bool
}

// known tells of the deltas of a batch.
func (s *Store) known(batch []dag.Located) []known {
	out := make([]known, len(batch))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		if p := s.overlay.pending[batch[i].ID]; p != nil {
			out[i] = known{p.ops, p.decoded, p.own}
		}
	}
	return out
}

// base gives what the backend has of a key, when a write has read it.
func (s *Store) base(ctx dag.ID, key string) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.ctxs[ctx]; c != nil {
		if k := c.pins[key]; k != nil && k.base != nil {
			return k.base.clone()
		}
	}
	return nil
}

// rebase tells the pins what the backend has now, and what is admitted on top of it; mu is held. A delta that was never
// decoded for them is in the first alone.
func (c *present) rebase(f *folding) {
	for _, key := range f.keys {
		k := c.pins[key]
		if k == nil {
			continue
		}
		k.base = f.slots[key]
		k.base.settle()
		if k.slot != nil {
			k.slot, k.awaited = k.base.clone(), nil
			for _, x := range k.ops {
				k.fold(x)
			}
		}
		if k.weight > 0 {
			c.s.overlay.weigh(k)
		}
	}
	c.s.overlay.thin(maxIdle)
}

// hold pins a key for a write; let lets go of it.
func (c *present) hold(key string) *pin {
	c.s.mu.Lock()
	k := c.pins[key]
	if k == nil {
		k = &pin{key: key, c: c}
		c.pins[key] = k
	}
	k.users++
	c.s.mu.Unlock()
	k.turn.Lock()
	return k
}

func (c *present) let(k *pin) {
	k.turn.Unlock()
	c.s.mu.Lock()
	k.users--
	c.release(k)
	c.s.mu.Unlock()
}

// load gives what is admitted of a key that is held; mu is held, and let go of while the backend is read.
//
// What is read stands for the time when it was read: it is right when no batch was applied meanwhile, or none that has
// anything of this key.
func (c *present) load(k *pin) (*slot, error) {
	s := c.s
	for s.overlay.drain(); k.slot == nil; s.overlay.drain() {
		if s.applying && len(k.ops) > 0 {
			s.applied.Wait()
			continue
		}
		at := s.batches
		s.mu.Unlock()
		read, err := loadSlot(s.b, c.id, k.key)
		s.mu.Lock()
		if err != nil {
			return nil, err
		}
		s.overlay.drain()
		if s.batches != at || s.applying && len(k.ops) > 0 {
			continue
		}
		k.slot, k.base = read.clone(), read
		for _, x := range k.ops {
			k.fold(x)
		}
	}
	return k.slot, nil
}
