package graph

import (
	"fmt"
	"time"
)

// A tape stands between an instance and its host. A recorder writes down all that the host gives; a player is the host, and
// gives the same again. Either way the tape rolls one hash over what the instance does with it. It belongs to the instance's
// goroutine.
type tape struct {
	Host // of a player: the player
	in   *Instance
	sum  traceHash
	step []uint64 // a hash of each step's title, and of which one of that title it is, by plan index
	rec  *recorder
	play *player
	user func(TickInfo) // who else observes the instance
}

func newTape(in *Instance) *tape {
	t := &tape{Host: in.host, in: in}
	seen := map[string]uint64{}
	for i := range in.prog.steps {
		title := in.prog.steps[i].title
		var h traceHash
		h.text(title)
		h.word(seen[title])
		seen[title]++
		t.step = append(t.step, uint64(h))
	}
	t.user = in.observe
	in.observe = func(i TickInfo) {
		t.sum.tick(&i)
		if t.user != nil {
			t.user(i)
		}
	}
	in.tape, in.host = t, t
	return t
}

// Uint64 implements Host.
func (t *tape) Uint64() uint64 {
	if t.play != nil {
		return t.play.random()
	}
	v := t.Host.Uint64()
	if t.on() {
		t.rec.random(v)
	}
	return v
}

// Wall implements Host.
func (t *tape) Wall() time.Time {
	if t.play != nil {
		return t.play.wall()
	}
	v := t.Host.Wall()
	if t.on() {
		t.rec.wall(v)
	}
	return v
}

// Send implements Host.
func (t *tape) Send(m Message) {
	if t.on() {
		t.sum.message(&m)
	}
	t.Host.Send(m)
}

// Work implements Host.
func (t *tape) Work(k *Task) {
	if t.on() {
		t.sum.text(k.Name)
		t.sum.word(uint64(k.Deadline))
	}
	t.Host.Work(k)
}

// took notes what the instance takes.
func (t *tape) took(what int) {
	if what != takeEvent {
		t.rec.took(tookOf[what], nil)
		return
	}
	t.rec.took(tookEvents[t.in.ev.kind], &t.in.ev)
}

// fired notes that a step fires.
func (t *tape) fired(step int) { t.sum.word(t.step[step]) }

// changed notes what became of a row.
func (t *tape) changed(table int, kind ChangeKind, row any) {
	t.sum.text(t.in.prog.role.tables[table].name)
	t.sum.word(uint64(kind))
	t.sum.value(row)
}

// lift takes the tape away, between ticks: the instance goes on as one that nobody records. It stays the instance's host, and
// hands on to its own: those who deliver read that field on goroutines of theirs.
func (t *tape) lift() {
	t.in.tape, t.in.observe, t.in.components = nil, t.user, t.in.works
}

// on reports whether the tape was not taken away. On the instance's goroutine.
func (t *tape) on() bool { return t.in.tape == t }

// feed takes the value of a param that its feed has changed.
func (t *tape) feed(i int) {
	if t.play != nil {
		t.play.feed(i)
		return
	}
	t.rec.feed(i)
}

// result takes what a work that has ended gave.
func (t *tape) result(s *suspension) {
	if t.play != nil {
		t.play.result(s)
		return
	}
	t.rec.result(s)
}

// asked notes the answer of a local request on its way back.
func (t *tape) asked(a *asked) *asked {
	return &asked{value: a.value, timeout: a.timeout, succeed: func(v any) {
		t.sum.value(v)
		a.succeed(v)
	}, fail: func(f *Failure) {
		if !t.in.closed { // what Stop answers is no part of the trace
			t.sum.failure(f)
		}
		a.fail(f)
	}}
}

// beginTape puts a tape between the instance and its host, when one was asked for.
func (in *Instance) beginTape() {
	switch {
	case in.record != nil:
		newRecorder(in, in.record)
	case in.play != nil:
		newPlayer(in, in.play)
	default:
		return
	}
	in.wrapReads()
}

// startTape is called when the instance has started.
func (in *Instance) startTape() error {
	if in.play != nil {
		in.box.ours = fifo[event]{} // what a restored instance tells itself is in the recording too
	}
	if in.record == nil {
		return nil
	}
	return in.tape.rec.started()
}

// bindRecorded binds params to what a recording has of them, and no component.
func (in *Instance) bindRecorded() error {
	for _, q := range in.prog.role.params {
		v, ok := in.play.params[q.name]
		if !ok {
			return fmt.Errorf("the recording has no param %q", q.name)
		}
		b := q.hold()
		if err := b.load(v); err != nil {
			return fmt.Errorf("the recorded value of param %q is no %s any more: %w", q.name, typeName(q.typ), err)
		}
		in.params = append(in.params, b)
	}
	in.components = make([]any, len(in.prog.role.components))
	return nil
}
