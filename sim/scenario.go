package sim

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
)

// A Scenario is what a simulation runs: a protocol, what its nodes are bound to, a workload and what must hold. It is a
// plain value that many runs may share: state of a run belongs in Node.Kept and World.State.
type Scenario struct {
	// Name is how the scenario is called, usually as its graph.
	Name string
	// Graph records the protocol.
	Graph func() *graph.Graph
	// Roles gives the role of each node by index; nil gives every node the graph's first role.
	Roles func(nodes int) []string
	// Bind gives the options of a node's instance, at each start and restart. It may be nil.
	Bind func(n *Node) []graph.Option
	// Script schedules the workload; it is called once, when every node has started. It may be nil.
	Script func(w *World)
	// OnCrash is called when a node has crashed: it drops from n.Kept what was not synced, where Disk does
	// not. It may be nil.
	OnCrash func(n *Node)
	// Disk gives the disk of a node, for the faults disk, backup and clone; nil for a node that has none. Every crash cuts its power,
	// or ends the program alone. Where it is nil there are no such faults.
	Disk func(n *Node) Disk
	// Churn says which nodes the fault churn may crash; nil means every node.
	Churn func(n *Node) bool
	// Hostile gives the program that a node runs in the place of its role's when the fault hostile is on; nil for a node that keeps
	// to the protocol. Where it is nil there is no such fault.
	Hostile func(n *Node) Program
	// Sent is told of each message that leaves on a connection, and Received of each that reaches an instance, before it is admitted:
	// what properties need to know of what is said. They must not change m. They may be nil.
	Sent     func(from, to *Node, m *graph.Message)
	Received func(n *Node, m *graph.Message)
	// Properties must hold.
	Properties []Property
	// Degree is how many neighbours a node has in the overlay of topics and of the Neighbours feed; 0 means 6. A protocol that
	// uses neither runs faster without an overlay: -1.
	Degree int
}

// A Kind says when a property is judged.
type Kind string

// The kinds of property.
const (
	// Safety must hold at every moment. It is checked after each event that changed a table, each virtual second, and at
	// the end.
	Safety Kind = "safety"
	// Liveness must hold at the end of the run, which is at least Within after the last fault healed.
	Liveness Kind = "liveness"
	// Sometimes must be reached by some seed: by World.Reached with its name, or by Check returning nil at one of the
	// moments at which Safety is checked each virtual second. A single run that does not reach it does not fail; see Unreached.
	Sometimes Kind = "sometimes"
)

// A Property is what a scenario promises.
type Property struct {
	Name string
	Kind Kind
	// Check gives the error that names what does not hold. It must not change anything.
	Check func(w *World) error
	// CheckNode, of a Safety property, is Check for one node: when it is given, it is called after each event that changed
	// a table of n, and Check, which may then be nil, only each virtual second.
	CheckNode func(w *World, n *Node) error
	// Within, of a Liveness property, is the time that it needs after the last fault; 0 means a quarter of the run.
	Within time.Duration
}

// EachNode gives a Safety property of each node that keeps to the protocol: check is called for a node after each event that changed
// a table of it, and for all of them each virtual second and at the end.
func EachNode(name string, check func(w *World, n *Node) error) Property {
	one := func(w *World, n *Node) error {
		if n.Hostile() {
			return nil
		}
		return check(w, n)
	}
	return Property{Name: name, Kind: Safety, CheckNode: one, Check: func(w *World) error {
		for _, n := range w.Nodes() {
			if err := one(w, n); err != nil {
				return fmt.Errorf("%s: %w", n.ID(), err)
			}
		}
		return nil
	}}
}
