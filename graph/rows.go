package graph

import (
	"cmp"
	"reflect"
	"slices"
	"time"
)

// tableState is a table of an instance, whatever its types.
type tableState interface {
	undoLast()              // takes back the latest change of this tick
	settleNext() ChangeKind // at commit, once for each touched row in order: its net change, 0 for none
	lastSettled() any       // the row that was settled last: what it is, or was when it is gone
	forget()                // after the last settle, and after a tick that failed
	nextExpiry() (Time, bool)
	expireOne(now Time) // removes the row that expires first
	soil()              // a value changed: publish has news
	publish()
	size() int
	save() (tableSnapshot, error)
	load(s tableSnapshot, d Time) error
}

// Rows is a table as an op sees it inside a tick: later steps of the tick see its changes, and a tick that fails takes
// them back. It must not be kept after the op returns.
type Rows[K cmp.Ordered, V any] struct {
	in  *Instance
	t   *table
	key func(V) K

	rows    map[K]*row[K, V]
	expiry  heapOf[*row[K, V]]
	seq     uint64    // of puts
	age     row[K, V] // the ring of the rows in the order of their puts: next is the oldest
	bySrc   map[Peer]int
	view    View[K, V]
	stale   []K // keys whose value changed since view was made
	anew    bool
	undo    []undoRow[K, V]
	touched []K              // in the order of the first change in this tick
	settled int              // how many of them are settled
	first   map[K]*row[K, V] // what they were before it; nil for absent
	dropped map[K]ChangeKind // why a row that is gone went, in this tick
	changes fifo[Change[V]]
	equal   func(a, b V) bool
	feed    *Feed[View[K, V]]
	news    bool
}

// A row is replaced, never changed, so the one that was is what undoing puts back.
type row[K cmp.Ordered, V any] struct {
	key        K
	value      V
	expires    Time
	seq        uint64
	source     Peer
	at         int // place in the heap, -1 when it does not expire
	prev, next *row[K, V]
}

type undoRow[K cmp.Ordered, V any] struct {
	key   K
	was   *row[K, V] // nil when it was absent
	first bool       // the tick's first change of this key
}

func (r *row[K, V]) before(o *row[K, V]) bool {
	if r.expires != o.expires {
		return r.expires < o.expires
	}
	return r.seq < o.seq
}

func (r *row[K, V]) place(i int) { r.at = i }

func newRows[K cmp.Ordered, V any](in *Instance, t *table, key func(V) K) *Rows[K, V] {
	r := &Rows[K, V]{in: in, t: t, key: key, rows: map[K]*row[K, V]{}, first: map[K]*row[K, V]{}, dropped: map[K]ChangeKind{}}
	r.age.prev, r.age.next = &r.age, &r.age
	if plain(reflect.TypeFor[V]()) {
		r.equal = func(a, b V) bool { return any(a) == any(b) }
	} else {
		r.equal = func(a, b V) bool { return reflect.DeepEqual(a, b) }
	}
	if t.exposed {
		r.feed = NewFeed(View[K, V]{})
	}
	return r
}

// plain reports whether == compares values of t by their content, and never panics.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for field := range t.Fields() {
			if !plain(field.Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Map, reflect.Func, reflect.Chan:
		return false
	}
	return true
}

// self is the table of a Rows and of a One.
func (r *Rows[K, V]) self() *Rows[K, V] { return r }

// Len is the number of rows.
func (r *Rows[K, V]) Len() int { return len(r.rows) }

// Get finds a row by its key.
func (r *Rows[K, V]) Get(k K) (v V, ok bool) {
	if o := r.rows[k]; o != nil {
		return o.value, true
	}
	return v, false
}

// Expires gives the time at which a row expires; ok is false when there is no such row.
func (r *Rows[K, V]) Expires(k K) (at Time, ok bool) {
	if o := r.rows[k]; o != nil {
		return o.expires, true
	}
	return 0, false
}

// Put inserts, updates or refreshes the row of v's key, to expire after ttl. A full table refuses with Busy, unless it was
// declared to evict; a sender over its quota is refused with Busy. A ttl that is not positive is an error.
func (r *Rows[K, V]) Put(v V, ttl time.Duration) error {
	if ttl <= 0 {
		return Fail(Local, "table %s: put with a ttl of %v: give a positive one, or graph.Forever", r.t.name, ttl)
	}
	k, src := r.key(v), r.in.sender()
	old := r.rows[k]
	if old == nil || old.source != src {
		if r.t.quota > 0 && src != "" && r.bySrc[src] >= r.t.quota {
			return Fail(Busy, "table %s: %s holds its quota of %d rows", r.t.name, src, r.t.quota)
		}
	}
	if old == nil && len(r.rows) >= r.t.capacity {
		if !r.t.evict {
			return Fail(Busy, "table %s is full with %d rows", r.t.name, r.t.capacity)
		}
		r.drop(r.age.next, Evicted)
	}
	r.note(k, old)
	r.seq++
	n := &row[K, V]{key: k, value: v, expires: r.in.now.Add(ttl), seq: r.seq, source: src, at: -1}
	r.replace(k, old, n)
	return nil
}

// Remove removes the row of a key; false when there is none.
func (r *Rows[K, V]) Remove(k K) bool {
	o := r.rows[k]
	if o == nil {
		return false
	}
	r.drop(o, Removed)
	return true
}

