package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// A parcel is a message on its way.
type parcel struct {
	msg      graph.Message
	from, to int32
	link     int32
	epoch    uint32
	life     uint32     // of the receiver, for what its own host tells it
	stream   uint64     // of requests, their answers and cancels
	left     graph.Time // when its sender let it go
}

// send takes a message of n that leaves at dep.
func (w *World) send(n *Node, m graph.Message, dep graph.Time) {
	to := w.peers[m.Peer]
	if to == nil {
		if m.Kind == graph.RequestMsg {
			w.count(unreachableCalls)
			w.queue.push(dep, doTell, n.index, w.parcels.put(parcel{to: n.index, life: n.life,
				msg: graph.Message{Kind: graph.ErrorMsg, Channel: m.Channel, Key: m.Key, Call: m.Call, Peer: m.Peer,
					Reason: graph.Unreachable, Detail: "nobody has this identity"}}))
		}
		return
	}
	l := w.link(n.index, to.index)
	p := parcel{msg: m, from: n.index, to: to.index, link: l.index, left: dep}
	switch m.Kind {
	case graph.RequestMsg:
		w.streams++
		p.stream = w.streams
		l.calls = append(l.calls, openCall{n.index, m.Call, p.stream, m.Channel, m.Key, false})
	case graph.ReplyMsg, graph.ErrorMsg:
		c := l.find(func(c *openCall) bool { return c.stream == m.Call })
		if c == nil {
			return // the caller waits no more, or the connection of the request is gone
		}
		p.msg.Call, p.stream = c.call, c.stream
	case graph.CancelMsg:
		c := l.find(func(c *openCall) bool { return c.caller == n.index && c.call == m.Call })
		if c == nil {
			return
		}
		p.stream = c.stream
		l.closeStream(c.stream)
		if l.state != linkOpen {
			l.unqueue(w, p.stream)
			return
		}
	}
	w.give(l, p, dep)
}

func (l *link) find(is func(*openCall) bool) *openCall {
	for i := range l.calls {
		if is(&l.calls[i]) {
			return &l.calls[i]
		}
	}
	return nil
}

// unqueue drops a request that waits for the connection.
func (l *link) unqueue(w *World, stream uint64) {
	for i, ref := range l.waiting {
		if w.parcels.items[ref].stream == stream {
			w.parcels.take(ref)
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
}

// give puts a parcel on its link, opening it first where it must.
func (w *World) give(l *link, p parcel, dep graph.Time) {
	if l.state == linkOpen {
		w.transmit(l, p, dep)
		return
	}
	if l.state == linkClosed {
		w.dial(l, p.from, dep)
	}
	l.waiting = append(l.waiting, w.parcels.put(p))
}

// transmit sends a parcel over an open link: in order, or not at all because the link breaks.
func (w *World) transmit(l *link, p parcel, dep graph.Time) {
	from, to := w.nodes[p.from], l.end(p.to)
	first, last := w.squeeze(l, to, dep, len(p.msg.Payload))
	if first > dep && p.msg.Remaining > 0 {
		if p.msg.Remaining -= from.steady(first).Sub(from.steady(dep)); p.msg.Remaining <= 0 {
			l.closeStream(p.stream)
			w.count(expiredInQueue)
			return
		}
	}
	w.fill(l, to, dep, last)
	w.messages++
	w.bytes += uint64(len(p.msg.Payload))
	if p.msg.Kind == graph.RequestMsg {
		if c := l.find(func(c *openCall) bool { return c.stream == p.stream }); c != nil {
			c.sent = true
		}
	}
	if w.breaks(l, to) {
		w.trace.sent(w, &p, never)
		w.count(lostMessages)
		w.broken(l, false)
		return
	}
	if w.vanishes(l, p.from, p.to) {
		w.trace.sent(w, &p, never)
		return
	}
	at := max(last.Add(w.transit(l, to)), l.last[to]+1)
	if l.a == l.b {
		at = max(dep, l.last[to])
	}
	l.last[to] = at
	p.epoch = l.epoch
	w.trace.sent(w, &p, at)
	w.queue.push(at, doArrive, p.to, w.parcels.put(p))
}

// breaks draws whether a message to one end breaks its connection.
func (w *World) breaks(l *link, to int) bool {
	if w.plan.Breaks == 0 || w.now >= w.heal || l.a == l.b {
		return false
	}
	d := l.choose(w, siteBreak, to)
	if !perMillion(d.v, w.plan.Breaks) {
		return false
	}
	w.wrong(d, "%s and %s: the connection breaks", w.nodes[l.a].id, w.nodes[l.b].id)
	return true
}

// transit draws how long a message to one end takes.
func (w *World) transit(l *link, to int) time.Duration {
	if l.a == l.b {
		return 0
	}
	took := l.latency + time.Duration(below(l.choose(w, siteJitter, to).v, uint64(l.latency/10)))
	if w.plan.Delays > 0 && w.now < w.heal {
		if d := l.choose(w, siteDelay, to); perMillion(d.v, w.plan.Delays) {
			longer := time.Duration(below(mix(d.v), uint64(w.plan.Delay)))
			w.count(delayedMessages)
			w.wrong(d, "%s and %s: a message is late by %v", w.nodes[l.a].id, w.nodes[l.b].id, brief(longer))
			took += longer
		}
	}
	return took
}

// arrive hands a parcel to its receiver, and sends the refusal of a request back.
func (w *World) arrive(n *Node, ref int32) {
	p := w.parcels.take(ref)
	l := w.links[p.link]
	if l.epoch != p.epoch {
		w.count(lostMessages)
		return
	}
	if w.vanishes(l, p.from, p.to) {
		return
	}
	m := p.msg
	m.Peer = w.nodes[p.from].id
	switch m.Kind {
	case graph.RequestMsg:
		m.Call = p.stream
		if f := w.deliver(n, m); f != nil {
			w.send(n, graph.Refusal(m, f), w.now)
		}
		return
	case graph.CancelMsg:
		m.Call = p.stream
	case graph.ReplyMsg, graph.ErrorMsg:
		if l.find(func(c *openCall) bool { return c.stream == p.stream }) == nil {
			return // it was cancelled meanwhile
		}
		l.closeStream(p.stream)
	}
	w.deliver(n, m) // only requests have somebody to tell of a refusal
}

// deliver hands a message to the instance of n, which counts what it refuses.
func (w *World) deliver(n *Node, m graph.Message) *graph.Failure {
	if n.outlaw != nil {
		n.outlaw.Receive(n, m)
		return nil
	}
	if w.scenario.Received != nil {
		w.scenario.Received(n, &m)
	}
	f := n.inst.Deliver(m)
	if f != nil {
		w.trace.refused(w, n, &m, f)
	}
	return f
}
