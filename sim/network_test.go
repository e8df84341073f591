package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// The stream protocol: a client sends numbers one way, and the server keeps the latest of each client.

type latest struct {
	From    graph.Peer
	N, Seen int
	Back    int // how often a number was not greater than the one before
}

var count = graph.Op2(ops, "count", 1, func(_ *graph.Tick, r *graph.Received[int], t *graph.Rows[graph.Peer, latest]) (graph.Done, error) {
	l, _ := t.Get(r.From)
	if r.Value <= l.N {
		l.Back++
	}
	l.From, l.N, l.Seen = r.From, r.Value, l.Seen+1
	return graph.Done{}, t.Put(l, graph.Forever)
})

var number = graph.Op1(ops, "number", 1, func(_ *graph.Tick, r *graph.Request[int, graph.Done]) (int, error) { return r.Value, nil })

func streamScenario() Scenario {
	return Scenario{
		Name: "stream",
		Graph: func() *graph.Graph {
			g := graph.New("stream", 1)
			client, server := g.Role("client"), g.Role("server")
			to := graph.Param[graph.Peer](client, "server")
			table := graph.Table(server, "latest", func(l latest) graph.Peer { return l.From }, graph.Capacity(4096))
			table.Expose()
			asked := graph.Ask[int, graph.Done](client, "send")
			in, done := graph.Send(number(asked), to, server, graph.OneWay[int]("numbers", graph.MaxRequest(16)), graph.Anyone)
			count(in, table)
			graph.Reply(asked, done)
			return g
		},
		Roles: serverFirst,
		Bind:  bindServer,
		Script: func(w *World) {
			sent := make([]int, len(w.Nodes()))
			w.Every(20*time.Millisecond, 30*time.Millisecond, func(n *Node) {
				if n.Role() == "client" {
					sent[n.Index()]++
					graph.Submit(n.Instance(), "send", sent[n.Index()], time.Second, func(graph.Done, error) {})
				}
			})
		},
		Churn: func(n *Node) bool { return n.Role() == "client" },
		Properties: []Property{{Name: "in order", Kind: Safety, CheckNode: func(w *World, n *Node) error {
			for _, l := range graph.FeedOf[graph.Peer, latest](n.Instance(), "latest").Get().All() {
				if l.Back > 0 {
					return fmt.Errorf("%s arrived %d times out of order", l.From, l.Back)
				}
			}
			return nil
		}}},
	}
}

func TestOrderOnConnections(t *testing.T) {
	for seed := range uint64(5) {
		w := world(t, streamScenario(), Options{Nodes: 8, Seed: seed, Time: time.Minute, Faults: Loss | Delay | Churn})
		if r := w.report(); !r.OK || r.Faults["brokenConnections"] == 0 || r.Faults["delayedMessages"] == 0 {
			t.Fatalf("seed %d: %+v", seed, r)
		}
		for _, l := range graph.FeedOf[graph.Peer, latest](w.nodes[0].inst, "latest").Get().All() {
			if l.Seen < 100 {
				t.Errorf("seed %d: only %d numbers of %s arrived", seed, l.Seen, l.From)
			}
		}
	}
}

func TestBrokenConnectionsLoseCalls(t *testing.T) {
	w := world(t, pingScenario(50*time.Millisecond), Options{Nodes: 10, Seed: 3, Time: time.Minute, Faults: Loss})
	p := w.State.(*pings)
	// A break that nobody notices in time is a timeout of its calls.
	if p.failed[graph.Lost] == 0 || len(p.failed) != 2 || p.failed[graph.Lost]+p.failed[graph.Timeout] != w.happened[lostCalls] {
		t.Errorf("failures %v, %d calls lost: want lost, and some timeouts", p.failed, w.happened[lostCalls])
	}
	if p.answered < p.sent*9/10 {
		t.Errorf("%d of %d answered: connections do not open again", p.answered, p.sent)
	}
}

func TestPeersThatAreDownAreUnreachable(t *testing.T) {
	s := pingScenario(200 * time.Millisecond)
	s.Churn = func(n *Node) bool { return n.Role() == "server" }
	w := world(t, s, Options{Nodes: 6, Seed: 1, Time: 2 * time.Minute, Faults: Churn})
	p := w.State.(*pings)
	if w.nodes[0].Restarts() == 0 || w.nodes[1].Restarts() != 0 {
		t.Fatalf("restarts %d and %d: want those of the server alone", w.nodes[0].Restarts(), w.nodes[1].Restarts())
	}
	if p.failed[graph.Unreachable] == 0 {
		t.Errorf("failures %v: want unreachable", p.failed)
	}
	for r := range graph.Reasons {
		if p.failed[r] > 0 && r != graph.Unreachable && r != graph.Lost && r != graph.Timeout {
			t.Errorf("%d calls failed with %v", p.failed[r], r)
		}
	}
}

