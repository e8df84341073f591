package replicate

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/sim"
)

const (
	sometimesPage    = "a catch-up fetched a page"
	sometimesGossip  = "gossip brought a delta"
	sometimesMissing = "a delta waited for its past"

	// settling is the time that a write may take to reach every node: some tours.
	settling = 2 * time.Minute
)

var properties = []sim.Property{
	{Name: "an acknowledged write outlives restarts, and nothing honest is refused", Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error {
		return kept(n).wrong
	}, Check: func(w *sim.World) error {
		for _, n := range w.Nodes() {
			if err := kept(n).wrong; err != nil {
				return fmt.Errorf("%s: %w", n.ID(), err)
			}
		}
		return nil
	}},
	{Name: "after healing all nodes hold the same deltas and every acknowledged write", Kind: sim.Liveness, Within: settling, Check: converged},
	{Name: sometimesPage, Kind: sim.Sometimes},
	{Name: sometimesGossip, Kind: sim.Sometimes},
	{Name: sometimesMissing, Kind: sim.Sometimes},
}

// converged leaves out what was written lately, for a run without faults goes on writing.
func converged(w *sim.World) error {
	quiet := true
	for _, from := range w.Nodes() {
		for _, a := range kept(from).acked {
			if w.Now().Sub(a.at) < settling {
				quiet = false
				continue
			}
			for _, n := range w.Nodes() {
				if n.Up() && !kept(n).journal.Has(a.id) {
					return fmt.Errorf("%s lacks %v, which %s was answered at %v", n.ID(), a.id, from.ID(), time.Duration(a.at))
				}
			}
		}
	}
	first := w.Nodes()[0]
	for _, n := range w.Nodes() {
		if quiet && n.Up() && first.Up() && kept(n).Digest() != kept(first).Digest() {
			return fmt.Errorf("%s and %s hold different deltas", n.ID(), first.ID())
		}
	}
	return nil
}
