package sim

import (
	"crypto/ed25519"
	"time"

	"github.com/merograph/merograph/graph"
)

// A Node is one simulated node: an identity, a processor, what it keeps on its disk, and, while it is up, an instance.
type Node struct {
	// Kept survives crashes: the scenario keeps its simulated disk there. Bind makes it at the first start.
	Kept any

	w      *World
	index  int32
	id     graph.Peer
	role   string
	prog   *graph.Program
	hears  map[string]bool    // topics that its role receives: whether it judges what it hears
	key    ed25519.PrivateKey // nil until somebody asks for it
	offset graph.Time         // of its steady clock
	ppm    int64              // by which that is too fast
	wall   time.Duration      // by which its calendar is wrong
	cost   time.Duration      // of one event

	inst     *graph.Instance // nil while it is down
	up       bool
	outlaw   Program // of a hostile node, which has no instance
	life     uint32  // counts starts; what belongs to an earlier one is dropped
	restarts int
	since    graph.Time // of the world: when it last started or lost a connection

	busyUntil graph.Time // of the world, as the next two
	turnAt    graph.Time // of the turn that is planned, never when there is none
	timerAt   graph.Time // of the timer that is planned
	due       graph.Time // of the node: what the instance said last
	queued    int        // at least what its inbox holds
	changed   bool       // its latest event changed a table

	slow      int               // how much longer its work takes
	slowUntil graph.Time        // of the world
	ails      int32             // the slot of the latest fault of its disk
	copies    map[uint64]copied // by slot
	leaving   bool              // it stops in order, not by a crash

	side       uint8 // of the partition
	mute, deaf bool  // of the one-way cut: what it sends, or what is sent to it

	counts [sites]uint64 // of its choices
	named  map[string]uint64

	links      []*link                   // every one that it ever had, in order of first use
	edges      []*link                   // of the overlay, by the other's index
	neighbours *graph.Feed[[]graph.Peer] // nil until somebody asks for it
	seen       seenCache
	trials     map[uint64]trial // by the Call that its instance was given
	liars      []graph.Peer     // of whose publications one was rejected
}

// never is the plan of a node that has none.
const never = graph.Time(graph.Forever)

// ID is the node's identity. Identities order as indexes do.
func (n *Node) ID() graph.Peer { return n.id }

// Index is the node's place among World.Nodes.
func (n *Node) Index() int { return int(n.index) }

// Role is the role whose program the node runs.
func (n *Node) Role() string { return n.role }

// World is the simulation that the node belongs to.
func (n *Node) World() *World { return n.w }

// Up reports whether the node runs.
func (n *Node) Up() bool { return n.up }

// Instance is what the node runs; nil while it is down or hostile, and another one after each restart.
func (n *Node) Instance() *graph.Instance { return n.inst }

// Restarts is how often the node has started again.
func (n *Node) Restarts() int { return n.restarts }

// Neighbours is who is connected to the node in the overlay, as far as it knows, in order of identity. The feed is the same
// one for the whole run; nobody is connected when a node starts.
func (n *Node) Neighbours() *graph.Feed[[]graph.Peer] {
	if n.neighbours == nil {
		n.neighbours = graph.NewFeed(n.w.neighbours(n))
	}
	return n.neighbours
}

// Undisturbed is for how long the node has been up without losing a connection; 0 while it is down.
func (n *Node) Undisturbed() time.Duration {
	if !n.up {
		return 0
	}
	return n.w.now.Sub(n.since)
}

// Rand draws 64 random bits for the scenario: the site says what for, and its draws do not move those of another site.
func (n *Node) Rand(site string) uint64 {
	return n.w.choices.named(site, int64(n.index), n.count(site), false)
}

// RandN draws a number in [0, k) as Rand does.
func (n *Node) RandN(site string, k int) int { return int(below(n.Rand(site), uint64(k))) }

// count says how often the node has drawn at a site of the scenario, and that it has done so once more.
func (n *Node) count(site string) uint64 {
	if n.named == nil {
		n.named = map[string]uint64{}
	}
	c := n.named[site]
	n.named[site]++
	return c
}
