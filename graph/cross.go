package graph

import (
	"context"
	"reflect"
	"time"
)

// A Request is what the callee's side of an exchange, or of an Ask, begins with.
type Request[Q, A any] struct {
	From  Peer // the authenticated sender; the node itself for an Ask
	Value Q
	Once  uint64 // of a call with Retry: the same for all its attempts, by which the callee knows them; else 0
	_     [0]func(A)
}

// Received is what the receiving side of a message or a topic begins with.
type Received[T any] struct {
	From  Peer // the authenticated sender; for a topic the signed author, or nobody where the topic is not signed
	Relay Peer // for a topic: the neighbour that handed it over
	Value T
}

// Call sends req to the peer to, whose callee role answers it. It gives the callee's side, where the request begins an
// activation of its own, and the answer back at the caller, in the same activation. Without Retry it is made at most once; when the
// deadline passes, which is the lesser of timeout and what remains of the activation's, the outcome is unknown. The answer's
// failure port carries timeout, busy, denied, too large, malformed, unreachable, lost, no reply, remote, expired, mismatch.
func Call[Q, A any](req Wire[Q], to In[Peer], callee *Role, ex *ExchangeOf[Q, A], timeout time.Duration, who Rule, opts ...CallOption) (in Wire[*Request[Q, A]], answer Wire[A]) {
	p := portIn(to)
	caller := &step{kind: kindCall, op: "call", note: ex.c.name, chann: ex.c, ins: []source{req.port().src, p.src},
		outs: typesOf[A](), effect: true, timeout: timeout}
	for _, o := range opts {
		o(caller)
	}
	record(caller)
	called := &step{role: callee, kind: kindReceive, op: "receive", note: ex.c.name, chann: ex.c, outs: typesOf[*Request[Q, A]]()}
	setRule(caller, called, who)
	record(called)
	caller.callee, called.callee = called, caller
	caller.build = func(l *layout) planFns {
		lq, lp, off, pos := req.port().loader(l), p.loader(l), l.slot(caller, 0), l.pos(caller)
		return planFns{
			fire: func(x *Tick) (int, error) {
				b, err := ex.req.encode(lq.at(x))
				if err != nil {
					return noPort, err
				}
				return noPort, x.inst.call(x, pos, lp.load(x), b, timeout)
			},
			resume: func(x *Tick, r *resumption) (int, error) {
				if r.failure != nil {
					return noPort, r.failure
				}
				if len(r.payload) > ex.c.maxReply {
					return noPort, Fail(TooLarge, "a reply of %d bytes on %s, the bound is %d", len(r.payload), ex.c.name, ex.c.maxReply)
				}
				var a A
				if err := ex.reply.decode(r.payload, &a); err != nil {
					return noPort, err
				}
				*slotAt[A](x, off) = a
				return 0, nil
			},
			inputs: []func(*Tick) any{lq.boxed(), lp.boxed()},
		}
	}
	called.build = func(l *layout) planFns {
		off := l.slot(called, 0)
		return planFns{begin: func(x *Tick, ev *event) error {
			r := &Request[Q, A]{From: ev.msg.Peer, Once: ev.msg.Once}
			*slotAt[*Request[Q, A]](x, off) = r
			return ex.req.decode(ev.msg.Payload, &r.Value)
		}}
	}
	return Wire[*Request[Q, A]]{called, 0}, Wire[A]{caller, 0}
}

func setRule(from, to *step, who Rule) {
	if who != nil {
		from.rule = who.rule()
		to.rule = from.rule
	}
}

// Ask is the way in from the node: a local request with a deadline, made by Submit, which Reply answers.
func Ask[Q, A any](r *Role, name string) Wire[*Request[Q, A]] {
	s := &step{role: r, kind: kindAsk, op: "ask", note: name, outs: typesOf[*Request[Q, A]]()}
	s.chann = &channel{name: name, request: reflect.TypeFor[Q](), reply: reflect.TypeFor[A]()}
	record(s)
	s.build = func(l *layout) planFns {
		off := l.slot(s, 0)
		return planFns{begin: func(x *Tick, ev *event) error {
			value, _ := ev.ask.value.(Q) // Submit has checked; nil, of an interface, holds none
			*slotAt[*Request[Q, A]](x, off) = &Request[Q, A]{From: x.Self(), Value: value}
			return nil
		}}
	}
	return Wire[*Request[Q, A]]{s, 0}
}

