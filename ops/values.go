package ops

import (
	"cmp"

	"github.com/merograph/merograph/graph"
)

// Ignore reads a wire and does nothing: it says in the drawing that a branch ends here on purpose.
func Ignore[T any](w graph.Wire[T]) graph.Wire[graph.Done] {
	return graph.Op1(Ops, "ignore", 1, func(*graph.Tick, T) (graph.Done, error) { return graph.Done{}, nil })(w)
}

// Sample draws up to n rows of a view, evenly and without repetition, in the order of the draw. Its cost is that of what
// it draws, not of the view.
func Sample[K cmp.Ordered, V any](x *graph.Tick, v graph.View[K, V], n int) []V {
	n = max(0, min(n, v.Len()))
	drawn := make([]V, 0, n)
	moved := make(map[int]int, n) // where a shuffle of all places would have put what is not drawn yet
	at := func(i int) int {
		if j, ok := moved[i]; ok {
			return j
		}
		return i
	}
	for i := range n {
		j := i + Below(x, v.Len()-i)
		drawn = append(drawn, v.At(at(j)))
		moved[j] = at(i)
	}
	return drawn
}

// Below draws evenly from 0 to n-1; n is positive.
func Below(x *graph.Tick, n int) int {
	// As many of the lowest draws are thrown away as do not make a whole multiple of n, so that no value is likelier than another.
	over := -uint64(n) % uint64(n) // 2⁶⁴ modulo n
	for {
		if r := x.Rand(); r >= over {
			return int(r % uint64(n))
		}
	}
}
