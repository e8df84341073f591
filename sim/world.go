package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// A World is one run. All of it lives on one goroutine: scripts and properties are called between events.
type World struct {
	// State is the scenario's own, for what its functions share; the first that needs it makes it.
	State any

	scenario Scenario
	options  Options
	choices  *choices
	plan     Plan
	name     string // of the graph

	now   graph.Time
	heal  graph.Time // when the last fault has ended
	end   graph.Time
	nodes []*Node
	peers map[graph.Peer]*Node

	queue   queue
	parcels slab[parcel]
	hops    slab[hop]
	tasks   slab[task]
	scripts slab[script]
	links   []*link
	pairs   map[uint64]*link
	streams uint64
	cut     [cuts]bool // what is cut now
	named   map[string]uint64

	events, messages, bytes uint64
	trials                  uint64 // publications that an instance was asked about
	happened                [happenings]int
	trace                   trace
	checks                  checks
	wrongs                  []Fault // what went wrong, when that is recorded
	err                     error
}

// Now is the virtual time since the run began.
func (w *World) Now() graph.Time { return w.now }

// Elapsed is Now as a duration.
func (w *World) Elapsed() time.Duration { return time.Duration(w.now) }

// Nodes are all nodes by index. The slice is the world's own.
func (w *World) Nodes() []*Node { return w.nodes }

// Left is how long the run goes on.
func (w *World) Left() time.Duration { return w.end.Sub(w.now) }

// Node finds a node by its identity; nil when there is none.
func (w *World) Node(p graph.Peer) *Node { return w.peers[p] }

// Plan is what may go wrong in the run.
func (w *World) Plan() Plan { return w.plan }

// Seed is the run's seed, for messages.
func (w *World) Seed() uint64 { return w.options.Seed }

// Healed reports whether the last fault has ended: every node is up, and connections do not break any more.
func (w *World) Healed() bool { return w.plan == Plan{} || w.now >= w.heal }

// HealedFor is how long ago the last fault ended: since the run began when it has none, 0 while it is to come.
func (w *World) HealedFor() time.Duration {
	if w.plan == (Plan{}) {
		return w.Elapsed()
	}
	return max(0, w.now.Sub(w.heal))
}

// Healthy reports whether n has been up without losing a connection for at least d.
func (w *World) Healthy(n *Node, d time.Duration) bool { return n.Up() && n.Undisturbed() >= d }

// Reached marks the Sometimes property of a name as reached.
func (w *World) Reached(name string) { w.checks.reached[name] = true }

// Rand draws 64 random bits for the scenario, as Node.Rand does for a node.
func (w *World) Rand(site string) uint64 {
	v := w.choices.named(site, theWorld, w.named[site], false)
	w.named[site]++
	return v
}

// RandN draws a number in [0, k) as Rand does.
func (w *World) RandN(site string, k int) int { return int(below(w.Rand(site), uint64(k))) }

// A happening is what faults did, counted for the report.
type happening uint8

const (
	crashes happening = iota
	restarts
	brokenConnections
	lostCalls
	unreachableCalls
	lostMessages
	lostPublications
	repeatedPublications
	reorderedPublications
	delayedMessages
	lostTasks
	expiredInQueue
	partitions
	oneWayCuts
	vanishedMessages
	slowMessages
	clockJumps
	scenarioFaults // acts of hostile nodes, and what Node.Fault gave elsewhere
	diskFaults
	putBack
	clonedHomes
	shunnedNeighbours
	happenings
)

var happeningNames = [happenings]string{"crashes", "restarts", "brokenConnections", "lostCalls", "unreachableCalls", "lostMessages",
	"lostPublications", "repeatedPublications", "reorderedPublications", "delayedMessages", "lostTasks", "expiredInQueue",
	"partitions", "oneWayCuts", "vanishedMessages", "slowMessages", "clockJumps", "scenarioFaults", "diskFaults", "restoredBackups", "clonedHomes",
	"shunnedNeighbours"}

func (w *World) count(h happening) { w.happened[h]++ }
