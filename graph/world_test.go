package graph

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A world is the smallest host that there is: instances that hand messages to each other, by hand, in a time that stands
// still until it is told to move.
type world struct {
	t     *testing.T
	now   Time
	nodes []*node
	sent  []Message // on the way, in order
	tasks []*Task
	seed  uint64

	incarnation uint64           // of the next start
	cuts        map[[2]Peer]bool // from whom to whom nothing arrives
}

type node struct {
	w    *world
	self Peer
	in   *Instance
	log  []string
	opts []Option
}

func newWorld(t *testing.T) *world {
	return &world{t: t, now: Time(time.Hour), cuts: map[[2]Peer]bool{}}
}

// start compiles and starts a role as a node.
func (w *world) start(g *Graph, role string, self Peer, opts ...Option) *node {
	w.t.Helper()
	p, err := Compile(g, role)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{w: w, self: self}
	n.opts = append(opts, CheckImmutable(), Observe(n.observe))
	n.in, err = Start(p, n, n.opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) observe(i TickInfo) {
	s := fmt.Sprintf("%s %s fired=%d effects=%d changes=%d", i.Event, i.Origin, i.Fired, i.Effects, i.Changes)
	if i.Failure != nil {
		s += " failed: " + i.Failure.Error()
	}
	n.log = append(n.log, s)
}

func (n *node) Self() Peer      { return n.self }
func (n *node) Now() Time       { return n.w.now }
func (n *node) Wall() time.Time { return time.Unix(0, int64(n.w.now)) }
func (n *node) Uint64() uint64 {
	if n.in == nil {
		return n.w.incarnation // 0, so that calls are numbered from 1
	}
	n.w.seed = n.w.seed*6364136223846793005 + 1442695040888963407
	return n.w.seed
}
func (n *node) Wake()        {}
func (n *node) Work(t *Task) { n.w.tasks = append(n.w.tasks, t) }

// Send keeps the message with its sender in Relay until the world delivers it.
func (n *node) Send(m Message) {
	m.Relay = n.self
	n.w.sent = append(n.w.sent, m)
}

// deliver hands over one message as its receiver gets it; what is refused is answered as a host does.
func (w *world) deliver(m Message) {
	for _, n := range w.nodes {
		if n.self != m.Peer && m.Kind != TopicMsg || m.Kind == TopicMsg && n.self == m.Relay {
			continue
		}
		if w.cuts[[2]Peer{m.Relay, n.self}] {
			continue
		}
		got := m
		if got.Peer, got.Relay = m.Relay, ""; m.Kind == TopicMsg {
			got.Relay = m.Relay
		}
		if f := n.in.Deliver(got); f != nil && m.Kind == RequestMsg {
			back := Refusal(got, f)
			back.Relay = n.self
			w.sent = append(w.sent, back)
		}
	}
}

// settle runs everything until nothing moves at this instant.
func (w *world) settle() {
	for moved := true; moved; {
		moved = false
		for _, n := range w.nodes {
			for n.in.Next() {
				moved = true
			}
		}
		sent := w.sent
		w.sent = nil
		for _, m := range sent {
			w.deliver(m)
			moved = true
		}
		tasks := w.tasks
		w.tasks = nil
		for _, t := range tasks {
			t.Run(context.Background())
			t.Done()
			moved = true
		}
	}
}

// step moves the time on, without running anything.
func (w *world) step(d time.Duration) { w.now = w.now.Add(d) }

// pass lets time pass, stopping at every deadline on the way.
func (w *world) pass(d time.Duration) {
	until := w.now.Add(d)
	for {
		w.settle()
		next := until
		for _, n := range w.nodes {
			if at, ok := n.in.Deadline(); ok && at < next {
				next = max(at, w.now)
			}
		}
		if next >= until {
			w.now = until
			w.settle()
			return
		}
		w.now = max(next, w.now+1)
	}
}
