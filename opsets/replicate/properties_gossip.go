package replicate

import (
	"errors"
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// onlyLiars says that what an honest node passes on is rejected nowhere: it took all of it in itself.
func onlyLiars(w *sim.World, n *sim.Node) error {
	for _, p := range n.Liars() {
		if !w.Node(p).Hostile() {
			return fmt.Errorf("it rejects what %s passed on, which is honest", p)
		}
	}
	return nil
}

var errNobodyBlamed = errors.New("nothing was rejected")

func blamed(w *sim.World) error {
	for _, n := range honest(w) {
		if len(n.Liars()) > 0 {
			return nil
		}
	}
	return errNobodyBlamed
}

// shunned says that somebody does not listen to a peer that lied.
func shunned(w *sim.World) error {
	for _, n := range honest(w) {
		if n.Up() && graph.SizeOf(n.Instance(), "liars") > 0 {
			return nil
		}
	}
	return errNobodyBlamed
}

// shunsLiars is onlyLiars of what is pushed.
func shunsLiars(w *sim.World, n *sim.Node) error {
	if !n.Up() {
		return nil
	}
	for _, l := range graph.FeedOf[graph.Peer, Liar](n.Instance(), "liars").Get().All() {
		if !w.Node(l.Peer).Hostile() {
			return fmt.Errorf("it shuns %s, which is honest", l.Peer)
		}
	}
	return nil
}

// received notes who handed something over to whom.
func received(n *sim.Node, m *graph.Message) {
	t, ok := n.World().State.(*told)
	if !ok {
		return
	}
	switch {
	case m.Kind == graph.TopicMsg:
		t.handed[[2]graph.Peer{n.ID(), m.Relay}] = true
	case m.Channel == "push":
		t.handed[[2]graph.Peer{n.ID(), m.Peer}] = true
	case m.Channel == "name":
		t.handed[[2]graph.Peer{n.ID(), m.Peer}], t.named[[2]graph.Peer{n.ID(), m.Peer}] = true, true
	}
}

// note notes what an honest node asks.
func (t *told) note(from, to *sim.Node, m *graph.Message) {
	w := from.World()
	switch {
	case from.Hostile() || m.Kind != graph.RequestMsg:
	case m.Channel == "back" && !t.handed[[2]graph.Peer{from.ID(), to.ID()}] && t.strays == nil:
		t.strays = fmt.Errorf("%s asks %s back, which has handed nothing over", from.ID(), to.ID())
	case m.Channel == "back" && t.named[[2]graph.Peer{from.ID(), to.ID()}]:
		w.Reached(sometimesNamed)
	case m.Channel == "compare" && !to.Hostile() && w.Plan() != (sim.Plan{}) && w.HealedFor() >= silent:
		t.idle[from.ID()]++
	}
}

// idle bounds what a node says that has nothing to tell: a tour each 10 to 30 s. A run without faults goes on writing.
func idle(w *sim.World) error {
	t := w.State.(*told)
	if w.Plan() == (sim.Plan{}) || w.HealedFor() < silent {
		return nil
	}
	if t.loud != nil {
		return t.loud
	}
	most := int((w.HealedFor()-silent)/(10*time.Second)) + 2
	for _, n := range honest(w) {
		if got := t.idle[n.ID()]; got > most {
			return fmt.Errorf("%s has made %d comparisons, %v after all was said", n.ID(), got, w.HealedFor()-silent)
		}
	}
	return nil
}
