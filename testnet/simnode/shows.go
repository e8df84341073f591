package simnode

import (
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
)

// Shows tells where a store differs from the naive fold of the deltas of its context, or that one of them may not be held. The
// entries stand in an order in which each comes after its past, as Journal.Each gives them; list is all that the store shows.
func Shows(ctx dag.ID, entries []*dag.Entry, proof Proof, list []store.Entry) error {
	j := judgmentOf(ctx, entries, proof)
	if j.invalid != nil {
		return j.invalid
	}
	return j.shows(list)
}
