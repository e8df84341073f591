// Command presence is a node of a protocol that merod does not know: each node of a network says who sits at it, and all see
// who is there. The node is merod's in everything else: its home, its settings, its registry and store, and its API.
//
//	MEROD_HOME=/tmp/ada go run ./examples/presence Ada
//	MEROD_HOME=/tmp/bob MEROD_NODE_TYPE=peer MEROD_BOOTSTRAP=… MEROD_SWARM_ADDRS=/ip4/127.0.0.1/tcp/0 MEROD_API_ADDR=127.0.0.1:0 go run ./examples/presence Bob
//	merod graph show presence --home /tmp/ada
package main

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// A Person is a row of the table of who is there.
type Person struct {
	Peer graph.Peer
	Name string
}

// Key is its place in the table.
func (p Person) Key() graph.Peer { return p.Peer }

// Who is a request of the node: for all who are there.
type Who struct{}

type (
	people   = *graph.Rows[graph.Peer, Person]
	question = *graph.Request[Who, []Person]
)

const (
	every    = 2 * time.Second  // between two greetings of a node
	lasting  = 10 * time.Second // of a person after the last greeting that was heard
	capacity = 1024             // people
	most     = 64               // members that are greeted at a time
)

var hello = graph.OneWay[string]("hello", graph.MaxRequest(256))

var opset = graph.NewOpset("presence")

// Others are the members to greet now: all, or when there are too many as many of them as may be, another run each time.
var Others = graph.Op2(opset, "others", 1, func(x *graph.Tick, _ graph.Time, members []graph.Peer) ([]graph.Peer, error) {
	all := slices.DeleteFunc(slices.Clone(members), func(p graph.Peer) bool { return p == x.Self() })
	if len(all) <= most {
		return all, nil
	}
	from := ops.Below(x, len(all))
	return slices.Concat(all[from:], all[:from])[:most], nil
})

// Say is the greeting: the name.
var Say = graph.Op2(opset, "say", 1, func(_ *graph.Tick, _ graph.Peer, name string) (string, error) { return name, nil })

// Note keeps who was heard, for a while.
var Note = graph.Op2(opset, "note", 1, func(_ *graph.Tick, r *graph.Received[string], p people) (graph.Done, error) {
	return graph.Done{}, p.Put(Person{Peer: r.From, Name: r.Value}, lasting)
})

// List answers the node with all who are there.
var List = graph.Op2(opset, "list", 1, func(_ *graph.Tick, _ question, p graph.View[graph.Peer, Person]) ([]Person, error) {
	return p.All(), nil
})

// Protocol draws it. Only members of the network are heard.
func Protocol() *graph.Graph {
	g := graph.New("presence", 1)
	peer := g.Role("peer")
	name := graph.Param[string](peer, "name")
	members := graph.Param[[]graph.Peer](peer, "members") // ascending: the node keeps it current
	here := graph.Table(peer, "people", Person.Key, graph.Capacity(capacity))
	here.Expose()

	who := graph.ForEach(Others(ops.Every(peer, every, every/4), members), most)
	heard, _ := graph.Send(Say(who, name), who, peer, hello, graph.Allow("members", members, isMember))
	Note(heard, here)

	asked := graph.Ask[Who, []Person](peer, "who")
	graph.Reply(asked, List(asked, here.View()))
	return g
}

func isMember(p graph.Peer, members []graph.Peer) bool {
	_, ok := slices.BinarySearch(members, p)
	return ok
}
