package globalregistry

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// Scenario is a network with a secret: from one to three servers, the third of them hostile, and clients, some of which
// announce to all servers and some of which are hostile. Now and then a client goes away for a few minutes: it leaves, or falls
// silent.
var Scenario = scenarioOf("globalregistry", Protocol, Quota{})

func scenarioOf(name string, g func() *graph.Graph, q Quota) sim.Scenario {
	return sim.Scenario{
		Name:       name,
		Graph:      g,
		Roles:      roles,
		Bind:       func(n *sim.Node) []graph.Option { return bind(n, q) },
		Script:     script,
		OnCrash:    func(n *sim.Node) { kept(n).silent(n) },
		Properties: properties,
	}
}

// disk is what a node of the scenario keeps, and what the properties ask about it.
type disk struct {
	node    *sim.Node
	servers *graph.Feed[[]graph.Peer]
	away    bool
	since   graph.Time // of the world, as the rest: it is there, or not, since then
	asked   graph.Time // when its leases changed last
	wrong   error      // a row that must not be, found when it was written
	undead  error      // a row that outlived its client
}

func kept(n *sim.Node) *disk { return n.Kept.(*disk) }

// silent notes that the client announces nothing from now on, and looks for it when its lease must have ended.
func (d *disk) silent(n *sim.Node) {
	if n.Role() != "client" {
		return
	}
	w := n.World()
	d.since, d.asked = w.Now(), 0
	for _, p := range serversOf(n) {
		w.After(TTL+late, w.Node(p), func(s *sim.Node) { d.forgotten(s, w.Now().Sub(d.since)) })
	}
}

// forgotten is asked when a client was silent for a TTL and the time on the way, unless it came back.
func (d *disk) forgotten(server *sim.Node, silent time.Duration) {
	if silent < TTL+late || d.here() {
		return
	}
	if _, ok := cohortOf(server).Get(d.node.ID()); !ok {
		server.World().Reached(expired)
	} else if honest(server) {
		kept(server).undead = fmt.Errorf("%s is registered, silent for %v", d.node.ID(), silent)
	}
}

// here says that the client is up, and takes part.
func (d *disk) here() bool { return d.node.Up() && !d.away }

// Admit implements Members: a row that is written names its own peer, and holds what that peer has signed.
func (d *disk) Admit(_ context.Context, m Member) (graph.Done, error) {
	if err := lies(d.node.World(), m); err != nil && d.wrong == nil && honest(d.node) {
		d.wrong = err
	}
	return graph.Done{}, nil
}

// lies tells what is untrue of a member.
func lies(w *sim.World, m Member) error {
	n := w.Node(m.Peer)
	switch {
	case n == nil:
		return fmt.Errorf("%q is no peer, and is registered", m.Peer)
	case m.Record.check() != nil:
		return fmt.Errorf("%s is registered with %v", m.Peer, m.Record.check())
	case oracle{m.Peer, w.Seed()}.Verify(m.Peer, m.Record) != nil || honest(n) && !slices.Equal(m.Record.Addresses, addressesOf(n)):
		return fmt.Errorf("%s is registered at %v, which it has not signed", m.Peer, m.Record.Addresses)
	}
	return nil
}

// addressesOf gives each four clients a network of their own; every ninth has no public address.
func addressesOf(n *sim.Node) []string {
	i := n.Index()
	if i%9 == 0 {
		return []string{"/dns4/" + string(n.ID()) + "/tcp/2428"}
	}
	return []string{fmt.Sprintf("/ip4/51.%d.%d.%d/tcp/2428", i/4/256%256, i/4%256, i%4)}
}

// The nodes with these indexes are servers; the last of them is hostile. They are clients in networks too small for them.
const servers, peopled, crowded = 3, 8, 16

func roles(nodes int) []string {
	out := slices.Repeat([]string{"client"}, nodes)
	out[0] = "server"
	if nodes >= peopled {
		out[1] = "server"
	}
	if nodes >= crowded {
		out[2] = "server"
	}
	return out
}

// serversOf says to whom a client announces. In a large network most announce to one server.
func serversOf(n *sim.Node) []graph.Peer {
	all := n.World().Nodes()
	out := []graph.Peer{all[0].ID()}
	for i, s := range all[1:min(servers, len(all))] {
		if s.Role() == "server" && n.Index() < 64 && (n.Index()%8 == 3+i || n.Index()%8 >= 5) {
			out = append(out, s.ID())
		}
	}
	return out
}

// honest says that a node follows the protocol. The others are the third server, and some clients.
func honest(n *sim.Node) bool {
	i := n.Index()
	return !(n.Role() == "server" && i == 2) && !(n.Role() == "client" && len(n.World().Nodes()) >= crowded && i < 64 && i%8 == 5)
}

var secret = []byte("a secret of the simulation")

func bind(n *sim.Node, q Quota) []graph.Option {
	if n.Kept == nil {
		n.Kept = &disk{node: n, servers: graph.NewFeed[[]graph.Peer](nil)}
	}
	d := kept(n)
	d.away, d.since, d.asked = false, n.World().Now(), n.World().Now()
	var records Records = oracle{n.ID(), n.World().Seed()}
	access := Access{Secret: secret}
	if !honest(n) {
		records, access = &liar{oracle: oracle{n.ID(), n.World().Seed()}, kind: n.Index() / 8 % liars}, Access{}
	}
	if n.Role() == "server" {
		access.NonceKey = binary.BigEndian.AppendUint64(nil, n.Rand("nonce key"))
		return []graph.Option{graph.Bind("addresses", addressesOf(n)), graph.Bind("context", "ctx"), graph.Bind("access", access),
			graph.Bind("ttl", time.Duration(0)), graph.Bind("quota", q), graph.Bind("records", records), graph.Bind("members", Members(d))}
	}
	d.servers.Set(serversOf(n))
	return []graph.Option{graph.Bind("servers", d.servers), graph.Bind("addresses", addressesOf(n)), graph.Bind("secret", secret),
		graph.Bind("records", records)}
}

// script has one client in eight go away, some minutes apart, for two to four minutes; every other time it leaves.
func script(w *sim.World) {
	for _, n := range w.Nodes() {
		if n.Role() != "client" || n.RandN("leaves", 8) > 0 {
			continue
		}
		w.EveryOn(n, 4*time.Minute, 2*time.Minute, func(n *sim.Node) {
			d := kept(n)
			if d.away {
				return
			}
			d.away = true
			d.silent(n)
			w.After(2*time.Minute+time.Duration(n.RandN("away", int(2*time.Minute))), n, comeBack)
			if n.RandN("silently", 2) == 0 {
				d.servers.Set(nil)
				return
			}
			graph.Submit(n.Instance(), "leave", Stop{}, 5*time.Second, func(_ graph.Done, err error) {
				if _, there := cohortOf(w.Nodes()[0]).Get(n.ID()); err == nil && !there && w.Nodes()[0].Up() {
					w.Reached(left)
				}
			})
		})
	}
}

// comeBack finds the client back already when it has crashed meanwhile: who starts again is there.
func comeBack(n *sim.Node) {
	if d := kept(n); d.away {
		d.away, d.since, d.asked = false, n.World().Now(), n.World().Now()
		d.servers.Set(serversOf(n))
	}
}