func TestCallToNobody(t *testing.T) {
	s := pingScenario(time.Second)
	s.Bind = func(n *Node) []graph.Option {
		if n.Role() != "client" {
			return nil
		}
		return []graph.Option{graph.Bind("server", graph.Peer("somebody else"))}
	}
	p := world(t, s, Options{Nodes: 2, Time: 10 * time.Second}).State.(*pings)
	if p.failed[graph.Unreachable] == 0 || p.answered != 0 {
		t.Errorf("failures %v, %d answered", p.failed, p.answered)
	}
}

// The self protocol calls itself, and notes what was left of the deadline.

type left struct{ Remaining time.Duration }

var keepLeft = graph.Op2(ops, "left", 1, func(x *graph.Tick, r *graph.Request[int, int], t *graph.Rows[int, left]) (int, error) {
	d, _ := x.Remaining()
	return r.Value, t.Put(left{d}, graph.Forever)
})

func leftScenario(to func(n *Node) graph.Peer) Scenario {
	return Scenario{
		Name: "left",
		Graph: func() *graph.Graph {
			g := graph.New("left", 1)
			peer := g.Role("peer")
			whom := graph.Param[graph.Peer](peer, "to")
			table := graph.Table(peer, "left", func(left) int { return 0 }, graph.Capacity(1))
			table.Expose()
			asked := graph.Ask[int, int](peer, "ping")
			in, answer := graph.Call(value(asked), whom, peer, graph.Exchange[int, int]("left", graph.MaxRequest(16), graph.MaxReply(16)),
				time.Second, graph.Anyone)
			graph.Reply(in, keepLeft(in, table))
			graph.Reply(asked, answer)
			return g
		},
		Bind: func(n *Node) []graph.Option { return []graph.Option{graph.Bind("to", to(n))} },
	}
}

// remaining is what the receiver saw last.
func remaining(n *Node) time.Duration {
	l, _ := graph.FeedOf[int, left](n.Instance(), "left").Get().Get(0)
	return l.Remaining
}

func TestDeadlinesCountTheQueue(t *testing.T) {
	s := leftScenario(func(n *Node) graph.Peer { return n.World().Nodes()[1].ID() })
	var first, second time.Duration
	s.Degree = 1
	s.Script = func(w *World) {
		p := newPings(w)
		n := w.Nodes()[0]
		w.After(0, n, func(n *Node) { p.ping(n, 1) })
		w.After(time.Second, n, func(n *Node) { first = remaining(w.Nodes()[1]); p.ping(n, 2) })
	}
	w := world(t, s, Options{Nodes: 2, Seed: 5, Time: 2 * time.Second})
	second = remaining(w.nodes[1])
	p, a, l := w.State.(*pings), w.nodes[0], w.nodes[0].edges[0]
	if p.answered != 2 || p.wrong != 2 { // it answers with the same number
		t.Fatalf("%+v", p)
	}
	if want := time.Second - a.cost - 3*l.latency; first != want {
		t.Errorf("%v were left when the connection was opened, want %v", first, want)
	}
	if want := time.Second - a.cost; second != want {
		t.Errorf("%v were left on an open connection, want %v", second, want)
	}
}

func TestCallToOneself(t *testing.T) {
	s := leftScenario(func(n *Node) graph.Peer { return n.ID() })
	s.Script = func(w *World) {
		p := newPings(w)
		w.Every(time.Second, 0, func(n *Node) { p.ping(n, 1) })
	}
	w := world(t, s, Options{Nodes: 3, Seed: 5, Time: 20 * time.Second, Faults: Loss})
	p := w.State.(*pings)
	if p.sent < 50 || p.answered != p.sent || p.longest > time.Millisecond {
		t.Errorf("%+v: want every call answered within the cost of its events", p)
	}
}

