package outbox

import (
	"context"
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
)

// A History is what an outbox reads of a journal; *dag.Journal is one.
type History interface {
	Tips(ctx dag.ID) []dag.Tip
	TipsOf(ctx dag.ID, author dag.Key) []dag.Tip
	ServeSome(ctx dag.ID, have []dag.Tip, maxBytes, deltas int) (page []byte, more bool, err error)
}

// An Outbox is the outbox of one context. It is safe for concurrent use.
type Outbox struct {
	history History
	ctx     dag.ID
	mine    []dag.Key
	keyOf   func(graph.Peer) (dag.Key, bool)
}

var (
	_ replicate.Outbox = (*Outbox)(nil)
	_ History          = (*dag.Journal)(nil)
)

// New gives the outbox of a context. What the keys of mine write is written here; keyOf gives the key that another node
// writes with, ok false when it has none.
func New(h History, ctx dag.ID, mine []dag.Key, keyOf func(graph.Peer) (key dag.Key, ok bool)) *Outbox {
	return &Outbox{h, ctx, slices.Clone(mine), keyOf}
}

// Mine gives the tips of the chains that are written here, sorted.
func (o *Outbox) Mine() []dag.Tip {
	var tips []dag.Tip
	for _, k := range o.mine {
		tips = append(tips, o.history.TipsOf(o.ctx, k)...)
	}
	if len(o.mine) > 1 {
		slices.SortFunc(tips, dag.Tip.Compare) //lint:total-key equal tips are the same
	}
	return tips
}

// Theirs gives the tips of the chains that a peer writes, as far as they are held here, sorted.
func (o *Outbox) Theirs(p graph.Peer) []dag.Tip {
	k, ok := o.keyOf(p)
	if !ok {
		return nil
	}
	return o.history.TipsOf(o.ctx, k)
}

// Batch gives a page of the oldest that is written here and that a peer has not acknowledged. What it says of other chains, or
// of deltas that are not held here, counts for nothing.
func (o *Outbox) Batch(_ context.Context, q replicate.Queued) (replicate.Batch, error) {
	have := slices.Clone(q.Acknowledged)
	mine := o.Mine()
	for _, t := range o.history.Tips(o.ctx) {
		if _, own := slices.BinarySearchFunc(mine, t, dag.Tip.Compare); !own {
			have = append(have, t)
		}
	}
	page, _, err := o.history.ServeSome(o.ctx, have, replicate.MaxPage, q.Most)
	return replicate.Batch{Page: page}, err
}
