package graph

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A recorder writes down what the host gives one instance: a frame when it has started, and one for each event with all that
// the event was given meanwhile. A frame is made in memory and handed over when the event is done.
type recorder struct {
	to    *Recording
	t     *tape
	n     uint64 // the instance's number
	frame []byte
	last  Time // of the event before
	over  bool
	fault error // what could not be kept
}

// keepFrame is how large a frame may be for the next to be made in its place, in bytes.
const keepFrame = 1 << 20

func newRecorder(in *Instance, to *Recording) {
	t := newTape(in)
	t.rec = &recorder{to: to, t: t, n: to.join()}
}

func (r *recorder) random(v uint64) {
	r.frame = binary.LittleEndian.AppendUint64(append(r.frame, gaveRandom), v)
}

func (r *recorder) wall(v time.Time) {
	r.frame = binary.AppendVarint(append(r.frame, gaveWall), v.Unix())
	r.frame = binary.AppendUvarint(r.frame, uint64(v.Nanosecond()))
}

// read keeps what a component gave a step.
func (r *recorder) read(id int, v any, err error) {
	r.frame = binary.AppendUvarint(append(r.frame, gaveRead), uint64(id))
	r.outcome(v, err)
}

func (r *recorder) feed(i int) {
	r.frame = append(r.frame, gaveFeed)
	b, err := r.t.in.params[i].save()
	r.keep(b, err)
}

func (r *recorder) result(s *suspension) {
	r.frame = append(r.frame, gaveResult)
	r.outcome(s.outcome.get())
}

// outcome keeps a value, and the error beside it.
func (r *recorder) outcome(v any, failed error) {
	b, err := encMode.Marshal(v)
	r.keep(b, err)
	e := errorOf(failed)
	if e == nil {
		r.frame = append(r.frame, 0)
		return
	}
	b, err = encMode.Marshal(e)
	r.frame = append(r.frame, 1)
	r.keep(b, err)
}

// keep appends what a value was encoded to. One that does not encode ends the recording of the instance.
func (r *recorder) keep(b []byte, err error) {
	if err != nil && r.fault == nil {
		r.fault = err
	}
	r.frame = appendBytes(r.frame, b)
}

// started hands over what the instance began with.
func (r *recorder) started() error {
	in := r.t.in
	s := recordedStart{Graph: in.prog.Name(), Version: in.prog.Version(), Role: in.prog.Role(), Program: in.prog.hash(), Key: in.key,
		Self: in.host.Self(), Wall: r.t.Host.Wall().UnixMilli(), Bounds: in.bounds, Reads: in.reads, Snapshot: in.snapshot}
	for i, q := range in.prog.role.params {
		b, err := in.params[i].save()
		if err != nil {
			return fmt.Errorf("record param %q: %w", q.name, err)
		}
		s.Params = append(s.Params, namedValue{q.name, b})
	}
	head, err := encMode.Marshal(&s)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	given := r.frame
	r.frame = binary.AppendUvarint([]byte{frameStart}, r.n)
	r.frame = binary.AppendVarint(r.frame, int64(in.now))
	r.frame = append(appendBytes(r.frame, head), given...)
	r.last = in.now
	r.hand()
	return nil
}

// took begins the frame of an event.
func (r *recorder) took(what int, ev *event) {
	in := r.t.in
	b := binary.AppendUvarint(append(r.frame[:0], frameEvent), r.n)
	b = binary.AppendUvarint(append(b, byte(what)), uint64(in.now-r.last))
	r.last = in.now
	if what <= tookFeed {
		b = binary.AppendVarint(b, int64(ev.arrived-in.now))
	}
	switch what {
	case tookMessage, tookAnswer:
		b = appendMessage(b, &ev.msg)
	case tookAsk:
		value, err := encMode.Marshal(ev.ask.value)
		if err != nil {
			r.fault = err
		}
		b = appendText(b, in.prog.steps[ev.step].s.note)
		b = appendBytes(binary.AppendVarint(b, int64(ev.ask.timeout)), value)
		ev.ask = r.t.asked(ev.ask)
	case tookTask:
		b = binary.AppendUvarint(b, ev.task)
	case tookFeed:
		b = appendText(b, in.prog.role.params[ev.feed].name)
	}
	r.frame = b
}

// hand hands the frame over with the hash as it stands.
func (r *recorder) hand() {
	if r.fault != nil {
		r.stop(fmt.Sprintf("a value does not encode: %v", r.fault))
	}
	if r.over {
		r.t.lift()
		return
	}
	r.frame = binary.LittleEndian.AppendUint64(append(r.frame, gaveNothing), uint64(r.t.sum))
	if r.over = !r.to.put(r.frame); r.over {
		r.t.lift()
	}
	if cap(r.frame) > keepFrame {
		r.frame = nil
	}
}

// stop ends the recording of the instance.
func (r *recorder) stop(why string) {
	if r != nil && !r.over {
		r.over = true
		r.to.put(appendText(binary.AppendUvarint([]byte{frameStop}, r.n), why))
	}
}