// Reply answers the request that in began: one line for an exchange or an Ask (merge before it).
func Reply[Q, A any](in Wire[*Request[Q, A]], a In[A]) Wire[Done] {
	p := portIn(a)
	s := &step{kind: kindReply, op: "reply", ins: []source{in.port().src, p.src}, outs: typesOf[Done](), effect: true}
	if in.s != nil {
		s.role, s.chann, s.note, s.callee = in.s.role, in.s.chann, in.s.note, in.s
	}
	record(s)
	s.build = func(l *layout) planFns {
		la := p.loader(l)
		var c codec[A]
		return planFns{
			fire: func(x *Tick) (int, error) {
				v := la.at(x)
				if x.frame.ask != nil {
					return 0, x.inst.answer(x, *v)
				}
				b, err := c.encode(v)
				if err != nil {
					return noPort, err
				}
				return 0, x.inst.reply(x, b, s.chann.maxReply)
			},
			inputs: []func(*Tick) any{la.boxed()},
		}
	}
	return Wire[Done]{s, 0}
}

// Send sends a one-way message to the peer to, at most once, in order while a connection lives.
func Send[T any](v Wire[T], to In[Peer], receiver *Role, m *MessageOf[T], who Rule) (in Wire[*Received[T]], done Wire[Done]) {
	p := portIn(to)
	s := &step{kind: kindSend, op: "send", note: m.c.name, chann: m.c, ins: []source{v.port().src, p.src}, outs: typesOf[Done](), effect: true}
	record(s)
	s.build = func(l *layout) planFns {
		lv, lp := v.port().loader(l), p.loader(l)
		return planFns{
			fire: func(x *Tick) (int, error) {
				b, err := m.codec.encode(lv.at(x))
				if err != nil {
					return noPort, err
				}
				return 0, x.inst.oneWay(x, OneWayMsg, m.c, lp.load(x), b)
			},
			inputs: []func(*Tick) any{lv.boxed(), lp.boxed()},
		}
	}
	return receiving(s, receiver, m.c, m.codec, who), Wire[Done]{s, 0}
}

// Publish tells everyone who holds the role receiver, unordered, perhaps more than once; the publisher does not hear itself.
func Publish[T any](v Wire[T], receiver *Role, t *TopicOf[T], who Rule) (in Wire[*Received[T]], done Wire[Done]) {
	s := &step{kind: kindPublish, op: "publish", note: t.c.name, chann: t.c, ins: []source{v.port().src}, outs: typesOf[Done](), effect: true}
	record(s)
	s.build = func(l *layout) planFns {
		lv := v.port().loader(l)
		return planFns{
			fire: func(x *Tick) (int, error) {
				b, err := t.codec.encode(lv.at(x))
				if err != nil {
					return noPort, err
				}
				return 0, x.inst.oneWay(x, TopicMsg, t.c, "", b)
			},
			inputs: []func(*Tick) any{lv.boxed()},
		}
	}
	return receiving(s, receiver, t.c, t.codec, who), Wire[Done]{s, 0}
}

func receiving[T any](from *step, receiver *Role, c *channel, dec codec[T], who Rule) Wire[*Received[T]] {
	s := &step{role: receiver, kind: kindReceive, op: "receive", note: c.name, chann: c, outs: typesOf[*Received[T]]()}
	setRule(from, s, who)
	record(s)
	from.callee, s.callee = s, from
	s.build = func(l *layout) planFns {
		off := l.slot(s, 0)
		return planFns{begin: func(x *Tick, ev *event) error {
			r := &Received[T]{From: ev.msg.Peer, Relay: ev.msg.Relay}
			*slotAt[*Received[T]](x, off) = r
			return dec.decode(ev.msg.Payload, &r.Value)
		}}
	}
	return Wire[*Received[T]]{s, 0}
}

// Work has a component do what is durable or slow. It is issued at commit and done by the host; its result resumes the
// activation, and its effect stands when it returns. The deadline is the lesser of timeout and what remains of the
// activation's; a result that comes later is dropped and counted. fn may be a method expression of the component's interface.
func Work[C, Q, A any](in Wire[Q], c *ComponentOf[C], name string, fn func(C, context.Context, Q) (A, error), timeout time.Duration) Wire[A] {
	s := &step{kind: kindWork, op: c.c.name + "." + name, ins: []source{in.port().src, c.port().src}, outs: typesOf[A](), effect: true, timeout: timeout}
	record(s)
	s.build = func(l *layout) planFns {
		lq, lc, off, pos := in.port().loader(l), c.work().loader(l), l.slot(s, 0), l.pos(s)
		return planFns{
			fire: func(x *Tick) (int, error) {
				q, comp := lq.load(x), lc.load(x)
				if t := x.inst.tape; t != nil {
					t.sum.value(q)
				}
				o := &outcomeOf[A]{}
				return noPort, x.inst.work(x, pos, timeout, o, func(ctx context.Context) { o.v, o.err = fn(comp, ctx, q) },
					func(x *Tick) (int, error) { return emit(x, off, o.v, o.err) })
			},
			resume: func(x *Tick, r *resumption) (int, error) {
				if r.failure != nil {
					return noPort, r.failure
				}
				return r.result(x)
			},
			inputs: []func(*Tick) any{lq.boxed()},
		}
	}
	return Wire[A]{s, 0}
}
