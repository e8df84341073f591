package graph

import "time"

// A CallOption changes how a Call is made.
type CallOption func(*step)

// retryPolicy is how often and how soon a call is tried again.
type retryPolicy struct {
	attempts    int
	first, most time.Duration
}

// Retry has a call tried again when an attempt ends in timeout, busy, unreachable or lost: attempts times in all, waiting
// first before the second, then twice as long each time up to most, between half of it and all of it, and no less than a
// busy peer asked for, up to a minute. Each attempt has the call's timeout; all end with the activation's deadline. So the request may run
// more than once: all attempts carry one key, Request.Once, by which the callee knows them. The activation stays suspended
// meanwhile, and the failure port carries the failure of the last attempt.
func Retry(attempts int, first, most time.Duration) CallOption {
	return func(s *step) { s.retry = &retryPolicy{attempts, first, most} }
}

// retrying is where a call that may be tried again stands.
type retrying struct {
	attempt int
	once    uint64
	payload []byte
	timeout time.Duration
	paused  bool // it waits for the next attempt
}

// wait is how long to wait after an attempt.
func (p *retryPolicy) wait(attempt int, random uint64) time.Duration {
	d := p.most
	if shift := attempt - 1; shift < 62 && p.first<<shift>>shift == p.first {
		d = min(p.first<<shift, p.most)
	}
	return d - time.Duration(random%uint64(d/2+1))
}

// again has a call that failed wait for its next attempt; false when there is none.
func (in *Instance) again(s *suspension, f *Failure) bool {
	r := s.retry
	if r == nil {
		return false
	}
	switch f.Reason {
	case Timeout, Busy, Unreachable, Lost:
	default:
		return false
	}
	p := in.prog.steps[s.step].s.retry
	if r.attempt >= p.attempts {
		return false
	}
	at := in.now.Add(max(p.wait(r.attempt, in.host.Uint64()), min(f.RetryAfter, mostPatience)))
	if s.frame.deadline != 0 && at >= s.frame.deadline {
		return false
	}
	in.forgetOpen(s)
	r.paused = true
	in.reopen(s, at)
	return true
}

// pause has a call wait for its first attempt: the peer asked us to come back later.
func (in *Instance) pause(x *Tick, step int, to Peer, payload []byte, timeout time.Duration, until Time) {
	in.nextID++
	s := &suspension{step: step, frame: x.frame, deadline: until, peer: to, channel: in.prog.steps[step].s.chann.name, call: true, at: -1,
		retry: &retrying{once: in.nextID, payload: payload, timeout: timeout, paused: true}}
	in.effects = append(in.effects, effect{kind: effPause, susp: s})
}

// reopen puts a suspension into the books under a new id.
func (in *Instance) reopen(s *suspension, deadline Time) {
	in.nextID++
	s.id, s.deadline = in.nextID, deadline
	in.open[s.id] = s
	in.waiting.push(s)
}

// resend makes the next attempt of a call.
func (in *Instance) resend(s *suspension) {
	r, c := s.retry, in.prog.steps[s.step].s.chann
	in.forgetOpen(s)
	r.paused = false
	r.attempt++
	d, err := in.until(s.frame, r.timeout)
	if err != nil {
		fl := asFailure(err, in.prog.steps[s.step].name)
		in.resolve(s, &resumption{failure: &fl}, "retry")
		return
	}
	in.reopen(s, in.now.Add(d))
	in.counts[s.step].retried++
	in.box.expect(s.id, s.peer, c.maxReply)
	in.host.Send(Message{Kind: RequestMsg, Channel: c.name, Peer: s.peer, Key: in.key, Call: s.id, Once: r.once, Remaining: d, Payload: r.payload,
		Relayed: s.frame.sender != ""})
	in.ticks++
	if in.observe != nil {
		in.observe(TickInfo{At: in.now, Event: "retry", Origin: in.prog.steps[s.step].title, Sender: s.frame.sender, Effects: 1})
	}
}
