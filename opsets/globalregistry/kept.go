package globalregistry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// kept is what an honest node of the scenario keeps, and what the properties ask about it.
type kept struct {
	node      *sim.Node
	servers   *graph.Feed[[]graph.Peer]
	connected *graph.Feed[[]graph.Peer]
	addresses *graph.Feed[[]string]
	places    [][]string // where it was
	moved     graph.Time // of the world, as the rest: when it came to the latest
	away      bool
	since     graph.Time       // it is there, or not, since then
	asked     graph.Time       // when its leases changed last
	wrong     map[string]error // what must not be, found when it was written or said, by property
	undead    error            // a row that outlived its client

	admitted map[graph.Peer]graph.Time // of a server: when a client was registered last, since it started
	parted   map[graph.Peer]graph.Time // when a client left last
	pace     map[graph.Peer]*pace      // of a client: its announces to a server
	asks     map[graph.Peer]asking     // what a busy server has asked for
	failures map[graph.Peer]int        // of its lease, when it was looked at last
	answers  int
	gone     []*sim.Node // clients to whom a server has said that they are
}

func keptOf(n *sim.Node) *kept {
	k, _ := n.Kept.(*kept)
	return k
}

func keep(n *sim.Node) *kept {
	k := &kept{node: n, servers: graph.NewFeed[[]graph.Peer](nil), connected: graph.NewFeed[[]graph.Peer](nil), addresses: graph.NewFeed(addressesOf(n)), places: [][]string{addressesOf(n)},
		wrong: map[string]error{}}
	k.forget()
	n.Kept = k
	return k
}

// forget is what a crash does.
func (k *kept) forget() {
	k.admitted, k.parted = map[graph.Peer]graph.Time{}, map[graph.Peer]graph.Time{}
	k.failures, k.gone = map[graph.Peer]int{}, nil
	k.pace, k.asks = map[graph.Peer]*pace{}, map[graph.Peer]asking{}
}

// here says that the client is up, and takes part.
func (k *kept) here() bool { return k.node.Up() && !k.away }

// move takes the client to other addresses, now and then in another network.
func (k *kept) move(n *sim.Node) {
	i, turn := n.Index(), len(k.places)
	k.places = append(k.places, []string{fmt.Sprintf("/ip4/51.%d.%d.%d/tcp/2428", i/4/256%256, (i/4+turn%3)%256, i%4+4*turn%200)})
	k.moved = n.World().Now()
	k.addresses.Set(k.places[turn])
}

// link ends the connections of the client, or makes them anew, as its node sees it.
func (k *kept) link(n *sim.Node) {
	if len(k.connected.Get()) > 0 {
		k.connected.Set(nil)
	} else {
		k.connected.Set(serversOf(n))
	}
}

// silent notes that the client announces nothing from now on, and looks for it when its lease must have ended.
func (k *kept) silent(n *sim.Node) {
	if n.Role() != "client" {
		return
	}
	w := n.World()
	k.since, k.asked = w.Now(), 0
	for _, p := range serversOf(n) {
		w.After(drawnOf(w).ttl+late, w.Node(p), func(s *sim.Node) { k.forgotten(s, w.Now().Sub(k.since)) })
	}
}

// forgotten is asked when a client was silent for a TTL and the time on the way, unless it came back.
func (k *kept) forgotten(server *sim.Node, silent time.Duration) {
	if silent < drawnOf(server.World()).ttl+late || k.here() {
		return
	}
	if _, ok := cohortOf(server).Get(k.node.ID()); !ok {
		server.World().Reached(expired)
	} else {
		keptOf(server).undead = fmt.Errorf("%s is registered with %s, silent for %v", k.node.ID(), server.ID(), silent)
	}
}

// Admit implements Members: a row that is written names its own peer, and holds what that peer has signed.
func (k *kept) Admit(_ context.Context, m Member) (graph.Done, error) {
	w := k.node.World()
	k.admitted[m.Peer] = w.Now()
	k.fault(ownRow, lies(w, m))
	if n := w.Node(m.Peer); n != nil && n.Hostile() && !insider(n) {
		k.fault(ownRow, fmt.Errorf("%s is registered and does not know the secret", m.Peer))
	}
	return graph.Done{}, nil
}

// fault keeps the first error of a property.
func (k *kept) fault(property string, err error) {
	if err != nil && k.wrong[property] == nil {
		k.wrong[property] = err
	}
}

// lies tells what is untrue of a member.
func lies(w *sim.World, m Member) error {
	n := w.Node(m.Peer)
	switch {
	case n == nil:
		return fmt.Errorf("%q is no peer, and is registered", m.Peer)
	case m.Record.check() != nil:
		return fmt.Errorf("%s is registered with %v", m.Peer, m.Record.check())
	case oracle{m.Peer, w.Seed()}.Verify(m.Peer, m.Record) != nil || !n.Hostile() && !keptOf(n).was(m.Record.Addresses):
		return fmt.Errorf("%s is registered at %v, which it has not signed", m.Peer, m.Record.Addresses)
	}
	return nil
}

// was says that the node has had these addresses.
func (k *kept) was(addresses []string) bool {
	return slices.ContainsFunc(k.places, func(p []string) bool { return slices.Equal(p, addresses) })
}
