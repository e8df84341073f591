package p2p

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// hostOf is the graph.Host of one instance. Send is called on the instance's own goroutine alone.
type hostOf struct{ r *Running }

var _ graph.Host = hostOf{}

func (o hostOf) Self() graph.Peer { return o.r.h.self }
func (o hostOf) Now() graph.Time  { return o.r.h.now() }
func (o hostOf) Wall() time.Time  { return o.r.h.wall() }
func (o hostOf) Uint64() uint64   { return o.r.h.random() }
func (o hostOf) Wake()            { o.r.nudge() }
func (o hostOf) Work(t *graph.Task) {
	o.r.tasks.Add(1)
	o.r.h.work.add(job{o.r, t}.do)
}
func (o hostOf) Send(m graph.Message) {
	r, h := o.r, o.r.h
	e := r.channels[m.Channel]
	switch m.Kind {
	case graph.ReplyMsg, graph.ErrorMsg:
		r.answer(m)
		return
	case graph.TopicMsg:
		h.publishTopic(e, m)
		return
	case graph.VerdictMsg:
		h.trials.say(m.Call, m.Verdict)
		return
	}
	key := linkKey{m.Peer, string(e.id)}
	reason, detail := graph.Busy, "too many peers are called at a time"
	if m.Kind == graph.CancelMsg {
		if l := h.existing(key); l != nil {
			l.send(r, &m)
		}
		return
	}
	for sent := false; !sent; {
		l := h.link(key, e)
		if l == nil {
			break
		}
		reason, detail, sent = l.send(r, &m)
	}
	switch {
	case reason == graph.None:
	case m.Kind == graph.OneWayMsg && reason == graph.Busy:
		h.count.refuse(e.info.Name, refusedFull)
	case m.Kind == graph.OneWayMsg:
		h.count.refuse(e.info.Name, refusedUnsent)
	default:
		r.back = append(r.back, graph.Message{Kind: graph.ErrorMsg, Channel: m.Channel, Peer: m.Peer, Key: m.Key, Call: m.Call,
			Reason: reason, Detail: detail, Retry: retryOf(reason)})
	}
}

// retryOf is when our own queue is worth another try: it drains at the speed of the wire.
func retryOf(reason graph.Reason) time.Duration {
	if reason == graph.Busy {
		return 100 * time.Millisecond
	}
	return 0
}

func (h *Host) existing(key linkKey) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[key]
}
