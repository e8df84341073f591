package p2p

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merograph/merograph/graph"
)

// A Running is an instance with the goroutine that drives it.
type Running struct {
	h        *Host
	in       *graph.Instance
	prog     *graph.Program
	channels map[string]*endpoint
	wake     chan struct{} // holds one
	done     chan struct{} // closed when the loop has ended
	ctx      context.Context
	cancel   context.CancelFunc
	tasks    sync.WaitGroup

	asked atomic.Bool // calls or stop have something
	mu    sync.Mutex
	calls []*doCall
	stop  bool

	back []graph.Message // what Send could not send; the loop's own

	openMu sync.Mutex
	open   map[uint64]openCall // requests of others that the instance has
	nextID uint64
}

// Run starts an instance of prog on its own goroutine, and takes part in its channels and topics. It refuses what
// graph.Start refuses, and a second instance of one role with one key.
func (h *Host) Run(prog *graph.Program, opts ...graph.Option) (*Running, error) {
	r := &Running{h: h, prog: prog, channels: map[string]*endpoint{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
		open: map[uint64]openCall{}}
	r.ctx, r.cancel = context.WithCancel(h.ctx)
	if h.record != nil {
		opts = append(slices.Clone(opts), graph.Record(h.record))
	}
	in, err := graph.Start(prog, hostOf{r}, opts...)
	if err != nil {
		r.cancel()
		return nil, err
	}
	r.in = in
	if err := h.register(r); err != nil {
		in.Stop()
		r.cancel()
		return nil, fmt.Errorf("run %s %s: %w", prog.Name(), prog.Role(), err)
	}
	go r.loop() // Stop waits for it, and Close stops every Running
	return r, nil
}

// Instance is what runs. Of its methods only those that are safe from any goroutine may be called; for the others there
// is Do.
func (r *Running) Instance() *graph.Instance { return r.in }

// Stop ends the instance and returns when its goroutine and its work have ended: requests of the node are answered with
// lost, and so are open requests of others. It must not be called from within the instance.
func (r *Running) Stop() {
	r.mu.Lock()
	r.stop = true
	r.mu.Unlock()
	r.asked.Store(true)
	r.nudge()
	<-r.done
	r.tasks.Wait()
}

type doCall struct {
	fn    func(*graph.Instance)
	state atomic.Int32 // 0 waits, 1 taken, 2 given up
	done  chan struct{}
}

// Do runs fn between two ticks, on the instance's goroutine. It returns when fn has; when ctx ends first, fn is not run.
// fn must not block, and must not call Do, Ask or Stop of this Running.
func (r *Running) Do(ctx context.Context, fn func(in *graph.Instance)) error {
	c := &doCall{fn: fn, done: make(chan struct{})}
	r.mu.Lock()
	if r.stop {
		r.mu.Unlock()
		return fmt.Errorf("%s %s: %w", r.prog.Name(), r.prog.Role(), ErrClosed)
	}
	r.calls = append(r.calls, c)
	r.mu.Unlock()
	r.asked.Store(true)
	r.nudge()
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(0, 2) {
			return ctx.Err()
		}
		<-c.done
	}
	if c.state.Load() == 2 {
		return fmt.Errorf("%s %s: %w", r.prog.Name(), r.prog.Role(), ErrClosed)
	}
	return nil
}

func (r *Running) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// loop drives the instance until Stop.
func (r *Running) loop() {
	defer close(r.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var armed graph.Time
	for {
		for r.in.Next() {
			r.giveBack()
			if r.asked.Load() && r.serve() {
				r.end()
				return
			}
		}
		if r.asked.Load() && r.serve() {
			r.end()
			return
		}
		if r.giveBack() {
			continue
		}
		if at, ok := r.in.Deadline(); !ok {
			armed = 0
			timer.Stop()
		} else if at != armed {
			armed = at
			timer.Reset(at.Sub(r.h.now()))
		}
		select {
		case <-r.wake:
		case <-timer.C:
			armed = 0
		}
	}
}

// giveBack hands the instance what its last tick could not send; true when there was something.
func (r *Running) giveBack() bool {
	if len(r.back) == 0 {
		return false
	}
	for i := range r.back {
		r.in.Deliver(r.back[i])
	}
	clear(r.back)
	r.back = r.back[:0]
	return true
}

// serve runs what Do asked for; true when the loop is to stop.
func (r *Running) serve() (stop bool) {
	r.asked.Store(false)
	r.mu.Lock()
	calls := r.calls
	r.calls, stop = nil, r.stop
	r.mu.Unlock()
	for _, c := range calls {
		if c.state.CompareAndSwap(0, 1) {
			c.fn(r.in)
		}
		close(c.done)
	}
	return stop
}

// end takes the instance off the host, on the loop's goroutine.
func (r *Running) end() {
	r.h.unregister(r)
	r.in.Stop()
	r.h.trials.end(r)
	r.cancel()
	r.closeOpen()
	r.h.forget(r)
}
