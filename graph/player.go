package graph

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// A player is the host of a replay: it gives an instance again what a recording holds of each event. Where the instance asks
// for something else than the recording has, the two have parted, and nothing that it does from then on means anything.
type player struct {
	self   Peer
	now    Time
	reads  []string // as the recording numbers them
	t      *tape
	given  recordCursor      // what the event under way was given
	params map[string][]byte // at the start
	part   string            // in which way the replay has parted from the recording, "" while it has not
}

var _ Host = playerHost{}

// playerHost is the part of a player that is no randomness: what leaves goes nowhere, since what comes back is recorded.
type playerHost struct{ p *player }

func (h playerHost) Self() Peer      { return h.p.self }
func (h playerHost) Now() Time       { return h.p.now }
func (h playerHost) Wall() time.Time { return time.Time{} }
func (h playerHost) Uint64() uint64  { return 0 }
func (h playerHost) Send(Message)    {}
func (h playerHost) Work(*Task)      {}
func (h playerHost) Wake()           {}

func newPlayer(in *Instance, p *player) {
	p.t = newTape(in)
	p.t.play = p
}

// parts notes that the replay has parted; the first reason stays.
func (p *player) parts(format string, args ...any) {
	if p.part == "" {
		p.part = fmt.Sprintf(format, args...)
	}
}

var gaveNames = map[byte]string{gaveNothing: "nothing more", gaveRandom: "randomness", gaveWall: "the calendar", gaveRead: "a component",
	gaveFeed: "a feed", gaveResult: "the result of work"}

// next reports whether what was given next is of a kind.
func (p *player) next(kind byte) bool {
	if p.part != "" {
		return false
	}
	if got := p.given.byte(); got != kind {
		p.parts("it asks for %s, where the recording has %s", gaveNames[kind], gaveName(got))
		return false
	}
	return true
}

func gaveName(kind byte) string {
	if n, ok := gaveNames[kind]; ok {
		return n
	}
	return fmt.Sprintf("something unknown (%d)", kind)
}

func (p *player) random() uint64 {
	if !p.next(gaveRandom) {
		return 0
	}
	return p.given.fixed()
}

func (p *player) wall() time.Time {
	if !p.next(gaveWall) {
		return time.Unix(0, 0)
	}
	sec := p.given.varint()
	return time.Unix(sec, int64(p.given.uvarint()%1e9))
}

// read decodes what a component gave into v.
func (p *player) read(id int, v any) error {
	if !p.next(gaveRead) {
		return errParted
	}
	want, got := p.t.in.reads[id], "another component"
	if n := p.given.uvarint(); n < uint64(len(p.reads)) {
		got = p.reads[n]
	}
	if got != want {
		p.parts("it reads %s, where the recording has %s", want, got)
		return errParted
	}
	return p.outcome(v)
}

var errParted = errors.New("the replay has parted from the recording")

// outcome decodes a value into v, and gives the error beside it.
func (p *player) outcome(v any) error {
	if err := snapMode.Unmarshal(p.given.bytes(), v); err != nil {
		p.parts("what a component gave is no %T any more: %v", v, err)
		return errParted
	}
	if p.given.byte() == 0 {
		return nil
	}
	e := &recordedError{}
	if err := snapMode.Unmarshal(p.given.bytes(), e); err != nil {
		p.parts("an error of a component does not decode: %v", err)
	}
	return e
}

func (p *player) feed(i int) {
	if !p.next(gaveFeed) {
		return
	}
	if err := p.t.in.params[i].load(p.given.bytes()); err != nil {
		p.parts("the value of param %q does not decode: %v", p.t.in.prog.role.params[i].name, err)
	}
}

func (p *player) result(s *suspension) {
	if s.outcome == nil {
		p.parts("%s has a result, and is no work", p.t.in.prog.steps[s.step].title)
		return
	}
	if p.next(gaveResult) {
		s.outcome.put(p.outcome)
	}
}

var tookNames = [...]string{"nothing", "a message", "an answer", "a request of the node", "the end of a work", "a change of a feed",
	"what follows from an earlier event", "a timeout", "an expiry", "a timer"}

// play runs one event: what it was, and all that was given meanwhile, are in c.
func (p *player) play(what byte, c recordCursor) {
	in := p.t.in
	switch {
	case int(what) >= len(tookNames) || what == 0:
		p.parts("an event of the unknown kind %d", what)
		return
	case what <= tookFeed:
		arrived := p.now.Add(time.Duration(c.varint()))
		in.ev = event{kind: kindOfTook(int(what)), arrived: arrived}
		p.event(what, &c)
	}
	if p.part != "" || c.bad {
		p.parts("the event does not decode")
		return
	}
	p.given = c
	in.now = p.now
	found, which := takeEvent, 0
	if what > tookFeed {
		if found, which = in.choose(); found >= len(tookOf) || tookOf[found] != int(what) {
			p.parts("the recording has %s, and here there is %s", tookNames[what], dueName(found))
			return
		}
	}
	in.turn(found, which)
	if p.next(gaveNothing) && (p.given.bad || len(p.given.b) != 8) {
		p.parts("the end of the event does not decode")
	}
}

func kindOfTook(what int) eventKind { return eventKind(slices.Index(tookEvents[:], what)) }

func dueName(found int) string {
	if found < len(tookOf) && tookOf[found] != 0 {
		return tookNames[tookOf[found]]
	}
	return "nothing that is due"
}

// event fills in the event of the inbox that is to be taken.
func (p *player) event(what byte, c *recordCursor) {
	in := p.t.in
	ev := &in.ev
	switch what {
	case tookMessage:
		ev.msg = c.message()
		step, ok := in.prog.receive[ev.msg.Channel]
		if ev.step = step; !ok || !in.prog.steps[step].s.chann.carries(ev.msg.Kind) {
			p.parts("nothing here receives such a message on %q", ev.msg.Channel)
		}
	case tookAnswer:
		ev.msg = c.message()
	case tookAsk:
		p.ask(c)
	case tookTask:
		ev.task = c.uvarint()
	case tookFeed:
		name := c.text()
		for i, q := range in.prog.role.params {
			if q.name == name {
				ev.feed = i
				return
			}
		}
		p.parts("there is no param %q here", name)
	}
}

// ask makes the local request of a recording; its answer goes into the hash alone.
func (p *player) ask(c *recordCursor) {
	in := p.t.in
	name := c.text()
	step, ok := in.prog.asks[name]
	if !ok {
		p.parts("there is no ask %q here", name)
		return
	}
	timeout := time.Duration(c.varint())
	v := reflect.New(in.prog.steps[step].s.chann.request)
	if err := snapMode.Unmarshal(c.bytes(), v.Interface()); err != nil {
		p.parts("the request of ask %q is no %s any more: %v", name, typeName(v.Type().Elem()), err)
		return
	}
	in.ev.step = step
	in.ev.ask = p.t.asked(&asked{value: v.Elem().Interface(), timeout: timeout, succeed: func(any) {}, fail: func(*Failure) {}})
}

// outcome is what a work gave, whatever its type.
type outcome interface {
	get() (any, error)
	put(decode func(v any) error)
}

type outcomeOf[A any] struct {
	v   A
	err error
}

func (o *outcomeOf[A]) get() (any, error)            { return &o.v, o.err }
func (o *outcomeOf[A]) put(decode func(v any) error) { o.err = decode(&o.v) }
