package globalregistry

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// late is the time that an announce may take to reach the server after its sender has fallen silent.
const late = callTimeout + 2*time.Second

// The names of what is to be reached.
const (
	expired   = "a lease expired"
	left      = "a client left, and was gone at once"
	backedOff = "a client backed off"
)

// All that is asked at each change or second costs the same in a network of any size.
var properties = []sim.Property{
	{Name: "the view is within its cap and quota", Kind: sim.Safety, CheckNode: withinBounds},
	{Name: "a peer changes only its own row, and signed it", Kind: sim.Safety, CheckNode: nothingWrong},
	{Name: "no dead client outlives its TTL", Kind: sim.Safety, CheckNode: nothing, Check: noneOutlives},
	{Name: "a client is never silent for longer than the ceiling", Kind: sim.Safety, CheckNode: neverSilent, Check: oneSpeaks},
	{Name: "what a client knows was signed", Kind: sim.Safety, CheckNode: nothing, Check: oneKnowsTruth},
	{Name: "two heartbeats after healing every live client is in the view", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: allRegistered},
	{Name: "every live client knows somebody", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: allKnow},
	{Name: expired, Kind: sim.Sometimes},
	{Name: left, Kind: sim.Sometimes},
	{Name: backedOff, Kind: sim.Sometimes},
}

// nothing leaves a property to the check of each second.
func nothing(*sim.World, *sim.Node) error { return nil }

func cohortOf(n *sim.Node) graph.View[graph.Peer, Row] {
	if !n.Up() {
		return graph.View[graph.Peer, Row]{}
	}
	return graph.FeedOf[graph.Peer, Row](n.Instance(), "cohort").Get()
}

func leasesOf(n *sim.Node) graph.View[graph.Peer, Lease] {
	return graph.FeedOf[graph.Peer, Lease](n.Instance(), "leases").Get()
}

func knownOf(n *sim.Node) graph.View[graph.Peer, Member] {
	return graph.FeedOf[graph.Peer, Member](n.Instance(), "known").Get()
}

func withinBounds(_ *sim.World, n *sim.Node) error {
	if n.Role() != "server" {
		return nil
	}
	if have := cohortOf(n).Len(); have > Capacity {
		return fmt.Errorf("%d clients, the capacity is %d", have, Capacity)
	}
	return nil
}

func nothingWrong(_ *sim.World, n *sim.Node) error { return kept(n).wrong }

// noneOutlives reads what forgotten has found.
func noneOutlives(w *sim.World) error {
	for _, n := range w.Nodes()[:min(servers, len(w.Nodes()))] {
		if err := kept(n).undead; err != nil {
			return err
		}
	}
	return nil
}

// neverSilent judges an honest client whose leases may have changed.
func neverSilent(w *sim.World, n *sim.Node) error {
	d := kept(n)
	if n.Role() != "client" || !d.here() || !honest(n) {
		return nil
	}
	next := graph.Time(0)
	for v, i := leasesOf(n), 0; i < v.Len(); i++ {
		l := v.At(i)
		if l.Failures > 0 {
			w.Reached(backedOff)
		}
		if wait := l.Next.Sub(n.Now()); wait > MaxTTL {
			return fmt.Errorf("it will be silent for %v: %+v", wait, l)
		}
		next = max(next, l.Next)
	}
	if next != 0 {
		d.asked = w.Now()
	}
	return nil
}

// oneSpeaks looks at one client a second.
func oneSpeaks(w *sim.World) error {
	n := oneOf(w)
	if d := kept(n); n.Role() == "client" && d.here() && honest(n) && w.Now().Sub(max(d.asked, d.since)) > MaxTTL {
		return fmt.Errorf("%s has been silent for %v", n.ID(), w.Now().Sub(d.asked))
	}
	return nil
}

// oneOf gives each second another node.
func oneOf(w *sim.World) *sim.Node {
	return w.Nodes()[int(w.Now()/graph.Time(time.Second))%len(w.Nodes())]
}

func oneKnowsTruth(w *sim.World) error {
	n := oneOf(w)
	if n.Role() != "client" || !n.Up() || !honest(n) {
		return nil
	}
	for _, m := range knownOf(n).All() {
		if err := lies(w, m); err != nil {
			return fmt.Errorf("%s believes that %w", n.ID(), err)
		}
	}
	return nil
}

// settled gives the honest clients that have been there for two heartbeats.
func settled(w *sim.World) (clients []*sim.Node) {
	for _, n := range w.Nodes() {
		if d := kept(n); n.Role() == "client" && honest(n) && d.here() && w.Now().Sub(d.since) >= 2*Heartbeat+late {
			clients = append(clients, n)
		}
	}
	return clients
}

func allRegistered(w *sim.World) error {
	for _, n := range settled(w) {
		for _, p := range serversOf(n) {
			s := w.Node(p)
			l, _ := leasesOf(n).Get(p)
			if _, ok := cohortOf(s).Get(n.ID()); !ok && honest(s) {
				return fmt.Errorf("%s is not in the view of %s; its lease is %+v", n.ID(), p, l)
			}
			if honest(s) && (!l.Registered || l.Context != "ctx") {
				return fmt.Errorf("%s is in the view of %s and does not know it: %+v", n.ID(), p, l)
			}
		}
	}
	return nil
}

func allKnow(w *sim.World) error {
	there := settled(w)
	for _, n := range there {
		if len(there) > 1 && knownOf(n).Len() == 0 {
			return fmt.Errorf("%s knows nobody, though %d clients are there", n.ID(), len(there))
		}
	}
	return nil
}
