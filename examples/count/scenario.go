package main

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// scenario has each node see something about once a second.
var scenario = sim.Scenario{
	Name:  "count",
	Graph: Protocol,
	Bind: func(n *sim.Node) []graph.Option {
		n.Kept = &person{}
		return []graph.Option{graph.Bind("neighbours", n.Neighbours())}
	},
	Script: func(w *sim.World) {
		w.State = new(uint64)
		w.Every(time.Second, time.Second, func(n *sim.Node) {
			for range 1 + n.RandN("together", 3) { // some things are seen together
				see(n)
			}
		})
	},
	Properties: []sim.Property{
		{Name: "nobody counts more than was seen", Kind: sim.Safety, CheckNode: notAbove},
		{Name: "what is answered is counted", Kind: sim.Liveness, Check: counted, Within: 15 * time.Second},
		{Name: "after healing everybody knows what was counted a while ago", Kind: sim.Liveness, Check: allKnow, Within: 30 * time.Second},
		{Name: "a node got back what it had counted in an earlier life", Kind: sim.Sometimes, Check: gotBack},
	},
}

// person is who uses a node, and knows what was answered in the node's present life.
type person struct {
	answers uint64
	last    []answer
}

type answer struct {
	at    graph.Time // of the world
	tally Tally
}

// see has the node count one.
func see(n *sim.Node) {
	p := n.Kept.(*person)
	*n.World().State.(*uint64)++
	graph.Submit(n.Instance(), "seen", 1, time.Second, func(t Tally, err error) {
		if err == nil {
			p.answers++
			p.last = append(p.last, answer{n.World().Now(), t})
		}
	})
}

func known(n *sim.Node) graph.View[string, Tally] {
	if !n.Up() {
		return graph.View[string, Tally]{}
	}
	return graph.FeedOf[string, Tally](n.Instance(), "counts").Get()
}

// total is what a node would say if it were asked for all.
func total(n *sim.Node) (sum uint64) {
	v := known(n)
	for i := range v.Len() {
		sum += v.At(i).Count
	}
	return sum
}

func notAbove(w *sim.World, n *sim.Node) error {
	if seen := *w.State.(*uint64); total(n) > seen {
		return fmt.Errorf("%s counts %d, and %d were seen", n.ID(), total(n), seen)
	}
	return nil
}

func counted(w *sim.World) error {
	for _, n := range w.Nodes() {
		p := n.Kept.(*person)
		if len(p.last) > 0 && p.last[len(p.last)-1].tally.Count != p.answers {
			return fmt.Errorf("%s has answered %d times, and counts %d", n.ID(), p.answers, p.last[len(p.last)-1].tally.Count)
		}
	}
	return nil
}

// late is the time that news may take to reach everybody.
const late = 20 * time.Second

func allKnow(w *sim.World) error {
	for _, n := range w.Nodes() {
		var old Tally
		for _, a := range n.Kept.(*person).last {
			if w.Now().Sub(a.at) >= late {
				old = a.tally
			}
		}
		for _, other := range w.Nodes() {
			if t, _ := known(other).Get(old.Key()); t.Count < old.Count {
				return fmt.Errorf("%s knows of %d at %s, which counted %d %v ago", other.ID(), t.Count, n.ID(), old.Count, late)
			}
		}
	}
	return nil
}

func gotBack(w *sim.World) error {
	for _, n := range w.Nodes() {
		p, v := n.Kept.(*person), known(n)
		for i := range v.Len() {
			if t := v.At(i); t.Node == n.ID() && len(p.last) > 0 && t.Life != p.last[0].tally.Life {
				return nil
			}
		}
	}
	return fmt.Errorf("nobody did")
}
