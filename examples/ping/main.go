package main

import (
	"fmt"
	"os"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// scenario runs the protocol on simulated nodes, and says what must hold.
var scenario = sim.Scenario{
	Name:  "ping",
	Graph: Protocol,
	Bind:  func(n *sim.Node) []graph.Option { return []graph.Option{graph.Bind("neighbours", n.Neighbours())} },
	Properties: []sim.Property{{
		Name: "when all is well again, everybody sees somebody", Kind: sim.Liveness,
		Check: func(w *sim.World) error {
			for _, n := range w.Nodes() {
				if seen(n) == 0 {
					return fmt.Errorf("%s sees nobody", n.ID())
				}
			}
			return nil
		},
	}},
}

// seen is how many rows of the table alive a node has.
func seen(n *sim.Node) int {
	if !n.Up() {
		return 0
	}
	return graph.SizeOf(n.Instance(), "alive")
}

func main() {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	r, err := sim.Run(scenario, sim.Options{Nodes: 20, Seed: 1, Time: time.Minute, Faults: faults})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(r)
	if !r.OK {
		os.Exit(1)
	}
}
