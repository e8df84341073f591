package sim

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
)

// A Program is what a hostile node runs in the place of its role's: code of its own, which keeps to no protocol. Its identity is
// valid, so what it sends is truly from that node, and can be from no other; nothing else holds it. It runs between events, as
// scripts do, and what it does costs it no time.
//
// What it does by choice should be drawn with Node.Fault, so that a failing run can be shrunk to the acts that matter.
type Program interface {
	// Start is called when the node starts, and starts again after a crash.
	Start(n *Node)
	// Receive is called with each message that reaches the node. A request is answered by Node.Send with its channel, its peer and
	// its call, or not at all.
	Receive(n *Node, m graph.Message)
}

// Hostile reports whether the node runs a program that keeps to no protocol; then it has no instance, and Kept is its own.
func (n *Node) Hostile() bool { return n.outlaw != nil }

// Send sends a message of a hostile node to m.Peer as it is: of any kind, on any channel, with any bytes. Call is an id of its own for
// a request, and that of the request for an answer.
func (n *Node) Send(m graph.Message) {
	switch {
	case n.outlaw == nil:
		panic(fmt.Sprintf("sim: %s is not hostile: what it sends is its instance's", n.id))
	case !n.up:
	case m.Kind == graph.TopicMsg:
		n.w.publish(n, m, n.w.now)
	default:
		n.w.send(n, m, n.w.now)
	}
}

// After has a hostile node's fn called after d, unless the node crashes before that.
func (n *Node) After(d time.Duration, fn func(n *Node)) {
	n.w.queue.push(n.w.now.Add(max(0, d)), doScript, n.index, n.w.scripts.put(script{fn: fn, life: n.life, own: true}))
}

// recruit gives the nodes that the scenario names the programs of hostile ones.
func (w *World) recruit() {
	if w.plan.Hostile && w.scenario.Hostile != nil {
		for _, n := range w.nodes {
			n.outlaw = w.scenario.Hostile(n)
		}
	}
}

// startHostile is start for a hostile node.
func (w *World) startHostile(n *Node) {
	n.up = true
	for _, l := range n.edges {
		w.wantRedial(l)
	}
	n.outlaw.Start(n)
}
