package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The ops of the tests. Those that log are made anew for each test, over its own trace.
var testOps = NewOpset("t")

// A trace is what the steps of a test did, in order.
type trace []string

func (l *trace) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

// take gives the trace on one line and begins it anew.
func (l *trace) take() string {
	s := strings.Join(*l, " ")
	*l = nil
	return s
}

// through logs its name and gives on what it was given.
func through[T any](l *trace, name string) func(In[T]) Wire[T] {
	return Op1(testOps, name, 1, func(_ *Tick, v T) (T, error) { l.add("%s", name); return v, nil })
}

// see logs its name and the value.
func see[T any](l *trace, name string) func(In[T]) Wire[Done] {
	return Op1(testOps, name, 1, func(_ *Tick, v T) (Done, error) { l.add("%s=%v", name, v); return Done{}, nil })
}

// failing always fails.
func failing[T any](name string, err error) func(In[T]) Wire[T] {
	return Op1(testOps, name, 1, func(_ *Tick, v T) (T, error) { return v, err })
}

// valueOf gives the value of a request, received that of a message.
func valueOf[Q, A any](in Wire[*Request[Q, A]]) Wire[Q] {
	return Op1(testOps, "value", 1, func(_ *Tick, r *Request[Q, A]) (Q, error) { return r.Value, nil })(in)
}

func received[T any](in Wire[*Received[T]]) Wire[T] {
	return Op1(testOps, "received", 1, func(_ *Tick, r *Received[T]) (T, error) { return r.Value, nil })(in)
}

// put puts a number into a table for a minute.
func put(in In[int], t In[*Rows[int, int]]) Wire[int] {
	return Op2(testOps, "put", 1, func(_ *Tick, v int, t *Rows[int, int]) (int, error) { return v, t.Put(v, time.Minute) })(in, t)
}

func self(v int) int { return v }

// one begins a graph of one role.
func one() (*Graph, *Role) {
	g := New("one", 1)
	return g, g.Role("r")
}

// askOf is an ask of r with its value and its reply line left open.
func askOf(r *Role, name string) (Wire[*Request[int, int]], Wire[int]) {
	in := Ask[int, int](r, name)
	return in, valueOf(in)
}

// An answer is what a Submit came to.
type answer[A any] struct {
	v   A
	err error
	n   int // how many times it was answered
}

func (a *answer[A]) reason() Reason { return ReasonOf(a.err) }

func ask[Q, A any](n *node, name string, q Q, timeout time.Duration) *answer[A] {
	a := &answer[A]{}
	Submit(n.in, name, q, timeout, func(v A, err error) { a.v, a.err = v, err; a.n++ })
	return a
}

// run has the node take all that is due, and delivers nothing.
func (n *node) run() (ticks int) {
	for n.in.Next() {
		if ticks++; ticks > 100000 {
			panic("the instance never comes to rest at one instant")
		}
	}
	return ticks
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// rows gives the rows of a table, as they stand.
func rows(n *node, table int) string {
	return fmt.Sprint(n.in.tables[table].(*Rows[int, int]).View().All())
}

// quiet fails when the instance holds anything that it should have given back.
func (n *node) quiet(t *testing.T) {
	t.Helper()
	c, b := n.in.Counters(), &n.in.box
	if c.Activations != 0 || c.Bytes != 0 || b.outside != 0 || b.own != 0 || len(b.expects) != 0 || len(n.in.open) != 0 || len(n.in.waiting) != 0 {
		t.Errorf("%s is not quiet: %d activations, %d bytes, %d outside, %d own, %d expected, %d open, %d waiting", n.self,
			c.Activations, c.Bytes, b.outside, b.own, len(b.expects), len(n.in.open), len(n.in.waiting))
	}
}

// pair is a client that calls a server: the ask "go" calls, and the callee is what the test makes of it.
func pair(timeout time.Duration, serve func(in Wire[*Request[int, int]]) In[int], more ...func(client, server *Role, answer Wire[int])) *Graph {
	g := New("pair", 1)
	client, server := g.Role("client"), g.Role("server")
	to := Param[Peer](client, "to")
	in, v := askOf(client, "go")
	got, answer := Call(v, to, server, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), timeout, Anyone)
	Reply(got, serve(got))
	Reply(in, answer)
	for _, m := range more {
		m(client, server, answer)
	}
	return g
}

func plain1(in Wire[*Request[int, int]]) In[int] {
	return Op1(testOps, "plus", 1, func(_ *Tick, r *Request[int, int]) (int, error) {
		if r.Value < 0 {
			return 0, fmt.Errorf("%d is less than nothing", r.Value)
		}
		return r.Value + 1, nil
	})(in)
}

// readAll gives every wire that a test leaves unread a reader, so that the graph compiles.
func readAll(g *Graph) *Graph {
	c := newChecker(g)
	for _, s := range g.steps {
		c.inputs(s)
	}
	for _, s := range append([]*step(nil), g.steps...) {
		for out := range s.outs {
			if !c.read[s][out] && !s.effect {
				end := &step{role: s.role, kind: kindOp, op: "t.ignore", ins: []source{{kind: fromWire, s: s, out: out, typ: s.outs[out]}}, outs: typesOf[Done](), effect: true}
				end.build = func(*layout) planFns { return planFns{fire: func(*Tick) (int, error) { return 0, nil }} }
				record(end)
			}
		}
	}
	return g
}
