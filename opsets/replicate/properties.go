package replicate

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

const (
	sometimesPage     = "a catch-up fetched a page"
	sometimesGossip   = "gossip brought a delta"
	sometimesBack     = "a gap was asked back for"
	sometimesMissing  = "a delta waited for its past"
	sometimesDelivery = "what was not acknowledged was delivered"
	sometimesFork     = "a hostile node forked its chain, and honest ones hold both branches"

	// settling is the time that a write may take to reach every node: two periods.
	settling = time.Minute
	// silent is when nobody has anything to tell any more: acknowledgements and their retries are over too.
	silent = settling + time.Minute
	// listening is for how long a run goes on after that.
	listening = time.Minute
)

var properties = []sim.Property{
	{Name: "an acknowledged write outlives restarts, a delta is admitted once and after its past, nothing honest is refused", Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error {
		if n.Hostile() {
			return nil
		}
		return kept(n).wrong
	}, Check: func(w *sim.World) error {
		for _, n := range honest(w) {
			if err := kept(n).wrong; err != nil {
				return fmt.Errorf("%s: %w", n.ID(), err)
			}
		}
		return nil
	}},
	{Name: "after healing all nodes hold the same deltas and every acknowledged write", Kind: sim.Liveness, Within: settling, Check: converged},
	{Name: "after healing each node has acknowledged to its neighbours what they wrote", Kind: sim.Liveness, Within: silent, Check: acknowledged},
	{Name: "nodes that agree say nothing but a comparison in ten seconds at most", Kind: sim.Liveness, Within: silent + listening, Check: idle},
	{Name: "what is held is bounded by the peers", Kind: sim.Safety, CheckNode: bounded, Check: func(w *sim.World) error {
		for _, n := range honest(w) {
			if err := bounded(w, n); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "what is claimed is asked back of its claimers alone", Kind: sim.Safety, Check: func(w *sim.World) error { return w.State.(*told).strays }},
	{Name: "what honest nodes pass on is rejected nowhere", Kind: sim.Safety, CheckNode: onlyLiars, Check: func(w *sim.World) error { return each(w, onlyLiars) }},
	{Name: sometimesPage, Kind: sim.Sometimes},
	{Name: sometimesGossip, Kind: sim.Sometimes},
	{Name: sometimesMissing, Kind: sim.Sometimes},
	{Name: sometimesBack, Kind: sim.Sometimes},
	{Name: sometimesDelivery, Kind: sim.Sometimes},
	{Name: sometimesFork, Kind: sim.Sometimes},
	{Name: "what is false for everyone was rejected", Kind: sim.Sometimes, Check: blamed},
}

// bounded says that no other can make a node hold more than it may: calls that go on at once, and what they own.
func bounded(_ *sim.World, n *sim.Node) error {
	if n.Hostile() || !n.Up() {
		return nil
	}
	in := n.Instance()
	if rows := graph.SizeOf(in, "rounds"); rows > maxRounds {
		return fmt.Errorf("%s: %d rounds", n.ID(), rows)
	}
	if rows := graph.SizeOf(in, "deliveries"); rows > len(n.World().Nodes()) {
		return fmt.Errorf("%s: %d deliveries, of %d nodes", n.ID(), rows, len(n.World().Nodes()))
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
