package graph

import "reflect"

// ForEach opens a body for each item of a list: what reads the wire that it gives, and what reads that, is the body. A body
// also reads wires of the activation that were recorded before; they are copied when it opens. Each item is a tick of its
// own, in item order, after the commit. A failure that nobody handles ends that item alone. Gather brings the values back
// into the activation; without it the activation stays open until the last item has ended. Bodies may be nested. The
// failure port, in the activation, carries too large for more than most items, and busy when there is no room for them.
func ForEach[T any](items Wire[[]T], most int) Wire[T] {
	s := &step{kind: kindForEach, op: "for each", ins: []source{items.port().src}, outs: typesOf[T](), most: most}
	record(s)
	s.build = func(l *layout) planFns {
		from, off, pos := items.port().loader(l), l.slot(s, 0), l.pos(s)
		set := func(x *Tick) func(*Tick, int) {
			list := *from.at(x)
			return func(x *Tick, i int) { *slotAt[T](x, off) = list[i] }
		}
		return planFns{
			fire: func(x *Tick) (int, error) {
				n := len(*from.at(x))
				if n > most {
					return noPort, Fail(TooLarge, "%d items, the bound is %d", n, most)
				}
				return noPort, x.inst.forEach(x, pos, n, set(x))
			},
			items:  set,
			inputs: []func(*Tick) any{from.boxed()},
		}
	}
	return Wire[T]{s, 0}
}

// An Outcome is what became of one item: its value, or the failure that left it without one.
type Outcome[T any] struct {
	Value   T
	Failure *Failure // nil when there is a value
}

// A GatherOption changes when a Gather goes on.
type GatherOption func(*step)

// Enough has a Gather go on as soon as k(n) of the n items have a value; those that have not ended are cancelled, and are
// absences with the reason lost. When several gathers close one body, each of them must have enough. It is the quorum of k.
func Enough(k func(items int) int) GatherOption {
	return func(s *step) { s.enough, s.note = k, "enough" }
}

// Majority is more than half, for Enough.
func Majority(items int) int { return items/2 + 1 }

// Gather closes the body of a ForEach: when every item has ended, the activation goes on with what became of each, in item
// order. An item that ends without a value on w is an absence with its reason.
func Gather[T any](w Wire[T], opts ...GatherOption) Wire[[]Outcome[T]] {
	s := &step{kind: kindGather, op: "gather", ins: []source{w.port().src}, outs: []reflect.Type{reflect.TypeFor[[]Outcome[T]]()}}
	for _, o := range opts {
		o(s)
	}
	record(s)
	s.build = func(l *layout) planFns {
		from, off := w.port().loader(l), l.slot(s, 0)
		return planFns{
			fire: func(x *Tick) (int, error) {
				f, v := x.frame, *from.at(x)
				g := f.each.gathered[s.nth].(*gathered[T])
				x.inst.effects = append(x.inst.effects, effect{kind: effGather, reply: func() { g.out[f.item].Value, g.has[f.item] = v, true }})
				return noPort, nil
			},
			resume: func(x *Tick, r *resumption) (int, error) {
				*slotAt[[]Outcome[T]](x, off) = r.gathered.(*gathered[T]).out
				return 0, nil
			},
			collect: func(n int) gathering {
				g := &gathered[T]{out: make([]Outcome[T], n), has: make([]bool, n), need: n + 1}
				if s.enough != nil {
					g.need = s.enough(n)
				}
				return g
			},
			inputs: []func(*Tick) any{from.boxed()},
		}
	}
	return Wire[[]Outcome[T]]{s, 0}
}

// gathered is what a Gather has of each item.
type gathered[T any] struct {
	out  []Outcome[T]
	has  []bool
	need int // values; more than there are items to wait for all
}

// enough reports whether nothing more need be waited for.
func (g *gathered[T]) enough() bool {
	n := 0
	for _, has := range g.has {
		if has {
			n++
		}
	}
	return n >= g.need
}

// gathering is a gathered, whatever its type.
type gathering interface {
	ended(item int, f *Failure)
	enough() bool
	save() ([]byte, error)
	load(b []byte, d Time) error
}

