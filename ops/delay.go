package ops

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// Once is the origin that fires once, after a time from Start, give or take up to jitter. When its activation fails it
// fires again, as every timer does.
func Once(r *graph.Role, after, jitter time.Duration) graph.Wire[graph.Time] {
	return graph.Timer(r, "once", graph.Const(r, after), false, func(x *graph.Tick, d time.Duration) (graph.Time, bool) {
		return x.Now().Add(Jitter(x, d, jitter)), true
	})
}

// A Delayed is what After gives.
type Delayed[T any] struct {
	Out graph.Wire[T]          // each value, later: a new origin
	In  graph.Wire[graph.Done] // the value is kept; its Failed() is the overflow port
}

// After gives each value of w again when d has passed, in the order in which they came. It keeps up to capacity of them in
// a table of that name; over it In.Failed() carries busy. The activation of w has ended by then, and its sender is nobody's.
func After[T any](r *graph.Role, name string, w graph.Wire[T], d time.Duration, capacity int) Delayed[T] {
	must(d > 0, "After "+name+": the delay is not positive")
	kept := newNumbering[T](r, name, graph.Capacity(capacity))
	in := graph.Op3(parts, "after "+d.String(), 1, func(_ *graph.Tick, v T, t *graph.Rows[uint64, numbered[T]], last *graph.One[uint64]) (graph.Done, error) {
		_, err := push(t, last, v, d)
		return graph.Done{}, err
	})(w, kept.rows, kept.last)
	out := when("after", kept.rows.Changes(), func(c graph.Change[numbered[T]]) (T, bool) {
		return c.Old.V, c.Kind == graph.ExpiredRow
	})
	return Delayed[T]{out, in}
}
