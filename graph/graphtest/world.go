// Package graphtest is the smallest host that there is, for tests of protocols by hand: instances hand messages to each
// other at once, in a time that stands still until the test moves it. Strangers can be put among them, who say what the
// test says. For many nodes, faults and seeds there is sim.
package graphtest

import (
	"context"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/merograph/merograph/graph"
)

// A World holds nodes and strangers.
type World struct {
	// Lose, when it is set, says which messages vanish on the way.
	Lose func(from graph.Peer, m graph.Message) bool
	// Sent is every message that left, with its sender in Relay.
	Sent []graph.Message

	t         testing.TB
	now       graph.Time
	nodes     []*Node
	strangers map[graph.Peer]func(m graph.Message) []graph.Message
	onTheWay  []graph.Message
	tasks     []*graph.Task
	random    uint64
	calls     uint64
	replies   map[uint64]graph.Message
}

// New makes an empty world. Its randomness is the same each time.
func New(t testing.TB) *World {
	return &World{t: t, now: graph.Time(time.Hour), strangers: map[graph.Peer]func(graph.Message) []graph.Message{}, replies: map[uint64]graph.Message{}}
}

// A Node is one instance and its host.
type Node struct {
	// Instance is what the node runs.
	Instance *graph.Instance
	// Failures are the ticks that failed.
	Failures []graph.Failure

	w      *World
	self   graph.Peer
	judged map[string]bool // topics on which its program has a verdict
	down   bool
}

// Start starts a role of a graph as a node, with the check that no step changes what it was given.
func (w *World) Start(g *graph.Graph, role string, self graph.Peer, opts ...graph.Option) *Node {
	w.t.Helper()
	p, err := graph.Compile(g, role)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &Node{w: w, self: self, judged: map[string]bool{}}
	for _, c := range p.Channels() {
		n.judged[c.Name] = c.Judged
	}
	seen := func(i graph.TickInfo) {
		if i.Failure != nil {
			n.Failures = append(n.Failures, *i.Failure)
		}
	}
	if n.Instance, err = graph.Start(p, n, append(opts, graph.CheckImmutable(), graph.Observe(seen))...); err != nil {
		w.t.Fatal(err)
	}
	w.nodes = append(w.nodes, n)
	return n
}

// Crash stops a node. What is sent to it is lost.
func (w *World) Crash(n *Node) {
	n.down = true
	n.Instance.Stop()
}

// Stranger puts a peer into the world who answers each message as say wants: with messages of which Peer is the receiver.
func (w *World) Stranger(p graph.Peer, say func(m graph.Message) []graph.Message) {
	w.strangers[p] = say
}

// Reply is the answer of a stranger to a request.
func Reply(m graph.Message, v any) []graph.Message {
	return []graph.Message{{Kind: graph.ReplyMsg, Channel: m.Channel, Peer: m.Relay, Key: m.Key, Call: m.Call, Payload: Encode(v)}}
}

// Refuse is the refusal of a stranger.
func Refuse(m graph.Message, why graph.Reason, retry time.Duration) []graph.Message {
	return []graph.Message{{Kind: graph.ErrorMsg, Channel: m.Channel, Peer: m.Relay, Key: m.Key, Call: m.Call, Reason: why, Retry: retry}}
}

// Raw is what a stranger says byte for byte, well formed or not.
type Raw []byte

