package ops

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// parts are the steps that the ops of this package place. They are drawn as ops.…, but only the ops themselves are listed.
var parts = graph.NewOpset(Ops.Name())

// Map gives what a pure function makes of a value. name says in the drawing what it makes. It cannot fail; what can is an
// op of its own.
func Map[A, Z any](name string, w graph.Wire[A], fn func(A) Z) graph.Wire[Z] {
	return graph.Op1(parts, "map "+name, 1, func(_ *graph.Tick, v A) (Z, error) { return fn(v), nil })(w)
}

// Filter gives on the values that a pure function keeps; the branch of the others ends here, on purpose. Where they
// matter, use Split.
func Filter[T any](name string, w graph.Wire[T], keep func(T) bool) graph.Wire[T] {
	kept, rest := graph.Branch(parts, "filter "+name, 1, func(_ *graph.Tick, v T) (T, bool, error) { return v, keep(v), nil })(w)
	Ignore(rest)
	return kept
}

// Split gives a value on the first of two wires when a pure function says so, else on the second. Both are to be read.
func Split[T any](name string, w graph.Wire[T], first func(T) bool) (yes, no graph.Wire[T]) {
	return graph.Branch(parts, "split "+name, 1, func(_ *graph.Tick, v T) (T, bool, error) { return v, first(v), nil })(w)
}

// Merge is graph.Merge: one wire from branches that exclude each other, or from several origins, and then an origin.
func Merge[T any](ws ...graph.Wire[T]) graph.Wire[T] { return graph.Merge(ws...) }

// Catch gives on w, or in its place what a pure function makes of the failure of the step that makes w. Failures of
// earlier steps are theirs: w has no value then, and Catch gives none.
func Catch[T any](name string, w graph.Wire[T], fn func(graph.Failure) T) graph.Wire[T] {
	caught := graph.Op1(parts, "catch "+name, 1, func(_ *graph.Tick, f graph.Failure) (T, error) { return fn(f), nil })(w.Failed())
	return graph.Merge(w, caught)
}

// Refuse always fails, with a reason, a time after which to try again (0 for none) and a sentence: so that who waits for an
// answer is told. It stands at the end of an else port.
func Refuse[T any](w graph.Wire[T], why graph.Reason, retryAfter time.Duration, detail string) graph.Wire[graph.Done] {
	return graph.Op1(parts, "refuse "+why.String(), 1, func(*graph.Tick, T) (graph.Done, error) {
		return graph.Done{}, &graph.Failure{Reason: why, Detail: detail, RetryAfter: retryAfter}
	})(w)
}

// Value gives the value of a request, without who made it.
func Value[Q, A any](in graph.Wire[*graph.Request[Q, A]]) graph.Wire[Q] {
	return graph.Op1(parts, "value", 1, func(_ *graph.Tick, r *graph.Request[Q, A]) (Q, error) { return r.Value, nil })(in)
}

// Content gives the value of a message or of a topic, without who sent it.
func Content[T any](in graph.Wire[*graph.Received[T]]) graph.Wire[T] {
	return graph.Op1(parts, "content", 1, func(_ *graph.Tick, r *graph.Received[T]) (T, error) { return r.Value, nil })(in)
}

// Gate gives a value on through while a cell, or another wire of the same origin, is true, else on shut. Both are to be read.
func Gate[T any](w graph.Wire[T], open graph.In[bool]) (through, shut graph.Wire[T]) {
	return graph.Branch2(parts, "gate", 1, func(_ *graph.Tick, v T, open bool) (T, bool, error) { return v, open, nil })(w, open)
}

// must has a mistake in the recording of a graph stop the program, as one in the package graph does.
func must(ok bool, what string) {
	if !ok {
		panic("ops: " + what)
	}
}
