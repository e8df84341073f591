package simnode

import (
	"context"

	"github.com/merograph/merograph/components/outbox"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
)

// outgoing is the outbox of a member, whose journal is another one after each start.
type outgoing struct{ m *member }

var _ replicate.Outbox = outgoing{}

func (o outgoing) box() *outbox.Outbox {
	w := o.m.n.World()
	author := func(p graph.Peer) (dag.Key, bool) {
		n := w.Node(p)
		if n == nil {
			return dag.Key{}, false
		}
		return dag.NewSigner(n.Key()).Public(), true
	}
	return outbox.New(o.m.journal, shared(w).ctx, []dag.Key{o.m.signer.Public()}, author)
}

// Mine implements replicate.Outbox.
func (o outgoing) Mine() []dag.Tip {
	if o.m.journal == nil {
		return nil
	}
	return o.box().Mine()
}

// Theirs implements replicate.Outbox.
func (o outgoing) Theirs(p graph.Peer) []dag.Tip {
	if o.m.journal == nil {
		return nil
	}
	return o.box().Theirs(p)
}

// Batch implements replicate.Outbox.
func (o outgoing) Batch(ctx context.Context, q replicate.Queued) (replicate.Batch, error) {
	if o.m.journal == nil {
		return replicate.Batch{}, errNoLog
	}
	return o.box().Batch(ctx, q)
}
