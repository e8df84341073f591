package sim

import (
	"fmt"
	"math/bits"
)

// A Choice names one draw of a run: what is drawn, by which node (or for which pair of nodes), and how many were drawn there
// before.
type Choice struct {
	Site string
	// Node is an index, -1 for the world; at a site of connections it is a pair: what a connection is has a<<32|b with a<b, what
	// happens to a message from a to b has a<<32|b.
	Node  int64
	Count uint64
}

// String is the choice as ParseOverride reads it.
func (c Choice) String() string {
	node := "world"
	switch {
	case pairs[c.Site] != noPair:
		node = fmt.Sprintf("%d-%d", c.Node>>32, c.Node&(1<<32-1))
	case c.Node != theWorld:
		node = fmt.Sprint(c.Node)
	}
	return fmt.Sprintf("%s/%s/%d", c.Site, node, c.Count)
}

// A site is what is drawn.
type site uint8

const (
	// What a node or a link is.
	siteSize    site = iota // sizes of the faults of this run, in order
	siteSwarm               // which kinds of fault it leaves out, by kind
	siteOffset              // steady clock of a node
	siteCost                // time that an event costs a node
	siteLatency             // of a pair
	siteOverlay             // neighbours
	// What happens without a fault.
	siteRand   // randomness of an instance
	siteWork   // time that a task takes
	siteDial   // a peer that is down: refused, or silent
	siteDetect // how long until a broken connection is noticed
	siteRedial // how long until a neighbour is dialled again
	siteAgain  // how long a node that gave up stays down
	siteJitter // of a message
	// Faults: 0 is none.
	siteBreak     // a message breaks its connection
	siteDrop      // a topic loses a message
	siteDelay     // a message is delayed, and by how much
	siteReorder   // a topic message is held back
	siteDuplicate // a topic message is repeated
	siteCrash     // whether and when a node crashes, and for how long, by slot of time
	sitePartition // whether and when the network falls apart, by slot of time
	siteSide      // the side of a node in it
	siteOneWay    // whether and when some cannot reach others, by slot of time
	siteCut       // whether a node is one of them
	siteKeepalive // of a pair, by second: how long until a connection that does not carry breaks
	siteRate      // of a pair: bytes a second
	siteDrift     // of a node's steady clock
	siteWall      // of its calendar: at the start, then the jump by slot of time
	siteTight     // how short the inbox of a node is, by start
	siteEarly     // a call of a node times out early, or its work comes too late
	sitePower     // what a crash leaves of what was not synced, by crash
	siteDisk      // what a node's disk does wrong, by slot of time
	siteBackup    // whether and when it is copied and put back, by slot of time
	siteClone     // whether and when a copied home is started, by slot of time
	sites
)

var siteNames = [sites]string{"size", "swarm", "offset", "cost", "latency", "overlay", "rand", "work", "dial", "detect",
	"redial", "again", "jitter", "break", "drop", "delay", "reorder", "duplicate", "crash",
	"partition", "side", "oneway", "cut", "keepalive", "rate", "drift", "wall", "tight", "early", "power", "disk", "backup", "clone"}

func (s site) fault() bool { return s >= siteBreak }

// A pairing says what stands in the place of the node.
type pairing uint8

const (
	noPair   pairing = iota
	anyOrder         // what a connection is
	ordered          // what happens to a message, from and to
)

var pairs = map[string]pairing{"latency": anyOrder, "keepalive": anyOrder, "rate": anyOrder,
	"jitter": ordered, "break": ordered, "delay": ordered, "drop": ordered, "reorder": ordered, "duplicate": ordered}

// theWorld is the node of a choice that no node makes.
const theWorld = -1

// choices is the choice function of a run.
type choices struct {
	seed      uint64
	overrides map[Choice]uint64
	only      bool
	hashes    [sites]uint64
}

func newChoices(o Options) *choices {
	c := &choices{seed: mix(o.Seed ^ 0x6d65726f67726170), overrides: o.Overrides, only: o.OnlyOverrides}
	for i, name := range siteNames {
		c.hashes[i] = hashString(offset64, name)
	}
	return c
}

// at gives the choice of a built-in site.
func (c *choices) at(s site, node int64, count uint64) uint64 {
	if len(c.overrides) > 0 {
		if v, ok := c.overrides[Choice{siteNames[s], node, count}]; ok {
			return v
		}
	}
	if c.only && s.fault() {
		return 0
	}
	return draw(c.seed, c.hashes[s], node, count)
}

// named gives the choice of a site of the scenario; fault says that 0 is none, and the choice when no other fault may happen.
func (c *choices) named(site string, node int64, count uint64, fault bool) uint64 {
	if v, ok := c.overrides[Choice{site, node, count}]; ok {
		return v
	}
	if c.only && fault {
		return 0
	}
	return draw(c.seed, hashString(offset64, site), node, count)
}

// draw is the choice function. A change of it changes every recorded seed.
func draw(seed, site uint64, node int64, count uint64) uint64 {
	return mix(mix(mix(seed+site)+uint64(node)) + count)
}

// mix is a bijection of 64 bits in which every bit depends on every bit (splitmix64).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives a number in [0, n) from a choice; a choice of 0 gives 0.
func below(v, n uint64) uint64 {
	hi, _ := bits.Mul64(v, n)
	return hi
}

// perMillion says whether a fault with a chance of so many in a million happens; a choice of 0 never lets it.
func perMillion(v, chance uint64) bool { return below(v, 1_000_000) >= 1_000_000-chance }
