package globalregistry

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// Scenario is a network with a secret: from one to three servers, and clients, some of which announce to all servers. Now and then
// a client goes away for a few minutes: it leaves, or falls silent; another comes to other addresses; a third reads the whole view of
// a server. The server's TTL and its quota are drawn. With the fault hostile the third server and some clients keep to nothing.
var Scenario = scenarioOf("globalregistry", Capacity)

// scenarioOf gives a scenario in which a server has so many places.
func scenarioOf(name string, capacity int) sim.Scenario {
	return sim.Scenario{
		Name:       name,
		Graph:      func() *graph.Graph { return protocol(capacity) },
		Roles:      roles,
		Bind:       func(n *sim.Node) []graph.Option { return bind(n, capacity) },
		Script:     script,
		OnCrash:    crashed,
		Hostile:    hostile,
		Sent:       sent,
		Received:   received,
		Properties: properties,
		Degree:     -1,
	}
}

// A drawn is what a run has drawn.
type drawn struct {
	given time.Duration // the TTL that the servers are bound to
	ttl   time.Duration // that they may assign
	quota Quota
	most  int // places of a server

	full    map[string]graph.Time // when a network had no place left at the first server, as far as was noted
	allFull graph.Time            // when there was none at all
}

func (d *drawn) heartbeat() time.Duration { return d.ttl / 3 }

// drawnOf draws it, once.
func drawnOf(w *sim.World) *drawn { return draw(w, Capacity) }

func draw(w *sim.World, capacity int) *drawn {
	d, ok := w.State.(*drawn)
	if !ok {
		d = &drawn{most: capacity, full: map[string]graph.Time{}, given: []time.Duration{0, 0, 0, 0, time.Second, MinTTL, MaxTTL, 1000 * time.Hour}[w.RandN("ttl", 8)]}
		d.ttl = TTL
		if d.given > 0 {
			d.ttl = min(max(d.given, MinTTL), MaxTTL)
		}
		if w.RandN("quota", 3) == 2 {
			d.quota = Quota{Most: 2, Elsewhere: 3}
		}
		w.State = d
	}
	return d
}

func crashed(n *sim.Node) {
	keptOf(n).forget()
	keptOf(n).silent(n)
}

// addressesOf gives each four clients a network of their own; every ninth has no public address.
func addressesOf(n *sim.Node) []string {
	i := n.Index()
	if i%9 == 0 {
		return []string{"/dns4/" + string(n.ID()) + "/tcp/2428"}
	}
	return []string{fmt.Sprintf("/ip4/51.%d.%d.%d/tcp/2428", i/4/256%256, i/4%256, i%4)}
}

// The nodes with these indexes are servers. They are clients in networks too small for them.
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

var secret = []byte("a secret of the simulation")

func bind(n *sim.Node, capacity int) []graph.Option {
	k := keptOf(n)
	if k == nil {
		k = keep(n)
	}
	w := n.World()
	d := draw(w, capacity)
	k.away, k.since, k.asked = false, w.Now(), w.Now()
	records := Records(oracle{n.ID(), w.Seed()})
	if n.Role() == "client" {
		k.servers.Set(serversOf(n))
		return []graph.Option{graph.Bind("servers", k.servers), graph.Bind("connected", k.connected), graph.Bind("addresses", k.addresses),
			graph.Bind("secret", secret), graph.Bind("records", records)}
	}
	access := Access{secret, binary.BigEndian.AppendUint64(nil, n.Rand("nonce key"))}
	return []graph.Option{graph.Bind("addresses", k.addresses), graph.Bind("context", "ctx"), graph.Bind("access", access),
		graph.Bind("ttl", d.given), graph.Bind("quota", d.quota), graph.Bind("records", records), graph.Bind("members", Members(k))}
}

// script has one client in eight go away, some minutes apart, for two to four minutes, every other time by leaving; one in eight
// move; one in four lose their connections and find them again, each minute or so; and some of the first read the view.
func script(w *sim.World) {
	for _, n := range w.Nodes() {
		if n.Role() != "client" {
			continue
		}
		if n.RandN("leaves", 8) == 0 {
			w.EveryOn(n, 4*time.Minute, 2*time.Minute, goAway)
		}
		if n.RandN("moves", 8) == 0 {
			w.EveryOn(n, 3*time.Minute, 3*time.Minute, func(n *sim.Node) { keptOf(n).move(n) })
		}
		if n.RandN("links", 4) == 0 {
			w.EveryOn(n, 20*time.Second, 20*time.Second, func(n *sim.Node) { keptOf(n).link(n) })
		}
		if n.Index() < 64 && n.Index()%4 == 3 {
			w.EveryOn(n, readEach(w), time.Minute, read)
		}
	}
}

func goAway(n *sim.Node) {
	k, w := keptOf(n), n.World()
	if k.away {
		return
	}
	k.away = true
	k.silent(n)
	w.After(2*time.Minute+time.Duration(n.RandN("away", int(2*time.Minute))), n, comeBack)
	if n.RandN("silently", 2) == 0 {
		k.servers.Set(nil)
		return
	}
	graph.Submit(n.Instance(), "leave", Stop{}, 5*time.Second, func(graph.Done, error) {})
}

// comeBack finds the client back already when it has crashed meanwhile: who starts again is there.
func comeBack(n *sim.Node) {
	if k := keptOf(n); k.away {
		k.away, k.since, k.asked = false, n.World().Now(), n.World().Now()
		k.pace = map[graph.Peer]*pace{}
		k.servers.Set(serversOf(n))
	}
}
