package testnet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/merograph/merograph/dag"
)

// A board keeps which writes are where.
type board struct {
	net *network

	mu     sync.Mutex
	open   map[string]*wrote // by key
	took   []time.Duration   // of those that are on all
	writes int
	wrote  []int         // by node
	holds  []int         // by node: entries
	errs   []string      // by node: why it could not write last
	done   chan struct{} // closed when open is empty, then made anew
}

// wrote is a write that is not on all nodes yet.
type wrote struct {
	version  dag.ID
	answered time.Time
	on       []bool
	left     int
}

func newBoard(n *network) *board {
	c := len(n.members)
	return &board{net: n, open: map[string]*wrote{}, wrote: make([]int, c), holds: make([]int, c), errs: make([]string, c), done: make(chan struct{})}
}

// write writes once a second on node i, until ctx ends.
func (b *board) write(ctx context.Context, i int) {
	s := b.net.members[i].state()
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for n := 1; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		key := fmt.Sprintf("%s/%d", b.net.members[i].name, n)
		put, err := s.Put(key, []byte(time.Now().UTC().Format(time.RFC3339Nano)))
		b.mu.Lock()
		if err != nil {
			b.errs[i] = err.Error()
			b.mu.Unlock()
			continue
		}
		n++
		b.errs[i] = ""
		b.writes++
		b.wrote[i]++
		b.open[key] = &wrote{version: put.Version, answered: time.Now(), on: make([]bool, len(b.wrote)), left: len(b.wrote)}
		b.mu.Unlock()
		for j := range b.net.members {
			b.look(j)
		}
	}
}

// read looks whenever the store of node i has changed, until ctx ends.
func (b *board) read(ctx context.Context, i int) {
	s := b.net.members[i].state()
	for {
		var changed <-chan struct{}
		if kv, err := s.Store(); err == nil {
			changed = kv.Changed()
		} else {
			changed = s.Changed()
			if _, err := s.Store(); err == nil {
				continue
			}
		}
		b.look(i)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// look notes which open writes node i can read.
func (b *board) look(i int) {
	kv, err := b.net.members[i].state().Store()
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, err := kv.Len(); err == nil {
		b.holds[i] = n
	}
	for key, w := range b.open {
		if w.on[i] {
			continue
		}
		if e, err := kv.Get(key); err != nil || e.Version != w.version {
			continue
		}
		w.on[i] = true
		if w.left--; w.left == 0 {
			b.took = append(b.took, max(0, time.Since(w.answered)))
			delete(b.open, key)
		}
	}
	if len(b.open) == 0 {
		close(b.done)
		b.done = make(chan struct{})
	}
}

// settle waits until every write is on all nodes, at most so long.
func (b *board) settle(most time.Duration) {
	limit := time.NewTimer(most)
	defer limit.Stop()
	for {
		b.mu.Lock()
		left, done := len(b.open), b.done
		b.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-done:
		case <-limit.C:
			return
		}
	}
}
