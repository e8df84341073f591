package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

type linkState uint8

const (
	linkClosed linkState = iota
	linkDialing
	linkOpen
)

// A link is the connection between two nodes, or of one with itself, over its whole life: it opens on first use, breaks,
// and opens again. Each opening is an epoch of its own.
type link struct {
	a, b    int32 // a ≤ b
	index   int32
	state   linkState
	edge    bool // of the overlay: it is kept open
	redial  bool // is planned
	epoch   uint32
	dialer  int32
	silent  bool // the dialed peer did not answer at once
	latency time.Duration
	last    [2]graph.Time // arrival of the latest message to a, to b
	waiting []int32       // parcels, until it is open
	calls   []openCall
	knows   [2]bool              // whether a, b believe that it is open
	dark    [2]bool              // something on its way to a, to b has vanished since it opened
	doomed  bool                 // its keepalive runs out
	liar    [2]int               // how often a, b rejected what the other handed over
	rate    uint64               // bytes a second; 0 for as many as one wants
	free    [2]graph.Time        // when the last byte to a, to b will have left
	counts  [2][linkSites]uint32 // of the choices for what goes to a, to b
}

// An openCall is a request on a link that has no answer yet. The receiver is given the stream in the place of the caller's
// id, so that ids of two lives of a caller cannot be mistaken.
type openCall struct {
	caller  int32
	call    uint64
	stream  uint64
	channel string
	key     string
	sent    bool // over the connection as it is now
}

func (l *link) other(i int32) int32 {
	if i == l.a {
		return l.b
	}
	return l.a
}

// end is 0 for a, 1 for b.
func (l *link) end(i int32) int {
	if i == l.a {
		return 0
	}
	return 1
}

// link finds or makes the link of two nodes.
func (w *World) link(i, j int32) *link {
	a, b := min(i, j), max(i, j)
	key := uint64(a)<<32 | uint64(b)
	if l := w.pairs[key]; l != nil {
		return l
	}
	l := &link{a: a, b: b, index: int32(len(w.links))}
	if a != b {
		l.latency = latencyLeast + time.Duration(below(w.choices.at(siteLatency, int64(key), 0), uint64(latencyMost-latencyLeast)))
		w.nodes[b].links = append(w.nodes[b].links, l)
		if d := w.choose(siteRate, int64(key), 0); w.plan.Rate > 0 && d.v != 0 {
			l.rate = w.plan.Rate/4 + below(d.v, w.plan.Rate)
			w.wrong(d, "%s and %s: %d bytes a second", w.nodes[a].id, w.nodes[b].id, l.rate)
		}
	}
	w.nodes[a].links = append(w.nodes[a].links, l)
	w.links = append(w.links, l)
	w.pairs[key] = l
	return l
}

const (
	latencyLeast = 5 * time.Millisecond
	latencyMost  = 80 * time.Millisecond
	dialSilence  = 5 * time.Second  // until a dialer gives up
	noticeMost   = 15 * time.Second // until a silent break is noticed
)

// dial begins to open a closed link: a handshake of one and a half round trips.
func (w *World) dial(l *link, from int32, at graph.Time) {
	l.state, l.dialer, l.silent = linkDialing, from, false
	w.queue.push(at.Add(3*l.latency), doDialed, int32(l.epoch), l.index)
}

// dialed ends a handshake. A peer that is down refuses at once, or is silent.
func (w *World) dialed(l *link, epoch int32) {
	if l.state != linkDialing || int32(l.epoch) != epoch {
		return
	}
	from, to := w.nodes[l.dialer], w.nodes[l.other(l.dialer)]
	switch {
	case w.blocked(from, to) || w.blocked(to, from):
		if l.silent {
			w.unreachable(l)
			return
		}
		l.silent = true
		w.queue.push(w.now.Add(dialSilence), doDialed, epoch, l.index)
	case to.Up():
		w.open(l)
	case !l.silent && below(from.draw(siteDial), 4) == 3:
		l.silent = true
		w.queue.push(w.now.Add(dialSilence), doDialed, epoch, l.index)
	default:
		w.unreachable(l)
	}
}

