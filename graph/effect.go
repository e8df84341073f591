package graph

import (
	"context"
	"time"
)

type effectKind uint8

const (
	effSend effectKind = iota + 1
	effCall
	effWork
	effReply
	effAnswer
	effEach
	effGather
	effPause
)

// An effect is what a tick asks of the world; it happens at commit, in order.
type effect struct {
	kind  effectKind
	msg   Message
	susp  *suspension
	task  *Task
	reply func()
}

// A suspension is an open call or an open work of an activation.
type suspension struct {
	id       uint64
	step     int
	frame    *frame
	deadline Time
	peer     Peer
	channel  string
	call     bool
	each     *each // an open for-each
	result   func(x *Tick) (int, error)
	outcome  outcome // of a work
	retry    *retrying
	at       int // place in the heap
}

func (s *suspension) before(o *suspension) bool {
	if s.deadline != o.deadline {
		return s.deadline < o.deadline
	}
	return s.id < o.id
}

func (s *suspension) place(i int) { s.at = i }

// A resumption is what brings a suspended activation on.
type resumption struct {
	payload  []byte
	failure  *Failure
	result   func(x *Tick) (int, error)
	gathered gathering
}

// until gives the lesser of a timeout and what remains of the activation's deadline.
func (in *Instance) until(f *frame, timeout time.Duration) (time.Duration, error) {
	if f.deadline != 0 {
		timeout = min(timeout, f.deadline.Sub(in.now))
	}
	if timeout <= 0 {
		return 0, Fail(Expired, "no time was left for it")
	}
	return timeout, nil
}

type busyKey struct {
	peer    Peer
	channel string
}

func (in *Instance) call(x *Tick, step int, to Peer, payload []byte, timeout time.Duration) error {
	c := in.prog.steps[step].s.chann
	if len(payload) > c.maxReq {
		return Fail(TooLarge, "a request of %d bytes on %s, the bound is %d", len(payload), c.name, c.maxReq)
	}
	if to == "" {
		return Fail(Unreachable, "no peer to call on %s", c.name)
	}
	if until, ok := in.busy[busyKey{to, c.name}]; ok {
		if wait := until.Sub(in.now); wait > 0 {
			if in.prog.steps[step].s.retry != nil && (x.frame.deadline == 0 || until < x.frame.deadline) {
				in.pause(x, step, to, payload, timeout, until)
				return nil
			}
			return &Failure{Reason: Busy, Peer: to, RetryAfter: wait, Detail: "it asked us to wait"}
		}
		delete(in.busy, busyKey{to, c.name})
	}
	d, err := in.until(x.frame, timeout)
	if err != nil {
		return err
	}
	in.nextID++
	s := &suspension{id: in.nextID, step: step, frame: x.frame, deadline: in.now.Add(d), peer: to, channel: c.name, call: true, at: -1}
	m := Message{Kind: RequestMsg, Channel: c.name, Peer: to, Key: in.key, Call: s.id, Remaining: d, Payload: payload, Relayed: x.frame.sender != ""}
	if in.prog.steps[step].s.retry != nil {
		s.retry = &retrying{attempt: 1, once: s.id, payload: payload, timeout: timeout}
		m.Once = s.id
	}
	in.effects = append(in.effects, effect{kind: effCall, susp: s, msg: m})
	return nil
}

func (in *Instance) work(x *Tick, step int, timeout time.Duration, o outcome, run func(context.Context), result func(*Tick) (int, error)) error {
	d, err := in.until(x.frame, timeout)
	if err != nil {
		return err
	}
	in.nextID++
	s := &suspension{id: in.nextID, step: step, frame: x.frame, deadline: in.now.Add(d), result: result, outcome: o, at: -1}
	id := s.id
	t := &Task{Name: in.prog.steps[step].name, Deadline: s.deadline, run: run, done: func() { in.box.taskDone(id) }}
	in.effects = append(in.effects, effect{kind: effWork, susp: s, task: t})
	return nil
}

func (in *Instance) oneWay(x *Tick, kind Kind, c *channel, to Peer, payload []byte) error {
	if len(payload) > c.maxReq {
		return Fail(TooLarge, "a message of %d bytes on %s, the bound is %d", len(payload), c.name, c.maxReq)
	}
	if kind == OneWayMsg && to == "" {
		return Fail(Unreachable, "no peer to send to on %s", c.name)
	}
	in.effects = append(in.effects, effect{kind: effSend, msg: Message{Kind: kind, Channel: c.name, Peer: to, Key: in.key, Payload: payload,
		Relayed: x.frame.sender != ""}})
	return nil
}

func (in *Instance) reply(x *Tick, payload []byte, bound int) error {
	f := x.frame
	if len(payload) > bound {
		return Fail(TooLarge, "a reply of %d bytes on %s, the bound is %d", len(payload), f.request.Channel, bound)
	}
	m := f.request
	in.effects = append(in.effects, effect{kind: effReply,
		msg: Message{Kind: ReplyMsg, Channel: m.Channel, Peer: m.Peer, Key: m.Key, Call: m.Call, Payload: payload}})
	return nil
}

