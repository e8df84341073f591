package replicate

import (
	"errors"
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// each checks every honest node.
func each(w *sim.World, check func(*sim.World, *sim.Node) error) error {
	for _, n := range honest(w) {
		if err := check(w, n); err != nil {
			return err
		}
	}
	return nil
}

// onlyLiars says that what an honest node passes on is rejected nowhere: it took all of it in itself.
func onlyLiars(w *sim.World, n *sim.Node) error {
	for _, p := range n.Liars() {
		if !w.Node(p).Hostile() {
			return fmt.Errorf("%s rejects what %s passed on, which is honest", n.ID(), p)
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

// received notes who handed a publication over to whom.
func received(n *sim.Node, m *graph.Message) {
	if t, ok := n.World().State.(*told); ok && m.Kind == graph.TopicMsg {
		t.handed[[2]graph.Peer{n.ID(), m.Relay}] = true
	}
}

// note notes what an honest node asks.
func (t *told) note(from, to *sim.Node, m *graph.Message) {
	w := from.World()
	switch {
	case from.Hostile() || m.Kind != graph.RequestMsg:
	case m.Channel == "back" && !t.handed[[2]graph.Peer{from.ID(), to.ID()}] && t.strays == nil:
		t.strays = fmt.Errorf("%s asks %s back, which has handed nothing over", from.ID(), to.ID())
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
