package ops

import (
	"cmp"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
)

// offers places one step for each wire that a join reads. Each gives Done, and its failure port is the overflow port.
func offers[K cmp.Ordered, T, V any](name string, ws []graph.Wire[T], t *graph.TableOf[K, V], fn func(*graph.Tick, T, *graph.Rows[K, V]) error) []graph.Wire[graph.Done] {
	must(len(ws) > 0, name+": there is nothing to join")
	offer := graph.Op2(parts, name, 1, func(x *graph.Tick, v T, t *graph.Rows[K, V]) (graph.Done, error) {
		return graph.Done{}, fn(x, v, t)
	})
	in := make([]graph.Wire[graph.Done], len(ws))
	for i, w := range ws {
		in[i] = offer(w, t)
	}
	return in
}

// firstOf is the first value of a key.
type firstOf[K cmp.Ordered, T any] struct {
	Key   K
	Value T
}

func (f firstOf[K, T]) key() K { return f.Key }

// A Firsts is what First gives.
type Firsts[T any] struct {
	Out graph.Wire[T]            // the first value of each key: a new origin
	In  []graph.Wire[graph.Done] // of each wire: the value was taken note of; its Failed() is the overflow port
}

// First gives the first value of each key that comes on any of several wires; later ones within the window, which begins
// with the first, are ignored. It keeps the first values of up to capacity keys in a table of that name; over it
// In[i].Failed() carries busy. It does not wait, so it has no timeout port. Of wires that come in one tick the first listed wins.
func First[K cmp.Ordered, T any](r *graph.Role, name string, key func(T) K, window time.Duration, capacity int, ws ...graph.Wire[T]) Firsts[T] {
	seen := graph.Table(r, name, firstOf[K, T].key, graph.Capacity(capacity))
	in := offers("first", ws, seen, func(_ *graph.Tick, v T, seen *graph.Rows[K, firstOf[K, T]]) error {
		k := key(v)
		if _, ok := seen.Get(k); ok {
			return nil
		}
		return seen.Put(firstOf[K, T]{k, v}, window)
	})
	out := when("first of several", seen.Changes(), func(c graph.Change[firstOf[K, T]]) (T, bool) { return c.New.Value, c.Kind == graph.Inserted })
	return Firsts[T]{out, in}
}

// votes are the values of a key that came so far; those that made the quorum stay until the window ends.
type votes[K cmp.Ordered, T any] struct {
	Key     K
	Values  []T
	Reached bool
}

func (v votes[K, T]) key() K { return v.Key }

// A Quorums is what Quorum gives.
type Quorums[T any] struct {
	Out  graph.Wire[[]T]          // the k values of a key, in the order in which they came: a new origin
	Late graph.Wire[[]T]          // the timeout port, to be read: the fewer that came in time; a new origin
	In   []graph.Wire[graph.Done] // of each wire: the value was taken note of; its Failed() is the overflow port
}

// Quorum gives k values of a key that came on any of several wires, of k different voters; a nil voter has each value count.
// The window begins with the first value. What comes after the k-th, and a second value of a voter, is ignored until the
// window ends; then the key begins anew. A window that ends before gives what came to Late. It keeps up to k values of
// each of up to capacity keys in a table of that name; over it In[i].Failed() carries busy.
func Quorum[K cmp.Ordered, T any](r *graph.Role, name string, k int, key func(T) K, voter func(T) graph.Peer, window time.Duration, capacity int, ws ...graph.Wire[T]) Quorums[T] {
	must(k > 0, "Quorum "+name+": a quorum of nobody")
	t := graph.Table(r, name, votes[K, T].key, graph.Capacity(capacity))
	in := offers("quorum", ws, t, func(x *graph.Tick, v T, t *graph.Rows[K, votes[K, T]]) error {
		at := key(v)
		had, ok := t.Get(at)
		if had.Reached || voter != nil && slices.ContainsFunc(had.Values, func(o T) bool { return voter(o) == voter(v) }) {
			return nil
		}
		ttl := window
		if ok {
			ttl = remaining(x, t, at)
		}
		values := append(slices.Clone(had.Values), v)
		return t.Put(votes[K, T]{at, values, len(values) >= k}, ttl)
	})
	out := when("quorum reached", t.Changes(), func(c graph.Change[votes[K, T]]) ([]T, bool) {
		return c.New.Values, c.New.Reached // of a key that reached it there is no further change but its expiry
	})
	late := when("quorum missed", t.Changes(), func(c graph.Change[votes[K, T]]) ([]T, bool) {
		return c.Old.Values, c.Kind == graph.ExpiredRow && !c.Old.Reached
	})
	return Quorums[T]{out, late, in}
}
