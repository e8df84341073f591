package graph

// stepCount counts what a step did; read between ticks.
type stepCount struct {
	fired   uint64
	retried uint64 // attempts of a call beyond the first
	failed  *[Reasons]uint64
}

// A TickInfo tells of one committed or failed tick, for observers.
type TickInfo struct {
	At      Time
	Event   string // what was taken: message, ask, timer, change, failure, answer, timeout, expiry, cancel
	Origin  string // the step that began the activation, or resumed it
	Sender  Peer
	Fired   int
	Effects int
	Changes int
	Failure *Failure // of a tick that failed
}

// run fires what is ready in f, commits, and ends the activation when nothing is left of it.
func (in *Instance) run(f *frame, kind string, at int) {
	in.enter(f)
	info := TickInfo{At: in.now, Event: kind, Origin: in.prog.steps[at].title, Sender: f.sender}
	failure := in.fireAll(f, &info.Fired)
	info.Effects, info.Changes, info.Failure = len(in.effects), len(in.touched), failure
	if failure != nil {
		info.Effects, info.Changes = 0, 0
		in.abandon()
		in.end(f, failure)
	} else {
		in.commit(f)
		if len(f.opens) == 0 {
			in.end(f, nil)
		}
	}
	in.leave()
	in.ticks++
	if in.observe != nil {
		in.observe(info)
	}
}

func (in *Instance) fireAll(f *frame, fired *int) *Failure {
	x, steps, counts := &in.x, in.prog.steps, in.counts
	for {
		i := f.next()
		if i < 0 {
			return nil
		}
		ps := &steps[i]
		counts[i].fired++
		*fired++
		if in.tape != nil {
			in.tape.fired(i)
		}
		var effects, changes int
		if !ps.pure {
			effects, changes = len(in.effects), len(in.undo)
		}
		var given given
		if in.check {
			given = in.inputs(ps)
		}
		port, err := ps.fire(x)
		if in.check {
			given.check(ps)
		}
		if err == nil {
			if port == 0 {
				f.tell(ps.first)
			} else if port > 0 {
				f.tell(ps.readers[port])
			}
			continue
		}
		if !ps.pure {
			in.takeBack(effects, changes)
		}
		if failure := in.fail(f, i, err); failure != nil {
			return failure
		}
	}
}

// fail routes the failure of step i: to its failure port, else to the role's handler, else it is the tick's.
func (in *Instance) fail(f *frame, i int, err error) *Failure {
	ps := &in.prog.steps[i]
	fl := asFailure(err, ps.name)
	if fl.Reason >= Reasons || fl.Reason == None {
		fl.Reason = Remote
	}
	c := &in.counts[i]
	if c.failed == nil {
		c.failed = new([Reasons]uint64)
	}
	c.failed[fl.Reason]++
	switch {
	case len(ps.onFail) > 0:
		*slotAt[Failure](&in.x, ps.failOff) = fl
		f.tell(ps.onFail)
	case in.prog.failures >= 0 && f.origin != in.prog.failures:
		in.failed = append(in.failed, fl)
	default:
		return &fl
	}
	return nil
}

// takeBack drops what a failed step did.
func (in *Instance) takeBack(effects, changes int) {
	for n := len(in.undo); n > changes; n-- {
		in.tables[in.undo[n-1]].undoLast()
	}
	in.undo = in.undo[:changes]
	clear(in.effects[effects:])
	in.effects = in.effects[:effects]
}

// abandon takes back a whole tick.
func (in *Instance) abandon() {
	in.takeBack(0, 0)
	in.forget()
	in.failed = in.failed[:0]
}

// A followUp is an activation that begins after the commit: a table's change, or a failure for the handler.
type followUp struct {
	step    int
	failure *Failure
}

// commit makes the tick's table changes and sends stand, together.
func (in *Instance) commit(f *frame) {
	changed := in.settle()
	for i := range in.effects {
		in.perform(f, &in.effects[i])
		in.effects[i] = effect{}
	}
	in.effects = in.effects[:0]
	for i := range in.failed {
		fl := in.failed[i]
		in.follow.push(followUp{step: in.prog.failures, failure: &fl})
	}
	in.failed = in.failed[:0]
	for t := 0; changed && t < len(in.wrote); t++ {
		if !in.wrote[t] {
			continue
		}
		in.wrote[t] = false
		in.tables[t].publish()
		for _, d := range in.prog.due[t] {
			in.armStep(d)
		}
	}
}

// settle works out what became of each row that the tick touched, and marks the tables that it wrote.
func (in *Instance) settle() (changed bool) {
	if len(in.touched) == 0 {
		return false
	}
	for _, t := range in.touched {
		kind := in.tables[t].settleNext()
		if kind == 0 {
			continue
		}
		changed, in.wrote[t] = true, true
		if in.tape != nil {
			in.tape.changed(t, kind, in.tables[t].lastSettled())
		}
		if in.prog.role.tables[t].changes != nil {
			in.follow.push(followUp{step: in.prog.changes[t]})
		}
		if kind != Refreshed {
			in.tables[t].soil()
		}
	}
	in.forget()
	in.undo = in.undo[:0]
	return changed
}

// forget ends the tick's books of its tables.
func (in *Instance) forget() {
	for _, t := range in.touched {
		in.tables[t].forget()
	}
	in.touched = in.touched[:0]
}

// followUps runs what follows from an event, up to the bound of a chain; the rest waits for the next instant.
func (in *Instance) followUps() {
	if in.now < in.resumeAt {
		return
	}
	for n := 0; n < in.bounds.Chain && in.following() && !in.closed; n++ {
		if in.items.len() > 0 {
			in.itemTick()
			continue
		}
		fu := in.follow.pop()
		name := "change"
		if fu.failure != nil {
			name = "failure"
		}
		in.begin(fu.step, &event{failure: fu.failure}, name)
	}
	if in.follow.len() > 0 || in.items.len() > 0 {
		in.resumeAt = in.now + 1
	}
}

// following reports whether there is a tick that follows and may run: items of a for-each have their frames already.
func (in *Instance) following() bool { return in.items.len() > 0 || in.follow.len() > 0 && in.room() }

// begin starts an activation of the node's own at an origin.
func (in *Instance) begin(step int, ev *event, name string) {
	f := in.newFrame(step)
	in.enter(f)
	if err := in.prog.steps[step].begin(&in.x, ev); err != nil {
		failure := asFailure(err, in.prog.steps[step].name)
		in.ended(f, &failure, name, step)
		return
	}
	in.counts[step].fired++
	f.tell(in.prog.steps[step].readers[0])
	in.run(f, name, step)
}

// end ends an activation: its caller is answered if nobody did, its open calls are cancelled.
func (in *Instance) end(f *frame, failure *Failure) {
	for _, s := range f.opens {
		in.cancel(s)
	}
	if !f.replied {
		in.answerMissing(f, failure)
	}
	switch {
	case f.outside:
		in.box.release(f.charged, f.bytes)
	case f.ask != nil:
		in.box.releaseOwn()
	}
	if f.each != nil {
		in.itemEnded(f, failure)
	} else {
		in.timerEnded(f.origin, failure != nil)
	}
	in.freeFrame(f)
}
