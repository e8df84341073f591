package bench

import (
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/merograph/merograph/graph"
)

// ask is a request, and its reply.
type ask struct{ A, B uint64 }

// A six is the callee of a graph whose request goes through six steps before it is answered.
type six struct {
	host    *nullHost
	inst    *graph.Instance
	payload []byte
}

func newSix() (*six, error) {
	type request = *graph.Request[ask, ask]
	value := graph.Op1(hopOps, "value", 1, func(_ *graph.Tick, r request) (ask, error) { return r.Value, nil })
	add := graph.Op1(hopOps, "add", 1, func(_ *graph.Tick, v ask) (ask, error) { v.A++; return v, nil })
	g := graph.New("six", 1)
	c, s := g.Role("c"), g.Role("s")
	said := graph.Ask[ask, ask](c, "say")
	x := graph.Exchange[ask, ask]("x", graph.MaxRequest(64), graph.MaxReply(64))
	in, answer := graph.Call(value(said), graph.Param[graph.Peer](c, "peer"), s, x, time.Second, graph.Anyone)
	w := value(in)
	for range 5 {
		w = add(w)
	}
	graph.Reply(in, w)
	graph.Reply(said, answer)
	p, err := graph.Compile(g, "s")
	if err != nil {
		return nil, err
	}
	y := &six{host: &nullHost{now: 1}}
	if y.payload, err = encoding.Marshal(ask{1, 2}); err != nil {
		return nil, err
	}
	y.inst, err = graph.Start(p, y.host)
	return y, err
}

// serve delivers n requests and has each answered.
func (y *six) serve(n int) error {
	for range n {
		y.host.now++
		m := graph.Message{Kind: graph.RequestMsg, Channel: "x", Peer: "c", Call: uint64(y.host.now), Remaining: time.Second, Payload: y.payload}
		if f := y.inst.Deliver(m); f != nil {
			return f
		}
		for y.inst.Next() {
		}
	}
	return nil
}

var encoding = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

type adder struct{}

func (adder) hop(v ask) (ask, error) { v.A++; return v, nil }

// byHand is what six does, without a graph: decode, six calls through an interface, encode.
func byHand(steps []hopper[ask], payload []byte, n int) (out []byte, err error) {
	for range n {
		var v ask
		if err = cbor.Unmarshal(payload, &v); err != nil {
			return nil, fmt.Errorf("by hand: %w", err)
		}
		for _, s := range steps {
			if v, err = s.hop(v); err != nil {
				return nil, err
			}
		}
		if out, err = encoding.Marshal(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}
