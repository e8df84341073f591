package ops

import (
	"cmp"
	"time"

	"github.com/merograph/merograph/graph"
)

// A Fill says when a batch is full.
type Fill struct {
	Count  int           // values, at least 1
	Bytes  int           // the sum of their sizes; 0 for no such bound
	Within time.Duration // after its first value; 0 for no such bound
}

// batchOf is a batch that is not full.
type batchOf[K cmp.Ordered, T any] struct {
	Key   K
	Items []T
	Bytes int
}

func (b batchOf[K, T]) key() K { return b.Key }

// A Batched is what Batch gives.
type Batched[T any] struct {
	Out graph.Wire[[]T]        // never empty, in the order in which the values came: a new origin
	In  graph.Wire[graph.Done] // the value was kept; its Failed() is the overflow port
}

// Batch gives the values of w in batches: one goes out when it holds fill.Count values or fill.Bytes bytes, when the next value
// would not fit into the bytes, or fill.Within after its first value, which is its timeout port too. size may be nil
// where bytes do not count. A value larger than fill.Bytes is refused: In.Failed() carries too large.
func Batch[T any](r *graph.Role, name string, w graph.Wire[T], size func(T) int, fill Fill) Batched[T] {
	return BatchBy(r, name, w, func(T) uint8 { return 0 }, size, fill, 1)
}

// BatchBy is Batch for each key by itself. It keeps up to capacity batches that are not full in a table of that name; over it
// In.Failed() carries busy.
func BatchBy[K cmp.Ordered, T any](r *graph.Role, name string, w graph.Wire[T], key func(T) K, size func(T) int, fill Fill, capacity int) Batched[T] {
	must(fill.Count > 0, "Batch "+name+": a batch without a greatest count")
	must(fill.Bytes == 0 || size != nil, "Batch "+name+": bytes are to be counted, and nothing says how large a value is")
	open := graph.Table(r, name, batchOf[K, T].key, graph.Capacity(capacity))
	full := newOutlet[[]T](r, name)
	type out = graph.Rows[uint64, numbered[[]T]]
	in := graph.Op4(parts, "batch", 1, func(x *graph.Tick, v T, open *graph.Rows[K, batchOf[K, T]], full *out, last *graph.One[uint64]) (graph.Done, error) {
		k, n := key(v), 0
		if fill.Bytes > 0 {
			if n = size(v); n > fill.Bytes {
				return graph.Done{}, graph.Fail(graph.TooLarge, "a value of %d bytes, the bound of a batch is %d", n, fill.Bytes)
			}
		}
		b, ok := open.Get(k)
		if ok && fill.Bytes > 0 && n > fill.Bytes-b.Bytes {
			open.Remove(k)
			if _, err := push(full, last, clip(b.Items), outletTTL); err != nil {
				return graph.Done{}, err
			}
			b, ok = batchOf[K, T]{}, false
		}
		// What append writes lies beyond the end of every batch that was committed: of a batch there is one history.
		b.Key, b.Items, b.Bytes = k, append(b.Items, v), b.Bytes+n
		if len(b.Items) >= fill.Count || fill.Bytes > 0 && b.Bytes >= fill.Bytes {
			open.Remove(k)
			_, err := push(full, last, clip(b.Items), outletTTL)
			return graph.Done{}, err
		}
		ttl := time.Duration(graph.Forever)
		if ok {
			ttl = remaining(x, open, k)
		} else if fill.Within > 0 {
			ttl = fill.Within
		}
		return graph.Done{}, open.Put(b, ttl)
	})(w, open, full.rows, full.last)
	late := when("batch late", open.Changes(), func(c graph.Change[batchOf[K, T]]) ([]T, bool) {
		return clip(c.Old.Items), c.Kind == graph.ExpiredRow
	})
	return Batched[T]{graph.Merge(full.wire("batch full"), late), in}
}

// clip keeps whoever appends to a batch away from what lies behind it.
func clip[T any](items []T) []T { return items[:len(items):len(items)] }
