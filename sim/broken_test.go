package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// Three protocols that are broken on purpose, each in a way that one kind of fault shows and the others do not.

// The usurper: a client that cannot reach the server takes it for dead, and its place.

type throne struct{ Taken bool }

var usurp = graph.Op2(ops, "usurp", 1, func(_ *graph.Tick, f graph.Failure, t *graph.One[throne]) (int, error) {
	if f.Reason == graph.Unreachable {
		return 0, t.Set(throne{true})
	}
	return 0, nil
})

var echoed = graph.Op1(ops, "echoed", 1, func(_ *graph.Tick, r *graph.Request[int, int]) (int, error) { return r.Value, nil })

func usurperScenario() Scenario {
	s := pingScenario(time.Second)
	s.Name = "usurper"
	s.Graph = func() *graph.Graph {
		g := graph.New("usurper", 1)
		client, server := g.Role("client"), g.Role("server")
		to := graph.Param[graph.Peer](client, "server")
		taken := graph.Row[throne](client, "throne")
		taken.Expose()
		asked := graph.Ask[int, int](client, "ping")
		ex := graph.Exchange[int, int]("ping", graph.MaxRequest(16), graph.MaxReply(16))
		in, answer := graph.Call(value(asked), to, server, ex, 15*time.Second, graph.Anyone)
		graph.Reply(in, echoed(in))
		graph.Reply(asked, graph.Merge(answer, usurp(answer.Failed(), taken)))
		return g
	}
	s.Properties = []Property{{Name: "one server", Kind: Safety, CheckNode: func(w *World, n *Node) error {
		if n.Role() == "client" && graph.FeedOf[uint8, throne](n.Instance(), "throne").Get().Len() > 0 && w.Nodes()[0].Up() {
			return fmt.Errorf("%s takes the place of a server that is there", n.ID())
		}
		return nil
	}}}
	return s
}

// The watchdog: the second serves when it has not heard the first for six seconds; the first stops when it has not heard the
// second for three, and believes that who is heard hears.

type beat struct{}

var noted = graph.Op2(ops, "noted", 1, func(_ *graph.Tick, _ *graph.Received[int], t *graph.One[beat]) (graph.Done, error) {
	return graph.Done{}, t.Put(beat{}, 3*time.Second)
})

var notedLonger = graph.Op2(ops, "noted_longer", 1, func(_ *graph.Tick, _ *graph.Received[int], t *graph.One[beat]) (graph.Done, error) {
	return graph.Done{}, t.Put(beat{}, 6*time.Second)
})

func watchdogScenario() Scenario {
	hears := func(n *Node) bool { return graph.FeedOf[uint8, beat](n.Instance(), "heard").Get().Len() > 0 }
	return Scenario{
		Name: "watchdog",
		Graph: func() *graph.Graph {
			g := graph.New("watchdog", 1)
			first, second := g.Role("first"), g.Role("second")
			half := func(of, other *graph.Role, channel string, note func(graph.In[*graph.Received[int]], graph.In[*graph.One[beat]]) graph.Wire[graph.Done], heard *graph.RowOf[beat]) {
				to := graph.Param[graph.Peer](of, "other")
				asked := graph.Ask[int, graph.Done](of, "beat")
				in, done := graph.Send(number(asked), to, other, graph.OneWay[int](channel, graph.MaxRequest(16)), graph.Anyone)
				note(in, heard)
				graph.Reply(asked, done)
			}
			heardByFirst, heardBySecond := graph.Row[beat](first, "heard"), graph.Row[beat](second, "heard")
			heardByFirst.Expose()
			heardBySecond.Expose()
			half(first, second, "to_second", notedLonger, heardBySecond)
			half(second, first, "to_first", noted, heardByFirst)
			return g
		},
		Roles: func(int) []string { return []string{"first", "second"} },
		Bind: func(n *Node) []graph.Option {
			return []graph.Option{graph.Bind("other", n.World().Nodes()[1-n.Index()].ID())}
		},
		Script: func(w *World) {
			w.State = new(graph.Time)
			w.Every(500*time.Millisecond, 0, func(n *Node) {
				graph.Submit(n.Instance(), "beat", 1, time.Second, func(graph.Done, error) {})
			})
		},
		Properties: []Property{{Name: "one serves", Kind: Safety, Check: func(w *World) error {
			since := w.State.(*graph.Time)
			if a, b := w.Nodes()[0], w.Nodes()[1]; !hears(a) || hears(b) {
				*since = w.Now()
			}
			if w.Now().Sub(*since) > 2*time.Second { // a moment is enough for the first to learn of the second
				return fmt.Errorf("both serve")
			}
			return nil
		}}},
	}
}

