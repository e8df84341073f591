package sim

import (
	"errors"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// vandal is a hostile client of the ping protocol.
type vandal struct {
	t        *testing.T
	starts   int
	heard    map[graph.Kind]int
	answered bool
}

func (v *vandal) Start(n *Node) {
	v.starts++
	if n.Instance() != nil || !n.Hostile() || n.Kept != nil {
		v.t.Error("a hostile node has an instance")
	}
	n.After(time.Second, func(n *Node) {
		to := n.World().Nodes()[0].ID()
		for form := range n.Fault("act", 3) + 1 {
			switch form {
			case 0:
				n.Send(graph.Message{Kind: graph.RequestMsg, Channel: "ping", Peer: to, Call: 7, Remaining: time.Second, Payload: []byte{1}})
			case 1:
				n.Send(graph.Message{Kind: graph.RequestMsg, Channel: "ping", Peer: to, Call: 8, Payload: []byte{0xff, 0xff}})
			case 2:
				n.Send(graph.Message{Kind: graph.RequestMsg, Channel: "ping", Peer: to, Call: 9, Payload: make([]byte, 17)})
			case 3:
				n.Send(graph.Message{Kind: 99, Channel: "nowhere", Peer: to, Payload: make([]byte, 17)})
				n.Send(graph.Message{Kind: graph.ReplyMsg, Channel: "ping", Peer: to, Call: 1})
				n.Send(graph.Message{Kind: graph.RequestMsg, Channel: "ping", Peer: "nobody", Call: 10})
			}
		}
		v.Start2(n)
	})
}

func (v *vandal) Start2(n *Node) { n.After(time.Second, func(n *Node) { v.Start(n); v.starts-- }) }

func (v *vandal) Receive(_ *Node, m graph.Message) {
	v.heard[m.Kind]++
	v.answered = v.answered || m.Kind == graph.ReplyMsg && m.Call == 7
}

// TestHostile: a hostile node is who it is and nobody else, harms nobody, and starts again after a crash.
func TestHostile(t *testing.T) {
	s := pingScenario(time.Second)
	v := &vandal{t: t, heard: map[graph.Kind]int{}}
	s.Hostile = func(n *Node) Program {
		if n.Index() == 3 {
			return v
		}
		return nil
	}
	var foreign, scripts int
	s.Received = func(n *Node, m *graph.Message) {
		if n.Role() == "server" && m.Peer != "n000003" && len(m.Payload) > 8 {
			foreign++
		}
	}
	s.Properties[1].Check = func(w *World) error {
		view := graph.FeedOf[graph.Peer, heard](w.Nodes()[0].Instance(), "heard").Get()
		if h, ok := view.Get("n000003"); !ok || h.N != 1 || view.Len() != len(w.Nodes())-1 {
			return errors.New("what the hostile node said is not from it, or others are missing")
		}
		return nil
	}
	script := s.Script
	s.Script = func(w *World) {
		script(w)
		w.Every(time.Second, 0, func(n *Node) {
			if n.Hostile() {
				scripts++
			}
		})
	}
	r := run(t, s, Options{Nodes: 6, Seed: 3, Time: 4 * time.Minute, Faults: Hostile | Churn})
	if !r.OK || r.Faults["scenarioFaults"] == 0 || v.starts < 2 || !v.answered || v.heard[graph.ErrorMsg] == 0 || foreign+scripts != 0 {
		t.Errorf("%+v; %+v, %d, %d", r, v, foreign, scripts)
	}
	if _, err := Run(pingScenario(time.Second), Options{Nodes: 6, Faults: Hostile}); err == nil {
		t.Error("a scenario without a hostile program has the fault")
	}
	v.heard = map[graph.Kind]int{}
	if r := run(t, s, Options{Nodes: 6, Seed: 3, Time: 4 * time.Minute, Faults: Churn}); len(v.heard) != 0 || r.Faults["scenarioFaults"] != 0 {
		t.Errorf("without the fault: %+v, %v", r, v.heard)
	}
}

// TestHostileNeighbourRelaysNothing: a topic goes around a hostile node.
func TestHostileNeighbourRelaysNothing(t *testing.T) {
	s := gossipScenario()
	v := &vandal{t: t, heard: map[graph.Kind]int{}}
	s.Hostile = func(n *Node) Program {
		if n.Index() == 1 {
			return silent{v}
		}
		return nil
	}
	s.Properties = nil
	w := world(t, s, Options{Nodes: 8, Seed: 1, Time: time.Minute, Faults: Hostile, watch: func(s Step) {
		if s.Node == "n000001" && s.What == "sends" {
			t.Errorf("the hostile node relays: %s", s.Text)
		}
	}})
	if v.heard[graph.TopicMsg] == 0 || w.messages == 0 {
		t.Errorf("it heard %v", v.heard)
	}
}

type silent struct{ *vandal }

func (silent) Start(*Node) {}
