// Command ping is a whole protocol on half a page: each peer calls one neighbour a second, drawn evenly, and remembers for
// ten seconds who answered. It is run in the simulator, where some of the peers crash; the same program runs over libp2p.
//
//	go run ./examples/ping
package main

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Seen is a neighbour that answered.
type Seen struct{ Peer graph.Peer }

// Key is its place in the table.
func (s Seen) Key() graph.Peer { return s.Peer }

// Alive is the table of who answered.
type Alive = *graph.Rows[graph.Peer, Seen]

// Protocol draws it.
func Protocol() *graph.Graph {
	g := graph.New("ping", 1)
	peer := g.Role("peer")
	neighbours := graph.Param[[]graph.Peer](peer, "neighbours")         // a cell: the host keeps it current
	alive := graph.Table(peer, "alive", Seen.Key, graph.Capacity(1024)) // soft state: each row with a TTL of its own

	tick := ops.Every(peer, time.Second, 200*time.Millisecond) // origin: a timer
	who := Draw(tick, neighbours)
	in, back := graph.Call(Hello(who), who, peer, ping, 2*time.Second, graph.Anyone)
	graph.Reply(in, Answer(in))       // in: at the other peer, an activation of its own
	Remember(back, who, alive)        // back: here again, in the same activation
	Forget(back.Failed(), who, alive) // timeout, unreachable, busy …: a failure is a value
	return g
}

var (
	ping   = graph.Exchange[string, string]("ping", graph.MaxRequest(64), graph.MaxReply(64))
	opset  = graph.NewOpset("ping")
	Hello  = graph.Op1(opset, "hello", 1, func(*graph.Tick, graph.Peer) (string, error) { return "are you there?", nil })
	Answer = graph.Op1(opset, "answer", 1, func(*graph.Tick, *graph.Request[string, string]) (string, error) { return "yes", nil })
	Draw   = graph.Op2(opset, "draw", 1, func(x *graph.Tick, _ graph.Time, all []graph.Peer) (graph.Peer, error) {
		if len(all) == 0 {
			return "", graph.Fail(graph.Unreachable, "no neighbour yet")
		}
		return all[ops.Below(x, len(all))], nil
	})
	Remember = graph.Op3(opset, "remember", 1, func(_ *graph.Tick, _ string, who graph.Peer, alive Alive) (graph.Done, error) {
		return graph.Done{}, alive.Put(Seen{who}, 10*time.Second)
	})
	Forget = graph.Op3(opset, "forget", 1, func(_ *graph.Tick, _ graph.Failure, who graph.Peer, alive Alive) (graph.Done, error) {
		alive.Remove(who)
		return graph.Done{}, nil
	})
)
