package ops

import (
	"cmp"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
)

// Put puts a value into a table, to expire after ttl, and gives it on. Its failure port carries busy when the table is full
// or the sender is over its quota.
func Put[K cmp.Ordered, V any](w graph.Wire[V], t *graph.TableOf[K, V], ttl time.Duration) graph.Wire[V] {
	return graph.Op2(parts, "put", 1, func(_ *graph.Tick, v V, t *graph.Rows[K, V]) (V, error) { return v, t.Put(v, ttl) })(w, t)
}

// Set puts a value into the one row of a Row, for ever, and gives it on.
func Set[V any](w graph.Wire[V], t *graph.RowOf[V]) graph.Wire[V] {
	return graph.Op2(parts, "set", 1, func(_ *graph.Tick, v V, t *graph.One[V]) (V, error) { return v, t.Set(v) })(w, t)
}

// Get gives the row of a key. Its failure port carries local when there is none.
func Get[K cmp.Ordered, V any](w graph.Wire[K], t *graph.TableOf[K, V]) graph.Wire[V] {
	return graph.Op2(parts, "get", 1, func(_ *graph.Tick, k K, t *graph.Rows[K, V]) (V, error) {
		v, ok := t.Get(k)
		if !ok {
			return v, graph.Fail(graph.Local, "no row of key %v", k)
		}
		return v, nil
	})(w, t)
}

// Refresh has the row of a key live for ttl from now, and gives it. Its failure port carries local when there is none.
func Refresh[K cmp.Ordered, V any](w graph.Wire[K], t *graph.TableOf[K, V], ttl time.Duration) graph.Wire[V] {
	return graph.Op2(parts, "refresh", 1, func(_ *graph.Tick, k K, t *graph.Rows[K, V]) (V, error) {
		v, ok := t.Get(k)
		if !ok {
			return v, graph.Fail(graph.Local, "no row of key %v", k)
		}
		return v, t.Put(v, ttl)
	})(w, t)
}

// Remove removes the row of a key, and gives the key on the first wire when there was one, else on the second. Neither
// need be read.
func Remove[K cmp.Ordered, V any](w graph.Wire[K], t *graph.TableOf[K, V]) (gone, absent graph.Wire[K]) {
	return graph.Branch2(parts, "remove", 1, func(_ *graph.Tick, k K, t *graph.Rows[K, V]) (K, bool, error) {
		return k, t.Remove(k), nil
	})(w, t)
}

// Clear removes the one row of a Row, if it is there, and gives on what made it do so.
func Clear[T, V any](w graph.Wire[T], t *graph.RowOf[V]) graph.Wire[T] {
	return graph.Op2(parts, "clear", 1, func(_ *graph.Tick, v T, t *graph.One[V]) (T, error) {
		t.Remove()
		return v, nil
	})(w, t)
}

// On is the origin of the changes of some kinds of a table; other changes begin an activation too, which ends at once.
func On[K cmp.Ordered, V any](t *graph.TableOf[K, V], kinds ...graph.ChangeKind) graph.Wire[graph.Change[V]] {
	name := "on"
	for i, k := range kinds {
		if i > 0 {
			name += ","
		}
		name += " " + k.String()
	}
	return when(name, t.Changes(), func(c graph.Change[V]) (graph.Change[V], bool) { return c, slices.Contains(kinds, c.Kind) })
}

// Draw gives up to n rows of a view, drawn evenly and without repetition, in the order of the draw.
func Draw[T any, K cmp.Ordered, V any](w graph.Wire[T], v graph.Cell[graph.View[K, V]], n int) graph.Wire[[]V] {
	return graph.Op2(parts, "draw", 1, func(x *graph.Tick, _ T, v graph.View[K, V]) ([]V, error) { return Sample(x, v, n), nil })(w, v)
}

// when gives what a pure function finds in some of the values of a wire; the others end here.
func when[T, Z any](name string, w graph.Wire[T], find func(T) (Z, bool)) graph.Wire[Z] {
	found, rest := graph.Branch(parts, name, 1, func(_ *graph.Tick, v T) (Z, bool, error) {
		z, ok := find(v)
		return z, ok, nil
	})(w)
	Ignore(rest)
	return found
}

// numbered is a row whose key is its place among all that were put into its table.
type numbered[V any] struct {
	N uint64
	V V
}

func (n numbered[V]) key() uint64 { return n.N }

// A numbering is a table of numbered rows, and the row that holds the last number.
type numbering[V any] struct {
	rows *graph.TableOf[uint64, numbered[V]]
	last *graph.RowOf[uint64]
}

func newNumbering[V any](r *graph.Role, name string, opts ...graph.TableOption) numbering[V] {
	return numbering[V]{graph.Table(r, name, numbered[V].key, opts...), graph.Row[uint64](r, name+"-last")}
}

// push puts a value under the next number.
func push[V any](rows *graph.Rows[uint64, numbered[V]], last *graph.One[uint64], v V, ttl time.Duration) (uint64, error) {
	n, _ := last.Get()
	n++
	if err := rows.Put(numbered[V]{n, v}, ttl); err != nil {
		return 0, err
	}
	return n, last.Set(n)
}

// An outlet is where a join gives what it has made: a row carries it to the activation that begins with it, and is removed
// there. What was put travels with the change, so a full outlet drops its oldest row and loses nothing.
type outlet[V any] struct{ numbering[V] }

const (
	outletRows = 64
	outletTTL  = time.Second // of a row whose activation failed
)

func newOutlet[V any](r *graph.Role, name string) outlet[V] {
	return outlet[V]{newNumbering[V](r, name+"-out", graph.Capacity(outletRows), graph.EvictOldest())}
}

func (o outlet[V]) wire(name string) graph.Wire[V] {
	out, _ := graph.Branch2(parts, name, 1, func(_ *graph.Tick, c graph.Change[numbered[V]], t *graph.Rows[uint64, numbered[V]]) (V, bool, error) {
		if c.Kind != graph.Inserted {
			var none V
			return none, false, nil
		}
		t.Remove(c.New.N)
		return c.New.V, true, nil
	})(o.rows.Changes(), o.rows)
	return out
}

// remaining is what is left of a row's life; a row that is about to go has the least there is.
func remaining[K cmp.Ordered, V any](x *graph.Tick, t *graph.Rows[K, V], k K) time.Duration {
	at, _ := t.Expires(k)
	if at >= graph.Forever {
		return graph.Forever
	}
	return max(1, at.Sub(x.Now()))
}
