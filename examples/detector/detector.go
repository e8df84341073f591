// Command detector is ping with failure detection, after SWIM: each node pings the members in turn. Who does not answer is
// pinged through three others; who does not answer them either is suspected, and is down when it stays silent. Any answer,
// and any ping of its own, takes the suspicion back.
//
//	go run ./examples/detector
package main

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol draws it.
func Protocol() *graph.Graph { return protocol(Judge) }

func protocol(judge verdict) *graph.Graph {
	g := graph.New("detector", 1)
	node := g.Role("node")
	members := graph.Param[[]graph.Peer](node, "members")
	last := graph.Row[graph.Peer](node, "last")                                        // whom we pinged last
	suspects := graph.Table(node, "suspects", Silent.Key, graph.Capacity(MostMembers)) // each row is a deadline
	down := graph.Table(node, "down", Silent.Key, graph.Capacity(MostMembers))
	suspects.Expose()
	down.Expose()
	member := graph.Allow("members", members, func(from graph.Peer, all []graph.Peer) bool { return slices.Contains(all, from) })

	// ping is a part of the graph that stands in it twice: ask a peer whether it is there. To be asked is a sign of life too.
	ping := func(who graph.Wire[graph.Peer], ex *graph.ExchangeOf[string, string]) graph.Wire[string] {
		in, answer := graph.Call(Hello(who), who, node, ex, time.Second, member)
		graph.Reply(in, Here(in))
		Alive(Asker(in), suspects, down)
		return answer
	}

	// Ping the next one. When it is silent, three others ping it.
	who := Next(ops.Every(node, Period, Period/5), members, last)
	answer := ping(who, direct)
	Alive(Answered(who, answer), suspects, down)
	helper := graph.ForEach(Helpers(who, answer.Failed(), members, down), helpers)
	asked, heard := graph.Call(who, helper, node, relay, 3*time.Second, member)
	graph.Reply(asked, ping(ops.Value(asked), relayed)) // silent: the request fails, and so it is told
	judge(who, graph.Gather(heard), suspects, down)

	// A suspicion that nobody took back in its time was right.
	Bury(suspects.Changes(), down)
	return g
}

// The times of the protocol. A suspicion lasts for longer than a round of pings, or it could not be taken back.
const (
	MostMembers = 1024
	Period      = 500 * time.Millisecond
	Suspicion   = 15 * time.Second
	helpers     = 3
)

// Silent is a member that does not answer.
type Silent struct{ Peer graph.Peer }

// Key is its place in the tables.
func (s Silent) Key() graph.Peer { return s.Peer }

// Members is a table of the silent.
type Members = *graph.Rows[graph.Peer, Silent]

var (
	direct  = graph.Exchange[string, string]("ping", graph.MaxRequest(64), graph.MaxReply(64))
	relay   = graph.Exchange[graph.Peer, string]("relay", graph.MaxRequest(128), graph.MaxReply(64))
	relayed = graph.Exchange[string, string]("relayed", graph.MaxRequest(64), graph.MaxReply(64))
)
