package graph

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// A snapshot is the state of an instance between ticks. Times are those of a clock that stood at Now, and are moved when it
// is restored: what matters is their distance. Frames name each other by their place.
type snapshot struct {
	Program     [8]byte // a hash of what the instance ran
	Now         Time
	Incarnation uint64
	NextID      uint64
	ResumeAt    Time
	Tables      []tableSnapshot
	Frames      []frameSnapshot
	Suspended   []suspensionSnapshot
	Eaches      []eachSnapshot
	Follow      []followSnapshot
	Items       []itemSnapshot
	Timers      []timerState
	Busy        []busySnapshot
}

type tableSnapshot struct {
	Seq     uint64
	Rows    []rowSnapshot // the oldest put first
	Changes [][]byte      // that have not begun an activation yet
}

type rowSnapshot struct {
	Value   []byte
	Expires Time
	Seq     uint64
	Source  Peer
}

type frameSnapshot struct {
	Origin   int
	Pending  []int16
	Arm      []uint16
	Sender   Peer
	Deadline Time
	Request  Message
	Replied  bool
	Outside  bool
	Charged  Peer
	Bytes    int
	Asked    bool
	Each     int // place in Eaches, -1 for none
	Item     int
	Slots    map[int][]byte // live wires, by field
}

type suspensionSnapshot struct {
	ID       uint64
	Step     int
	Frame    int
	Deadline Time
	Peer     Peer
	Call     bool
	Attempt  int // of a call with Retry
	Once     uint64
	Payload  []byte
	Timeout  int64
	Retry    bool
	Paused   bool
	Each     int // place in Eaches, -1 for none
}

type eachSnapshot struct {
	Items, Left int
	Children    []int // places in Frames, -1 where one has ended
	Gathered    [][]byte
}

type followSnapshot struct {
	Step    int
	Failure *Failure
}

type itemSnapshot struct{ Each, Child int }

type busySnapshot struct {
	Peer    Peer
	Channel string
	Until   Time
}

// Snapshot gives the state of the instance, for Restore or Resume: tables and joins, suspended activations with the wires
// that they may still read, timers, ids. It is soft state, of one version of one program. Between ticks, on the host's
// goroutine.
func (in *Instance) Snapshot() ([]byte, error) {
	s := snapshot{Program: in.prog.hash(), Now: max(in.now, in.host.Now()), Incarnation: in.incarnation, NextID: in.nextID, ResumeAt: in.resumeAt,
		Timers: slices.Clone(in.timers)}
	for i, t := range in.tables {
		ts, err := t.save()
		if err != nil {
			return nil, fmt.Errorf("snapshot table %s: %w", in.prog.role.tables[i].name, err)
		}
		s.Tables = append(s.Tables, ts)
	}
	eaches := map[*each]int{}
	for _, f := range in.frames {
		for _, o := range f.opens {
			if o.each != nil {
				eaches[o.each] = len(s.Eaches)
				es, err := saveEach(o.each)
				if err != nil {
					return nil, err
				}
				s.Eaches = append(s.Eaches, es)
			}
		}
	}
	for _, f := range in.frames {
		fs, err := in.saveFrame(f, eaches)
		if err != nil {
			return nil, err
		}
		s.Frames = append(s.Frames, fs)
		for _, o := range f.opens {
			s.Suspended = append(s.Suspended, saveSuspension(o, eaches))
		}
	}
	for _, fu := range in.follow.all() {
		s.Follow = append(s.Follow, followSnapshot{fu.step, fu.failure})
	}
	for _, it := range in.items.all() {
		switch {
		case it.each.over || it.child != nil && it.child.gen != it.gen:
		case it.child == nil:
			s.Items = append(s.Items, itemSnapshot{eaches[it.each], -1})
		default:
			s.Items = append(s.Items, itemSnapshot{eaches[it.each], it.child.at})
		}
	}
	for k, until := range in.busy { //lint:unordered sorted below
		s.Busy = append(s.Busy, busySnapshot{k.peer, k.channel, until})
	}
	slices.SortFunc(s.Busy, func(a, b busySnapshot) int { //lint:total-key peer and channel are the key
		if a.Peer != b.Peer {
			return cmpString(string(a.Peer), string(b.Peer))
		}
		return cmpString(a.Channel, b.Channel)
	})
	return encMode.Marshal(s)
}

