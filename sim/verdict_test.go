package sim

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// A judge takes its time over each rumour: it is for what is even, against what is odd, and does not care for 5.
type judge struct{}

func (judge) Judge(_ context.Context, n int) (graph.Verdict, error) {
	switch {
	case n == 5:
		return graph.Ignore, nil
	case n%2 == 0:
		return graph.Accept, nil
	}
	return graph.Reject, nil
}

type judging interface {
	Judge(context.Context, int) (graph.Verdict, error)
}

var rumoured = graph.Op1(ops, "rumoured", 1, func(_ *graph.Tick, r *graph.Received[rumour]) (int, error) { return r.Value.N, nil })

// courtGraph is the gossip protocol with a verdict on each rumour.
func courtGraph() *graph.Graph {
	g := graph.New("gossip", 1)
	peer := g.Role("peer")
	table := graph.Table(peer, "known", func(r rumour) graph.Peer { return r.Node }, graph.Capacity(4096))
	table.Expose()
	asked := graph.Ask[int, graph.Done](peer, "tell")
	topic := graph.Topic[rumour]("rumours", graph.MaxRequest(64))
	in, done := graph.Publish(mine(asked), peer, topic, graph.Anyone)
	keep(in, table)
	graph.Relay(in, graph.Work(rumoured(in), graph.Component[judging](peer, "judge"), "judge", judging.Judge, time.Second))
	graph.Reply(asked, done)
	return g
}

// court has node 0 publish one number in the tenth second.
func court(n int) Scenario {
	return Scenario{Name: "gossip", Graph: courtGraph,
		Bind:   func(*Node) []graph.Option { return []graph.Option{graph.Bind("judge", judge{})} },
		Script: func(w *World) { tellAt(w, 10*time.Second, n) }}
}

func tellAt(w *World, at time.Duration, n int) {
	w.After(at, w.Nodes()[0], func(o *Node) {
		graph.Submit(o.Instance(), "tell", n, time.Second, func(graph.Done, error) {})
	})
}

func hearers(w *World) (got []int) {
	for i, n := range w.Nodes() {
		if !n.Hostile() && graph.FeedOf[graph.Peer, rumour](n.Instance(), "known").Get().Len() > 0 {
			got = append(got, i)
		}
	}
	return got
}

// TestRelayOnlyWhatIsAccepted: a publication goes on when the instance that heard it says so, and not before.
func TestRelayOnlyWhatIsAccepted(t *testing.T) {
	for _, c := range []struct {
		n       int
		further bool
	}{{2, true}, {5, false}, {1, false}} {
		w := world(t, court(c.n), Options{Nodes: 40, Seed: 1, Time: time.Minute})
		near := len(w.Nodes()[0].Neighbours().Get())
		want := near
		if c.further {
			want = len(w.Nodes()) - 1
		}
		if got := hearers(w); len(got) != want || near == 0 {
			t.Errorf("%d: %d of 39 heard it, want %d", c.n, len(got), want)
		}
		for _, n := range w.Nodes() {
			if blames := len(n.Liars()) > 0; len(n.trials) != 0 || blames && c.n != 1 {
				t.Errorf("%d: %s has %d trials left, and blames %v", c.n, n.ID(), len(n.trials), n.Liars())
			}
		}
	}
}

// TestLateVerdictsCountForNothing: a verdict after its time passes nothing on.
func TestLateVerdictsCountForNothing(t *testing.T) {
	w := world(t, court(2), Options{Nodes: 3, Seed: 1, Time: time.Second})
	n := w.Nodes()[1]
	h := hop{pub: &publication{graph.Message{Channel: "rumours"}, 7}, from: 0, to: 1, link: n.edges[0].index}
	for late, want := range map[time.Duration]uint64{0: uint64(len(n.edges) - 1), time.Minute: 0} {
		before := w.messages
		w.verdict(n, &graph.Message{Call: w.try(n, &h), Verdict: graph.Accept}, w.now.Add(late))
		if got := w.messages - before; got != want {
			t.Errorf("after %v: %d copies, want %d", late, got, want)
		}
		if w.verdict(n, &graph.Message{Call: 99, Verdict: graph.Accept}, w.now); w.messages-before != want {
			t.Error("a verdict on nothing passes something on")
		}
	}
}

// heckler publishes what does not decode.
type heckler struct{ silent }

func (h heckler) Start(n *Node) {
	for i := range byte(2 * mostRejected) {
		n.After(time.Duration(10+i)*time.Second, func(n *Node) {
			n.Send(graph.Message{Kind: graph.TopicMsg, Channel: "rumours", Payload: []byte{0xff, i}})
		})
	}
}

// TestLiarsAreShunned: who hands over what is false, again and again, is a neighbour no more, and hears nothing any more; the
// others hear each other.
func TestLiarsAreShunned(t *testing.T) {
	s := court(2)
	s.Script = func(w *World) { tellAt(w, 40*time.Second, 2) }
	v := &vandal{t: t, heard: map[graph.Kind]int{}}
	s.Hostile = func(n *Node) Program {
		if n.Index() == 3 {
			return heckler{silent{v}}
		}
		return nil
	}
	w := world(t, s, Options{Nodes: 12, Seed: 1, Time: time.Minute, Faults: Hostile})
	shunned := 0
	for _, n := range w.Nodes() {
		shunned += len(n.Liars())
		if slices.Contains(n.Neighbours().Get(), "n000003") || slices.ContainsFunc(n.Liars(), func(p graph.Peer) bool { return p != "n000003" }) {
			t.Errorf("%s has %v for neighbours, and blames %v", n.ID(), n.Neighbours().Get(), n.Liars())
		}
	}
	if got := hearers(w); len(got) != 10 || v.heard[graph.TopicMsg] != 0 || shunned == 0 || len(w.Nodes()[3].edges) != 0 {
		t.Errorf("%v heard it, the liar %d times, %d shun it", got, v.heard[graph.TopicMsg], shunned)
	}
}
