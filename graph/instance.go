package graph

import (
	"errors"
	"fmt"
)

// An Instance is a program with its bindings and its state on one node. Next, Deadline, Counters and Stop are for one
// goroutine at a time, the host's; Deliver, Submit and Refused are safe from any.
type Instance struct {
	prog *Program
	host Host
	settings
	incarnation uint64

	params     []boundParam
	unwatch    []func()
	components []any // as steps see them
	works      []any // as Work does
	reads      []string
	tape       *tape // nil when nothing records the instance or plays it
	tables     []tableState
	timers     []timerState
	box        inbox

	now    Time
	x      Tick
	ev     event // that was taken
	free   []*frame
	frames []*frame // suspended and running, in no order

	effects []effect
	undo    []int  // tables, one entry a change
	touched []int  // tables, one entry a row
	wrote   []bool // by table, in commit
	failed  []Failure

	open     map[uint64]*suspension
	waiting  heapOf[*suspension]
	nextID   uint64
	follow   fifo[followUp]
	items    fifo[itemTick]
	resumeAt Time // of follow-ups that wait for the next instant
	busy     map[busyKey]Time

	counts []stepCount
	ticks  uint64
	late   uint64
	closed bool
}

// Bounds are what an instance takes on at most; zero means the default.
type Bounds struct {
	Outside      int // events of others, waiting or being worked on: 1024. One peer may have an eighth.
	OutsideBytes int // their payloads: 8 MiB. One peer may have an eighth, or one message of the greatest size.
	Own          int // requests of the node itself, waiting or being worked on: 1024
	Activations  int // that are suspended or running: 4096. Over it requests are refused; timers and changes wait.
	Chain        int // ticks that follow one event before the rest waits: 64
}

func (b *Bounds) defaults() {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&b.Outside, 1024)
	set(&b.OutsideBytes, 8<<20)
	set(&b.Own, 1024)
	set(&b.Activations, 4096)
	set(&b.Chain, 64)
}

// Start gives an instance of p on a host. It refuses, all at once, what is unbound, bound twice, of the wrong type or
// unknown. The host may call Next at once: timers may be due.
func Start(p *Program, h Host, opts ...Option) (_ *Instance, err error) {
	in := &Instance{prog: p, host: h, open: map[uint64]*suspension{}, counts: make([]stepCount, len(p.steps)),
		tables: make([]tableState, len(p.role.tables)), wrote: make([]bool, len(p.role.tables)), busy: map[busyKey]Time{}}
	in.settings.binds = map[string]any{}
	for _, o := range opts {
		o(&in.settings)
	}
	in.bounds.defaults()
	if err := in.bindAll(); err != nil {
		return nil, fmt.Errorf("start %s %s: %w", p.g.name, p.role.name, err)
	}
	in.works = in.components
	in.beginTape()
	if in.live == nil {
		in.incarnation = in.host.Uint64()
		in.nextID = in.incarnation // so that an answer to an earlier incarnation fits no call of this one
	}
	in.x.inst = in
	in.now = h.Now()
	for i, t := range p.role.tables {
		in.tables[i] = t.make(in, t)
	}
	in.box.start(in)
	defer func() {
		if err != nil {
			in.leaveFeeds() // or they would hold, and tell, what never ran
		}
	}()
	for i, q := range in.params {
		if un := q.watch(func() { in.box.feedChanged(i) }); un != nil {
			in.unwatch = append(in.unwatch, un)
			q.refresh() // what was set since it was bound
		}
	}
	in.timers = make([]timerState, len(p.timers))
	if in.snapshot != nil {
		if err := in.restore(); err != nil {
			return nil, fmt.Errorf("start %s %s: %w", p.g.name, p.role.name, err)
		}
	} else {
		for i := range in.timers {
			in.timers[i].Fired = -1
			in.arm(i)
		}
	}
	if err := in.startTape(); err != nil {
		return nil, fmt.Errorf("start %s %s: %w", p.g.name, p.role.name, err)
	}
	in.snapshot, in.live = nil, nil
	return in, nil
}

