package globalregistry

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/sim/simtest"
)

// A crowd is the scenario with fewer places than clients: the cap and the quota hold, whoever comes and goes.
func TestSimulationCrowd(t *testing.T) {
	const capacity = 12
	q := Quota{Most: 2, Elsewhere: 3}
	s := scenarioOf("crowd", func() *graph.Graph { return protocol(capacity) }, q)
	s.Properties = slices.DeleteFunc(slices.Clone(s.Properties), func(p sim.Property) bool { return p.Kind == sim.Liveness })
	full := 0
	s.Properties = append(s.Properties, sim.Property{Name: "within the cap, the quota, and the books", Kind: sim.Safety, CheckNode: func(_ *sim.World, n *sim.Node) error {
		if n.Role() != "server" {
			return nil
		}
		all, counts := cohortOf(n), map[string]int{}
		for _, r := range all.All() {
			if counts[r.Network]++; counts[r.Network] > q.most(r.Network) {
				return fmt.Errorf("%q has %d, the quota is %d", r.Network, counts[r.Network], q.most(r.Network))
			}
		}
		if all.Len() == capacity {
			full++
		}
		if all.Len() > capacity {
			return fmt.Errorf("%d clients, the capacity is %d", all.Len(), capacity)
		}
		return nil
	}}, sim.Property{Name: "who could be registered is", Kind: sim.Liveness, Within: 4*Heartbeat + late, Check: func(w *sim.World) error {
		server := w.Nodes()[0]
		counts := map[string]int{}
		for _, r := range cohortOf(server).All() {
			counts[r.Network]++
		}
		for _, n := range settled(w) {
			places := keptOf(n).places
			network := q.networkOf(places[len(places)-1])
			_, there := cohortOf(server).Get(n.ID())
			if l, _ := leasesOf(n).Get(server.ID()); !there && cohortOf(server).Len() < capacity && counts[network] < q.most(network) && w.Now().Sub(keptOf(n).since) > 5*Heartbeat {
				return fmt.Errorf("%s of %q is not registered, with %v of %d: %+v", n.ID(), network, counts, capacity, l)
			}
		}
		return nil
	}})
	for seed := range uint64(6) {
		for _, f := range []sim.Faults{0, sim.Loss | sim.Churn} {
			simtest.Twice(t, s, sim.Options{Nodes: 40, Seed: seed, Time: 15 * time.Minute, Faults: f})
		}
	}
	if full == 0 {
		t.Error("no view was ever full")
	}
}
