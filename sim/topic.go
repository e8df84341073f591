package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// seenFor is how long a node remembers a publication; equal bytes are the same publication.
const seenFor = 2 * time.Minute

// seenCache is what a node has heard of lately.
type seenCache struct {
	ids   map[uint64]bool // true: the node's own
	order []seenID
	first int
}

type seenID struct {
	id uint64
	at graph.Time
}

// add reports whether id is new, and remembers it.
func (s *seenCache) add(id uint64, now graph.Time, own bool) bool {
	for s.first < len(s.order) && now.Sub(s.order[s.first].at) >= seenFor {
		delete(s.ids, s.order[s.first].id)
		s.first++
	}
	if s.first > 64 && s.first > len(s.order)/2 {
		s.order = append(s.order[:0], s.order[s.first:]...)
		s.first = 0
	}
	if _, known := s.ids[id]; known {
		return false
	}
	if s.ids == nil {
		s.ids = map[uint64]bool{}
	}
	s.ids[id] = own
	s.order = append(s.order, seenID{id, now})
	return true
}

// A publication is what its copies share.
type publication struct {
	msg graph.Message
	id  uint64
}

// A hop is a copy of a publication on its way over one edge.
type hop struct {
	pub      *publication
	from, to int32
	link     int32
	epoch    uint32
	again    bool // the edge has carried it before
}

// publish begins the flood of a publication. A node that has seen it does not publish it again.
func (w *World) publish(n *Node, m graph.Message, dep graph.Time) {
	id := hashBytes(hashString(hashString(offset64, m.Channel), m.Key), m.Payload)
	if n.seen.add(id, w.now, true) {
		w.spread(n, -1, &publication{m, id}, dep)
	}
}

// spread sends a publication over every open edge of n but the one that it came from.
func (w *World) spread(n *Node, but int32, pub *publication, dep graph.Time) {
	for _, l := range n.edges {
		if l.index != but && l.state == linkOpen {
			w.hop(l, n, pub, dep)
		}
	}
}

// hop sends one copy over an edge; here single messages are lost, held back and repeated.
func (w *World) hop(l *link, from *Node, pub *publication, dep graph.Time) {
	w.messages++
	w.bytes += uint64(len(pub.msg.Payload))
	h := hop{pub: pub, from: from.index, to: l.other(from.index), link: l.index, epoch: l.epoch}
	end := l.end(h.to)
	_, last := w.squeeze(l, end, dep, len(pub.msg.Payload))
	w.fill(l, end, dep, last)
	if w.vanishes(l, h.from, h.to) {
		w.trace.hop(w, &h, never)
		return
	}
	faulty, at := w.now < w.heal, last.Add(w.transit(l, end))
	if d, hit := w.strikes(faulty, l, siteDrop, end, w.plan.Drops); hit {
		w.wrong(d, "%s does not hear a publication from %s", w.nodes[h.to].id, from.id)
		w.count(lostPublications)
		w.trace.hop(w, &h, never)
		return
	}
	if d, hit := w.strikes(faulty, l, siteReorder, end, w.plan.Reorders); hit {
		w.wrong(d, "%s hears a publication from %s late", w.nodes[h.to].id, from.id)
		w.count(reorderedPublications)
		at = at.Add(time.Duration(below(mix(d.v), uint64(w.plan.Hold))))
	}
	w.launch(h, at)
	if d, hit := w.strikes(faulty, l, siteDuplicate, end, w.plan.Duplicates); hit {
		w.wrong(d, "%s hears a publication from %s twice", w.nodes[h.to].id, from.id)
		w.count(repeatedPublications)
		h.again = true
		w.launch(h, at.Add(1+time.Duration(below(mix(d.v), uint64(w.plan.Hold)))))
	}
}

// strikes draws whether a fault of a chance strikes a hop.
func (w *World) strikes(faulty bool, l *link, s site, to int, chance uint64) (d drawn, hit bool) {
	if !faulty || chance == 0 {
		return d, false
	}
	d = l.choose(w, s, to)
	return d, perMillion(d.v, chance)
}

func (w *World) launch(h hop, at graph.Time) {
	w.trace.hop(w, &h, at)
	w.queue.push(at, doHop, h.to, w.hops.put(h))
}

// hopped hands a publication to a node and has it relayed, at once or when the instance says so. A node whose role does not
// receive the topic relays it all the same; one that refuses it does not.
func (w *World) hopped(n *Node, ref int32) {
	h := w.hops.take(ref)
	if w.links[h.link].epoch != h.epoch {
		w.count(lostPublications)
		return
	}
	if w.vanishes(w.links[h.link], h.from, h.to) {
		return
	}
	if fresh := n.seen.add(h.pub.id, w.now, false); !fresh && (!h.again || n.seen.ids[h.pub.id]) {
		return // a publisher does not hear itself
	}
	if judged, hears := n.hears[h.pub.msg.Channel]; n.outlaw != nil || hears {
		m := h.pub.msg
		m.Peer, m.Relay = "", w.nodes[h.from].id
		if judged = judged && !h.again && n.outlaw == nil; judged {
			m.Call = w.try(n, &h)
		}
		if w.deliver(n, m) != nil {
			delete(n.trials, m.Call)
			return
		}
		if judged {
			return
		}
	}
	if !h.again && n.outlaw == nil { // a hostile neighbour relays nothing
		w.spread(n, h.link, h.pub, w.now)
	}
}
