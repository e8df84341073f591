package store

import (
	"bytes"
	"slices"
	"time"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A draft folds a batch of deltas over a backend and gathers what changes: each key once, however often it was written. It
// keeps the first error and does nothing after it. It is for one goroutine.
type draft struct {
	b       Backend
	base    func(ctx dag.ID, key string) *slot // what is known of a key, or nil
	err     error
	places  map[dag.ID]placed
	ids     []dag.ID // of places, in order
	ctxs    map[dag.ID]*folding
	order   []*folding
	changes []Change
	folds   uint64
}

// folding is one context of a draft.
type folding struct {
	d       *draft
	ctx     dag.ID
	count   count
	was     count
	slots   map[string]*slot
	keys    []string // of slots, in order
	waiting map[dag.ID]*awaiting
	deltas  []dag.ID // of waiting, in order
	events  []Event
}

// awaited is a write that was replaced before it came: operation index of some delta, which puts a key.
type awaited struct {
	index uint32
	key   keySum
}

// awaiting is what is awaited of one delta.
type awaiting struct {
	set  map[awaited]bool
	list []awaited // the set, in order
}

func newDraft(b Backend, base func(ctx dag.ID, key string) *slot) *draft {
	return &draft{b: b, base: base, places: map[dag.ID]placed{}, ctxs: map[dag.ID]*folding{}}
}

func (d *draft) get(key []byte) ([]byte, bool) {
	if d.err != nil {
		return nil, false
	}
	v, ok, err := d.b.Get(key)
	d.fail(err)
	return v, ok && err == nil
}

func (d *draft) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *draft) set(key, value []byte) {
	d.changes = append(d.changes, Change{Key: key, Value: value})
}

func (d *draft) remove(key []byte) { d.changes = append(d.changes, Change{Key: key}) }

// place gives what the batch, or what is below it, knows of a delta's place.
func (d *draft) place(id dag.ID) placed {
	if p, ok := d.places[id]; ok {
		return p
	}
	v, ok := d.get(placeKey(id))
	if !ok {
		return placed{}
	}
	p, err := decodePlaced(v)
	d.fail(err)
	return p
}

// take folds one delta, unless that was done before, and notes its place.
func (d *draft) take(l *dag.Located, k known) {
	var p placed
	if !k.own {
		p = d.place(l.ID)
	}
	if _, ok := d.places[l.ID]; !ok {
		d.ids = append(d.ids, l.ID)
	}
	if l.Place.Size != 0 {
		p.at = l.Place
	}
	again := p.folded
	p.folded = p.folded || l.Entry != nil
	d.places[l.ID] = p
	if l.Entry == nil || again {
		return
	}
	d.folds++
	if !k.decoded {
		k.ops = operations(l.Entry)
	}
	d.context(l.Context).fold(l.Entry, k.ops)
}

func (d *draft) context(ctx dag.ID) *folding {
	f := d.ctxs[ctx]
	if f == nil {
		f = &folding{d: d, ctx: ctx, slots: map[string]*slot{}, waiting: map[dag.ID]*awaiting{}}
		var err error
		f.count, err = loadCount(d.b, ctx)
		d.fail(err)
		f.was = f.count
		d.ctxs[ctx] = f
		d.order = append(d.order, f)
	}
	return f
}

// finish gives all that changes.
func (d *draft) finish() ([]Change, error) {
	for _, id := range d.ids {
		d.set(placeKey(id), d.places[id].encode())
	}
	for _, f := range d.order {
		f.finish()
	}
	return d.changes, d.err
}

func loadCount(b Backend, ctx dag.ID) (count, error) {
	v, ok, err := b.Get(countKey(ctx))
	if err != nil || !ok {
		return count{}, err
	}
	return decodeCount(v)
}

// before is what was shown of a key before a delta.
type before struct {
	key   string
	s     *slot
	stamp crdt.Stamp
	ok    bool
}

// fold takes the operations of a delta in their order, and tells of the keys that show something else after it.
func (f *folding) fold(e *dag.Entry, ops []crdt.Op) {
	stamp := StampOf(e)
	var touched []before
	for i, op := range ops {
		key, _ := target(op)
		s := f.slot(key)
		if !slices.ContainsFunc(touched, func(b before) bool { return b.s == s }) {
			b := before{key: key, s: s}
			if w := s.top(); w != nil {
				b.stamp, b.ok = w.stamp, true
			}
			touched = append(touched, b)
		}
		s.fold(f, stamp, e.Delta.Wall, i, op)
	}
	f.forget(e.ID)
	for _, b := range touched {
		f.tell(e, b)
	}
}

func (f *folding) tell(e *dag.Entry, b before) {
	w := b.s.top()
	switch {
	case w == nil && b.ok:
		f.events = append(f.events, Event{Entry{b.key, nil, e.ID, timeOf(e.Delta.Wall)}, Deleted})
	case w != nil && (!b.ok || w.stamp != b.stamp):
		f.load(b.key, b.s, w)
		status := Updated
		if !b.ok {
			status = Created
		}
		f.events = append(f.events, Event{shownAs(b.key, w), status})
	}
}

func shownAs(key string, w *write) Entry {
	return Entry{key, w.value, w.stamp.Delta.ID, timeOf(w.wall)}
}

func timeOf(wall int64) time.Time { return time.UnixMilli(wall).UTC() }

var _ rules = (*folding)(nil)

func (f *folding) folded(delta dag.ID) bool { return f.d.place(delta).folded }

func (f *folding) await(n crdt.Name, s *slot, key string) {
	if f.awaited(n, s, key) {
		return
	}
	a := f.waiting[n.Delta]
	if a == nil {
		a = &awaiting{set: map[awaited]bool{}}
		f.waiting[n.Delta] = a
		f.deltas = append(f.deltas, n.Delta)
	}
	w := awaited{n.Index, s.sum(key)}
	a.set[w], a.list = true, append(a.list, w)
	f.count.awaited++
}

func (f *folding) awaited(n crdt.Name, s *slot, key string) bool {
	if f.count.awaited == 0 {
		return false
	}
	sum := s.sum(key)
	if a := f.waiting[n.Delta]; a != nil && a.set[awaited{n.Index, sum}] {
		return true
	}
	_, ok := f.d.get(awaitedKey(f.ctx, n, sum))
	return ok
}

// forget drops what was awaited of a delta that is folded now: nothing more comes of it.
func (f *folding) forget(delta dag.ID) {
	if f.count.awaited == 0 {
		return
	}
	if a := f.waiting[delta]; a != nil {
		f.count.awaited -= uint64(len(a.list))
		delete(f.waiting, delta)
	}
	f.scan(awaitedPrefix(f.ctx, delta), func(key, _ []byte) {
		f.d.remove(key)
		f.count.awaited--
	})
}

// scan calls fn for the keys with a prefix that stand in the backend; they are fn's to keep.
func (f *folding) scan(prefix []byte, fn func(key, value []byte)) {
	if f.d.err != nil {
		return
	}
	c, err := f.d.b.Scan(prefix, after(prefix))
	if err != nil {
		f.d.fail(err)
		return
	}
	for c.Next() {
		fn(bytes.Clone(c.Key()), bytes.Clone(c.Value()))
	}
	f.d.fail(c.Close())
}
