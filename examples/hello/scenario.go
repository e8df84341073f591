package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// scenario is one desk, the first node; the others are guests.
var scenario = sim.Scenario{
	Name:  "hello",
	Graph: Protocol,
	Roles: func(nodes int) []string {
		roles := slices.Repeat([]string{"guest"}, nodes)
		roles[0] = "desk"
		return roles
	},
	Bind: func(n *sim.Node) []graph.Option {
		if n.Role() == "desk" {
			return nil
		}
		desk := n.World().Nodes()[0].ID()
		return []graph.Option{graph.Bind("name", fmt.Sprintf("guest %d", n.Index())), graph.Bind("desk", desk)}
	},
	Properties: []sim.Property{{
		Name: "when all is well again, every guest is in the book", Kind: sim.Liveness, Within: 10 * time.Second,
		Check: func(w *sim.World) error {
			people := graph.FeedOf[graph.Peer, Guest](w.Nodes()[0].Instance(), "people").Get()
			for _, n := range w.Nodes()[1:] {
				if _, ok := people.Get(n.ID()); !ok {
					return fmt.Errorf("%s is not in the book", n.ID())
				}
			}
			return nil
		},
	}},
}

// simulate runs a minute of it, with faults, and says what was found.
func simulate(out io.Writer, s sim.Scenario, seed uint64) error {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		return err
	}
	r, err := sim.Run(s, sim.Options{Nodes: 5, Seed: seed, Time: time.Minute, Faults: faults})
	if err != nil {
		return err
	}
	if err := r.Err(); err != nil {
		return err
	}
	fmt.Fprintf(out, "seed %d: all is well\n", seed)
	return nil
}