func (in *Instance) answer(x *Tick, v any) error {
	a := x.frame.ask
	in.effects = append(in.effects, effect{kind: effAnswer, reply: func() { a.succeed(v) }})
	return nil
}

func (in *Instance) perform(f *frame, e *effect) {
	switch e.kind {
	case effSend:
		in.host.Send(e.msg)
	case effCall:
		in.suspend(f, e.susp)
		in.box.expect(e.susp.id, e.susp.peer, in.prog.steps[e.susp.step].s.chann.maxReply)
		in.host.Send(e.msg)
	case effWork:
		in.suspend(f, e.susp)
		in.box.expect(e.susp.id, "", 0)
		in.host.Work(e.task)
	case effReply:
		f.replied = true
		in.host.Send(e.msg)
	case effAnswer:
		f.replied = true
		e.reply()
	case effPause:
		f.opens = append(f.opens, e.susp)
		in.reopen(e.susp, e.susp.deadline)
	case effEach:
		in.openEach(f, e.susp)
	case effGather:
		e.reply()
		in.gatherWhenDone(f.each)
	}
}

func (in *Instance) suspend(f *frame, s *suspension) {
	f.opens = append(f.opens, s)
	in.open[s.id] = s
	in.waiting.push(s)
}

// forgetOpen takes a suspension out of the books.
func (in *Instance) forgetOpen(s *suspension) {
	delete(in.open, s.id)
	if s.at >= 0 {
		in.waiting.remove(s.at)
	}
}

// closeOpen takes a suspension out of the books and out of its activation.
func (in *Instance) closeOpen(f *frame, s *suspension) {
	in.forgetOpen(s)
	for i, o := range f.opens {
		if o == s {
			f.opens = append(f.opens[:i], f.opens[i+1:]...)
			return
		}
	}
}

// resolve closes a suspension and resumes its activation, in a tick of its own.
func (in *Instance) resolve(s *suspension, r *resumption, kind string) {
	f := s.frame
	in.closeOpen(f, s)
	in.enter(f)
	ps := &in.prog.steps[s.step]
	port, err := ps.resume(&in.x, r)
	if err != nil {
		if failure := in.fail(f, s.step, err); failure != nil {
			in.abandon()
			in.ended(f, failure, kind, s.step)
			return
		}
	} else if port >= 0 {
		f.tell(ps.readers[port])
	}
	in.run(f, kind, s.step)
}

// ended ends an activation that failed before a step could fire.
func (in *Instance) ended(f *frame, failure *Failure, kind string, step int) {
	in.ticks++
	info := TickInfo{At: in.now, Event: kind, Origin: in.prog.steps[step].title, Sender: f.sender, Failure: failure}
	in.end(f, failure)
	in.leave()
	if in.observe != nil {
		in.observe(info)
	}
}

// cancel closes a suspension whose activation has ended; the callee is given a hint.
func (in *Instance) cancel(s *suspension) {
	in.forgetOpen(s)
	if s.each != nil {
		in.cancelEach(s.each)
		return
	}
	in.box.unexpect(s.id)
	if s.call && (s.retry == nil || !s.retry.paused) {
		in.host.Send(Message{Kind: CancelMsg, Channel: s.channel, Peer: s.peer, Key: in.key, Call: s.id})
	}
}

// answerMissing answers a request that its activation did not: with its failure, or with no reply.
func (in *Instance) answerMissing(f *frame, failure *Failure) {
	f.replied = true
	switch {
	case f.request.Kind == TopicMsg:
		in.host.Send(verdictOn(f.request, Ignore))
		return
	case f.ask == nil && f.request.Kind != RequestMsg:
		return
	}
	fl := Failure{Reason: NoReply, Detail: "the activation ended without a reply"}
	if failure != nil {
		fl = Failure{Reason: Remote, Detail: failure.Error(), RetryAfter: failure.RetryAfter}
		switch failure.Reason {
		case Busy, Denied, TooLarge, Malformed, Expired:
			fl.Reason, fl.Detail = failure.Reason, failure.Detail
		}
	}
	switch {
	case f.ask != nil:
		if failure != nil {
			fl = *failure
		}
		f.ask.fail(&fl)
	case f.request.Kind == RequestMsg:
		in.host.Send(Refusal(f.request, &fl))
	}
}

// Refusal is the answer of a host or an instance to a request that was refused.
func Refusal(m Message, f *Failure) Message {
	return Message{Kind: ErrorMsg, Channel: m.Channel, Peer: m.Peer, Key: m.Key, Call: m.Call, Reason: f.Reason, Detail: f.Detail, Retry: f.RetryAfter}
}
