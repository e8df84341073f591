package graph

import (
	"fmt"
	"reflect"
	"time"
)

// asked is a local request on its way.
type asked struct {
	value   any
	timeout time.Duration
	succeed func(v any)
	fail    func(f *Failure)
}

// Submit makes a local request to the Ask of a name. done is called once with the answer or a *Failure: on the instance's
// goroutine, or before Submit returns when the request is refused at once; it must not block. Safe from any goroutine. It panics when the program has no such Ask of these types, which
// is a mistake of the program that calls it.
func Submit[Q, A any](in *Instance, ask string, q Q, timeout time.Duration, done func(A, error)) {
	i, ok := in.prog.asks[ask]
	if !ok {
		panic(fmt.Sprintf("graph: %s %s has no ask %q", in.prog.g.name, in.prog.role.name, ask))
	}
	c := in.prog.steps[i].s.chann
	if c.request != reflect.TypeFor[Q]() && c.request != reflect.TypeOf(q) || c.reply != reflect.TypeFor[A]() {
		panic(fmt.Sprintf("graph: ask %q of %s takes a %s and gives a %s", ask, in.prog.g.name, typeName(c.request), typeName(c.reply)))
	}
	a := &asked{value: q, timeout: timeout, succeed: func(v any) {
		a, _ := v.(A) // nil, of an interface, holds none
		done(a, nil)
	}, fail: func(f *Failure) {
		var zero A
		done(zero, f)
	}}
	b := &in.box
	b.mu.Lock()
	var f *Failure
	switch {
	case b.closed:
		f = &Failure{Reason: Unreachable, Detail: "the instance has stopped"}
	case b.own >= in.bounds.Own:
		f = &Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "too many requests of the node are waiting"}
	default:
		b.own++
		b.push(event{kind: evAsk, ask: a, step: i})
	}
	if f != nil {
		b.count(ask, f.Reason)
	}
	b.mu.Unlock()
	if f != nil {
		a.fail(f)
		return
	}
	in.host.Wake()
}

// event takes one event of the inbox.
func (in *Instance) event(ev *event) {
	switch ev.kind {
	case evMessage:
		if ev.msg.Kind == CancelMsg {
			in.cancelled(ev)
			return
		}
		in.message(ev)
	case evAsk:
		in.ask(ev)
	case evAnswer:
		in.answered(ev)
	case evTask:
		if s := in.open[ev.task]; s != nil {
			if in.tape != nil {
				in.tape.result(s)
			}
			in.resolve(s, &resumption{result: s.result}, "answer")
		} else {
			in.late++
		}
	case evFeed:
		in.params[ev.feed].refresh()
		if in.tape != nil {
			in.tape.feed(ev.feed)
		}
		for _, d := range in.prog.dueFeed[ev.feed] {
			in.armStep(d)
		}
	}
}

func (in *Instance) message(ev *event) {
	m := &ev.msg
	who, sender := m.Peer, m.Peer
	if m.Kind == TopicMsg {
		if who = m.Relay; sender == "" {
			sender = m.Relay
		}
	}
	refuse := func(f *Failure) {
		in.box.release(who, len(m.Payload))
		in.box.mu.Lock()
		in.box.count(m.Channel, f.Reason)
		in.box.mu.Unlock()
		switch {
		case !m.awaited():
		case m.Kind == TopicMsg:
			in.host.Send(verdictOn(*m, verdictOf(f)))
		default:
			in.host.Send(Refusal(*m, f))
		}
	}
	if !in.room() {
		refuse(&Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "too many activations are open"})
		return
	}
	var deadline Time
	if m.Remaining > 0 {
		deadline = ev.arrived.Add(m.Remaining)
		if deadline <= in.now {
			refuse(&Failure{Reason: Expired, Detail: "its deadline passed in the queue"})
			return
		}
	}
	f := in.newFrame(ev.step)
	f.sender, f.deadline, f.outside, f.charged, f.bytes = sender, deadline, true, who, len(m.Payload)
	in.enter(f)
	if err := in.prog.steps[ev.step].begin(&in.x, ev); err != nil {
		fl := asFailure(err, "")
		in.leave()
		in.freeFrame(f)
		refuse(&fl)
		return
	}
	if m.awaited() {
		f.request = *m
		f.request.Payload = nil
	} else {
		f.replied = true
	}
	in.counts[ev.step].fired++
	f.tell(in.prog.steps[ev.step].readers[0])
	in.run(f, "message", ev.step)
}

