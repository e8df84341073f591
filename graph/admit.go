package graph

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// retryAfter is what a refused peer is told to wait.
const retryAfter = time.Second

// Deliver hands a received message to the instance. It is admission: the channel, its rule, its size, the sender's rate and
// share are judged here, before anything is queued; what is refused is counted by reason and returned, for the host to
// tell the caller of a request (see Refusal). Safe from any goroutine.
func (in *Instance) Deliver(m Message) *Failure {
	f := in.box.admit(&m)
	if f != nil {
		f.Peer = m.Peer
		return f
	}
	in.host.Wake()
	return nil
}

func (in *Instance) permits(r *rule, from Peer) bool {
	if r.param == nil {
		return r.allow(from, nil)
	}
	return r.allow(from, in.params[r.param.index].latest())
}

// maxDetail is how much of another node's sentence is kept.
const maxDetail = 1 << 10

// carries tells which kind of message comes on which kind of channel.
func (c *channel) carries(k Kind) bool {
	switch c.kind {
	case ExchangeKind:
		return k == RequestMsg || k == CancelMsg
	case MessageKind:
		return k == OneWayMsg
	}
	return k == TopicMsg
}

// judge is the part of admission that needs no lock: it gives the plan index of the receiving step, or why not.
func (in *Instance) judge(m *Message) (step int, f *Failure) {
	i, ok := in.prog.receive[m.Channel]
	if !ok {
		return 0, &Failure{Reason: Mismatch, Detail: "nothing here receives on that channel"}
	}
	s, from := in.prog.steps[i].s, m.Peer
	if m.Kind == TopicMsg && from == "" {
		from = m.Relay
	}
	switch {
	case !s.chann.carries(m.Kind):
		f = &Failure{Reason: Mismatch, Detail: fmt.Sprintf("%s is a channel for %ss", m.Channel, s.chann.kind)}
	case from == "":
		f = &Failure{Reason: Denied, Detail: "nobody said who sent it"}
	case !in.permits(s.rule, from):
		f = &Failure{Reason: Denied, Detail: fmt.Sprintf("only %s may use %s", s.rule.text, m.Channel)}
	case len(m.Payload) > s.chann.maxReq:
		f = &Failure{Reason: TooLarge, Detail: fmt.Sprintf("%d bytes on %s, the bound is %d", len(m.Payload), m.Channel, s.chann.maxReq)}
	case m.Remaining < 0:
		f = &Failure{Reason: Expired, Detail: "its deadline passed on the way"}
	}
	return i, f
}

func (b *inbox) admit(m *Message) (f *Failure) {
	step, answer := 0, false
	switch m.Kind {
	case RequestMsg, OneWayMsg, TopicMsg, CancelMsg:
		step, f = b.in.judge(m)
	case ReplyMsg, ErrorMsg:
		answer = true
	default:
		f = &Failure{Reason: Malformed, Detail: fmt.Sprintf("message kind %d is not known", m.Kind)}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case f != nil:
	case b.closed:
		f = &Failure{Reason: Unreachable, Detail: "the instance has stopped"}
	case answer:
		f = b.answer(m)
	default:
		if f = b.charge(m, b.in.prog.steps[step].s.chann); f == nil {
			b.push(event{kind: evMessage, msg: *m, step: step})
		}
	}
	if f != nil {
		b.count(m.Channel, f.Reason)
	}
	return f
}

// answer takes what an open call waits for; one that is longer than was declared becomes its failure.
func (b *inbox) answer(m *Message) *Failure {
	e, ok := b.expects[m.Call]
	if !ok || e.from != m.Peer {
		b.late++
		return &Failure{Reason: Expired, Detail: "nobody waits for this reply"}
	}
	delete(b.expects, m.Call)
	ev := event{kind: evAnswer, msg: *m}
	if n := len(m.Payload); n > e.max {
		ev.msg = Message{Kind: ErrorMsg, Channel: m.Channel, Peer: m.Peer, Call: m.Call, Reason: TooLarge,
			Detail: fmt.Sprintf("a reply of %d bytes, the bound is %d", n, e.max)}
	}
	if len(m.Detail) > maxDetail {
		ev.msg.Detail = strings.ToValidUTF8(m.Detail[:maxDetail], "")
	}
	b.push(ev)
	return nil
}

// A Refused counts what admission refused on a channel, by reason.
type Refused struct {
	Channel string
	Reason  Reason
	Count   uint64
}

// Refused gives the counts, sorted by channel and reason. Safe from any goroutine.
func (in *Instance) Refused() []Refused {
	b := &in.box
	b.mu.Lock()
	out := make([]Refused, 0, len(b.refused))
	for k, n := range b.refused { //lint:unordered sorted below
		out = append(out, Refused{k.channel, k.reason, n})
	}
	b.mu.Unlock()
	sort.Slice(out, func(i, j int) bool { //lint:total-key channel and reason are the key
		if out[i].Channel != out[j].Channel {
			return out[i].Channel < out[j].Channel
		}
		return out[i].Reason < out[j].Reason
	})
	return out
}
