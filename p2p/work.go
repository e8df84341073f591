package p2p

import (
	"context"
	"sync"

	"github.com/merograph/merograph/graph"
)

// workers runs the tasks of every instance of a host: at most so many at a time, on goroutines that start when there is
// work and end when there is none. One of them stays, since a new one would grow its stack again for what a node does most:
// to verify what it hears. What waits is bounded by the activations of the instances.
type workers struct {
	most    int
	mu      sync.Mutex
	queue   []func()
	running int         // those that have a task or look for one
	rests   bool        // one waits for hand
	hand    chan func() // holds one; closed when nobody shall rest
	closed  bool
	all     sync.WaitGroup
}

// A job is a task of an instance, counted in its tasks.
type job struct {
	r *Running
	t *graph.Task
}

func newWorkers(most int) *workers { return &workers{most: most, hand: make(chan func(), 1)} }

func (w *workers) add(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rests {
		w.rests = false
		w.running++
		w.hand <- do
		return
	}
	w.queue = append(w.queue, do)
	if w.running < w.most {
		w.running++
		w.all.Go(w.run)
	}
}

func (w *workers) run() {
	for {
		do := w.take()
		if do == nil {
			return
		}
		do()
	}
}

// take gives a worker its next task; nil ends it.
func (w *workers) take() func() {
	w.mu.Lock()
	if len(w.queue) > 0 {
		defer w.mu.Unlock()
		do := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		return do
	}
	w.queue = nil
	w.running--
	rest := !w.rests && !w.closed
	w.rests = w.rests || rest
	w.mu.Unlock()
	if !rest {
		return nil
	}
	return <-w.hand
}

// do runs a task. One of an instance that has stopped is run too, with a context that has ended, as the contract says.
func (j job) do() {
	defer j.r.tasks.Done()
	ctx := j.r.ctx
	if j.t.Deadline != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.t.Deadline.Sub(j.r.h.now()))
		defer cancel()
	}
	j.t.Run(ctx)
	j.t.Done()
}

// wait returns when all that was added has been run.
func (w *workers) wait() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		w.rests = false
		close(w.hand)
	}
	w.mu.Unlock()
	w.all.Wait()
}