func (in *Instance) ask(ev *event) {
	deadline := ev.arrived.Add(ev.ask.timeout)
	var refused *Failure
	switch {
	case deadline <= in.now:
		refused = &Failure{Reason: Expired, Detail: "its deadline passed in the queue"}
	case !in.room():
		refused = &Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "too many activations are open"}
	default:
		f := in.newFrame(ev.step)
		f.deadline, f.ask = deadline, ev.ask
		in.enter(f)
		if err := in.prog.steps[ev.step].begin(&in.x, ev); err != nil {
			failure := asFailure(err, "ask")
			in.ended(f, &failure, "ask", ev.step)
			return
		}
		in.counts[ev.step].fired++
		f.tell(in.prog.steps[ev.step].readers[0])
		in.run(f, "ask", ev.step)
		return
	}
	in.box.mu.Lock()
	in.box.own--
	in.box.count(in.prog.steps[ev.step].s.note, refused.Reason)
	in.box.mu.Unlock()
	ev.ask.fail(refused)
}

func (in *Instance) answered(ev *event) {
	s := in.open[ev.msg.Call]
	if s == nil {
		in.late++
		return
	}
	r := &resumption{payload: ev.msg.Payload}
	if ev.msg.Kind == ErrorMsg {
		r.failure = &Failure{Reason: ev.msg.Reason, Detail: ev.msg.Detail, Peer: ev.msg.Peer, RetryAfter: ev.msg.Retry}
		if ev.msg.Reason == Busy {
			in.waitFor(s, &ev.msg)
		}
		if in.again(s, r.failure) {
			return
		}
	}
	in.resolve(s, r, "answer")
}

// mostPatience is how long a busy peer may have us wait: what it asks for is its own word, and a call that waits holds an
// activation.
const mostPatience = time.Minute

// waitFor remembers that a peer asked us to come back later; the memory is bounded.
func (in *Instance) waitFor(s *suspension, m *Message) {
	if len(in.busy) >= 1024 {
		for k, until := range in.busy { //lint:unordered removes what has passed, whatever the order
			if until <= in.now {
				delete(in.busy, k)
			}
		}
	}
	if m.Retry > 0 && len(in.busy) < 1024 {
		in.busy[busyKey{s.peer, s.channel}] = in.now.Add(min(m.Retry, mostPatience))
	}
}

func (in *Instance) expireCall() {
	s := in.waiting[0]
	if s.retry != nil && s.retry.paused {
		in.resend(s)
		return
	}
	in.box.unexpect(s.id)
	if s.call {
		in.host.Send(Message{Kind: CancelMsg, Channel: s.channel, Peer: s.peer, Key: in.key, Call: s.id})
	}
	f := &Failure{Reason: Timeout, Peer: s.peer, Detail: "no answer within its deadline; the outcome is unknown"}
	if !in.again(s, f) {
		in.resolve(s, &resumption{failure: f}, "timeout")
	}
}

func (in *Instance) expireRow(t int) {
	in.tables[t].expireOne(in.now)
	in.commit(nil)
	in.ticks++
	if in.observe != nil {
		in.observe(TickInfo{At: in.now, Event: "expiry", Origin: in.prog.role.tables[t].name, Changes: 1})
	}
}

// cancelled ends an activation whose caller does not wait any more, when it is still suspended.
func (in *Instance) cancelled(ev *event) {
	in.box.release(ev.msg.Peer, len(ev.msg.Payload))
	for _, f := range in.frames {
		if f.request.Kind == RequestMsg && f.sender == ev.msg.Peer && f.request.Call == ev.msg.Call && f.request.Channel == ev.msg.Channel {
			f.replied = true
			in.ended(f, &Failure{Reason: Lost, Detail: "cancelled by the caller"}, "cancel", f.origin)
			return
		}
	}
}
