package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// Buffers of one and early timeouts are allowed at any time and happen hardly ever: a run whose plan has Buggify makes them
// likely (the word and the idea are FoundationDB's).

const (
	tightOne  = 3      // of four starts of a node has its common inbox
	earlyMost = 20_000 // of a million calls and tasks time out early
)

// tight gives one start of a node in four an inbox of one to four places.
func (w *World) tight(n *Node) (opts []graph.Option) {
	if !w.plan.Buggify {
		return nil
	}
	if d := n.choose(siteTight); below(d.v, tightOne+1) == tightOne && w.now < w.heal {
		places := 1 + int(below(mix(d.v), 4))
		w.wrong(d, "%s has an inbox of %d", n.id, places)
		opts = append(opts, graph.Bound(graph.Bounds{Outside: places}))
	}
	return opts
}

// early draws whether something of a node times out before its time.
func (w *World) early(n *Node, what string) (d drawn, ok bool) {
	if !w.plan.Buggify || w.now >= w.heal {
		return d, false
	}
	if d = n.choose(siteEarly); !perMillion(d.v, earlyMost) {
		return d, false
	}
	w.wrong(d, "%s: %s times out early", n.id, what)
	return d, true
}

// earlyTimeout has a call fail before its deadline, which is no news to a caller: the outcome of such a call is unknown anyway.
func (w *World) earlyTimeout(n *Node, m *graph.Message) {
	if m.Kind != graph.RequestMsg || m.Remaining <= 0 {
		return
	}
	if d, ok := w.early(n, m.Channel); ok {
		after := time.Duration(below(mix(d.v), uint64(m.Remaining)))
		w.queue.push(w.now.Add(after), doTell, n.index, w.parcels.put(parcel{to: n.index, life: n.life,
			msg: graph.Message{Kind: graph.ErrorMsg, Channel: m.Channel, Key: m.Key, Call: m.Call, Peer: m.Peer,
				Reason: graph.Timeout, Detail: "no answer in time"}}))
	}
}
