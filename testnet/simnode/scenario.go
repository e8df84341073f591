package simnode

import (
	"slices"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/sim"
)

// Scenario is the node.
var Scenario = sim.Scenario{
	Name:       "node",
	Graph:      replicate.Protocol,
	Bind:       bind,
	Script:     script,
	OnCrash:    func(n *sim.Node) { of(n).journal, of(n).kv = nil, nil },
	Disk:       func(n *sim.Node) sim.Disk { return of(n) },
	Hostile:    hostile,
	Properties: properties,
}

// settling is the time that a write may take to reach every node: some tours, of which hostile neighbours waste a part.
const settling = 150 * time.Second

// run is what the nodes of a run share.
type run struct {
	ctx    dag.ID
	keys   []dag.Key            // of the nodes, by index
	honest map[dag.Key]bool     // authors
	acked  []acked              // answered writes
	lost   map[dag.ID]bool      // what was on one disk alone, and is not there any more
	places map[place]dag.ID     // of honest chains
	rolled map[dag.ID]uint64    // chains that a disk which was put back as a whole after a clean stop goes on from a seq
	pages  map[[32]byte]bool    // published
	judged map[dag.ID]*judgment // of a set of deltas, by its digest
}

// acked is an answered write.
type acked struct {
	id dag.ID
	by graph.Peer
	at graph.Time // of the world
}

// place is one of a chain.
type place struct {
	chain dag.ID
	seq   uint64
}

// rollBack notes that chains may go on from where they end on an image: nothing on it tells that it is one.
func (r *run) rollBack(ends map[dag.ID]uint64) {
	for chain, seq := range ends { //lint:unordered the least of each
		if was, ok := r.rolled[chain]; !ok || seq < was {
			r.rolled[chain] = seq
		}
	}
}

// mayFork tells whether a place of a chain may be used twice.
func (r *run) mayFork(at place) bool {
	from, ok := r.rolled[at.chain]
	return ok && at.seq > from
}

// shared gives what the nodes of a run share; the first node that starts makes it.
func shared(w *sim.World) *run {
	if w.State == nil {
		r := &run{honest: map[dag.Key]bool{}, lost: map[dag.ID]bool{}, places: map[place]dag.ID{}, rolled: map[dag.ID]uint64{},
			pages: map[[32]byte]bool{}, judged: map[dag.ID]*judgment{}}
		for i, n := range w.Nodes() {
			r.keys = append(r.keys, dag.NewSigner(n.Key()).Public())
			r.honest[r.keys[i]] = !n.Hostile()
		}
		w.State = r
	}
	return w.State.(*run)
}

func bind(n *sim.Node) []graph.Option {
	if n.Kept == nil {
		n.Kept = newMember(n)
	}
	m := of(n)
	m.open()
	if w := n.World(); n.Restarts() > 0 { // whoever starts a node again wants something of it
		w.After(time.Duration(n.RandN("again", int(3*time.Second))), n, func(n *sim.Node) { m.wanted() })
	}
	return []graph.Option{graph.Bind("log", replicate.Log(m)), graph.Bind("outbox", replicate.Outbox(outgoing{m})), graph.Bind("pace", replicate.Pace{}), graph.Bind("neighbours", n.Neighbours())}
}

// granted is how many authors the genesis grants.
func granted(nodes int) int { return (nodes + 1) / 2 }

// found founds the context, which grants the first half of the authors.
func (m *member) found() (err error) {
	r := shared(m.n.World())
	r.ctx, err = m.journal.Found(m.signer, dag.Grant{Keys: slices.Clone(r.keys[:min(granted(len(r.keys)), dag.MaxGrantKeys)])})
	return err
}

func script(w *sim.World) {
	r := shared(w)
	for _, n := range w.Nodes() {
		w.EveryOn(n, 25*time.Second, 25*time.Second, func(n *sim.Node) { of(n).wanted() })
	}
	founder, next := w.Nodes()[0], granted(len(r.keys))
	w.EveryOn(founder, 4*time.Second, time.Second, func(n *sim.Node) {
		if next < len(r.keys) && of(n).grant(r.keys[next]) {
			next++
		}
	})
}