// The lease by calendar: the server gives one client at a time the right to write, until a time of the calendar.

type grant struct {
	To    graph.Peer
	Until int64 // of the calendar, in seconds
}

var give = graph.Op2(ops, "give", 1, func(x *graph.Tick, r *graph.Request[int, grant], t *graph.One[grant]) (grant, error) {
	g, _ := t.Get()
	if now := x.Wall().Unix(); g.Until <= now {
		g = grant{r.From, now + 5}
	}
	return g, t.Set(g)
})

var take = graph.Op2(ops, "take", 1, func(x *graph.Tick, g grant, t *graph.One[grant]) (int, error) {
	if g.To == x.Self() {
		return 0, t.Set(g)
	}
	return 0, nil
})

func leaseScenario() Scenario {
	return Scenario{
		Name: "lease",
		Graph: func() *graph.Graph {
			g := graph.New("lease", 1)
			client, server := g.Role("client"), g.Role("server")
			to := graph.Param[graph.Peer](client, "server")
			given, mine := graph.Row[grant](server, "given"), graph.Row[grant](client, "mine")
			mine.Expose()
			asked := graph.Ask[int, int](client, "take")
			ex := graph.Exchange[int, grant]("lease", graph.MaxRequest(16), graph.MaxReply(64))
			in, answer := graph.Call(value(asked), to, server, ex, 2*time.Second, graph.Anyone)
			graph.Reply(in, give(in, given))
			graph.Reply(asked, take(answer, mine))
			return g
		},
		Roles: serverFirst,
		Bind:  bindServer,
		Script: func(w *World) {
			w.Every(time.Second, time.Second, func(n *Node) {
				if n.Role() == "client" {
					graph.Submit(n.Instance(), "take", 1, 5*time.Second, func(int, error) {})
				}
			})
		},
		Churn: func(n *Node) bool { return n.Role() == "client" },
		Properties: []Property{{Name: "one holds the lease", Kind: Safety, Check: func(w *World) error {
			var holds []graph.Peer
			for _, n := range w.Nodes()[1:] {
				if n.Up() {
					if g, _ := graph.FeedOf[uint8, grant](n.Instance(), "mine").Get().Get(0); n.Wall().Unix() < g.Until {
						holds = append(holds, n.ID())
					}
				}
			}
			if len(holds) > 1 {
				return fmt.Errorf("%v hold it", holds)
			}
			return nil
		}}},
	}
}

func TestWhatOneKindOfFaultShows(t *testing.T) {
	for _, c := range []struct {
		s     Scenario
		nodes int
		shows Faults
		not   []Faults
	}{
		{usurperScenario(), 10, Partition, []Faults{0, Loss, Delay, Bandwidth, Skew, Loss | Delay | Reorder | Duplicate | Bandwidth | Skew}},
		{watchdogScenario(), 2, OneWay, []Faults{0, Loss, Partition, Skew, Loss | Bandwidth | Partition | Skew}},
		{leaseScenario(), 10, Skew, []Faults{0, Loss, Churn, Partition, OneWay, Loss | Delay | Churn | Bandwidth | Partition | OneWay}},
	} {
		caught := 0
		for seed := range uint64(6) {
			o := Options{Nodes: c.nodes, Seed: seed, Time: 10 * time.Minute, Faults: c.shows}
			if r := run(t, c.s, o); !r.OK {
				caught++
			}
			for _, o.Faults = range c.not {
				if r := run(t, c.s, o); !r.OK {
					t.Errorf("%s fails with %v, seed %d: %+v", c.s.Name, o.Faults, seed, r.Properties)
				}
			}
		}
		t.Logf("%s: %d of 6 seeds of %v catch it", c.s.Name, caught, c.shows)
		if caught < 2 {
			t.Errorf("%s: %d of 6 seeds of %v catch it", c.s.Name, caught, c.shows)
		}
	}
}
