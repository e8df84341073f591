package graph_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
)

// The messages are strings, the ops are functions, the graph is what is drawn.
var (
	echoOps = graph.NewOpset("echo")
	echo    = graph.Exchange[string, string]("echo", graph.MaxRequest(4<<10), graph.MaxReply(4<<10))

	text = graph.Op1(echoOps, "text", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) { return r.Value, nil })

	shout = graph.Op1(echoOps, "shout", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) {
		if r.Value == "" {
			return "", graph.Fail(graph.Denied, "say something, %s", r.From)
		}
		return strings.ToUpper(r.Value), nil
	})
)

func protocol() *graph.Graph {
	g := graph.New("echo", 1)
	client, server := g.Role("client"), g.Role("server")
	peer := graph.Param[graph.Peer](client, "server_peer")
	said := graph.Ask[string, string](client, "say")
	in, answer := graph.Call(text(said), peer, server, echo, 5*time.Second, graph.Anyone)
	graph.Reply(in, shout(in))
	graph.Reply(said, answer)
	return g
}

// A host carries messages between the instances of one process, and its clock stands still. A real one has a network.
type host struct {
	self  graph.Peer
	nodes map[graph.Peer]*graph.Instance
}

func (h host) Self() graph.Peer { return h.self }
func (h host) Now() graph.Time  { return 1 }
func (h host) Wall() time.Time  { return time.Unix(0, 0) }
func (h host) Uint64() uint64   { return 4 } // chosen by fair dice roll
func (h host) Wake()            {}
func (h host) Work(*graph.Task) {}
func (h host) Send(m graph.Message) {
	to := m.Peer
	m.Peer = h.self // the receiver is told who sent it
	if f := h.nodes[to].Deliver(m); f != nil && m.Kind == graph.RequestMsg {
		back := graph.Refusal(m, f)
		back.Peer = to
		_ = h.nodes[h.self].Deliver(back)
	}
}

func Example() {
	nodes := map[graph.Peer]*graph.Instance{}
	start := func(role string, self graph.Peer, opts ...graph.Option) {
		program, err := graph.Compile(protocol(), role)
		if err != nil {
			panic(err)
		}
		if nodes[self], err = graph.Start(program, host{self, nodes}, opts...); err != nil {
			panic(err)
		}
	}
	start("server", "s")
	start("client", "c", graph.Bind("server_peer", graph.Peer("s")))

	for _, words := range []string{"hello", ""} {
		graph.Submit(nodes["c"], "say", words, time.Minute, func(answer string, err error) { fmt.Printf("%q %v\n", answer, err) })
		for nodes["c"].Next() || nodes["s"].Next() { // the host drives: one event at a time
		}
	}
	// Output:
	// "HELLO" <nil>
	// "" call: denied (s): say something, c
}

func ExampleGraph_Text() {
	fmt.Print(protocol().Text("client"))
	// Output:
	// echo 1
	//
	// role client
	//   param server_peer: Peer
	//
	//   on ask say
	//      0  ask say → *Request[string,string]
	//      1  text(ask say) → string
	//      2  call echo(text, server_peer) → string
	//         ⇒ server within 5s: request string of at most 4 KiB; reply string of at most 4 KiB; who may: anyone
	//      6  reply say(ask say, call echo)
}

func ExampleCompile() {
	g := graph.New("wrong", 1)
	server := g.Role("server")
	in := graph.Ask[string, string](server, "say")
	text(in)
	_, err := graph.Compile(g, "server")
	fmt.Println(err)
	// Output:
	// server: step 0, ask say: it has no Reply, so every caller would get no reply: add graph.Reply for it
	// server: step 1, echo.text: nobody reads its output, and the step has no effect: read it, or remove the step
}
