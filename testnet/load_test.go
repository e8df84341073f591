package testnet

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/node"
)

// TestNothingAcknowledgedIsLostUnderLoad: every node has many writers that wait for nobody but their own disk, which is many times
// what the nodes can tell each other meanwhile. In the end every write that was acknowledged is on all.
func TestNothingAcknowledgedIsLostUnderLoad(t *testing.T) {
	const nodes, writers, each = 4, 8, 40
	n, err := newNetwork(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	}()
	for range nodes {
		if _, err := n.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, m := range n.members {
		awaitStore(t, ctx, m.state(), "membership", func() bool {
			c, ok := m.state().Context()
			return ok && m.state().Journal().Member(c, m.state().Signer().Public())
		})
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	acked := map[dag.ID]string{}
	for _, m := range n.members {
		for w := range writers {
			all.Go(func() {
				for i := range each {
					key := fmt.Sprintf("%s/%d/%d", m.name, w, i)
					put, err := m.state().Put(key, []byte(key))
					if err != nil {
						t.Errorf("%s: %v", key, err)
						return
					}
					mu.Lock()
					acked[put.Version] = key
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if len(acked) != nodes*writers*each {
		t.Errorf("%d writes were acknowledged, %d were made", len(acked), nodes*writers*each)
	}
	for _, m := range n.members {
		for version, key := range acked {
			awaitStore(t, ctx, m.state(), key+" on "+m.name, func() bool {
				kv, err := m.state().Store()
				if err != nil {
					return false
				}
				e, err := kv.Get(key)
				return err == nil && e.Version == version && string(e.Value) == key
			})
		}
	}
}

// awaitStore waits until cond holds, asked again whenever the state or the store of a node has changed.
func awaitStore(t *testing.T, ctx context.Context, s *node.State, what string, cond func() bool) {
	t.Helper()
	for {
		changed := s.Changed()
		var stored <-chan struct{}
		if kv, err := s.Store(); err == nil {
			stored = kv.Changed()
		}
		if cond() {
			return
		}
		select {
		case <-changed:
		case <-stored:
		case <-ctx.Done():
			t.Fatalf("%s did not happen: %+v", what, s.Status())
		}
	}
}
