package p2p

import (
	"sync"
	"sync/atomic"

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
	most, bytes int
	all         int64         // bytes that may wait in the host, here and on streams
	queued      *atomic.Int64 // that do, of the host's count
	wake        chan struct{} // holds one

	mu     sync.Mutex
	rows   rows[publication]
	size   int // bytes in rows
	closed bool
}

func (q *publications) open(l *Limits, queued *atomic.Int64) {
	q.most, q.bytes, q.all = l.TopicQueue, max(l.TopicQueueBytes, 4*l.TopicMessage), int64(l.AllQueueBytes)
	q.queued, q.wake = queued, make(chan struct{}, 1)
}

func (q *publications) put(c class, p publication, now graph.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, part := len(p.data), 1
	if c == relayed {
		part = 2
	}
	if q.closed || q.rows.len() >= q.most/part || q.size+n > q.bytes/part || q.queued.Load()+int64(n) > q.all {
		return false
	}
	q.charge(n)
	q.rows.push(c, p, now)
	signal(q.wake)
	return true
}

// charge takes n bytes into the books, or out of them. The caller holds the lock.
func (q *publications) charge(n int) {
	q.size += n
	q.queued.Add(int64(n))
}

// close drops what waits, and takes nothing more.
func (q *publications) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.rows = true, rows[publication]{}
	q.charge(-q.size)
}

func (q *publications) take(now func() graph.Time) (p publication, some bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c, _ := q.rows.next(now)
	if c == classes {
		return p, false
	}
	q.rows.served[c] = now()
	p = q.rows.row[c].pop()
	q.charge(-len(p.data))
	return p, true
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
	defer h.publish.close()
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
