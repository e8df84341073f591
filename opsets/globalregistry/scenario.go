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

// Scenario is one server, node 0, and clients, in a network with a secret. Now and then a client leaves for a few minutes.
var Scenario = sim.Scenario{
	Name:       "globalregistry",
	Graph:      Protocol,
	Roles:      roles,
	Bind:       bind,
	Script:     script,
	OnCrash:    func(n *sim.Node) { kept(n).silent(n) },
	Properties: properties,
}

// disk is what a node of the scenario keeps, and what the properties ask about it.
type disk struct {
	server  *graph.Feed[graph.Peer] // nobody while the client is away
	away    bool
	started graph.Time // of the world, as the rest
	last    graph.Time // it fell silent; 0 while it is there
	wrong   error      // the server: somebody was registered with the addresses of another
}

func kept(n *sim.Node) *disk { return n.Kept.(*disk) }

// silent notes that the client announces nothing from now on.
func (d *disk) silent(n *sim.Node) {
	if d.last == 0 {
		d.last = max(1, n.World().Now())
	}
}

// present tells for how long the client has been there.
func (d *disk) present(n *sim.Node) (time.Duration, bool) {
	return n.World().Now().Sub(d.started), n.Up() && !d.away
}

// Admit implements Members: a row that is written names its own peer.
func (d *disk) Admit(_ context.Context, m Member) (graph.Done, error) {
	if d.wrong == nil && !slices.Equal(m.Addresses, addressesOf(m.Peer)) {
		d.wrong = fmt.Errorf("%s is registered at %v", m.Peer, m.Addresses)
	}
	return graph.Done{}, nil
}

func addressesOf(p graph.Peer) []string { return []string{"/dns4/" + string(p) + "/tcp/2428"} }

func roles(nodes int) []string {
	out := slices.Repeat([]string{"client"}, nodes)
	out[0] = "server"
	return out
}

var secret = []byte("a secret of the simulation")

func bind(n *sim.Node) []graph.Option {
	server := n.World().Nodes()[0].ID()
	if n.Kept == nil {
		n.Kept = &disk{server: graph.NewFeed(server)}
	}
	d := kept(n)
	d.started, d.last = n.World().Now(), 0
	if d.away = false; d.server.Get() == "" {
		d.server.Set(server)
	}
	if n.Role() == "server" {
		key := binary.BigEndian.AppendUint64(nil, n.Rand("nonce key"))
		return []graph.Option{graph.Bind("addresses", addressesOf(n.ID())), graph.Bind("context", "ctx"),
			graph.Bind("access", Access{Secret: secret, NonceKey: key}), graph.Bind("members", Members(d))}
	}
	return []graph.Option{graph.Bind("server_peer", d.server), graph.Bind("addresses", addressesOf(n.ID())), graph.Bind("secret", secret)}
}

// script lets one client in eight leave, some minutes apart, for two to four minutes.
func script(w *sim.World) {
	for _, n := range w.Nodes()[1:] {
		if n.RandN("leaves", 8) > 0 {
			continue
		}
		w.EveryOn(n, 4*time.Minute, 2*time.Minute, func(n *sim.Node) {
			d := kept(n)
			d.away = true
			d.silent(n)
			d.server.Set("")
			w.After(2*time.Minute+time.Duration(n.RandN("away", int(2*time.Minute))), n, comeBack)
		})
	}
}

// comeBack finds the client back already when it has crashed meanwhile: who starts again is there.
func comeBack(n *sim.Node) {
	if d := kept(n); d.away {
		d.away, d.last, d.started = false, 0, n.World().Now()
		d.server.Set(n.World().Nodes()[0].ID())
	}
}
