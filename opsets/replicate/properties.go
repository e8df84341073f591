package replicate

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

const (
	sometimesPage     = "a catch-up fetched a page"
	sometimesPart     = "a portion came from a neighbour"
	sometimesGossip   = "gossip brought a delta"
	sometimesBack     = "a gap was asked back for"
	sometimesMissing  = "a delta waited for its past"
	sometimesDelivery = "what was not acknowledged was delivered"
	sometimesFork     = "a hostile node forked its chain, and honest ones hold both branches"

	sometimesRejected = "what is false for everyone was rejected"
	sometimesShunned  = "who handed over what is false for everyone was shunned"
	sometimesNamed    = "what was known by name was asked for"

	// fetchedAgain is in deltas.
	fetchedAgain = 200

	// settling is the time that a write may take to reach every node: two periods.
	settling = time.Minute
	// silent is when nobody has anything to tell any more: acknowledgements and their retries are over too.
	silent = settling + time.Minute
	// listening is for how long a run goes on after that.
	listening = time.Minute
)

var properties = []sim.Property{
	sim.EachNode("an acknowledged write outlives restarts, a delta is admitted once and after its past, nothing honest is refused",
		func(_ *sim.World, n *sim.Node) error { return kept(n).wrong }),
	{Name: "after healing all nodes hold the same deltas and every acknowledged write", Kind: sim.Liveness, Within: settling, Check: converged},
	{Name: "after healing each node has acknowledged to its neighbours what they wrote", Kind: sim.Liveness, Within: silent, Check: acknowledged},
	sim.EachNode("what is fetched is fetched about once in a life", fetchedOnce),
	{Name: "nodes that agree say nothing but a comparison in ten seconds at most", Kind: sim.Liveness, Within: silent + listening, Check: idle},
	sim.EachNode("what is held is bounded by the peers", bounded),
	{Name: "what is claimed is asked back of its claimers alone", Kind: sim.Safety, Check: func(w *sim.World) error { return w.State.(*told).strays }},
	sim.EachNode("what honest nodes pass on is rejected nowhere", onlyLiars),
	{Name: sometimesPage, Kind: sim.Sometimes},
	{Name: sometimesPart, Kind: sim.Sometimes},
	{Name: sometimesGossip, Kind: sim.Sometimes},
	{Name: sometimesMissing, Kind: sim.Sometimes},
	{Name: sometimesBack, Kind: sim.Sometimes},
	{Name: sometimesDelivery, Kind: sim.Sometimes},
	{Name: sometimesFork, Kind: sim.Sometimes},
	{Name: sometimesRejected, Kind: sim.Sometimes, Check: blamed},
}

// fetchedOnce says that honest nodes send one no more, when it fetches, than it holds, for each of its lives; the little that is
// sent again is in the allowance.
func fetchedOnce(_ *sim.World, n *sim.Node) error {
	if m := kept(n); m.fetched > len(m.in)*(1+n.Restarts())+fetchedAgain {
		return fmt.Errorf("%d deltas were sent to it in pages, it holds %d, and restarted %d times", m.fetched, len(m.in), n.Restarts())
	}
	return nil
}

// bounded says that no other can make a node hold more than it may: calls that go on at once, what they own, and what is
// known of peers. The outbox is of neighbours alone, former ones too; strangers that compare and fetch, and this is few of
// them here, are the villains.
func bounded(w *sim.World, n *sim.Node) error {
	if !n.Up() {
		return nil
	}
	m, in := kept(n), n.Instance()
	near, others := len(m.near), len(w.Nodes())-len(honest(w))
	for _, c := range []struct {
		table string
		most  int
	}{{"deliveries", near}, {"receipts", near}, {"rounds", min(maxRounds, near+others)}, {"agreed", min(maxAgreements, near+others)}} {
		if rows := graph.SizeOf(in, c.table); rows > c.most {
			return fmt.Errorf("%d rows of %s, the bound is %d with %d neighbours", rows, c.table, c.most, near)
		}
	}
	mine := m.Mine()
	for _, d := range graph.FeedOf[graph.Peer, Delivery](in, "deliveries").Get().All() {
		if lacks := Behind(d.Acknowledged, mine); lacks < 0 || lacks > Count(mine) {
			return fmt.Errorf("%s lacks %d of %d deltas", d.Peer, lacks, Count(mine))
		}
	}
	return nil
}

// acknowledged asks what honest neighbours know of each other. A run without faults goes on writing.
func acknowledged(w *sim.World) error {
	if w.Plan() == (sim.Plan{}) {
		return nil
	}
	for _, n := range honest(w) {
		if !n.Up() {
			continue
		}
		view := graph.FeedOf[graph.Peer, Delivery](n.Instance(), "deliveries").Get()
		for _, p := range n.Neighbours().Get() {
			if other := w.Node(p); other.Hostile() || !other.Up() {
				continue
			}
			d, _ := view.Get(p)
			if lacks := Behind(d.Acknowledged, kept(n).Mine()); lacks > 0 {
				return fmt.Errorf("%s has not acknowledged %d of the deltas of %s", p, lacks, n.ID())
			}
		}
	}
	return nil
}

// converged leaves out what was written lately, for a run without faults goes on writing.
func converged(w *sim.World) error {
	quiet := true
	nodes := honest(w)
	for _, from := range nodes {
		for _, a := range kept(from).acked {
			if w.Now().Sub(a.at) < settling {
				quiet = false
				continue
			}
			for _, n := range nodes {
				if n.Up() && !kept(n).journal.Has(a.id) {
					return fmt.Errorf("%s lacks %v, which %s was answered at %v", n.ID(), a.id, from.ID(), time.Duration(a.at))
				}
			}
		}
	}
	first := nodes[0]
	for _, n := range nodes {
		if quiet && n.Up() && first.Up() && kept(n).Digest() != kept(first).Digest() {
			return fmt.Errorf("%s and %s hold different deltas", n.ID(), first.ID())
		}
	}
	return nil
}