// open sends what has waited, in order.
func (w *World) open(l *link) {
	l.state = linkOpen
	l.last, l.free, l.dark, l.doomed = [2]graph.Time{}, [2]graph.Time{}, [2]bool{}, false
	waiting := l.waiting
	l.waiting = nil
	for _, ref := range waiting {
		p := w.parcels.take(ref)
		dep := max(w.now, p.left)
		if p.msg.Remaining > 0 {
			from := w.nodes[p.from]
			if p.msg.Remaining -= from.steady(dep).Sub(from.steady(p.left)); p.msg.Remaining <= 0 {
				l.closeStream(p.stream)
				w.count(expiredInQueue)
				continue
			}
		}
		if l.state != linkOpen { // an earlier one broke it
			w.give(l, p, dep)
			continue
		}
		w.transmit(l, p, dep)
	}
	if l.state == linkOpen {
		w.know(l, l.a, true)
		w.know(l, l.b, true)
	}
}

// unreachable gives up a handshake: surely nothing was handed over.
func (w *World) unreachable(l *link) {
	l.state = linkClosed
	l.epoch++
	if w.tracing() {
		from, to := w.nodes[l.dialer].id, w.nodes[l.other(l.dialer)].id
		w.tells(Step{Node: from, What: "cannot reach", Peer: to}, "%s cannot reach %s", from, to)
	}
	waiting := l.waiting
	l.waiting = nil
	for _, ref := range waiting {
		p := w.parcels.take(ref)
		if p.msg.Kind != graph.RequestMsg {
			w.count(lostMessages)
			continue
		}
		l.closeStream(p.stream)
		w.count(unreachableCalls)
		w.tell(p.from, w.now, p.to, p.msg.Channel, p.msg.Key, p.msg.Call, graph.Unreachable, "no connection to the peer")
	}
	w.wantRedial(l)
}

// broken ends the epoch of an open link: what is on the way is gone, open calls are lost. A request that was not handed over
// yet waits for the next epoch. When a keepalive has run out, both ends know already.
func (w *World) broken(l *link, known bool) {
	l.state = linkClosed
	l.epoch++
	w.count(brokenConnections)
	if w.tracing() {
		a, b := w.nodes[l.a].id, w.nodes[l.b].id
		w.tells(Step{Node: a, What: "connection breaks", Peer: b}, "%s and %s: the connection breaks", a, b)
	}
	var calls []openCall
	kept := l.calls[:0]
	for _, c := range l.calls {
		if c.sent {
			calls = append(calls, c)
		} else {
			kept = append(kept, c)
		}
	}
	l.calls = kept
	for end, i := range [2]int32{l.a, l.b} {
		if end == 1 && l.a == l.b {
			break
		}
		n := w.nodes[i]
		if !n.Up() {
			continue
		}
		n.since = w.now
		at := w.now
		if !known {
			at = w.now.Add(w.noticeAfter(n, l))
		}
		for _, c := range calls {
			if c.caller == i {
				w.count(lostCalls)
				w.tell(i, at, l.other(i), c.channel, c.key, c.call, graph.Lost, "the connection broke")
			}
		}
		if l.edge {
			w.queue.push(at, doNotice, i, l.index)
		}
	}
}

// noticeAfter draws how long an end takes to see that a connection is gone: mostly it is reset, sometimes it is silent.
func (w *World) noticeAfter(n *Node, l *link) time.Duration {
	v := n.draw(siteDetect)
	if v>>62 == 3 || w.blocked(w.nodes[l.other(n.index)], n) {
		return l.latency + time.Duration(below(v<<2, uint64(noticeMost)))
	}
	return l.latency
}

// tell has the host of a caller say that a call has failed.
func (w *World) tell(caller int32, at graph.Time, peer int32, channel, key string, call uint64, r graph.Reason, detail string) {
	w.queue.push(at, doTell, caller, w.parcels.put(parcel{from: peer, to: caller, life: w.nodes[caller].life,
		msg: graph.Message{Kind: graph.ErrorMsg, Channel: channel, Key: key, Call: call, Peer: w.nodes[peer].id, Reason: r, Detail: detail}}))
}

// told hands over what tell has prepared.
func (w *World) told(n *Node, ref int32) {
	p := w.parcels.take(ref)
	if n.up && n.life == p.life {
		w.deliver(n, p.msg) // a call that has ended meanwhile is refused
	}
}

func (l *link) closeStream(stream uint64) {
	for i := range l.calls {
		if l.calls[i].stream == stream {
			l.calls = append(l.calls[:i], l.calls[i+1:]...)
			return
		}
	}
}
