package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/p2p"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is where a node of the test prints.
type lines struct {
	mu   sync.Mutex
	all  strings.Builder
	told chan struct{} // holds one: there is more
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.told <- struct{}{}:
	default:
	}
	return l.all.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func start(t *testing.T, name string, bootstrap []string, at ...string) (*node.State, *lines) {
	t.Helper()
	cfg := node.Default()
	cfg.Home, cfg.API.Addr, cfg.Swarm.Addrs = t.TempDir(), "127.0.0.1:0", append(at, "/ip4/127.0.0.1/tcp/0")[:1]
	if bootstrap != nil {
		cfg.NodeType, cfg.Bootstrap = node.Peer, bootstrap
	}
	out := &lines{told: make(chan struct{}, 1)}
	n, err := node.New(cfg, node.WithPart(api.New()), with(name), node.WithPart(&show{out: out}))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n.State(), out
}

// Real nodes see each other, and a client that knows nothing of the protocol sees what it does.
func TestOverLibp2p(t *testing.T) {
	ada, out := start(t, "Ada", nil)
	bob, _ := start(t, "Bob", ada.Host().Addrs())
	eve, _ := start(t, "Eve", ada.Host().Addrs())
	limit := time.After(time.Minute)
	for _, other := range []struct {
		name string
		node *node.State
	}{{"Bob", bob}, {"Eve", eve}} {
		for want := fmt.Sprintf("%q is here (%s)\n", other.name, other.node.ID()); !strings.Contains(out.text(), want); {
			select {
			case <-out.told:
			case <-limit:
				t.Fatalf("no %q in %q; %+v", want, out.text(), ada.Status())
			}
		}
	}
	r, err := ada.Program("presence", "peer")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := p2p.Ask[Who, []Person](t.Context(), r, "who", Who{}); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}

	c, err := api.Dial(ada.Config().Home)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var d graph.Description
	if err := c.Call(t.Context(), "graph_show", api.GraphParams{Name: "presence"}, &d); err != nil {
		t.Fatal(err)
	}
	if text := d.Text(); !strings.Contains(text, "table people: main.Person by Peer, at most 1024, full: refuse, exposed, now 2\n") {
		t.Error(text)
	}
	if st := ada.Status(); !st.Ready || len(st.Problems) > 0 {
		t.Errorf("%v", st.Problems)
	}
}

// A node whose swarm port is taken runs, and has no address to print.
func TestSwarmPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, out := start(t, "Ada", nil, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port))
	if out.text() != "" || !s.Ready() || len(s.Host().Addrs()) != 0 || len(s.Status().Problems) != 1 {
		t.Errorf("%q, %+v", out.text(), s.Status())
	}
}

func TestArguments(t *testing.T) {
	if err := run(t.Context(), node.Default(), nil); err == nil || !strings.Contains(err.Error(), "name") {
		t.Error(err)
	}
}

// scenario is the protocol on simulated nodes, all of them members.
var scenario = sim.Scenario{
	Name:  "presence",
	Graph: Protocol,
	Bind: func(n *sim.Node) []graph.Option {
		var members []graph.Peer
		for _, o := range n.World().Nodes() {
			members = append(members, o.ID())
		}
		slices.Sort(members)
		return []graph.Option{graph.Bind("name", fmt.Sprint("person ", n.Index())), graph.Bind("members", members)}
	},
	Properties: []sim.Property{{
		Name: "when all is well again, each node sees all others", Kind: sim.Liveness, Within: lasting + every,
		Check: func(w *sim.World) error {
			for _, n := range w.Nodes() {
				if n.Up() && graph.SizeOf(n.Instance(), "people") != len(w.Nodes())-1 {
					return fmt.Errorf("%s sees %d others", n.ID(), graph.SizeOf(n.Instance(), "people"))
				}
			}
			return nil
		},
	}},
}

func TestSimulation(t *testing.T) {
	simtest.Campaign(t, scenario, sim.Options{Nodes: 12, Time: time.Minute}, 3, "none", "loss", "churn", "loss,delay,duplicate,churn", "partition")
}
