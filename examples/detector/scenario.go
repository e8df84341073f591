package main

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// scenario is a dozen members that know each other's names.
var scenario = sim.Scenario{
	Name:  "detector",
	Graph: Protocol,
	Bind: func(n *sim.Node) []graph.Option {
		all := make([]graph.Peer, len(n.World().Nodes()))
		for i, other := range n.World().Nodes() {
			all[i] = other.ID()
		}
		n.Kept = &seen{up: n.World().Now()}
		return []graph.Option{graph.Bind("members", all)}
	},
	OnCrash: func(n *sim.Node) { n.Kept.(*seen).gone, n.Kept.(*seen).crashed = true, n.World().Now() },
	Properties: []sim.Property{
		{Name: "who is down for long is called down by all who could see it", Kind: sim.Safety, CheckNode: nothing, Check: allKnow},
		{Name: "without faults nobody is suspected", Kind: sim.Safety, CheckNode: noneSuspected},
		{Name: "after healing nobody is called down", Kind: sim.Liveness, Within: 45 * time.Second, Check: noneDown},
		{Name: "somebody was called down", Kind: sim.Sometimes, Check: someDown},
		{Name: "a suspicion was taken back", Kind: sim.Sometimes, Check: someForgiven},
	},
}

// seen is what the scenario knows of a node, for the properties.
type seen struct {
	up        graph.Time // of the world: when it started
	gone      bool
	crashed   graph.Time
	suspected map[graph.Peer]bool // at the last look
}

// nothing leaves a property to the check of each second.
func nothing(*sim.World, *sim.Node) error { return nil }

// listed is what an exposed table of a node holds.
func listed(n *sim.Node, table string) graph.View[graph.Peer, Silent] {
	if !n.Up() {
		return graph.View[graph.Peer, Silent]{}
	}
	return graph.FeedOf[graph.Peer, Silent](n.Instance(), table).Get()
}

// notice is the longest that a member takes to call another one down: a round, a ping and its relays, and the suspicion.
func notice(members int) time.Duration {
	return time.Duration(members)*(Period+Period/5) + 5*time.Second + Suspicion
}

func allKnow(w *sim.World) error {
	late := notice(len(w.Nodes()))
	for _, gone := range w.Nodes() {
		k := gone.Kept.(*seen)
		if !k.gone || w.Now().Sub(k.crashed) < late {
			continue
		}
		for _, n := range w.Nodes() {
			if !n.Up() || w.Now().Sub(n.Kept.(*seen).up) < late {
				continue
			}
			if _, ok := listed(n, "down").Get(gone.ID()); !ok {
				return fmt.Errorf("%s is down for %v, and %s does not say so", gone.ID(), w.Now().Sub(k.crashed), n.ID())
			}
		}
	}
	return nil
}

func noneSuspected(w *sim.World, n *sim.Node) error {
	if v := listed(n, "suspects"); w.Plan() == (sim.Plan{}) && v.Len() > 0 {
		return fmt.Errorf("%s suspects %s", n.ID(), v.Key(0))
	}
	return nil
}

func noneDown(w *sim.World) error {
	for _, n := range w.Nodes() {
		if v := listed(n, "down"); v.Len() > 0 {
			return fmt.Errorf("%s still calls %s down", n.ID(), v.Key(0))
		}
	}
	return nil
}

func someDown(w *sim.World) error {
	for _, n := range w.Nodes() {
		if listed(n, "down").Len() > 0 {
			return nil
		}
	}
	return fmt.Errorf("nobody")
}

// someForgiven finds a member that one suspected a second ago, and now neither suspects nor calls down.
func someForgiven(w *sim.World) error {
	err := fmt.Errorf("nobody")
	for _, n := range w.Nodes() {
		now, down, k := listed(n, "suspects"), listed(n, "down"), n.Kept.(*seen)
		for i := range w.Nodes() {
			p := w.Nodes()[i].ID()
			_, still := now.Get(p)
			_, gone := down.Get(p)
			if n.Up() && k.suspected[p] && !still && !gone {
				err = nil
			}
		}
		k.suspected = map[graph.Peer]bool{}
		for i := range now.Len() {
			k.suspected[now.Key(i)] = true
		}
	}
	return err
}
