package graph

import (
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Restore has Start begin with a snapshot of an earlier process: tables, timers and suspended activations go on, at the
// same distances in time, under a new incarnation. Before anything else every call and work that was open fails with lost;
// requests that others made, and the node's own, are not answered any more.
func Restore(snapshot []byte) Option { return func(s *settings) { s.snapshot = snapshot } }

// Resume has Start begin with a snapshot of live, which must not be used any more, and take over what only its host can
// hold: the inbox, who waits for answers, and running work. The run then goes on as if nothing had happened: it is for a
// host that restores its own state too, such as a simulator. Host.Now must give what it gave.
func Resume(snapshot []byte, live *Instance) Option {
	return func(s *settings) { s.snapshot, s.live = snapshot, live }
}

// restore fills a fresh instance.
func (in *Instance) restore() error {
	var s snapshot
	mode := snapMode
	if in.play != nil {
		mode = decMode // a recording may come from elsewhere: what is decoded takes far more memory than its bytes
	}
	if err := mode.Unmarshal(in.snapshot, &s); err != nil {
		return fmt.Errorf("the snapshot does not decode: %w", err)
	}
	if s.Program != in.prog.hash() {
		return fmt.Errorf("the snapshot is of another program, or of another version of it: start without it")
	}
	d := in.now - s.Now
	if in.live != nil {
		d, in.now = 0, in.live.now // the same clock, at the same tick
	}
	shiftTimes(reflect.ValueOf(&s).Elem(), d)
	if len(s.Tables) != len(in.tables) || len(s.Timers) != len(in.timers) {
		return fmt.Errorf("the snapshot has %d tables and %d timers, the program %d and %d", len(s.Tables), len(s.Timers), len(in.tables), len(in.timers))
	}
	for i, t := range in.tables {
		if err := t.load(s.Tables[i], d); err != nil {
			return fmt.Errorf("restore table %s: %w", in.prog.role.tables[i].name, err)
		}
	}
	copy(in.timers, s.Timers)
	in.resumeAt = s.ResumeAt
	if err := in.restoreFrames(&s, d); err != nil {
		return err
	}
	for _, f := range s.Follow {
		if f.Step < 0 || f.Step >= len(in.prog.steps) {
			return fmt.Errorf("the snapshot names step %d", f.Step)
		}
		in.follow.push(followUp{f.Step, f.Failure})
	}
	for _, b := range s.Busy {
		in.busy[busyKey{b.Peer, b.Channel}] = b.Until
	}
	if in.live == nil {
		in.loseAll()
	} else {
		in.incarnation, in.nextID = s.Incarnation, s.NextID
		in.takeOver()
	}
	return nil
}

func (in *Instance) restoreFrames(s *snapshot, d Time) error {
	for _, fs := range s.Frames {
		if fs.Origin < 0 || fs.Origin >= len(in.prog.steps) || len(fs.Pending) != len(in.prog.pending) || len(fs.Arm) != len(in.prog.pending) {
			return fmt.Errorf("the snapshot has an activation that does not fit the program")
		}
		f := in.newFrame(fs.Origin)
		copy(f.pending, fs.Pending)
		copy(f.arm, fs.Arm)
		f.sender, f.deadline, f.request, f.replied = fs.Sender, fs.Deadline, fs.Request, fs.Replied
		f.outside, f.charged, f.bytes, f.item = fs.Outside, fs.Charged, fs.Bytes, fs.Item
		for i, b := range fs.Slots { //lint:unordered each wire by itself
			if i < 0 || i >= f.box.NumField() {
				return fmt.Errorf("the snapshot names wire %d", i)
			}
			slot := f.box.Field(i)
			if err := snapMode.Unmarshal(b, slot.Addr().Interface()); err != nil {
				return fmt.Errorf("restore a wire of %s: %w", in.prog.steps[f.origin].title, err)
			}
			shiftTimes(slot, d)
		}
	}
	eaches := make([]*each, len(s.Eaches))
	for _, o := range s.Suspended {
		if o.Step < 0 || o.Step >= len(in.prog.steps) || o.Frame < 0 || o.Frame >= len(in.frames) || o.Each >= len(eaches) || !in.prog.steps[o.Step].s.suspends() {
			return fmt.Errorf("the snapshot has a suspension that does not fit the program")
		}
		f := in.frames[o.Frame]
		p := &suspension{id: o.ID, step: o.Step, frame: f, deadline: o.Deadline, peer: o.Peer, call: o.Call, at: -1}
		if c := in.prog.steps[o.Step].s.chann; c != nil {
			p.channel = c.name
		}
		if o.Retry {
			p.retry = &retrying{o.Attempt, o.Once, o.Payload, time.Duration(o.Timeout), o.Paused}
		}
		f.opens = append(f.opens, p)
		in.open[p.id] = p
		if o.Each < 0 {
			in.waiting.push(p)
			continue
		}
		if err := in.restoreEach(p, &s.Eaches[o.Each], s.Items, o.Each, d); err != nil {
			return err
		}
		eaches[o.Each] = p.each
	}
	for i, fs := range s.Frames {
		if fs.Each >= 0 && fs.Each < len(eaches) {
			in.frames[i].each = eaches[fs.Each]
		}
	}
	for _, it := range s.Items {
		if it.Each < 0 || it.Each >= len(eaches) || eaches[it.Each] == nil || it.Child >= len(in.frames) {
			return fmt.Errorf("the snapshot has an item that does not fit the program")
		}
		t := itemTick{each: eaches[it.Each]}
		if it.Child >= 0 {
			t.child, t.gen = in.frames[it.Child], in.frames[it.Child].gen
		}
		in.items.push(t)
	}
	return nil
}

func (in *Instance) restoreEach(p *suspension, s *eachSnapshot, items []itemSnapshot, at int, d Time) error {
	ps := &in.prog.steps[p.step]
	e := &each{susp: p, items: s.Items, left: s.Left}
	p.each = e
	in.enter(p.frame)
	e.set = ps.items(&in.x)
	in.leave()
	if len(s.Gathered) != len(ps.gathers) || len(s.Children) != s.Items {
		return fmt.Errorf("the snapshot has a for-each that does not fit the program")
	}
	for _, at := range s.Children {
		switch {
		case at < 0:
			e.children = append(e.children, nil)
		case at < len(in.frames):
			e.children = append(e.children, in.frames[at])
		default:
			return fmt.Errorf("the snapshot names activation %d", at)
		}
	}
	for k, g := range ps.gathers {
		c := in.prog.steps[g].collect(s.Items)
		if err := c.load(s.Gathered[k], d); err != nil {
			return fmt.Errorf("restore a gather: %w", err)
		}
		e.gathered = append(e.gathered, c)
	}
	e.done = e.left == 0
	for _, it := range items {
		e.done = e.done || it.Child < 0 && it.Each == at
	}
	return nil
}

// loseAll tells every open call and work that its outcome is unknown, and forgets who waited for this instance.
func (in *Instance) loseAll() {
	var ids []uint64
	for _, f := range in.frames {
		for _, o := range f.opens {
			if o.each == nil {
				ids = append(ids, o.id)
			}
		}
		f.replied, f.request, f.outside = true, Message{}, false
	}
	slices.Sort(ids)
	for _, id := range ids {
		in.box.push(event{kind: evAnswer, msg: Message{Kind: ErrorMsg, Call: id, Reason: Lost, Detail: "this node has started again meanwhile"}})
	}
}

// takeOver moves what only the host can hold from the live instance.
func (in *Instance) takeOver() {
	from := in.live
	from.box.mu.Lock()
	defer from.box.mu.Unlock()
	b, o := &in.box, &from.box
	b.queue, b.ours, b.outside, b.bytes, b.own = o.queue, o.ours, o.outside, o.bytes, o.own
	b.shares, b.spare, b.swept = o.shares, o.spare, o.swept
	b.expects, b.dirty, b.refused, b.late = o.expects, o.dirty, o.refused, o.late
	o.next = in
	o.closed = true
	from.leaveFeeds()
	from.closed = true
	for i, f := range in.frames {
		f.ask = from.frames[i].ask
	}
	for id, s := range in.open { //lint:unordered each takes its own
		if was := from.open[id]; was != nil {
			s.result = was.result
		}
	}
	copy(in.params, from.params)
	in.ticks, in.late, in.counts = from.ticks, from.late, from.counts
}
