package ops

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
)

// attempted is a call of which an attempt has come.
type attempted[A any] struct {
	Call     string
	Answer   A
	Answered bool
}

func (a attempted[A]) key() string { return a.Call }

// callOf names the call that a request is an attempt of; false when it is not made with Retry.
func callOf[Q, A any](r *graph.Request[Q, A]) (string, bool) {
	return fmt.Sprintf("%016x %s", r.Once, r.From), r.Once != 0
}

// A Repeated is what Repeats gives.
type Repeated[Q, A any] struct {
	Fresh graph.Wire[*graph.Request[Q, A]] // the first attempt of its call, to be worked on
	Again graph.Wire[A]                    // the answer of the first attempt, given again
	calls *graph.TableOf[string, attempted[A]]
}

const repeatBusy = 500 * time.Millisecond

// Repeats tells the attempts of one call from each other, which graph.Retry makes at least once, so that its work is done
// once: the first goes on at Fresh, and its answer passes through Remember; later ones get the same answer at Again, or
// fail with busy while there is none yet. It keeps up to capacity calls for window in a table of that name; over it
// Fresh.Failed() carries busy. Write graph.Reply(in, graph.Merge(ops.Remember(p, answer), p.Again)). Where the first
// attempt fails after a suspension, later ones get busy until the window ends.
func Repeats[Q, A any](r *graph.Role, name string, in graph.Wire[*graph.Request[Q, A]], window time.Duration, capacity int, more ...graph.TableOption) Repeated[Q, A] {
	calls := graph.Table(r, name, attempted[A].key, append([]graph.TableOption{graph.Capacity(capacity)}, more...)...)
	fresh, repeated := graph.Branch2(parts, "repeats", 1, func(_ *graph.Tick, q *graph.Request[Q, A], t *graph.Rows[string, attempted[A]]) (*graph.Request[Q, A], bool, error) {
		call, ok := callOf(q)
		if !ok {
			return q, true, nil
		}
		if _, seen := t.Get(call); seen {
			return q, false, nil
		}
		return q, true, t.Put(attempted[A]{Call: call}, window)
	})(in, calls)
	again := graph.Op2(parts, "again", 1, func(_ *graph.Tick, q *graph.Request[Q, A], t *graph.Rows[string, attempted[A]]) (A, error) {
		call, _ := callOf(q)
		a, _ := t.Get(call)
		if !a.Answered {
			return a.Answer, &graph.Failure{Reason: graph.Busy, RetryAfter: repeatBusy, Detail: "an earlier attempt of this call is not done yet"}
		}
		return a.Answer, nil
	})(repeated, calls)
	return Repeated[Q, A]{fresh, again, calls}
}

// Remember keeps an answer for later attempts of its call, until the call's window ends, and gives it on.
func Remember[Q, A any](p Repeated[Q, A], answer graph.Wire[A]) graph.Wire[A] {
	return graph.Op3(parts, "remember", 1, func(x *graph.Tick, a A, q *graph.Request[Q, A], t *graph.Rows[string, attempted[A]]) (A, error) {
		call, ok := callOf(q)
		if _, kept := t.Get(call); !ok || !kept {
			return a, nil
		}
		return a, t.Put(attempted[A]{call, a, true}, remaining(x, t, call))
	})(answer, p.Fresh, p.calls)
}
