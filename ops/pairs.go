package ops

import (
	"cmp"
	"time"

	"github.com/merograph/merograph/graph"
)

// A Pair is two values that belong together.
type Pair[A, B any] struct {
	A A
	B B
}

// A Half is a Pair of which one side has not come; the zero value stands there.
type Half[A, B any] struct {
	A    A
	B    B
	HasA bool
	HasB bool
}

// halfOf is a row of Zip and Latest.
type halfOf[K cmp.Ordered, A, B any] struct {
	Key K
	Half[A, B]
}

func (h halfOf[K, A, B]) key() K { return h.Key }

func (h halfOf[K, A, B]) pair() Pair[A, B] { return Pair[A, B]{h.A, h.B} }

// A Zipped is what Zip gives.
type Zipped[A, B any] struct {
	Out  graph.Wire[Pair[A, B]] // a new origin
	Late graph.Wire[Half[A, B]] // the timeout port, to be read: whose other side did not come in time; a new origin
	A, B graph.Wire[graph.Done] // of each side: the value was kept; its Failed() is the overflow port
}

// Zip gives the pairs of values of two wires that have the same key. A value waits for its other side for within, which is
// at most the life of its row, and then goes to Late. It keeps up to capacity values that wait, in a table of that name;
// over it, and for a second value of a side while the first waits, A.Failed() or B.Failed() carries busy.
func Zip[K cmp.Ordered, A, B any](r *graph.Role, name string, a graph.Wire[A], keyA func(A) K, b graph.Wire[B], keyB func(B) K, within time.Duration, capacity int) Zipped[A, B] {
	halves := graph.Table(r, name, halfOf[K, A, B].key, graph.Capacity(capacity))
	pairs := newOutlet[Pair[A, B]](r, name)
	half := func(k K, a A) halfOf[K, A, B] { return halfOf[K, A, B]{k, Half[A, B]{A: a, HasA: true}} }
	inA := zipSide("zip a", a, keyA, halves, pairs, within, half,
		func(h Half[A, B]) bool { return h.HasA }, func(a A, h Half[A, B]) Pair[A, B] { return Pair[A, B]{a, h.B} })
	other := func(k K, b B) halfOf[K, A, B] { return halfOf[K, A, B]{k, Half[A, B]{B: b, HasB: true}} }
	inB := zipSide("zip b", b, keyB, halves, pairs, within, other,
		func(h Half[A, B]) bool { return h.HasB }, func(b B, h Half[A, B]) Pair[A, B] { return Pair[A, B]{h.A, b} })
	late := when("zip late", halves.Changes(), func(c graph.Change[halfOf[K, A, B]]) (Half[A, B], bool) {
		return c.Old.Half, c.Kind == graph.ExpiredRow
	})
	return Zipped[A, B]{pairs.wire("zip"), late, inA, inB}
}

// zipSide places the step of one side: it completes the half that waits, or waits itself.
func zipSide[K cmp.Ordered, S, A, B any](name string, w graph.Wire[S], key func(S) K, halves *graph.TableOf[K, halfOf[K, A, B]], pairs outlet[Pair[A, B]],
	within time.Duration, half func(K, S) halfOf[K, A, B], same func(Half[A, B]) bool, pair func(S, Half[A, B]) Pair[A, B]) graph.Wire[graph.Done] {
	type out = graph.Rows[uint64, numbered[Pair[A, B]]]
	return graph.Op4(parts, name, 1, func(_ *graph.Tick, v S, halves *graph.Rows[K, halfOf[K, A, B]], pairs *out, last *graph.One[uint64]) (graph.Done, error) {
		k := key(v)
		h, ok := halves.Get(k)
		switch {
		case !ok:
			return graph.Done{}, halves.Put(half(k, v), within)
		case same(h.Half):
			return graph.Done{}, graph.Fail(graph.Busy, "a value of key %v waits for its other side already", k)
		}
		halves.Remove(k)
		_, err := push(pairs, last, pair(v, h.Half), outletTTL)
		return graph.Done{}, err
	})(w, halves, pairs.rows, pairs.last)
}

// A Newest is what Latest gives.
type Newest[A, B any] struct {
	Out  graph.Wire[Pair[A, B]] // a new origin
	A, B graph.Wire[graph.Done] // of each side: the value was kept
}

// Latest gives the newest values of two wires, whenever a tick changed one of them, once both were seen. It keeps one pair,
// in a table of that name, for as long as the instance lives; so it does not wait and cannot overflow. A value that equals the
// one before is no change.
func Latest[A, B any](r *graph.Role, name string, a graph.Wire[A], b graph.Wire[B]) Newest[A, B] {
	n, _ := latest(r, name, a, func(A) uint8 { return 0 }, b, func(B) uint8 { return 0 }, graph.Forever, 1)
	return n
}

// A NewestBy is what LatestBy gives.
type NewestBy[A, B any] struct {
	Newest[A, B]
	Late graph.Wire[Half[A, B]] // the timeout port, to be read: whose other side did not come in time; a new origin
}

// LatestBy is Latest for each key by itself. A key is forgotten when nothing came of it for as long as ttl; what had one side
// alone until then goes to Late. It keeps up to capacity keys in a table of that name; over it A.Failed() or B.Failed()
// carries busy.
func LatestBy[K cmp.Ordered, A, B any](r *graph.Role, name string, a graph.Wire[A], keyA func(A) K, b graph.Wire[B], keyB func(B) K, ttl time.Duration, capacity int) NewestBy[A, B] {
	n, t := latest(r, name, a, keyA, b, keyB, ttl, capacity)
	late := when("latest late", t.Changes(), func(c graph.Change[halfOf[K, A, B]]) (Half[A, B], bool) {
		return c.Old.Half, c.Kind == graph.ExpiredRow && c.Old.HasA != c.Old.HasB
	})
	return NewestBy[A, B]{n, late}
}

func latest[K cmp.Ordered, A, B any](r *graph.Role, name string, a graph.Wire[A], keyA func(A) K, b graph.Wire[B], keyB func(B) K, ttl time.Duration, capacity int) (Newest[A, B], *graph.TableOf[K, halfOf[K, A, B]]) {
	t := graph.Table(r, name, halfOf[K, A, B].key, graph.Capacity(capacity))
	inA := offers("latest a", []graph.Wire[A]{a}, t, func(_ *graph.Tick, v A, t *graph.Rows[K, halfOf[K, A, B]]) error {
		h, _ := t.Get(keyA(v))
		h.Key, h.A, h.HasA = keyA(v), v, true
		return t.Put(h, ttl)
	})
	inB := offers("latest b", []graph.Wire[B]{b}, t, func(_ *graph.Tick, v B, t *graph.Rows[K, halfOf[K, A, B]]) error {
		h, _ := t.Get(keyB(v))
		h.Key, h.B, h.HasB = keyB(v), v, true
		return t.Put(h, ttl)
	})
	out := when("latest", t.Changes(), func(c graph.Change[halfOf[K, A, B]]) (Pair[A, B], bool) {
		return c.New.pair(), (c.Kind == graph.Inserted || c.Kind == graph.Updated) && c.New.HasA && c.New.HasB
	})
	return Newest[A, B]{out, inA[0], inB[0]}, t
}