func (g *gathered[T]) ended(item int, f *Failure) {
	if !g.has[item] {
		g.out[item].Failure = f
	}
}

// each is an open ForEach of an activation.
type each struct {
	susp     *suspension
	items    int
	left     int
	set      func(x *Tick, item int) // puts an item in its wire
	children []*frame                // nil where one has ended
	gathered []gathering
	done     bool // the tick that gathers is on its way
	over     bool // the activation has ended, or has gathered
}

// An itemTick is a tick that a ForEach brings about: the beginning of an item, or the end of all.
type itemTick struct {
	each  *each
	child *frame // nil: all have ended
	gen   uint32
}

func (in *Instance) forEach(x *Tick, pos, n int, set func(x *Tick, item int)) error {
	if len(in.frames)+n > in.bounds.Activations {
		return &Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "too many activations are open"}
	}
	in.nextID++
	s := &suspension{id: in.nextID, step: pos, frame: x.frame, at: -1}
	s.each = &each{susp: s, items: n, left: n, set: set}
	for _, g := range in.prog.steps[pos].gathers {
		s.each.gathered = append(s.each.gathered, in.prog.steps[g].collect(n))
	}
	in.effects = append(in.effects, effect{kind: effEach, susp: s})
	return nil
}

// openEach makes a frame for each item, with the wires of the activation as they are now.
func (in *Instance) openEach(f *frame, s *suspension) {
	f.opens = append(f.opens, s)
	in.open[s.id] = s
	e := s.each
	for i := range e.items {
		c := in.newFrame(s.step)
		c.box.Set(f.box)
		copy(c.pending, in.prog.steps[s.step].body)
		c.sender, c.deadline, c.replied, c.each, c.item = f.sender, f.deadline, true, e, i
		e.children = append(e.children, c)
		in.items.push(itemTick{e, c, c.gen})
	}
	in.gatherWhenDone(e)
}

// gatherWhenDone has the activation go on once, when every item has ended or every gather has enough.
func (in *Instance) gatherWhenDone(e *each) {
	done := e.left == 0
	if !done && len(e.gathered) > 0 {
		done = true
		for _, g := range e.gathered {
			done = done && g.enough()
		}
	}
	if done && !e.done && !e.over {
		e.done = true
		in.items.push(itemTick{each: e})
	}
}

// itemTick runs the next tick of a ForEach.
func (in *Instance) itemTick() {
	t := in.items.pop()
	e := t.each
	switch {
	case t.child == nil && !e.over:
		in.gather(e)
	case t.child != nil && t.child.gen == t.gen:
		pos := e.susp.step
		in.enter(t.child)
		e.set(&in.x, t.child.item)
		t.child.tell(in.prog.steps[pos].first)
		in.run(t.child, "item", pos)
	}
}

// gather resumes the activation when every item has ended.
func (in *Instance) gather(e *each) {
	s := e.susp
	f := s.frame
	in.closeOpen(f, s)
	in.cancelEach(e)
	in.enter(f)
	for k, g := range in.prog.steps[s.step].gathers {
		ps := &in.prog.steps[g]
		if port, err := ps.resume(&in.x, &resumption{gathered: e.gathered[k]}); err == nil {
			f.tell(ps.readers[port])
		}
	}
	in.run(f, "gather", s.step)
}

// itemEnded keeps what became of an item.
func (in *Instance) itemEnded(f *frame, failure *Failure) {
	e := f.each
	if e.over {
		return
	}
	if failure == nil {
		failure = &Failure{Reason: NoReply, Step: in.prog.steps[e.susp.step].name, Detail: "the item ended without a value"}
	}
	for _, g := range e.gathered {
		g.ended(f.item, failure)
	}
	e.children[f.item] = nil
	e.left--
	in.gatherWhenDone(e)
}

// cancelEach ends the items of an activation that has ended, or that has gathered enough.
func (in *Instance) cancelEach(e *each) {
	e.over = true
	for i, c := range e.children {
		if c == nil {
			continue
		}
		f := &Failure{Reason: Lost, Step: in.prog.steps[e.susp.step].name, Detail: "nobody waits for this item any more"}
		for _, g := range e.gathered {
			g.ended(i, f)
		}
		in.end(c, f)
	}
}