// View is an immutable snapshot, in key order.
func (r *Rows[K, V]) View() View[K, V] {
	if len(r.stale) == 0 && !r.anew {
		return r.view
	}
	if r.anew {
		r.view, r.anew = View[K, V]{}, false
		for k := range r.rows { //lint:unordered sorted below
			r.stale = append(r.stale, k)
		}
	}
	slices.Sort(r.stale)
	r.view = r.view.renew(slices.Compact(r.stale), len(r.rows), func(k K) (v V, ok bool) {
		if o := r.rows[k]; o != nil {
			return o.value, true
		}
		return v, false
	})
	r.stale = r.stale[:0]
	return r.view
}

// outdate notes that the row of k has another value than in the view. Beyond as many keys as there are rows it is cheaper
// to make the view anew, and nothing more need be noted.
func (r *Rows[K, V]) outdate(k K) {
	switch {
	case r.anew:
	case len(r.stale) < len(r.rows)+64:
		r.stale = append(r.stale, k)
	default:
		r.stale, r.anew = r.stale[:0], true
	}
}

func (r *Rows[K, V]) drop(o *row[K, V], why ChangeKind) {
	r.note(o.key, o)
	r.replace(o.key, o, nil)
	r.dropped[o.key] = why
}

// note writes the undo record of a change that follows.
func (r *Rows[K, V]) note(k K, old *row[K, V]) {
	_, seen := r.first[k]
	if !seen {
		r.first[k] = old
		r.touched = append(r.touched, k)
		r.in.touched = append(r.in.touched, r.t.index)
	}
	r.undo = append(r.undo, undoRow[K, V]{k, old, !seen})
	r.in.undo = append(r.in.undo, r.t.index)
}

// replace puts n in the place of old; either may be nil.
func (r *Rows[K, V]) replace(k K, old, n *row[K, V]) {
	r.take(old)
	if n == nil {
		delete(r.rows, k)
	} else {
		n.prev, n.next = r.age.prev, &r.age
		r.enter(n)
	}
	if old == nil || n == nil || !r.equal(old.value, n.value) {
		r.outdate(k)
	}
}

// take takes a row out of every book but the map. Its prev and next stay, for enter to put it back where it was.
func (r *Rows[K, V]) take(o *row[K, V]) {
	if o == nil {
		return
	}
	if o.at >= 0 {
		r.expiry.remove(o.at)
	}
	o.prev.next, o.next.prev = o.next, o.prev
	r.count(o.source, -1)
}

// enter puts a row into every book, between its prev and its next.
func (r *Rows[K, V]) enter(n *row[K, V]) {
	r.rows[n.key] = n
	n.at = -1
	if n.expires < Forever {
		r.expiry.push(n)
	}
	n.prev.next, n.next.prev = n, n
	r.count(n.source, 1)
}

func (r *Rows[K, V]) count(src Peer, d int) {
	if r.t.quota == 0 || src == "" {
		return
	}
	if r.bySrc == nil {
		r.bySrc = map[Peer]int{}
	}
	if r.bySrc[src] += d; r.bySrc[src] == 0 {
		delete(r.bySrc, src)
	}
}

// undoLast relies on changes being undone in the reverse of their order: the neighbours of the row that was are in their
// places again.
func (r *Rows[K, V]) undoLast() {
	last := len(r.undo) - 1
	u := r.undo[last]
	r.undo[last] = undoRow[K, V]{}
	r.undo = r.undo[:last]
	if r.take(r.rows[u.key]); u.was == nil {
		delete(r.rows, u.key)
	} else {
		r.enter(u.was)
	}
	r.outdate(u.key)
	if u.first {
		delete(r.first, u.key)
		r.touched = r.touched[:len(r.touched)-1]
		r.in.touched = r.in.touched[:len(r.in.touched)-1]
	}
}

// settleNext works out what the next touched row became; none of the kinds when it came and went.
func (r *Rows[K, V]) settleNext() ChangeKind {
	k := r.touched[r.settled]
	r.settled++
	was, is := r.first[k], r.rows[k]
	var c Change[V]
	switch {
	case was == nil && is == nil:
		return 0
	case was == nil:
		c = Change[V]{Kind: Inserted, New: is.value}
	case is == nil:
		c = Change[V]{Kind: r.dropped[k], Old: was.value}
	case r.equal(was.value, is.value):
		c = Change[V]{Kind: Refreshed, Old: was.value, New: is.value}
	default:
		c = Change[V]{Kind: Updated, Old: was.value, New: is.value}
	}
	if r.t.changes != nil {
		r.changes.push(c)
	}
	return c.Kind
}

func (r *Rows[K, V]) lastSettled() any {
	k := r.touched[r.settled-1]
	if is := r.rows[k]; is != nil {
		return is.value
	}
	return r.first[k].value
}

func (r *Rows[K, V]) forget() {
	if len(r.touched) == 0 {
		return
	}
	if len(r.touched) > keepAtMost { // a map that was large is slow to clear for ever after
		r.first, r.dropped = map[K]*row[K, V]{}, map[K]ChangeKind{}
	}
	clear(r.undo)
	clear(r.first)
	clear(r.dropped)
	r.undo, r.touched, r.settled = r.undo[:0], r.touched[:0], 0
}

func (r *Rows[K, V]) takeChange() Change[V] { return r.changes.pop() }

func (r *Rows[K, V]) nextExpiry() (Time, bool) {
	if len(r.expiry) == 0 {
		return 0, false
	}
	return r.expiry[0].expires, true
}

func (r *Rows[K, V]) expireOne(Time) { r.drop(r.expiry[0], ExpiredRow) }

func (r *Rows[K, V]) soil() { r.news = true }

func (r *Rows[K, V]) publish() {
	if r.feed != nil && r.news {
		r.news = false
		r.feed.Set(r.View())
	}
}

func (r *Rows[K, V]) size() int { return len(r.rows) }