func TestOverloadIsRefused(t *testing.T) {
	s := pingScenario(5 * time.Millisecond)
	s.Properties = s.Properties[:1]
	s.Bind = func(n *Node) []graph.Option {
		return append(bindServer(n), graph.Bound(graph.Bounds{Outside: 16}))
	}
	w := world(t, s, Options{Nodes: 200, Seed: 2, Time: time.Second})
	p := w.State.(*pings)
	if p.failed[graph.Busy] == 0 || p.answered == 0 {
		t.Errorf("%d answered, failures %v: want some busy", p.answered, p.failed)
	}
	refused := uint64(0)
	for _, r := range w.nodes[0].inst.Refused() {
		if r.Reason == graph.Busy {
			refused += r.Count
		}
	}
	if refused == 0 {
		t.Error("the server has counted no busy")
	}
}

func TestQueuesMakeLate(t *testing.T) {
	s := pingScenario(5 * time.Millisecond)
	s.Graph = pingGraph(300 * time.Millisecond)
	s.Properties = nil
	s.Bind = func(n *Node) []graph.Option {
		return append(bindServer(n), graph.Bound(graph.Bounds{Outside: 1 << 20}))
	}
	p := world(t, s, Options{Nodes: 300, Seed: 2, Time: 1500 * time.Millisecond}).State.(*pings)
	if p.failed[graph.Timeout] == 0 {
		t.Errorf("%d answered, failures %v: want timeouts of what waited in the inbox", p.answered, p.failed)
	}
}

// TestRepliesToAnEarlierLife: a client that has crashed begins its call ids anew, while the server still works on what the
// client asked before. No answer may be taken for another's.
func TestRepliesToAnEarlierLife(t *testing.T) {
	s := pingScenario(5 * time.Millisecond)
	s.Properties = s.Properties[:1]
	s.Bind = func(n *Node) []graph.Option {
		return append(bindServer(n), graph.Bound(graph.Bounds{Outside: 1 << 20}))
	}
	o := Options{Nodes: 300, Seed: 2, Time: 1500 * time.Millisecond, Faults: Churn, OnlyOverrides: true, Overrides: map[Choice]uint64{}}
	for i := range int64(o.Nodes - 1) {
		o.Overrides[Choice{"crash", i + 1, 0}] = crashAt(t, s, o, 250*time.Millisecond)
	}
	w := world(t, s, o)
	if r := w.report(); !r.OK || r.Faults["crashes"] != o.Nodes-1 {
		t.Errorf("%+v", r)
	}
	if p := w.State.(*pings); p.answered < 10_000 || p.failed[graph.Lost] == 0 {
		t.Errorf("%d answered, failures %v", p.answered, p.failed)
	}
}

func TestSmallNetworks(t *testing.T) {
	for nodes := 1; nodes < 5; nodes++ {
		for _, s := range []Scenario{gossipScenario(), journalScenario(false)} {
			if r := run(t, s, Options{Nodes: nodes, Seed: 1, Time: time.Minute, Faults: allBuilt}); !r.OK {
				t.Errorf("%d nodes: %+v", nodes, r.Properties)
			}
		}
	}
}

// TestRequestsWaitForTheNextConnection: when the first message over a new connection breaks it, those that wait behind were
// not handed over, and go over the next one.
func TestRequestsWaitForTheNextConnection(t *testing.T) {
	s := pingScenario(time.Second)
	s.Properties = nil
	s.Script = func(w *World) {
		p := newPings(w)
		for k := range 3 {
			p.ping(w.Nodes()[1], k)
		}
	}
	o := Options{Nodes: 2, Seed: 1, Time: 20 * time.Second, Faults: Loss, OnlyOverrides: true, Overrides: map[Choice]uint64{{"break", 1 << 32, 0}: ^uint64(0)}}
	p := world(t, s, o).State.(*pings)
	if p.answered != 2 || p.wrong != 0 || p.failed[graph.Lost]+p.failed[graph.Timeout] != 1 {
		t.Errorf("%+v: want one lost and two answered", p)
	}
}

// TestWithoutOverlay: a protocol that has no topics and asks for no neighbours runs without edges.
func TestWithoutOverlay(t *testing.T) {
	s := pingScenario(time.Second)
	s.Degree = -1
	w := world(t, s, Options{Nodes: 20, Seed: 1, Time: time.Minute, Faults: allBuilt})
	if r := w.report(); !r.OK || len(w.links) != 19 || len(w.nodes[1].Neighbours().Get()) != 0 {
		t.Errorf("%d links, %+v", len(w.links), r)
	}
}
