package sim

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

var ops = graph.NewOpset("simtest")

// run runs a scenario and fails the test when it cannot.
func run(t testing.TB, s Scenario, o Options) *Report {
	t.Helper()
	r, err := Run(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// world gives a world that has run, for tests that look inside.
func world(t testing.TB, s Scenario, o Options) *World {
	t.Helper()
	w, err := newWorld(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	return w
}

// The ping protocol: a client is asked for a number, calls the server, which keeps the latest number of each client.

var value = graph.Op1(ops, "value", 1, func(_ *graph.Tick, r *graph.Request[int, int]) (int, error) { return r.Value, nil })

type heard struct {
	From graph.Peer
	N    int
	At   graph.Time
}

var note = graph.Op2(ops, "note", 1, func(x *graph.Tick, r *graph.Request[int, int], t *graph.Rows[graph.Peer, heard]) (int, error) {
	return r.Value + 1, t.Put(heard{r.From, r.Value, x.Now()}, graph.Forever)
})

func pingGraph(timeout time.Duration) func() *graph.Graph { return pingGraphOf(timeout, true) }

func pingGraphOf(timeout time.Duration, exposed bool) func() *graph.Graph {
	return func() *graph.Graph {
		g := graph.New("ping", 1)
		client, server := g.Role("client"), g.Role("server")
		to := graph.Param[graph.Peer](client, "server")
		table := graph.Table(server, "heard", func(h heard) graph.Peer { return h.From }, graph.Capacity(1<<14))
		if exposed {
			table.Expose()
		}
		asked := graph.Ask[int, int](client, "ping")
		ex := graph.Exchange[int, int]("ping", graph.MaxRequest(16), graph.MaxReply(16))
		in, answer := graph.Call(value(asked), to, server, ex, timeout, graph.Anyone)
		graph.Reply(in, note(in, table))
		graph.Reply(asked, answer)
		return g
	}
}

// pings is what the clients of a run saw.
type pings struct {
	sent, answered int
	wrong          int
	failed         map[graph.Reason]int
	longest        time.Duration
}

func pingScenario(period time.Duration) Scenario {
	return Scenario{
		Name:  "ping",
		Graph: pingGraph(2 * time.Second),
		Roles: serverFirst,
		Bind:  bindServer,
		Script: func(w *World) {
			p := newPings(w)
			w.Every(period, period/4, func(n *Node) {
				if n.Role() == "client" {
					p.ping(n, p.sent)
				}
			})
		},
		Properties: []Property{
			{Name: "answers fit", Kind: Safety, Check: func(w *World) error {
				if p := w.State.(*pings); p.wrong > 0 {
					return fmt.Errorf("%d answers do not fit their requests", p.wrong)
				}
				return nil
			}},
			{Name: "server heard everyone", Kind: Liveness, Check: func(w *World) error {
				view := graph.FeedOf[graph.Peer, heard](w.Nodes()[0].Instance(), "heard").Get()
				if view.Len() != len(w.Nodes())-1 {
					return fmt.Errorf("the server heard %d of %d", view.Len(), len(w.Nodes())-1)
				}
				return nil
			}},
			{Name: "a call fails", Kind: Sometimes, Check: func(w *World) error {
				if len(w.State.(*pings).failed) == 0 {
					return errors.New("no call failed")
				}
				return nil
			}},
		},
	}
}

func newPings(w *World) *pings {
	p := &pings{failed: map[graph.Reason]int{}}
	w.State = p
	return p
}

func serverFirst(nodes int) []string {
	roles := make([]string, nodes)
	for i := range roles {
		roles[i] = "client"
	}
	roles[0] = "server"
	return roles
}

func bindServer(n *Node) []graph.Option {
	if n.Role() != "client" {
		return nil
	}
	return []graph.Option{graph.Bind("server", n.World().Nodes()[0].ID())}
}

// ping makes one request at a client.
func (p *pings) ping(n *Node, k int) {
	p.sent++
	began := n.World().Now()
	graph.Submit(n.Instance(), "ping", k, 10*time.Second, func(got int, err error) {
		if err != nil {
			p.failed[graph.ReasonOf(err)]++
			return
		}
		p.answered++
		p.longest = max(p.longest, n.World().Now().Sub(began))
		if got != k+1 {
			p.wrong++
		}
	})
}

// The gossip protocol: every node publishes a number that grows; everyone keeps the greatest of each.

type rumour struct {
	Node graph.Peer
	N    int
}

var mine = graph.Op1(ops, "mine", 1, func(x *graph.Tick, r *graph.Request[int, graph.Done]) (rumour, error) {
	return rumour{x.Self(), r.Value}, nil
})

var keep = graph.Op2(ops, "keep", 1, func(_ *graph.Tick, r *graph.Received[rumour], t *graph.Rows[graph.Peer, rumour]) (graph.Done, error) {
	if old, ok := t.Get(r.Value.Node); ok && old.N >= r.Value.N {
		return graph.Done{}, nil
	}
	return graph.Done{}, t.Put(r.Value, graph.Forever)
})

func gossipGraph() *graph.Graph {
	g := graph.New("gossip", 1)
	peer := g.Role("peer")
	table := graph.Table(peer, "known", func(r rumour) graph.Peer { return r.Node }, graph.Capacity(4096))
	table.Expose()
	asked := graph.Ask[int, graph.Done](peer, "tell")
	topic := graph.Topic[rumour]("rumours", graph.MaxRequest(64))
	in, done := graph.Publish(mine(asked), peer, topic, graph.Anyone)
	keep(in, table)
	graph.Reply(asked, done)
	return g
}

func gossipScenario() Scenario {
	return Scenario{
		Name:  "gossip",
		Graph: gossipGraph,
		Script: func(w *World) {
			counts := make([]int, len(w.Nodes()))
			w.Every(5*time.Second, time.Second, func(n *Node) {
				counts[n.Index()]++
				graph.Submit(n.Instance(), "tell", counts[n.Index()], time.Second, func(graph.Done, error) {})
			})
		},
		Properties: []Property{{Name: "everyone knows everyone", Kind: Liveness, Within: 15 * time.Second, Check: func(w *World) error {
			for _, n := range w.Nodes() {
				if got := graph.FeedOf[graph.Peer, rumour](n.Instance(), "known").Get().Len(); got != len(w.Nodes())-1 {
					return fmt.Errorf("%s knows %d of %d", n.ID(), got, len(w.Nodes())-1)
				}
			}
			return nil
		}}},
	}
}

// The journal protocol: a node appends to its disk, and answers when that is synced.

// A disk keeps lines; a crash takes those after synced.
type disk struct {
	lines    []int
	synced   int
	promised []int // lines whose writer got an answer
	careless bool  // it does not sync
}

type appender interface {
	Append(context.Context, int) (int, error)
}

func (d *disk) Append(_ context.Context, n int) (int, error) {
	d.lines = append(d.lines, n)
	if !d.careless {
		d.synced = len(d.lines)
	}
	return n, nil
}

var written = graph.Op1(ops, "written", 1, func(_ *graph.Tick, r *graph.Request[int, int]) (int, error) { return r.Value, nil })

func journalGraph() *graph.Graph {
	g := graph.New("journal", 1)
	peer := g.Role("peer")
	log := graph.Component[appender](peer, "log")
	asked := graph.Ask[int, int](peer, "write")
	graph.Reply(asked, graph.Work(written(asked), log, "append", appender.Append, time.Second))
	return g
}

func journalScenario(careless bool) Scenario {
	return Scenario{
		Name:  "journal",
		Graph: journalGraph,
		Bind: func(n *Node) []graph.Option {
			if n.Kept == nil {
				n.Kept = &disk{careless: careless}
			}
			return []graph.Option{graph.Bind("log", n.Kept)}
		},
		OnCrash: func(n *Node) {
			d := n.Kept.(*disk)
			d.lines = d.lines[:d.synced]
		},
		Script: func(w *World) {
			k := 0
			w.Every(100*time.Millisecond, 10*time.Millisecond, func(n *Node) {
				k++
				graph.Submit(n.Instance(), "write", k, time.Second, func(got int, err error) {
					if d := n.Kept.(*disk); err == nil {
						d.promised = append(d.promised, got)
					}
				})
			})
		},
		Properties: []Property{{Name: "what was answered is on disk", Kind: Safety, Check: func(w *World) error {
			for _, n := range w.Nodes() {
				d := n.Kept.(*disk)
				onDisk := map[int]bool{}
				for _, l := range d.lines {
					onDisk[l] = true
				}
				for _, p := range d.promised {
					if !onDisk[p] {
						return fmt.Errorf("%s lost %d", n.ID(), p)
					}
				}
			}
			return nil
		}}},
	}
}