func (in *Instance) bindAll() error {
	if in.play != nil {
		return in.bindRecorded()
	}
	faults := append([]error(nil), in.settings.faults...)
	if in.record != nil {
		faults = append(faults, in.prog.recordable()...)
		if in.live != nil {
			faults = append(faults, errors.New("a recording begins with a start: Resume goes on with an instance that runs"))
		}
	}
	used := map[string]bool{}
	for _, q := range in.prog.role.params {
		v, ok := in.binds[q.name]
		used[q.name] = true
		if !ok {
			faults = append(faults, fmt.Errorf("param %q is not bound: give graph.Bind(%q, …) with a value of type %s, or a feed of it", q.name, q.name, typeName(q.typ)))
			continue
		}
		b, ok := q.bind(v)
		if !ok {
			faults = append(faults, fmt.Errorf("param %q is bound to a value of type %T: give one of type %s, or a feed of it", q.name, v, typeName(q.typ)))
		}
		in.params = append(in.params, b)
	}
	for _, c := range in.prog.role.components {
		v, ok := in.binds[c.name]
		used[c.name] = true
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("component %q is not bound: give graph.Bind(%q, …) with a %s", c.name, c.name, typeName(c.typ)))
		case !c.fits(v):
			faults = append(faults, fmt.Errorf("component %q is a %s, which the bound %T is not", c.name, typeName(c.typ), v))
		}
		in.components = append(in.components, v)
	}
	for _, n := range in.names {
		if !used[n] {
			used[n] = true
			faults = append(faults, fmt.Errorf("nothing here is named %q: remove the binding", n))
		}
	}
	return errors.Join(faults...)
}

// Program is what the instance runs.
func (in *Instance) Program() *Program { return in.prog }

// Key is the instance key, "" when it has none.
func (in *Instance) Key() string { return in.key }

// Incarnation is random for each start; frames of an earlier one mean nothing to this one.
func (in *Instance) Incarnation() uint64 { return in.incarnation }

// room reports whether an activation may begin. Without it timers and changes wait until one ends, which it does by its
// deadlines at the latest; answers and results need no room.
func (in *Instance) room() bool { return len(in.frames) < in.bounds.Activations }

// Deadline is when Next has work that no inbox event brings; a time that has passed means now.
func (in *Instance) Deadline() (at Time, ok bool) {
	if in.closed {
		return 0, false
	}
	at = Forever
	if len(in.waiting) > 0 {
		at = in.waiting[0].deadline
	}
	for _, t := range in.tables {
		if e, ok := t.nextExpiry(); ok {
			at = min(at, e)
		}
	}
	if in.following() {
		at = min(at, in.resumeAt)
	}
	if in.room() {
		for i := range in.timers {
			at = min(at, in.timers[i].when())
		}
	}
	return at, at < Forever
}

// What Next may take, in the order of one instant.
const (
	takeNothing = iota
	takeEvent
	takeFollowUps
	takeTimeout
	takeExpiry
	takeTimer
)

// Next takes one event that is due, in the order of the time at which it became due, and runs it with what follows from
// it; false when nothing is due. At one instant: arrivals, then what waits from an earlier chain, call timeouts by
// (deadline, id), expiries by table, timers by recording index.
func (in *Instance) Next() bool {
	if in.closed {
		return false
	}
	in.now = max(in.now, in.host.Now())
	what, which := in.choose()
	if what == takeNothing {
		return false
	}
	if what == takeEvent {
		in.ev = in.box.take()
	}
	if in.tape != nil {
		in.tape.took(what)
	}
	in.turn(what, which)
	if in.tape != nil {
		in.tape.rec.hand()
	}
	return true
}

// turn runs what is to be taken, with what follows from it.
func (in *Instance) turn(what, which int) {
	switch what {
	case takeEvent:
		in.event(&in.ev)
		in.ev = event{}
	case takeTimeout:
		in.expireCall()
	case takeExpiry:
		in.expireRow(which)
	case takeTimer:
		in.fireTimer(which)
	}
	in.followUps()
}

// choose finds what became due first.
func (in *Instance) choose() (what, which int) {
	best := in.now + 1
	if at, ok := in.box.head(); ok {
		best, what = min(at, in.now), takeEvent
	}
	room := in.room()
	if in.following() && in.resumeAt < best {
		best, what = in.resumeAt, takeFollowUps
	}
	if len(in.waiting) > 0 && in.waiting[0].deadline < best {
		best, what = in.waiting[0].deadline, takeTimeout
	}
	for i, t := range in.tables {
		if e, ok := t.nextExpiry(); ok && e < best {
			best, what, which = e, takeExpiry, i
		}
	}
	for i := 0; room && i < len(in.timers); i++ {
		if at := in.timers[i].when(); at < best {
			best, what, which = at, takeTimer, i
		}
	}
	return what, which
}

// Stop ends the instance: it takes nothing more, every open request of the node is answered with Lost, and feeds are left.
func (in *Instance) Stop() {
	if in.closed {
		return
	}
	in.closed = true
	if in.tape != nil {
		in.tape.rec.stop("the instance was stopped")
	}
	in.leaveFeeds()
	asks := in.box.close()
	stop := &Failure{Reason: Lost, Detail: "the instance has stopped"}
	for _, a := range asks {
		a.fail(stop)
	}
	for _, f := range in.frames {
		if f.ask != nil && !f.replied {
			f.replied = true
			f.ask.fail(stop)
		}
	}
}

// leaveFeeds has the feeds of the instance's params tell it nothing more.
func (in *Instance) leaveFeeds() {
	for _, un := range in.unwatch {
		un()
	}
	in.unwatch = nil
}
