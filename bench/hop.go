package bench

import (
	"time"

	"github.com/merograph/merograph/graph"
)

var hopOps = graph.NewOpset("bench")

// The values that travel along a chain.
type (
	bytes16 struct{ a, B int64 }
	bytes64 struct{ a, B, C, D, E, F, G, H int64 }
)

// hopper is the peer of an op: the same work behind an interface.
type hopper[T any] interface {
	hop(v T) (T, error)
}

type (
	hop8  struct{}
	hop16 struct{}
	hop64 struct{}
)

func (hop8) hop(v int64) (int64, error)      { return v + 1, nil }
func (hop16) hop(v bytes16) (bytes16, error) { v.a++; return v, nil }
func (hop64) hop(v bytes64) (bytes64, error) { v.a++; return v, nil }

// nullHost is a host that keeps the latest message and how many there were.
type nullHost struct {
	now  graph.Time
	last graph.Message
	sent int
}

func (h *nullHost) Self() graph.Peer     { return "s" }
func (h *nullHost) Now() graph.Time      { return h.now }
func (h *nullHost) Wall() time.Time      { return time.Time{} }
func (h *nullHost) Uint64() uint64       { return 1 }
func (h *nullHost) Work(*graph.Task)     {}
func (h *nullHost) Wake()                {}
func (h *nullHost) Send(m graph.Message) { h.last = m; h.sent++ }

// A chain is an instance whose timer is due at every instant: each firing runs start, n hops and stop.
type chain[T any] struct {
	host *nullHost
	inst *graph.Instance
	last T // that stop was given
}

func newChain[T any](n int, peer hopper[T]) (*chain[T], error) {
	c := &chain[T]{host: &nullHost{now: 1}}
	start := graph.Op1(hopOps, "start", 1, func(*graph.Tick, graph.Time) (v T, err error) { return v, nil })
	hop := graph.Op1(hopOps, "hop", 1, opOf(peer))
	stop := graph.Op1(hopOps, "stop", 1, func(_ *graph.Tick, v T) (graph.Done, error) { c.last = v; return graph.Done{}, nil })
	g := graph.New("chain", 1)
	r := g.Role("r")
	due := graph.Timer(r, "due", graph.Const(r, 0), true, func(x *graph.Tick, _ int) (graph.Time, bool) { return x.Now() + 1, true })
	w := start(due)
	for range n {
		w = hop(w)
	}
	stop(w)
	p, err := graph.Compile(g, "r")
	if err != nil {
		return nil, err
	}
	c.inst, err = graph.Start(p, c.host)
	return c, err
}

// opOf gives the function of an op that does the work of a peer, without its interface.
func opOf[T any](peer hopper[T]) func(*graph.Tick, T) (T, error) {
	var fn any
	switch any(peer).(type) {
	case hop8:
		fn = func(_ *graph.Tick, v int64) (int64, error) { return v + 1, nil }
	case hop16:
		fn = func(_ *graph.Tick, v bytes16) (bytes16, error) { v.a++; return v, nil }
	case hop64:
		fn = func(_ *graph.Tick, v bytes64) (bytes64, error) { v.a++; return v, nil }
	}
	return fn.(func(*graph.Tick, T) (T, error))
}

// fire runs n activations.
func (c *chain[T]) fire(n int) {
	for range n {
		c.host.now++
		for c.inst.Next() {
		}
	}
}

// calls sends n values along a chain of peers.
func calls[T any](chain []hopper[T], n int) (v T) {
	for range n {
		for _, h := range chain {
			v, _ = h.hop(v)
		}
	}
	return v
}

// passed sends n values over a channel to another goroutine, which adds to each.
func passed[T any](peer hopper[T], n, capacity int) (last T) {
	c, end := make(chan T, capacity), make(chan T)
	go func() {
		var v T
		for v = range c {
			v, _ = peer.hop(v)
		}
		end <- v
	}()
	var v T
	for range n {
		c <- v
	}
	close(c)
	return <-end
}
