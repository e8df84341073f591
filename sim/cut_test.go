package sim

import (
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// Choices of a one-way cut: a node that nobody of others hears, and one that hears nothing of those.
const (
	muted    = 0xFFFFFFFF_00000000
	deafened = 0x00000000_FFFFFFFF
)

// window makes a cut happen in the first slot of time, with some choices of nodes, and nothing else. It gives when.
func window(t *testing.T, s Scenario, o *Options, c cut, nodes map[int64]uint64) (begin, end graph.Time) {
	t.Helper()
	v := uint64(1 << 62) // in the middle of the first half
	for mix(v)>>60 != 15 || v%2 == 1 {
		v++ // to one that lasts for the second half, and has two sides
	}
	site := siteNames[[cuts]site{siteSide, siteCut}[c]]
	o.Faults |= [cuts]Faults{Partition, OneWay}[c]
	o.OnlyOverrides = true
	o.Overrides = map[Choice]uint64{{siteNames[cutSites[c]], theWorld, 0}: v}
	for n, v := range nodes {
		o.Overrides[Choice{site, n, 0}] = v
	}
	w, err := newWorld(s, *o)
	if err != nil {
		t.Fatal(err)
	}
	slot := uint64(w.slot(c))
	begin = graph.Time(below(v, slot/2))
	return begin, begin + graph.Time(time.Millisecond) + graph.Time(below(mix(v), slot/2))
}

// reach notes what became of the calls of each node, by the time at which they ended.
type reach struct {
	at     graph.Time
	reason graph.Reason
}

func reachScenario(period time.Duration, ends map[int][]reach) Scenario {
	s := pingScenario(period)
	s.Graph = pingGraph(15 * time.Second)
	s.Properties = nil
	s.Script = func(w *World) {
		w.Every(period, 0, func(n *Node) {
			if n.Role() == "client" {
				graph.Submit(n.Instance(), "ping", 1, 20*time.Second, func(_ int, err error) {
					ends[n.Index()] = append(ends[n.Index()], reach{w.now, graph.ReasonOf(err)})
				})
			}
		})
	}
	return s
}

func between(rs []reach, from, to graph.Time) map[graph.Reason]int {
	out := map[graph.Reason]int{}
	for _, r := range rs {
		if r.at >= from && r.at < to {
			out[r.reason]++
		}
	}
	return out
}

func TestPartitionCutsAndHeals(t *testing.T) {
	ends := map[int][]reach{}
	s := reachScenario(200*time.Millisecond, ends)
	var before, during, after int
	script := s.Script
	o := Options{Nodes: 3, Seed: 7, Time: 8 * time.Minute}
	begin, end := window(t, s, &o, partition, map[int64]uint64{1: ^uint64(0)})
	if end.Sub(begin) < 10*time.Second {
		t.Fatalf("a partition of %v is too short for this test: take another seed", end.Sub(begin))
	}
	s.Script = func(w *World) {
		script(w)
		n := w.Nodes()[1]
		w.At(begin-1, n, func(n *Node) { before = len(n.Neighbours().Get()) })
		w.At(end-1, n, func(n *Node) { during = len(n.Neighbours().Get()) })
		w.At(end+graph.Time(time.Minute), n, func(n *Node) { after = len(n.Neighbours().Get()) })
	}
	w := world(t, s, o)
	r := w.report()
	if before != 2 || during != 0 || after != 2 {
		t.Errorf("the node alone has %d neighbours before, %d at the end of, and %d after the partition", before, during, after)
	}
	if r.Faults["partitions"] != 1 || r.Faults["vanishedMessages"] == 0 || r.Faults["brokenConnections"] != 2 {
		t.Errorf("faults %v", r.Faults)
	}
	lag := graph.Time(time.Second)
	alone := between(ends[1], begin+lag, end)
	if alone[graph.None] != 0 || alone[graph.Lost] == 0 || alone[graph.Unreachable] == 0 {
		t.Errorf("calls across: %v, want some lost, then unreachable, none answered", alone)
	}
	for _, c := range []map[graph.Reason]int{between(ends[1], 0, begin), between(ends[2], 0, w.end), between(ends[1], end+graph.Time(30*time.Second), w.end)} {
		if len(c) != 1 || c[graph.None] == 0 {
			t.Errorf("calls on one side, before or after: %v, want all answered", c)
		}
	}
}

func TestOneWayCut(t *testing.T) {
	s := gossipScenario()
	s.Properties = nil
	o := Options{Nodes: 2, Seed: 7, Time: 8 * time.Minute}
	begin, end := window(t, s, &o, oneWay, map[int64]uint64{0: muted, 1: deafened})
	heard := func(n *Node, of int) int {
		r, _ := graph.FeedOf[graph.Peer, rumour](n.Instance(), "known").Get().Get(n.World().Nodes()[of].ID())
		return r.N
	}
	var said [2]int
	got := map[string][2]int{}
	s.Script = func(w *World) {
		w.Every(100*time.Millisecond, 0, func(n *Node) {
			said[n.Index()]++
			graph.Submit(n.Instance(), "tell", said[n.Index()], time.Second, func(graph.Done, error) {})
		})
		look := func(name string, at graph.Time) {
			w.At(at, w.Nodes()[0], func(*Node) { got[name] = [2]int{heard(w.Nodes()[0], 1), heard(w.Nodes()[1], 0)} })
		}
		look("begins", begin+graph.Time(200*time.Millisecond)) // what was on the way has arrived or vanished
		look("goes on", begin+graph.Time(keepaliveLeast))
		look("ends", end)
		look("is over", end+graph.Time(30*time.Second))
	}
	w := world(t, s, o)
	grown := func(a, b string, i int) int { return got[b][i] - got[a][i] }
	if grown("begins", "goes on", 0) < 15 || grown("begins", "ends", 1) != 0 {
		t.Errorf("%v: want that the muted node hears and is not heard", got)
	}
	if grown("ends", "is over", 0) < 15 || grown("ends", "is over", 1) < 15 {
		t.Errorf("%v: want that both hear each other when it is over", got)
	}
	if r := w.report(); r.Faults["oneWayCuts"] != 1 || r.Faults["brokenConnections"] != 1 {
		t.Errorf("faults %v", r.Faults)
	}
}

// TestShortCutsBreakNoIdleConnection: what sends nothing while it is cut does not notice.
func TestShortCutsBreakNoIdleConnection(t *testing.T) {
	s := pingScenario(time.Second)
	s.Properties, s.Script = nil, nil
	o := Options{Nodes: 6, Seed: 1, Time: 4 * time.Second, Faults: Partition} // slots of less than a second
	if r := run(t, s, o); r.Faults["partitions"] == 0 || r.Faults["brokenConnections"] != 0 {
		t.Errorf("faults %v", r.Faults)
	}
}

func TestCutsEndWithTheHealing(t *testing.T) {
	s := pingScenario(100 * time.Millisecond)
	for seed := range uint64(5) {
		w := world(t, s, Options{Nodes: 10, Seed: seed, Time: 4 * time.Minute, Faults: Partition | OneWay})
		r := w.report()
		if !r.OK || r.Faults["partitions"] == 0 || r.Faults["oneWayCuts"] == 0 || w.cut != [cuts]bool{} {
			t.Errorf("seed %d: %+v", seed, r)
		}
		for _, l := range w.links {
			if l.state == linkOpen && (l.dark[0] || l.dark[1]) {
				t.Errorf("seed %d: the link of %d and %d is open and does not carry", seed, l.a, l.b)
			}
		}
		for _, n := range w.nodes {
			if n.Undisturbed() < 55*time.Second {
				t.Errorf("seed %d: %s has lost a connection after the healing", seed, n.id)
			}
		}
	}
}

// The bulk protocol: bytes one way; the receiver notes when the latest came, of each size.

type arrived struct {
	Size int
	At   graph.Time
}

var bytesOf = graph.Op1(ops, "bytes", 1, func(_ *graph.Tick, r *graph.Request[int, graph.Done]) ([]byte, error) {
	return make([]byte, r.Value), nil
})

var noteSize = graph.Op2(ops, "note_size", 1, func(x *graph.Tick, r *graph.Received[[]byte], t *graph.Rows[int, arrived]) (graph.Done, error) {
	return graph.Done{}, t.Put(arrived{len(r.Value), x.Now()}, graph.Forever)
})

func bulkGraph() *graph.Graph {
	g := graph.New("bulk", 1)
	client, server := g.Role("client"), g.Role("server")
	to := graph.Param[graph.Peer](client, "server")
	table := graph.Table(server, "sizes", func(a arrived) int { return a.Size }, graph.Capacity(16))
	table.Expose()
	asked := graph.Ask[int, graph.Done](client, "send")
	in, done := graph.Send(bytesOf(asked), to, server, graph.OneWay[[]byte]("bulk", graph.MaxRequest(1<<20)), graph.Anyone)
	noteSize(in, table)
	graph.Reply(asked, done)
	return g
}

func TestBandwidth(t *testing.T) {
	const large, small = 512 << 10, 10
	for _, f := range []Faults{0, Bandwidth} {
		for _, healed := range []bool{false, true} {
			at := graph.Time(5 * time.Second)
			if healed {
				at = graph.Time(91 * time.Second)
			}
			s := Scenario{Name: "bulk", Graph: bulkGraph, Roles: serverFirst, Bind: bindServer, Script: func(w *World) {
				send := func(n *Node, k int) {
					graph.Submit(n.Instance(), "send", k, time.Second, func(graph.Done, error) {})
				}
				w.At(graph.Time(4*time.Second), w.Nodes()[1], func(n *Node) { send(n, 1) })
				w.At(at, w.Nodes()[1], func(n *Node) { send(n, large); send(n, small) })
			}}
			w := world(t, s, Options{Nodes: 2, Seed: 7, Time: 2 * time.Minute, Faults: f})
			l, view := w.links[0], graph.FeedOf[int, arrived](w.nodes[0].inst, "sizes").Get()
			first, _ := view.Get(large)
			second, _ := view.Get(small)
			took, behind := first.At.Sub(w.nodes[0].steady(at)), second.At.Sub(first.At)
			if f == 0 || healed {
				if took < l.latency || took > l.latency*11/10+time.Millisecond || w.happened[slowMessages] > 0 && healed {
					t.Errorf("%v, healed %v: it took %v, the latency is %v", f, healed, took, l.latency)
				}
				continue
			}
			want := time.Duration(uint64(large+overhead) * uint64(time.Second) / l.rate)
			if took < want+l.latency || took > want+l.latency*11/10+time.Millisecond || behind < 0 || w.happened[slowMessages] != 2 {
				t.Errorf("at %d bytes a second %d bytes took %v, want %v more than the latency of %v; the next came %v later", l.rate, large, took, want, l.latency, behind)
			}
		}
	}
}
