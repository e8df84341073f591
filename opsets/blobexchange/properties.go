package blobexchange

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/sim"
)

const (
	sometimesFailed = "a source failed mid-way"
	sometimesLied   = "a node was given wrong bytes"
)

var properties = []sim.Property{
	{Name: "a held blob has the bytes of its id", Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error { return kept(n).wrong }},
	{Name: "after healing everyone who wants a blob has it", Kind: sim.Liveness, Within: 2 * time.Minute, Check: allHave},
	{Name: sometimesFailed, Kind: sim.Sometimes},
}

// allHave leaves out the blobs that no live node holds.
func allHave(w *sim.World) error {
	for _, id := range libraryOf(w).ids {
		holders := 0
		for _, n := range w.Nodes() {
			if _, ok := kept(n).store.Has(id); ok && n.Up() {
				holders++
			}
		}
		for _, n := range w.Nodes() {
			s := kept(n)
			for _, wanted := range s.wants {
				if _, ok := s.store.Has(id); wanted == id && holders > 0 && n.Up() && !ok {
					return fmt.Errorf("%s lacks %v, which %d nodes hold", n.ID(), id, holders)
				}
			}
			if s.wrong != nil {
				return fmt.Errorf("%s: %w", n.ID(), s.wrong)
			}
		}
	}
	return nil
}
