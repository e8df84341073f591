package graph

import (
	"reflect"
	"time"
)

// Timer is the origin that the timed ops are made of. It is armed at the Time that next gives for the value of c: at Start,
// after each commit that writes c, and, when repeat is set, after each firing; ok false disarms it. A time that has passed
// fires at once. When its activation fails it is armed again after one second, doubling to one minute, so that no single
// failure silences a node. The wire carries the time for which it was armed.
func Timer[T any](r *Role, name string, c Cell[T], repeat bool, next func(x *Tick, v T) (at Time, ok bool)) Wire[Time] {
	s := &step{role: r, kind: kindTimer, op: name, ins: []source{c.p.src}, outs: []reflect.Type{reflect.TypeFor[Time]()}, repeat: repeat}
	record(s)
	s.build = func(l *layout) planFns {
		off := l.slot(s, 0)
		return planFns{
			begin: func(x *Tick, ev *event) error {
				*slotAt[Time](x, off) = ev.at
				return nil
			},
			next: func(x *Tick) (Time, bool) { return next(x, c.p.read(x.inst)) },
		}
	}
	return Wire[Time]{s, 0}
}

// timerState is a timer of an instance.
type timerState struct {
	Armed   bool
	At      Time // the time that was asked for
	Due     Time // when it fires: at, or when it was armed if that was later
	Retry   Time // when it fires again for an activation that failed; 0 for none
	Backoff time.Duration
	Fired   Time // the instant of its last firing
}

// when is when the timer fires next.
func (t *timerState) when() Time {
	at := Time(Forever)
	if t.Armed {
		at = t.Due
	}
	if t.Retry != 0 {
		at = min(at, t.Retry)
	}
	return at
}

const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// arm asks the i-th timer when it fires next. One that fired at this instant fires at the next one at the soonest, so that
// time moves on.
func (in *Instance) arm(i int) {
	t := &in.timers[i]
	t.At, t.Armed = in.prog.steps[in.prog.timers[i]].next(&in.x)
	t.Retry = 0
	if t.Due = max(t.At, in.now); t.Fired == in.now {
		t.Due = max(t.Due, in.now+1)
	}
}

func (in *Instance) armStep(step int) {
	for i, s := range in.prog.timers {
		if s == step {
			in.arm(i)
		}
	}
}

func (in *Instance) fireTimer(i int) {
	step, t := in.prog.timers[i], &in.timers[i]
	at := t.Retry
	if t.Armed && t.Due <= in.now {
		at, t.Armed = t.At, false
	}
	t.Retry, t.Fired = 0, in.now
	in.begin(step, &event{at: at}, "timer")
	if in.prog.steps[step].s.repeat && t.when() == Forever {
		in.arm(i)
	}
}

// timerEnded has a timer fire again for an activation that failed, unless it is due before that anyway.
func (in *Instance) timerEnded(step int, failed bool) {
	if in.prog.steps[step].s.kind != kindTimer {
		return
	}
	for i, s := range in.prog.timers {
		if s != step {
			continue
		}
		t := &in.timers[i]
		if !failed {
			t.Backoff = 0
			return
		}
		t.Backoff = min(max(firstBackoff, 2*t.Backoff), lastBackoff)
		if again := in.now.Add(t.Backoff); again < t.when() {
			t.Retry = again
		}
	}
}
