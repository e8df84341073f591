package p2p

import (
	"sync"
	"testing"
)

// TestWorkersRestAndRun: one worker rests between tasks; what comes at once runs at once, on as many as are allowed, and all that
// was added has run when wait returns.
func TestWorkersRestAndRun(t *testing.T) {
	w := newWorkers(4)
	for range 50 {
		var met, done sync.WaitGroup
		met.Add(3) // they wait for each other
		done.Add(3)
		for range 3 {
			w.add(func() { met.Done(); met.Wait(); done.Done() })
		}
		done.Wait()
	}
	var ran sync.WaitGroup
	ran.Add(101)
	for range 100 {
		w.add(ran.Done)
	}
	w.wait()
	w.add(ran.Done) // of an instance that stops later
	w.wait()
	ran.Wait()
}

// TestWorkersOverTheBound: no more run at a time than are allowed.
func TestWorkersOverTheBound(t *testing.T) {
	w := newWorkers(2)
	started, release := make(chan struct{}, 8), make(chan struct{})
	for range 8 {
		w.add(func() { started <- struct{}{}; <-release })
	}
	<-started
	<-started
	w.mu.Lock()
	running, waiting := w.running, len(w.queue)
	w.mu.Unlock()
	if running != 2 || waiting != 6 {
		t.Errorf("%d run and %d wait; the bound is 2", running, waiting)
	}
	close(release)
	w.wait()
}
