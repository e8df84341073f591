package simnode

import (
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/sim"
)

// forge signs a delta that its own journal would not make, and that is right but for one thing.
func (v *villain) forge(n *sim.Node, act int) {
	r := shared(n.World())
	h := v.last
	if h == nil {
		return
	}
	d := v.first(n)
	switch act {
	case 9: // in the name of another
		d.Author = r.keys[n.RandN("whose", len(r.keys))]
	case 10: // before its past, or at once with it and too late among what is
		if d.Ms = h.Delta.Ms - 1; n.RandN("clock", 2) == 1 {
			d.Ms, d.N = h.Delta.Ms, h.Delta.N+2
		}
	case 11: // grants, and may not
		d.Kind = dag.KindGrant
		d.Payload, _ = dag.Grant{Keys: []dag.Key{v.signer.Public()}, Role: dag.RoleAdmin}.Encode()
	case 12: // under what is no credential of its, or under one that stands beside its past
		if n.RandN("credential", 2) == 0 {
			d.Credential = h.ID
		} else if founded, ok, _ := v.journal.Get(r.ctx); ok && d.Credential != r.ctx {
			d.Parents, d.Ms = []dag.ID{r.ctx}, founded.Delta.Ms+1
		}
	case 17: // with its parents in another order
		d.Parents = append(d.Parents, r.ctx)
		slices.SortFunc(d.Parents, func(a, b dag.ID) int { return b.Compare(a) })
	case 18: // what follows its prev and names it among its parents, too
		d.Nonce, d.Chain, d.Seq, d.Prev = nil, h.Delta.ChainOf(h.ID), h.Delta.Seq+1, h.ID
	case 19: // on more than a delta may stand on
		if d.Parents, d.Ms = v.some(r.ctx, dag.MaxParents+1), dag.MaxMs-1; len(d.Parents) <= dag.MaxParents {
			return
		}
	}
	v.publish(n, v.run(r.ctx, d))
}

// first makes a delta that begins a chain on the last that it wrote, and that is right.
func (v *villain) first(n *sim.Node) *dag.Delta {
	h := v.last
	nonce := make([]byte, dag.NonceLen)
	_, _ = n.Entropy("journal").Read(nonce)
	return &dag.Delta{Version: dag.Version1, Context: shared(n.World()).ctx, Author: v.signer.Public(), Nonce: nonce, Parents: []dag.ID{h.ID}, Ms: h.Delta.Ms + 1,
		Credential: h.Delta.Credential, Kind: dag.KindData, Payload: v.payload(n)}
}

// run gives the page of a run under one signature.
func (v *villain) run(ctx dag.ID, deltas ...*dag.Delta) []byte {
	var run []*dag.Entry
	for _, d := range deltas {
		raw := d.Encode()
		run = append(run, &dag.Entry{ID: dag.HashID(raw), Delta: d, Raw: raw})
	}
	last := run[len(run)-1]
	var err error
	if last.Sig, err = v.signer.Sign(dag.SignedMessage(last.ID)); err != nil {
		return nil
	}
	return dag.EncodePage(ctx, [][]*dag.Entry{run})
}

// half makes a run of which the beginning is good, and the end stands on what nobody has or breaks a rule. One node may get it alone.
func (v *villain) half(n *sim.Node, to graph.Peer) {
	r := shared(n.World())
	if v.last == nil {
		return
	}
	good := v.first(n)
	id := dag.HashID(good.Encode())
	bad := &dag.Delta{Version: dag.Version1, Context: r.ctx, Author: good.Author, Chain: id, Seq: 1, Prev: id, Ms: good.Ms + 1,
		Credential: good.Credential, Kind: dag.KindData, Payload: v.payload(n)}
	if n.RandN("end", 2) == 0 {
		bad.Ms, bad.N = good.Ms, 7
	} else {
		bad.Parents = []dag.ID{{byte(n.Rand("parent")), 1}}
	}
	page := v.run(r.ctx, good, bad)
	if n.RandN("alone", 2) == 0 {
		v.ask(n, to, "deliver", replicate.Batch{Page: page})
		return
	}
	v.publish(n, page)
}
