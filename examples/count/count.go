// Command count counts together what many nodes see. Each has a table of who counted how much, and tells a neighbour
// of it now and then; of two rows for the same the greater one counts. A node that starts again has forgotten all of it, and
// gets it back from the others, with what it counted itself: its new life counts in a row of its own.
//
//	go run ./examples/count
package main

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol draws it.
func Protocol() *graph.Graph {
	return protocol(func(seen graph.In[event], mine graph.In[own], _ graph.In[counts]) graph.Wire[Tally] {
		return Count(seen, mine)
	})
}

func protocol(count counter) *graph.Graph {
	g := graph.New("count", 1)
	node := g.Role("node")
	neighbours := graph.Param[[]graph.Peer](node, "neighbours")
	mine := graph.Row[Tally](node, "mine")                                     // of this life
	counts := graph.Table(node, "counts", Tally.Key, graph.Capacity(MostRows)) // of all nodes and lives, as far as we know
	counts.Expose()

	// Something was seen: count it, and tell it to ourselves.
	seen := graph.Ask[int, Tally](node, "seen")
	counted := count(seen, mine, counts)
	graph.Reply(seen, counted)

	// Now and then: tell a neighbour what we know.
	now := ops.Every(node, Period, Period/5)
	whom, what := Draw(now, neighbours), Some(now, counts.View())

	// What is told goes one way to the table, whoever tells it: a node that sends to itself passes the same bounds and inbox.
	news := graph.Merge(Pack(Alone(counted), Self(counted)), Pack(what, whom))
	heard, _ := graph.Send(Said(news), To(news), node, digest, graph.Anyone)
	Learn(heard, counts)
	return g
}

// The bounds of the protocol.
const (
	Period   = time.Second
	MostRows = 4096
	mostTold = 256 // rows at a time, drawn anew each time
)

// A Tally is how much a node has seen in one of its lives.
type Tally struct {
	Node  graph.Peer
	Life  uint64 // drawn at its first count
	Count uint64
}

// Key is its place in the table.
func (t Tally) Key() string { return fmt.Sprintf("%s %016x", t.Node, t.Life) }

var digest = graph.OneWay[[]Tally]("digest", graph.MaxRequest(32<<10))
