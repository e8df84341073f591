package p2p

import (
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// A publication waits for the publisher.
type publication struct {
	t    *topic
	data []byte
}

// publications are what waits to go out on topics: the node's own before what it tells in work for another, which has
// half of the room.
type publications struct {
	most int
	mu   sync.Mutex
	rows rows[publication]
	wake chan struct{} // holds one
}

func (q *publications) put(c class, p publication, now graph.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.rows.len(); n >= q.most || c == relayed && n >= q.most/2 {
		return false
	}
	q.rows.push(c, p, now)
	signal(q.wake)
	return true
}

func (q *publications) take(now func() graph.Time) (p publication, some bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c, _ := q.rows.next(now)
	if c == classes {
		return p, false
	}
	q.rows.served[c] = now()
	return q.rows.row[c].pop(), true
}

// publishTopic queues a publication; what does not fit is dropped and counted. The envelope holds who started this host
// and a number, so that the same value published twice is two publications.
func (h *Host) publishTopic(e *endpoint, m graph.Message) {
	h.mu.Lock()
	t := h.topics[topicName(e.id, m.Key)]
	h.sequence++
	f := frame{kind: graph.TopicMsg, fingerprint: e.info.Fingerprint, incarnation: h.incarnation, sequence: h.sequence, payload: m.Payload}
	h.mu.Unlock()
	if t == nil {
		h.count.refuse(e.info.Name, refusedUnsent)
		return
	}
	p := publication{t, appendFrame(make([]byte, 0, len(m.Payload)+topicOverhead), &f)}
	if !h.publish.put(classOf(&m), p, h.now()) {
		h.count.refuse(e.info.Name, refusedFull)
	}
}

// publisher hands publications to gossipsub, whose Publish may wait for its own queue.
func (h *Host) publisher() {
	for {
		p, ok := h.publish.take(h.now)
		if !ok {
			select {
			case <-h.ctx.Done():
				return
			case <-h.publish.wake:
			}
			continue
		}
		if err := p.t.t.Publish(h.ctx, p.data); err != nil {
			if h.ctx.Err() != nil {
				return
			}
			h.count.refuse(p.t.e.info.Name, refusedUnsent)
		}
	}
}

// dropTracer counts what gossipsub drops.
type dropTracer struct{ h *Host }

var _ pubsub.RawTracer = dropTracer{}

// RejectMessage counts what gossipsub itself refuses, and what has cost a neighbour some of its score; why is counted where it
// is found.
func (d dropTracer) RejectMessage(_ *pubsub.Message, reason string) {
	switch reason {
	case pubsub.RejectValidationFailed:
		d.h.count.refuse("", refusedPenalty)
	case pubsub.RejectValidationQueueFull, pubsub.RejectUnexpectedAuthInfo, pubsub.RejectUnexpectedSignature, pubsub.RejectValidationThrottled:
		d.h.count.refuse("", reason)
	}
}

// DropRPC counts what did not fit in gossipsub's queue to a peer.
func (d dropTracer) DropRPC(*pubsub.RPC, peer.ID) { d.h.count.refuse("", "gossip not sent") }

func (dropTracer) UndeliverableMessage(*pubsub.Message)     {}
func (dropTracer) OnNewOutboundStream(peer.ID, protocol.ID) {}
func (dropTracer) OnClosedOutboundStream(peer.ID)           {}
func (dropTracer) Join(string)                              {}
func (dropTracer) Leave(string)                             {}
func (dropTracer) Graft(peer.ID, string)                    {}
func (dropTracer) Prune(peer.ID, string)                    {}
func (dropTracer) ValidateMessage(*pubsub.Message)          {}
func (dropTracer) DeliverMessage(*pubsub.Message)           {}
func (dropTracer) DuplicateMessage(*pubsub.Message)         {}
func (dropTracer) ThrottlePeer(peer.ID)                     {}
func (dropTracer) RecvRPC(*pubsub.RPC)                      {}
func (dropTracer) SendRPC(*pubsub.RPC, peer.ID)             {}
