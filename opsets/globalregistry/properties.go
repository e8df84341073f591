package globalregistry

import (
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// late is the time that an announce may take to reach the server after its sender has fallen silent.
const late = callTimeout + 2*time.Second

// The names of what is to be reached.
const (
	expired   = "a lease expired"
	left      = "a client that was registered left"
	backedOff = "a client backed off"
	readWhole = "a client read a whole view"
	full      = "a view was full"
)

// The names of what is noted when it is written or said.
const (
	ownRow     = "a peer changes only its own row, signed, and with the secret"
	dictates   = "a server dictates a TTL within its bounds"
	shows      = "a server shows who is registered, to the registered"
	wholeView  = "a whole view has everybody who was registered all the time"
	noShouting = "a client announces no more often than one a heartbeat"
	goneAtOnce = "who leaves is gone at once"
	heeds      = "a client backs off, and waits as long as a busy server asks"
)

// All that is asked at each change or second costs the same in a network of any size.
var properties = []sim.Property{
	{Name: "the view is within its cap", Kind: sim.Safety, CheckNode: withinBounds},
	{Name: "the books balance, within the quota", Kind: sim.Safety, CheckNode: nothing, Check: balanced},
	noted(ownRow), noted(dictates), noted(shows), noted(wholeView), noted(noShouting),
	{Name: goneAtOnce, Kind: sim.Safety, CheckNode: nothing, Check: noneLingers},
	{Name: heeds, Kind: sim.Safety, CheckNode: heedsBusy},
	{Name: "no dead client outlives its TTL", Kind: sim.Safety, Check: noneOutlives, CheckNode: nothing},
	{Name: "who is registered stays, until its TTL ends or it leaves", Kind: sim.Safety, CheckNode: nothing, Check: oneStays},
	{Name: "a client is never silent for longer than the ceiling", Kind: sim.Safety, CheckNode: neverSilent, Check: oneSpeaks},
	{Name: "what a client knows was signed", Kind: sim.Safety, CheckNode: nothing, Check: oneKnowsTruth},
	{Name: "two heartbeats after healing every live client is in the view", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: allRegistered},
	{Name: "where places are few, who could be registered is", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: freePlacesTaken},
	{Name: "every live client knows somebody", Kind: sim.Liveness, Within: 2*Heartbeat + late, Check: allKnow},
	{Name: expired, Kind: sim.Sometimes},
	{Name: left, Kind: sim.Sometimes},
	{Name: backedOff, Kind: sim.Sometimes},
	{Name: readWhole, Kind: sim.Sometimes},
}

// nothing leaves a property to the check of each second.
func nothing(*sim.World, *sim.Node) error { return nil }

func cohortOf(n *sim.Node) graph.View[graph.Peer, Row] {
	if n.Instance() == nil {
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

// honestServers are the servers that are up and keep to the protocol.
func honestServers(w *sim.World) (up []*sim.Node) {
	for _, n := range w.Nodes()[:min(servers, len(w.Nodes()))] {
		if n.Role() == "server" && n.Instance() != nil {
			up = append(up, n)
		}
	}
	return up
}

// client says that a node is an honest client, and takes part.
func client(n *sim.Node) bool {
	return n.Role() == "client" && n.Instance() != nil && keptOf(n).here()
}

func withinBounds(w *sim.World, n *sim.Node) error {
	if n.Role() != "server" {
		return nil
	}
	have, most := cohortOf(n).Len(), drawnOf(w).most
	if have > most {
		return fmt.Errorf("%d clients, the capacity is %d", have, most)
	}
	if have == most {
		w.Reached(full)
	}
	return nil
}

// balanced counts the cohorts by network, each ten seconds.
func balanced(w *sim.World) error {
	if d := drawnOf(w); !d.roomy() {
		d.noteFull(w)
	}
	if w.Now()/graph.Time(time.Second)%10 != 0 {
		return nil
	}
	for _, n := range honestServers(w) {
		counts, q := map[string]int{}, drawnOf(w).quota
		for _, r := range cohortOf(n).All() {
			if counts[r.Network]++; counts[r.Network] > q.most(r.Network) {
				return fmt.Errorf("%s has %d of %q, the quota is %d", n.ID(), counts[r.Network], r.Network, q.most(r.Network))
			}
		}
		books := graph.FeedOf[string, Network](n.Instance(), "networks").Get()
		for _, have := range books.All() {
			if counts[have.Prefix] != have.Clients {
				return fmt.Errorf("%s counts %d clients of %q, and has %d", n.ID(), have.Clients, have.Prefix, counts[have.Prefix])
			}
		}
		if books.Len() != len(counts) {
			return fmt.Errorf("%s counts %d networks, and has clients of %d", n.ID(), books.Len(), len(counts))
		}
	}
	return nil
}

// noted is a property of which a fault was noted when it was written or said. It looks at a node that has changed, and each second
// at the servers and one other.
func noted(name string) sim.Property {
	return sim.Property{Name: name, Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error { return keptOf(n).wrong[name] }, Check: func(w *sim.World) error {
		for _, n := range append(honestServers(w), oneOf(w)) {
			if k := keptOf(n); k != nil && k.wrong[name] != nil {
				return k.wrong[name]
			}
		}
		return nil
	}}
}

// noneOutlives reads what forgotten has found.
func noneOutlives(w *sim.World) error {
	for _, n := range honestServers(w) {
		if err := keptOf(n).undead; err != nil {
			return err
		}
	}
	return nil
}

// oneStays looks at one client a second: a server that has registered it has it.
func oneStays(w *sim.World) error {
	n := oneOf(w)
	for _, s := range honestServers(w) {
		k := keptOf(s)
		at, was := k.admitted[n.ID()]
		if _, ok := cohortOf(s).Get(n.ID()); was && !ok && w.Now().Sub(at) < drawnOf(w).ttl-time.Second && k.parted[n.ID()].Add(10*time.Second) < at {
			return fmt.Errorf("%s has registered %s %v ago, and has it no more", s.ID(), n.ID(), w.Now().Sub(at))
		}
	}
	return nil
}

// neverSilent judges an honest client whose leases may have changed.
func neverSilent(w *sim.World, n *sim.Node) error {
	if !client(n) {
		return nil
	}
	k, next := keptOf(n), graph.Time(0)
	for v, i := leasesOf(n), 0; i < v.Len(); i++ {
		l := v.At(i)
		if l.Failures > 0 {
			w.Reached(backedOff)
		}
		wait := l.Next.Sub(n.Now())
		if wait > MaxTTL {
			return fmt.Errorf("it will be silent for %v: %+v", wait, l)
		}
		next = max(next, l.Next)
	}
	if next != 0 {
		k.asked = w.Now()
	}
	return nil
}

// noneLingers looks for those who have left, and stay away.
func noneLingers(w *sim.World) error {
	for _, s := range honestServers(w) {
		k := keptOf(s)
		for _, n := range k.gone {
			if _, there := cohortOf(s).Get(n.ID()); there && keptOf(n).away {
				return fmt.Errorf("%s has left %s, and is registered", n.ID(), s.ID())
			}
		}
		k.gone = k.gone[:0]
	}
	return nil
}

// heedsBusy judges the leases of an honest client, in which an announce may have failed.
func heedsBusy(_ *sim.World, n *sim.Node) error {
	k := keptOf(n)
	if !client(n) {
		return nil
	}
	for v, i := leasesOf(n), 0; i < v.Len(); i++ {
		if l := v.At(i); !k.waits(l, l.Next.Sub(n.Now())) {
			return fmt.Errorf("%s does not wait: %+v", n.ID(), l)
		}
	}
	return nil
}

// oneSpeaks looks at one client a second.
func oneSpeaks(w *sim.World) error {
	n := oneOf(w)
	if !client(n) {
		return nil
	}
	if k := keptOf(n); w.Now().Sub(max(k.asked, k.since)) > MaxTTL {
		return fmt.Errorf("%s has been silent for %v", n.ID(), w.Now().Sub(k.asked))
	}
	return nil
}

// oneOf gives each second another node.
func oneOf(w *sim.World) *sim.Node {
	return w.Nodes()[int(w.Now()/graph.Time(time.Second))%len(w.Nodes())]
}

func oneKnowsTruth(w *sim.World) error {
	n := oneOf(w)
	if n.Role() != "client" || n.Instance() == nil {
		return nil
	}
	for _, m := range knownOf(n).All() {
		if err := lies(w, m); err != nil {
			return fmt.Errorf("%s believes that %w", n.ID(), err)
		}
	}
	return nil
}

// settled gives the honest clients that have been there for two heartbeats; none while it is not as long since the last fault.
func settled(w *sim.World) (clients []*sim.Node) {
	if w.HealedFor() < 2*drawnOf(w).heartbeat()+late {
		return nil
	}
	for _, n := range w.Nodes() {
		if client(n) && w.Now().Sub(keptOf(n).since) >= 2*drawnOf(w).heartbeat()+late {
			clients = append(clients, n)
		}
	}
	return clients
}

func allRegistered(w *sim.World) error {
	d := drawnOf(w)
	for _, s := range honestServers(w) {
		cohort := cohortOf(s)
		for _, n := range settled(w) {
			if !slices.Contains(serversOf(n), s.ID()) {
				continue
			}
			k := keptOf(n)
			where := k.places[len(k.places)-1]
			network := d.quota.networkOf(where)
			row, there := cohort.Get(n.ID())
			l, _ := leasesOf(n).Get(s.ID())
			moving := w.Now().Sub(k.moved) < 2*d.heartbeat()+late && len(k.places) > 1
			switch {
			case there && (!l.Registered || l.Context != "ctx" || !slices.Equal(l.Addresses, addressesOf(s))):
				return fmt.Errorf("%s is in the view of %s and does not know it, or where that is: %+v", n.ID(), s.ID(), l)
			case there && !moving && row.Network == network && !slices.Equal(row.Member.Record.Addresses, where):
				return fmt.Errorf("%s is at %v, and %s has it at %v", n.ID(), where, s.ID(), row.Member.Record.Addresses)
			case !there && !moving && d.roomy(): // a place that has just become free is not taken yet
				return fmt.Errorf("%s is not in the view of %s; its lease is %+v", n.ID(), s.ID(), l)
			}
		}
	}
	return nil
}

// roomy says that there is a place for every client.
func (d *drawn) roomy() bool { return d.quota == (Quota{}) && d.most == Capacity }

// noteFull notes the networks that have no place left at the first server.
func (d *drawn) noteFull(w *sim.World) {
	cohort, counts := cohortOf(w.Nodes()[0]), map[string]int{}
	for _, r := range cohort.All() {
		counts[r.Network]++
	}
	for network, n := range counts { //lint:unordered each for itself
		if n >= d.quota.most(network) || cohort.Len() >= d.most {
			d.full[network] = w.Now()
		}
	}
	if cohort.Len() >= d.most {
		d.allFull = w.Now()
	}
}

// freePlacesTaken looks for clients that have been there for long and found no place, where the first server has had one for them for
// long enough to be asked again.
func freePlacesTaken(w *sim.World) error {
	d, server := drawnOf(w), w.Nodes()[0]
	if d.roomy() || w.HealedFor() < 4*d.heartbeat()+late {
		return nil
	}
	cohort := cohortOf(server)
	for _, n := range settled(w) {
		k := keptOf(n)
		network := d.quota.networkOf(k.places[len(k.places)-1])
		long := w.Now().Sub(max(k.since, k.moved, d.full[network], d.allFull)) > 5*d.heartbeat()
		if _, there := cohort.Get(n.ID()); !there && long {
			l, _ := leasesOf(n).Get(server.ID())
			return fmt.Errorf("%s of %q is not registered, and that is not full: %+v", n.ID(), network, l)
		}
	}
	return nil
}

func allKnow(w *sim.World) error {
	there := settled(w)
	for _, n := range there {
		if len(there) > 4 && drawnOf(w).roomy() && knownOf(n).Len() == 0 {
			return fmt.Errorf("%s knows nobody, though %d clients are there", n.ID(), len(there))
		}
	}
	return nil
}
