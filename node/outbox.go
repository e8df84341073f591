package node

import (
	"context"
	"fmt"

	"github.com/merograph/merograph/components/outbox"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// keyOf is the key that a node writes with: that of its identity.
func keyOf(p graph.Peer) (dag.Key, bool) {
	pub, err := p2p.KeyOf(p)
	if err != nil {
		return dag.Key{}, false
	}
	return dag.Key(pub), true
}

// Outbox tells what was written here and which peers have not acknowledged it, in the default context. Before the transport
// has started nothing is acknowledged; before a context is known there is nothing.
func (s *State) Outbox() outbox.Status {
	ctx, ok := s.Context()
	if !ok {
		return outbox.Status{Peers: []outbox.Peer{}}
	}
	box := outbox.New(s.journal, ctx, s.authors, keyOf)
	s.mu.Lock()
	r := s.replica
	s.mu.Unlock()
	var view graph.View[graph.Peer, replicate.Delivery]
	if r == nil {
		return box.Status(view, nil)
	}
	if f := graph.FeedOf[graph.Peer, replicate.Delivery](r.Instance(), "deliveries"); f != nil {
		view = f.Get()
	}
	return box.Status(view, s.host.Connected().Get())
}

// Deliver takes one step of the outbox now: every connected peer is delivered a batch of what it has not acknowledged, whatever
// was tried before. With prune the peers that are not connected are forgotten, and so is why others refused.
func (s *State) Deliver(ctx context.Context, prune bool) (outbox.Tick, error) {
	s.mu.Lock()
	r := s.replica
	s.mu.Unlock()
	if r == nil {
		if _, err := s.Store(); err != nil {
			return outbox.Tick{}, err
		}
		return outbox.Tick{}, fmt.Errorf("nothing can be delivered: the transport does not run; merod status says why under problems")
	}
	out, err := p2p.Ask[replicate.Step, replicate.Stepped](ctx, r, "step", replicate.Step{Prune: prune})
	return outbox.Tick{Retried: out.Retried, BatchSize: out.Batch, Sent: out.Sent, Pruned: out.Pruned}, err
}
