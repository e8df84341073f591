package graph

import (
	"math/bits"
	"reflect"
	"time"
	"unsafe"
)

// A frame holds one activation: its wires, how many of them each step still waits for, and which steps are ready.
type frame struct {
	slots   unsafe.Pointer
	box     reflect.Value // the struct that slots points into
	pending []int16
	ready   []uint64
	arm     []uint16 // of merges: the input that came
	at      int      // place in Instance.frames

	origin   int
	sender   Peer
	deadline Time // 0 for none
	opens    []*suspension
	ask      *asked
	request  Message // what to reply to; Kind 0 when nothing
	replied  bool
	outside  bool // counts in the share of charged, with its bytes, until it ends
	charged  Peer
	bytes    int
	each     *each // the for-each that it is an item of
	item     int
	gen      uint32 // counts its activations
}

func (in *Instance) newFrame(origin int) *frame {
	var f *frame
	if n := len(in.free); n > 0 {
		f, in.free = in.free[n-1], in.free[:n-1]
	} else {
		box := reflect.New(in.prog.frame)
		f = &frame{slots: box.UnsafePointer(), box: box.Elem(), pending: make([]int16, len(in.prog.pending)),
			ready: make([]uint64, in.prog.words), arm: make([]uint16, len(in.prog.pending))}
	}
	copy(f.pending, in.prog.pending)
	f.origin = origin
	f.at = len(in.frames)
	in.frames = append(in.frames, f)
	return f
}

func (in *Instance) freeFrame(f *frame) {
	last := len(in.frames) - 1
	in.frames[f.at] = in.frames[last]
	in.frames[f.at].at = f.at
	in.frames[last] = nil
	in.frames = in.frames[:last]
	f.box.SetZero()
	clear(f.ready)
	clear(f.opens[:cap(f.opens)])
	*f = frame{slots: f.slots, box: f.box, pending: f.pending, ready: f.ready, arm: f.arm, opens: f.opens[:0], gen: f.gen + 1}
	if len(in.free) < 64 && !in.noReuse {
		in.free = append(in.free, f)
	}
}

// next takes the ready step of the lowest recording index.
func (f *frame) next() int {
	for w, b := range f.ready {
		if b != 0 {
			f.ready[w] = b & (b - 1)
			return w*64 + bits.TrailingZeros64(b)
		}
	}
	return -1
}

// tell gives a value to the steps that wait for it.
func (f *frame) tell(readers []reader) {
	for _, r := range readers {
		f.arm[r.step] = r.arm
		if f.pending[r.step]--; f.pending[r.step] == 0 {
			f.ready[r.step/64] |= 1 << (r.step % 64)
		}
	}
}

// A Tick is what a step may ask while it fires. It must not be kept after the step returns.
type Tick struct {
	inst  *Instance
	frame *frame
	slots unsafe.Pointer // of the frame
}

// enter and leave set whose steps fire.
func (in *Instance) enter(f *frame) { in.x.frame, in.x.slots = f, f.slots }
func (in *Instance) leave()         { in.x.frame, in.x.slots = nil, nil }

// Now is the one steady time of this tick.
func (x *Tick) Now() Time { return x.inst.now }

// Wall is the calendar in UTC, for stamps alone: it may jump.
func (x *Tick) Wall() time.Time { return x.inst.host.Wall().Round(0).UTC() }

// Rand gives 64 random bits.
func (x *Tick) Rand() uint64 { return x.inst.host.Uint64() }

// Self is the node's own identity.
func (x *Tick) Self() Peer { return x.inst.host.Self() }

// Sender is who began the activation: the authenticated sender of its message, or nobody for the node's own.
func (x *Tick) Sender() Peer { return x.inst.sender() }

// Remaining is what is left of the activation's deadline; ok is false when it has none.
func (x *Tick) Remaining() (d time.Duration, ok bool) {
	if x.frame == nil || x.frame.deadline == 0 {
		return 0, false
	}
	return x.frame.deadline.Sub(x.inst.now), true
}

// sender is nobody between ticks.
func (in *Instance) sender() Peer {
	if in.x.frame == nil {
		return ""
	}
	return in.x.frame.sender
}