func cmpString(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// hash is over the drawing: steps, types, tables and channels.
func (p *Program) hash() (h [8]byte) {
	b, _ := json.Marshal(p.g.Describe(p.role.name)) // plain data always encodes
	sum := sha256.Sum256(b)
	copy(h[:], sum[:])
	return h
}

// liveOf gives the fields of a frame that its activation may still read.
func (in *Instance) liveOf(f *frame) []int {
	var fields []int
	for _, o := range f.opens {
		fields = append(fields, in.prog.steps[o.step].live...)
	}
	if f.each != nil {
		fields = append(fields, in.prog.steps[f.each.susp.step].bodyLive...)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

func (in *Instance) saveFrame(f *frame, eaches map[*each]int) (frameSnapshot, error) {
	s := frameSnapshot{Origin: f.origin, Pending: slices.Clone(f.pending), Arm: slices.Clone(f.arm), Sender: f.sender, Deadline: f.deadline,
		Request: f.request, Replied: f.replied, Outside: f.outside, Charged: f.charged, Bytes: f.bytes, Asked: f.ask != nil, Each: -1,
		Item: f.item, Slots: map[int][]byte{}}
	if f.each != nil {
		s.Each = eaches[f.each]
	}
	for _, i := range in.liveOf(f) {
		b, err := encMode.Marshal(f.box.Field(i).Interface())
		if err != nil {
			return s, fmt.Errorf("snapshot a wire of %s: %w", in.prog.steps[f.origin].title, err)
		}
		s.Slots[i] = b
	}
	return s, nil
}

func saveSuspension(o *suspension, eaches map[*each]int) suspensionSnapshot {
	s := suspensionSnapshot{ID: o.id, Step: o.step, Frame: o.frame.at, Deadline: o.deadline, Peer: o.peer, Call: o.call, Each: -1}
	if r := o.retry; r != nil {
		s.Retry, s.Attempt, s.Once, s.Payload, s.Timeout, s.Paused = true, r.attempt, r.once, r.payload, int64(r.timeout), r.paused
	}
	if o.each != nil {
		s.Each = eaches[o.each]
	}
	return s
}

func saveEach(e *each) (eachSnapshot, error) {
	s := eachSnapshot{Items: e.items, Left: e.left}
	for _, c := range e.children {
		if c == nil {
			s.Children = append(s.Children, -1)
		} else {
			s.Children = append(s.Children, c.at)
		}
	}
	for _, g := range e.gathered {
		b, err := g.save()
		if err != nil {
			return s, fmt.Errorf("snapshot a gather: %w", err)
		}
		s.Gathered = append(s.Gathered, b)
	}
	return s, nil
}

// save and load keep a gather's outcomes.
func (g *gathered[T]) save() ([]byte, error) {
	return encMode.Marshal(gatheredSnapshot[T]{g.out, g.has})
}

func (g *gathered[T]) load(b []byte, d Time) error {
	var s gatheredSnapshot[T]
	if err := snapMode.Unmarshal(b, &s); err != nil {
		return err
	}
	shiftTimes(reflect.ValueOf(&s).Elem(), d)
	if len(s.Out) != len(g.out) || len(s.Has) != len(g.has) {
		return fmt.Errorf("%d outcomes, not %d", len(s.Out), len(g.out))
	}
	g.out, g.has = s.Out, s.Has
	return nil
}

type gatheredSnapshot[T any] struct {
	Out []Outcome[T]
	Has []bool
}

// save gives the rows, the oldest put first.
func (r *Rows[K, V]) save() (s tableSnapshot, err error) {
	s.Seq = r.seq
	for o := r.age.next; o != &r.age; o = o.next {
		b, err := encMode.Marshal(o.value)
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, rowSnapshot{b, o.expires, o.seq, o.source})
	}
	for _, c := range r.changes.all() {
		b, err := encMode.Marshal(c)
		if err != nil {
			return s, err
		}
		s.Changes = append(s.Changes, b)
	}
	return s, nil
}

// load fills an empty table; d is how far the times in its values are moved, its own are moved already.
func (r *Rows[K, V]) load(s tableSnapshot, d Time) error {
	r.seq = s.Seq
	for _, o := range s.Rows {
		n := &row[K, V]{seq: o.Seq, source: o.Source, expires: o.Expires, prev: r.age.prev, next: &r.age}
		if err := snapMode.Unmarshal(o.Value, &n.value); err != nil {
			return err
		}
		shiftTimes(reflect.ValueOf(&n.value).Elem(), d)
		n.key = r.key(n.value)
		if r.rows[n.key] != nil || len(r.rows) >= r.t.capacity {
			return fmt.Errorf("a row twice, or more than %d rows", r.t.capacity)
		}
		r.enter(n)
	}
	r.anew, r.stale, r.news = true, r.stale[:0], true
	r.publish()
	for _, b := range s.Changes {
		var c Change[V]
		if err := snapMode.Unmarshal(b, &c); err != nil {
			return err
		}
		shiftTimes(reflect.ValueOf(&c).Elem(), d)
		r.changes.push(c)
	}
	return nil
}
