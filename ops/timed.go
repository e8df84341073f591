package ops

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// Due is the origin of a timer that a cell sets: it fires once for each commit that writes the cell, at the time that next
// gives for its value; ok false means not now. A time that has passed fires at once. While its row is absent the cell is
// the zero value.
func Due[T any](r *graph.Role, c graph.Cell[T], next func(v T) (at graph.Time, ok bool)) graph.Wire[graph.Time] {
	return graph.Timer(r, "due", c, false, func(_ *graph.Tick, v T) (graph.Time, bool) { return next(v) })
}

// Changed is the origin that fires whenever the cell is written, and once at Start.
func Changed[T any](r *graph.Role, c graph.Cell[T]) graph.Wire[graph.Time] {
	return graph.Timer(r, "changed", c, false, func(x *graph.Tick, _ T) (graph.Time, bool) { return x.Now(), true })
}

// Every is the origin that fires again and again, period after it fired last, give or take up to jitter each time; the
// first time as long after Start. The period is positive, and greater than the jitter.
func Every(r *graph.Role, period, jitter time.Duration) graph.Wire[graph.Time] {
	c := graph.Const(r, period)
	return graph.Timer(r, "every", c, true, func(x *graph.Tick, p time.Duration) (graph.Time, bool) {
		return x.Now().Add(Jitter(x, p, jitter)), true
	})
}

// Jitter gives d, give or take up to j, evenly.
func Jitter(x *graph.Tick, d, j time.Duration) time.Duration {
	if j <= 0 {
		return d
	}
	return d - j + time.Duration(x.Rand()%uint64(2*j+1))
}
