package ops

import (
	"cmp"
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
)

// Dedupe gives a value on fresh when none of its key came within the window before, else on again; neither need be read.
// The window begins with the fresh one. It keeps up to capacity keys in a table of that name; over it the step fails with
// busy, unless the options say graph.EvictOldest. A tick that fails has seen nothing: the value is fresh when it comes again.
func Dedupe[K cmp.Ordered, T any](r *graph.Role, name string, w graph.Wire[T], key func(T) K, window time.Duration, capacity int, more ...graph.TableOption) (fresh, again graph.Wire[T]) {
	self := func(k K) K { return k }
	seen := graph.Table(r, name, self, append([]graph.TableOption{graph.Capacity(capacity)}, more...)...)
	return graph.Branch2(parts, "dedupe", 1, func(_ *graph.Tick, v T, seen *graph.Rows[K, K]) (T, bool, error) {
		k := key(v)
		if _, ok := seen.Get(k); ok {
			return v, false, nil
		}
		return v, true, seen.Put(k, window)
	})(w, seen)
}

// LimitRate gives a value on through when one more is allowed: burst at once, and one more each interval; else on over. Neither
// need be read. How far it is used up is kept in a Row of that name.
func LimitRate[T any](r *graph.Role, name string, w graph.Wire[T], each time.Duration, burst int) (through, over graph.Wire[T]) {
	return LimitRateBy(r, name, w, func(T) uint8 { return 0 }, each, burst, 1)
}

// usage is when a key's allowance will be whole again.
type usage[K cmp.Ordered] struct {
	Key   K
	Whole graph.Time
}

func (u usage[K]) key() K { return u.Key }

// LimitRateBy is LimitRate for each key by itself. It keeps the keys whose allowance is not whole, up to capacity; over it
// the step fails with busy.
func LimitRateBy[K cmp.Ordered, T any](r *graph.Role, name string, w graph.Wire[T], key func(T) K, each time.Duration, burst, capacity int) (through, over graph.Wire[T]) {
	must(each > 0 && burst > 0, "LimitRate "+name+": the interval or the burst is not positive")
	must(time.Duration(burst) <= graph.Forever/each, "LimitRate "+name+": the burst takes longer than time")
	used := graph.Table(r, name, usage[K].key, graph.Capacity(capacity))
	what := fmt.Sprintf("limit_rate %d, 1 each %v", burst, each)
	return graph.Branch2(parts, what, 1, func(x *graph.Tick, v T, used *graph.Rows[K, usage[K]]) (T, bool, error) {
		k := key(v)
		u, _ := used.Get(k)
		whole := max(u.Whole, x.Now())
		if whole.Sub(x.Now()) > time.Duration(burst-1)*each {
			return v, false, nil
		}
		whole = whole.Add(each)
		return v, true, used.Put(usage[K]{k, whole}, whole.Sub(x.Now()))
	})(w, used)
}

// A Permit is a value that LimitConcurrency let through, until Release.
type Permit[T any] struct {
	Value T
	N     uint64
}

// A Concurrency is what LimitConcurrency gives.
type Concurrency[T any] struct {
	Through graph.Wire[Permit[T]] // it holds a permit; to be read
	Over    graph.Wire[T]         // there was none; to be read
	permits numbering[graph.Done]
}

// LimitConcurrency lets a value through when fewer than most permits are out, and gives it one; else the value is on Over.
// Release takes the permit back. One that nobody releases, because its activation failed, is taken back when the lease
// ends, which is to be longer than the work. The permits out are a table of that name. It never fails.
func LimitConcurrency[T any](r *graph.Role, name string, w graph.Wire[T], most int, lease time.Duration) Concurrency[T] {
	must(most > 0 && lease > 0, "LimitConcurrency "+name+": the number or the lease is not positive")
	permits := newNumbering[graph.Done](r, name, graph.Capacity(most))
	asked := graph.Op3(parts, fmt.Sprintf("limit_concurrency %d", most), 1,
		func(_ *graph.Tick, v T, t *graph.Rows[uint64, numbered[graph.Done]], last *graph.One[uint64]) (p Permit[T], err error) {
			p.Value = v
			if t.Len() < most {
				p.N, err = push(t, last, graph.Done{}, lease)
			}
			return p, err
		})(w, permits.rows, permits.last)
	through, over := Split("permit", asked, func(p Permit[T]) bool { return p.N != 0 })
	return Concurrency[T]{through, Map("without permit", over, func(p Permit[T]) T { return p.Value }), permits}
}

// Release takes a permit back when after comes, in the activation that holds it, and gives after on. The outcomes of the
// work that exclude each other, such as w and w.Failed(), each have their line. A permit that is back already stays so.
func Release[Z, T any](c Concurrency[T], after graph.Wire[Z]) graph.Wire[Z] {
	return graph.Op3(parts, "release", 1, func(_ *graph.Tick, z Z, p Permit[T], t *graph.Rows[uint64, numbered[graph.Done]]) (Z, error) {
		t.Remove(p.N)
		return z, nil
	})(after, c.Through, c.permits.rows)
}