// Encode gives the deterministic CBOR of a value, and Raw as it is.
func Encode(v any) []byte {
	if b, ok := v.(Raw); ok {
		return b
	}
	b, err := graph.Encode(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Ask makes a request as a stranger and settles. The answer is decoded into a, which is a pointer; or it is the failure.
func (w *World) Ask(from, to graph.Peer, channel string, q, a any) *graph.Failure {
	w.t.Helper()
	w.calls++
	id := w.calls
	if w.strangers[from] == nil {
		w.Stranger(from, func(graph.Message) []graph.Message { return nil })
	}
	w.send(from, graph.Message{Kind: graph.RequestMsg, Channel: channel, Peer: to, Call: id, Remaining: time.Minute, Payload: Encode(q)})
	w.Settle()
	m, ok := w.replies[id]
	switch {
	case !ok:
		return &graph.Failure{Reason: graph.Timeout}
	case m.Kind == graph.ErrorMsg:
		return &graph.Failure{Reason: m.Reason, Detail: m.Detail, RetryAfter: m.Retry}
	}
	if err := cbor.Unmarshal(m.Payload, a); err != nil {
		w.t.Fatal(err)
	}
	return nil
}

// Verdicts gives what a node has said of the publications on a topic, in order.
func (w *World) Verdicts(of graph.Peer, topic string) (all []graph.Verdict) {
	for _, m := range w.Sent {
		if m.Kind == graph.VerdictMsg && m.Relay == of && m.Channel == topic {
			all = append(all, m.Verdict)
		}
	}
	return all
}

// Count counts the messages of a kind that from has sent on a channel.
func (w *World) Count(from graph.Peer, channel string, kind graph.Kind) (n int) {
	for _, m := range w.Sent {
		if m.Relay == from && m.Channel == channel && m.Kind == kind {
			n++
		}
	}
	return n
}

// Now is the time of the world.
func (w *World) Now() graph.Time { return w.now }

// Self implements graph.Host, as what follows.
func (n *Node) Self() graph.Peer { return n.self }

// Now is the world's time.
func (n *Node) Now() graph.Time { return n.w.now }

// Wall is the world's time as a date.
func (n *Node) Wall() time.Time { return time.Unix(0, int64(n.w.now)) }

// Wake does nothing: Settle looks at every node.
func (n *Node) Wake() {}

// Work keeps a task until Settle.
func (n *Node) Work(t *graph.Task) { n.w.tasks = append(n.w.tasks, t) }

// Send keeps a message until Settle.
func (n *Node) Send(m graph.Message) { n.w.send(n.self, m) }

// Uint64 draws from the world's randomness.
func (n *Node) Uint64() uint64 {
	n.w.random += 0x9e3779b97f4a7c15
	z := n.w.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (w *World) send(from graph.Peer, m graph.Message) {
	m.Relay = from
	w.Sent = append(w.Sent, m)
	if m.Kind == graph.VerdictMsg {
		return // for us: nobody passes anything on
	}
	if w.Lose == nil || !w.Lose(from, m) {
		w.onTheWay = append(w.onTheWay, m)
	}
}

func (w *World) deliver(m graph.Message) {
	if say := w.strangers[m.Peer]; say != nil && m.Kind != graph.TopicMsg {
		if m.Kind == graph.ReplyMsg || m.Kind == graph.ErrorMsg {
			w.replies[m.Call] = m
		}
		for _, back := range say(m) {
			w.send(m.Peer, back)
		}
	}
	for _, n := range w.nodes {
		if n.down || m.Kind == graph.TopicMsg && n.self == m.Relay || m.Kind != graph.TopicMsg && n.self != m.Peer {
			continue
		}
		got := m
		if got.Peer, got.Relay = m.Relay, ""; m.Kind == graph.TopicMsg {
			got.Peer, got.Relay = "", m.Relay
			if n.judged[m.Channel] {
				w.calls++
				got.Call = w.calls
			}
		}
		if f := n.Instance.Deliver(got); f != nil && m.Kind == graph.RequestMsg {
			w.send(n.self, graph.Refusal(got, f))
		}
	}
}

// Settle runs everything until nothing moves at this instant.
func (w *World) Settle() {
	w.t.Helper()
	for round := 0; ; round++ {
		moved := false
		for _, n := range w.nodes {
			for !n.down && n.Instance.Next() {
				moved = true
			}
		}
		sent, tasks := w.onTheWay, w.tasks
		w.onTheWay, w.tasks = nil, nil
		for _, m := range sent {
			w.deliver(m)
		}
		for _, t := range tasks {
			t.Run(context.Background())
			t.Done()
		}
		if !moved && len(sent) == 0 && len(tasks) == 0 {
			return
		}
		if round > 100_000 {
			w.t.Fatal("the world does not come to rest")
		}
	}
}

// Pass lets time pass, stopping at every deadline on the way.
func (w *World) Pass(d time.Duration) {
	w.t.Helper()
	until := w.now.Add(d)
	for {
		w.Settle()
		next := until
		for _, n := range w.nodes {
			if at, ok := n.Instance.Deadline(); ok && !n.down {
				next = min(next, at)
			}
		}
		if next >= until {
			w.now = until
			w.Settle()
			return
		}
		w.now = max(next, w.now+1)
	}
}
