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

// A Match is what this node and a peer both held when one of them compared; without a digest they differed.
type Match struct {
	Peer   graph.Peer
	Digest dag.ID
	Near   bool // the peer is a neighbour
}

// MatchHere is what who compares was found to hold.
var MatchHere = graph.Op3(Ops, "match_here", 1, func(_ *graph.Tick, v Verdict, r *graph.Request[Digest, Verdict], near []graph.Peer) (Match, error) {
	if !v.Equal {
		return Match{}, nil
	}
	return Match{r.From, r.Value.Digest, slices.Contains(near, r.From)}, nil
})

// MatchThere is what the peer of a round was found to hold.
var MatchThere = graph.Op4(Ops, "match_there", 1, func(_ *graph.Tick, _ Verdict, d Digest, r Round, near []graph.Peer) (Match, error) {
	return Match{r.Peer, d.Digest, slices.Contains(near, r.Peer)}, nil
})

// Remember keeps what this node and another agree on. What was synced here since they compared is not of it.
var Remember = graph.Op3(Ops, "remember", 1, func(_ *graph.Tick, m Match, l Log, t *agreements) (graph.Done, error) {
	if a, ok := t.Get(m.Peer); m.Digest.IsZero() || ok && a.Digest == m.Digest {
		return graph.Done{}, nil
	}
	a := Agreement{Peer: m.Peer, Digest: m.Digest}
	for _, o := range t.View().All() {
		if o.Digest == m.Digest {
			a.Tips = o.Tips
		}
	}
	if a.Tips == nil {
		if a.Tips = l.Tips(); dag.Digest(a.Tips) != m.Digest {
			return graph.Done{}, nil
		}
	}
	if len(a.Tips) > MaxTips {
		t.Remove(m.Peer)
		return graph.Done{}, nil
	}
	return graph.Done{}, t.Put(a, graph.Forever)
})
