package p2p

import (
	"context"
	"errors"
	"time"

	"github.com/merograph/merograph/graph"
)

// askTime is the deadline of an Ask whose context has none.
const askTime = 30 * time.Second

// Ask makes a local request to the Ask of a name and waits for its answer, until ctx ends or, when ctx has no deadline, for
// 30 s. The error is a *graph.Failure, or that of ctx when it was cancelled. It panics as graph.Submit does.
func Ask[Q, A any](ctx context.Context, r *Running, name string, q Q) (A, error) {
	var zero A
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTime)
		defer cancel()
	}
	until, _ := ctx.Deadline()
	left := time.Until(until)
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return zero, err
	} else if err != nil || left <= 0 {
		return zero, &graph.Failure{Reason: graph.Expired, Detail: "no time was left to ask " + name}
	}
	type result struct {
		a   A
		err error
	}
	got := make(chan result, 1)
	graph.Submit(r.in, name, q, left, func(a A, err error) { got <- result{a, err} })
	select {
	case x := <-got:
		return x.a, x.err
	case <-ctx.Done():
	}
	select {
	case x := <-got: // it came at the last moment
		return x.a, x.err
	default:
	}
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return zero, err
	}
	return zero, &graph.Failure{Reason: graph.Timeout, Detail: "no answer to " + name + " within its deadline; the outcome is unknown"}
}
