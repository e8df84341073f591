package globalregistry

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// late is the time that an announce may take to reach the server after its sender has fallen silent.
const late = callTimeout + 2*time.Second

var properties = []sim.Property{
	{Name: "the cohort is within its capacity", Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error {
		if n.Role() != "server" {
			return nil
		}
		if have := cohortOf(n).Len(); have > Capacity {
			return fmt.Errorf("%d clients, the capacity is %d", have, Capacity)
		}
		return nil
	}},
	{Name: "a client is only registered by itself", Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error { return kept(n).wrong }},
	{Name: "nobody silent outlives its lease", Kind: sim.Safety, CheckNode: nothing, Check: noneOutlives},
	{Name: "two heartbeats after healing every live client is in the cohort", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: allRegistered},
	{Name: "every live client knows somebody", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: allKnow},
	{Name: "a lease expired", Kind: sim.Sometimes, Check: someExpired},
	{Name: "a client backed off", Kind: sim.Sometimes, Check: someBackedOff},
}

// nothing leaves a property to the check of each second.
func nothing(*sim.World, *sim.Node) error { return nil }

func cohortOf(n *sim.Node) graph.View[graph.Peer, Member] {
	if !n.Up() {
		return graph.View[graph.Peer, Member]{}
	}
	return graph.FeedOf[graph.Peer, Member](n.Instance(), "cohort").Get()
}

func leaseOf(n *sim.Node) Lease {
	v := graph.FeedOf[uint8, Lease](n.Instance(), "lease").Get()
	l, _ := v.Get(0)
	return l
}

func noneOutlives(w *sim.World) error {
	cohort := cohortOf(w.Nodes()[0])
	for i := range cohort.Len() {
		d := kept(w.Node(cohort.Key(i)))
		if d.last != 0 && w.Now().Sub(d.last) > TTL+late {
			return fmt.Errorf("%s is registered, silent for %v", cohort.Key(i), w.Now().Sub(d.last))
		}
	}
	return nil
}

// settled gives the clients that have been there for two heartbeats.
func settled(w *sim.World) (clients []*sim.Node) {
	for _, n := range w.Nodes()[1:] {
		if d, here := kept(n).present(n); here && d >= 2*Heartbeat+late {
			clients = append(clients, n)
		}
	}
	return clients
}

func allRegistered(w *sim.World) error {
	cohort := cohortOf(w.Nodes()[0])
	for _, n := range settled(w) {
		if _, ok := cohort.Get(n.ID()); !ok {
			return fmt.Errorf("%s is not in the cohort of %d; its lease is %+v", n.ID(), cohort.Len(), leaseOf(n))
		}
		if l := leaseOf(n); !l.Registered || l.Context != "ctx" {
			return fmt.Errorf("%s is in the cohort and does not know it: %+v", n.ID(), l)
		}
	}
	return nil
}

func allKnow(w *sim.World) error {
	there := settled(w)
	for _, n := range there {
		known := graph.FeedOf[graph.Peer, Member](n.Instance(), "known").Get()
		if len(there) > 1 && known.Len() == 0 {
			return fmt.Errorf("%s knows nobody, though %d clients are there", n.ID(), len(there))
		}
	}
	return nil
}

func someExpired(w *sim.World) error {
	server := w.Nodes()[0]
	cohort := cohortOf(server)
	for _, n := range w.Nodes()[1:] {
		d := kept(n)
		if d.last == 0 || !n.Up() || !server.Up() || kept(server).started.Add(Heartbeat) > d.last || w.Now().Sub(d.last) < TTL {
			continue
		}
		if _, ok := cohort.Get(n.ID()); !ok {
			return nil
		}
	}
	return fmt.Errorf("no client was forgotten")
}

func someBackedOff(w *sim.World) error {
	for _, n := range w.Nodes()[1:] {
		if n.Up() && leaseOf(n).Failures > 0 {
			return nil
		}
	}
	return fmt.Errorf("no client has failed to announce")
}
