package p2p

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A writer that waits for the turn of what it has goes on at once with something better that is queued behind it: it would
// wait for itself, which is the one that could write it.
func TestBetterFrameEndsTheWaitForATurn(t *testing.T) {
	for name, c := range map[string]struct{ busy, waits, comes class }{
		"own behind relayed":     {own, relayed, own},
		"control behind relayed": {own, relayed, control},
		"control behind own":     {control, own, control},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := bareHost()
				a, b := opened(h, 1<<20), opened(h, 1<<20)
				at, held := &page{}, &page{stuck: make(chan struct{})}
				var all sync.WaitGroup
				all.Go(func() { a.writeAll(at, nil, always) })
				all.Go(func() { b.writeAll(held, nil, always) })
				start := time.Now()
				b.say(t, c.busy, "b")
				synctest.Wait()
				a.say(t, c.waits, "worse")
				synctest.Wait()
				if got := at.said(t); got != "" {
					t.Errorf("%q is written before its turn", got)
				}
				a.say(t, c.comes, "better")
				synctest.Wait()
				if got := at.said(t); got != "better" {
					t.Errorf("written: %q", got)
				}
				held.stuck <- struct{}{}
				synctest.Wait()
				if got := at.said(t); got != "better worse" || time.Since(start) != 0 {
					t.Errorf("written: %q after %v", got, time.Since(start))
				}
				a.close()
				b.close()
				all.Wait()
			})
		})
	}
}

// A sender that is closed does not wait for a turn any more.
func TestCloseEndsTheWaitForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHost()
		a, b := opened(h, 1<<20), opened(h, 1<<20)
		held := &page{stuck: make(chan struct{})}
		var waits, stuck sync.WaitGroup
		waits.Go(func() { a.writeAll(&page{}, nil, always) })
		stuck.Go(func() { b.writeAll(held, nil, always) })
		start := time.Now()
		b.say(t, own, "b")
		synctest.Wait()
		a.say(t, relayed, "r")
		synctest.Wait()
		a.close()
		waits.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("it ended after %v", took)
		}
		b.close()
		close(held.stuck)
		stuck.Wait()
	})
}
