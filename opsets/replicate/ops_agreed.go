package replicate

import (
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

type agreements = graph.Rows[graph.Peer, Agreement]

// maxAgreements is of how many peers a node knows what both held; it bounds memory, with MaxTips tips each, which peers that
// agree on the same share.
const maxAgreements = 64

// since gives the tips that have come since this node agreed with the peer of a round.
func since(r Round, l Log, t *agreements) (Have, bool) {
	a, ok := t.Get(r.Peer)
	if !ok || r.Whole {
		return Have{}, false
	}
	h := Have{Base: a.Digest}
	for _, tip := range l.Tips() {
		if _, had := slices.BinarySearchFunc(a.Tips, tip, dag.Tip.Compare); !had {
			h.Held = append(h.Held, tip.ID)
		}
	}
	return h, len(h.Held) <= MaxTips
}

// idsOf gives the ids of tips.
func idsOf(tips []dag.Tip) []dag.ID {
	ids := make([]dag.ID, len(tips))
	for i, t := range tips {
		ids[i] = t.ID
	}
	return ids
}

// Remember keeps what this node and who compares agree on.
var Remember = graph.Op4(Ops, "remember", 1, func(_ *graph.Tick, v Verdict, r *graph.Request[Digest, Verdict], l Log, t *agreements) (graph.Done, error) {
	if !v.Equal {
		return graph.Done{}, nil
	}
	return graph.Done{}, remember(t, r.From, r.Value.Digest, l)
})

// StillRemember keeps what this node and the other agree on.
var StillRemember = graph.Op4(Ops, "still_remember", 1, func(_ *graph.Tick, same bool, r Round, l Log, t *agreements) (graph.Done, error) {
	if !same {
		return graph.Done{}, nil
	}
	return graph.Done{}, remember(t, r.Peer, l.Digest(), l)
})

func remember(t *agreements, p graph.Peer, digest dag.ID, l Log) error {
	if a, ok := t.Get(p); ok && a.Digest == digest {
		return nil
	}
	a := Agreement{Peer: p, Digest: digest}
	for _, o := range t.View().All() {
		if o.Digest == digest {
			a.Tips = o.Tips
		}
	}
	if a.Tips == nil {
		a.Tips = l.Tips()
	}
	if len(a.Tips) > MaxTips {
		t.Remove(p)
		return nil
	}
	return t.Put(a, graph.Forever)
}
