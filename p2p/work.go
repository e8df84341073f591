package p2p

import (
	"context"
	"sync"

	"github.com/merograph/merograph/graph"
)

// workers runs the tasks of every instance of a host: at most so many at a time, on goroutines that start when there is
// work and end when there is none. What waits is bounded by the activations of the instances.
type workers struct {
	most    int
	mu      sync.Mutex
	queue   []job
	running int
	all     sync.WaitGroup
}

type job struct {
	r *Running
	t *graph.Task
}

func newWorkers(most int) *workers { return &workers{most: most} }

func (w *workers) add(j job) {
	j.r.tasks.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, j)
	if w.running < w.most {
		w.running++
		w.all.Go(w.run)
	}
}

func (w *workers) run() {
	for {
		w.mu.Lock()
		if len(w.queue) == 0 {
			w.queue = nil
			w.running--
			w.mu.Unlock()
			return
		}
		j := w.queue[0]
		w.queue[0] = job{}
		w.queue = w.queue[1:]
		w.mu.Unlock()
		j.do()
	}
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

func (w *workers) wait() { w.all.Wait() }
