package main

import (
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

type (
	event   = *graph.Request[int, Tally]
	told    = *graph.Received[[]Tally]
	own     = *graph.One[Tally]
	counts  = *graph.Rows[string, Tally]
	counter = func(graph.In[event], graph.In[own], graph.In[counts]) graph.Wire[Tally]
)

// News is what is to be told, and to whom.
type News struct {
	To   graph.Peer
	Said []Tally
}

// The ops of the count. Each is a function of its ports.
var (
	opset = graph.NewOpset("count")

	// Count adds to the node's own row. The table learns of it a moment later, as it learns of everything: so the next number
	// is not taken from there, or two that come together would be counted as one.
	Count = graph.Op2(opset, "count", 1, func(x *graph.Tick, r event, mine own) (Tally, error) {
		t, ok := mine.Get()
		if !ok {
			t = Tally{Node: x.Self(), Life: x.Rand()}
		}
		t.Count += uint64(r.Value)
		return t, mine.Set(t)
	})

	Alone = graph.Op1(opset, "alone", 1, func(_ *graph.Tick, t Tally) ([]Tally, error) { return []Tally{t}, nil })
	Self  = graph.Op1(opset, "self", 1, func(x *graph.Tick, _ Tally) (graph.Peer, error) { return x.Self(), nil })
	Pack  = graph.Op2(opset, "pack", 1, func(_ *graph.Tick, said []Tally, to graph.Peer) (News, error) { return News{to, said}, nil })
	Said  = graph.Op1(opset, "said", 1, func(_ *graph.Tick, n News) ([]Tally, error) { return n.Said, nil })
	To    = graph.Op1(opset, "to", 1, func(_ *graph.Tick, n News) (graph.Peer, error) { return n.To, nil })

	Draw = graph.Op2(opset, "draw", 1, func(x *graph.Tick, _ graph.Time, all []graph.Peer) (graph.Peer, error) {
		if len(all) == 0 {
			return "", graph.Fail(graph.Unreachable, "no neighbour yet")
		}
		return all[ops.Below(x, len(all))], nil
	})

	Some = graph.Op2(opset, "some", 1, func(x *graph.Tick, _ graph.Time, all graph.View[string, Tally]) ([]Tally, error) {
		return ops.Sample(x, all, mostTold), nil
	})

	// Learn keeps the greater of two rows. So it does not matter in which order they come, or how often.
	Learn = graph.Op2(opset, "learn", 1, func(_ *graph.Tick, r told, all counts) (graph.Done, error) {
		for _, t := range r.Value {
			if have, ok := all.Get(t.Key()); ok && have.Count >= t.Count {
				continue
			}
			if err := all.Put(t, graph.Forever); err != nil {
				return graph.Done{}, err
			}
		}
		return graph.Done{}, nil
	})
)
