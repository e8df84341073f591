package graph

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// A Replayed is one instance of a recording, run again.
type Replayed struct {
	Graph   string
	Version int
	Role    string
	Key     string
	Self    Peer
	Started time.Time // by the calendar of the node, to the millisecond
	Changed bool      // the program's drawing is not the one that was recorded

	Events   uint64 // that the recording has
	Hash     uint64 // over what the replay did, up to where it parted
	Recorded uint64 // over what the recorded instance did
	Parted   uint64 // the event at which the two part, from 1; 0 when Why is "" or tells of the start
	Why      string // in which way they part; "" when they do not
	Ended    string // why the recording of this instance ended; "" when it goes on to the end of the whole

	last Time
	play *player
}

// OK reports whether the replay did what the recorded instance had done.
func (r *Replayed) OK() bool { return r.Why == "" && r.Hash == r.Recorded }

// A Replaying is what a recording holds, and what became of it.
type Replaying struct {
	Instances []*Replayed // in the order in which they were started
	Events    uint64
	Ended     string // why the recording ended; "" when the process was killed
	Cut       bool   // its last frame is not whole, and was left out
	Damage    string // where it is damaged before its end; what follows was not read
}

// OK reports whether the recording is sound and every instance did what it had done.
func (r *Replaying) OK() bool {
	for _, i := range r.Instances {
		if !i.OK() {
			return false
		}
	}
	return r.Damage == ""
}

// ReplayOptions says how a recording is run again.
type ReplayOptions struct {
	// Program gives the program of an instance.
	Program func(graph string, version int, role string) (*Program, error)
	// Observe is told of each tick of the replay. It may be nil.
	Observe func(r *Replayed, i TickInfo)
}

// ErrNoRecording says that what was read is no recording, or is one of another version.
var ErrNoRecording = errors.New("no recording")

// Replay runs the instances of a recording again, each on what its host gave it, and compares what they do. A recording that
// was cut anywhere is run up to its last whole frame. The error is that of the reader, or wraps ErrNoRecording.
func Replay(from io.Reader, o ReplayOptions) (*Replaying, error) {
	in := bufio.NewReaderSize(from, 1<<16)
	magic := make([]byte, len(recordingMagic))
	if n, err := io.ReadFull(in, magic); err == io.EOF || err == io.ErrUnexpectedEOF {
		if recordingMagic[:n] == string(magic[:n]) {
			return &Replaying{Cut: true}, nil // killed as it began
		}
		return nil, fmt.Errorf("%w: it does not begin like one", ErrNoRecording)
	} else if err != nil {
		return nil, err
	}
	if string(magic) != recordingMagic {
		return nil, fmt.Errorf("%w of version 1: it begins with %q", ErrNoRecording, magic)
	}
	r := &replay{o: o, by: map[uint64]*Replayed{}, out: &Replaying{}}
	for at := int64(len(recordingMagic)); r.out.Damage == "" && r.out.Ended == ""; {
		body, err := readRecordFrame(in)
		switch {
		case err == io.EOF:
			return r.out, nil
		case err == errCutFrame:
			r.out.Cut = true
			return r.out, nil
		case errors.Is(err, errBadFrame):
			r.out.Damage = fmt.Sprintf("at byte %d: %v", at, err)
		case err != nil:
			return r.out, err
		default:
			if !r.frame(body) {
				r.out.Damage = fmt.Sprintf("at byte %d: a frame does not decode", at)
			}
		}
		at += int64(len(body)) + frameOverhead
	}
	return r.out, nil
}

var (
	errCutFrame = errors.New("the frame is not whole")
	errBadFrame = errors.New("a damaged frame")
)

// readRecordFrame gives the body of the next frame. A tail of zeros, as a file system leaves it, is a cut too.
func readRecordFrame(in *bufio.Reader) ([]byte, error) {
	var head [frameOverhead]byte
	if _, err := io.ReadFull(in, head[:]); err == io.ErrUnexpectedEOF {
		return nil, errCutFrame
	} else if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if head == [frameOverhead]byte{} {
		return nil, zeros(in)
	}
	if n == 0 || n > mostFrame || crc32.Checksum(head[:8], castagnoli) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, fmt.Errorf("%w: its length is no length", errBadFrame)
	}
	body := make([]byte, 0, min(n, 1<<16))
	for len(body) < int(n) { // memory is taken as the bytes come
		from := len(body)
		body = append(body, make([]byte, min(int(n)-from, max(1<<16, from)))...)
		if _, err := io.ReadFull(in, body[from:]); err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, errCutFrame
		} else if err != nil {
			return nil, err
		}
	}
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, fmt.Errorf("%w: its checksum does not fit", errBadFrame)
	}
	return body, nil
}

func zeros(in *bufio.Reader) error {
	for {
		b, err := in.ReadByte()
		switch {
		case err == io.EOF:
			return errCutFrame
		case err != nil:
			return err
		case b != 0:
			return fmt.Errorf("%w: zeros before its end", errBadFrame)
		}
	}
}

// replay is a recording that is being run again.
type replay struct {
	o   ReplayOptions
	by  map[uint64]*Replayed
	out *Replaying
}

// frame plays one frame; false when it does not decode.
func (r *replay) frame(body []byte) bool {
	c := recordCursor{b: body}
	kind := c.byte()
	if kind == frameEnd {
		r.out.Ended = c.text()
		return !c.bad && r.out.Ended != ""
	}
	n := c.uvarint()
	i := r.by[n]
	if c.bad || (i == nil) != (kind == frameStart) || i != nil && i.Ended != "" {
		return false
	}
	switch kind {
	case frameStart:
		return r.start(n, c)
	case frameStop:
		i.Ended = c.text()
		return !c.bad && i.Ended != ""
	case frameEvent:
		return r.event(i, c)
	}
	return false
}

func (r *replay) event(i *Replayed, c recordCursor) bool {
	what, passed := c.byte(), c.uvarint()
	if c.bad || passed > uint64(Forever-i.last) || len(c.b) < 8 {
		return false
	}
	i.last += Time(passed)
	r.out.Events++
	i.Events++
	tail := recordCursor{b: c.b[len(c.b)-8:]}
	i.Recorded = tail.fixed()
	if i.Why != "" {
		return true // what it does after it has parted says nothing
	}
	i.play.now = i.last
	i.guard(func() { i.play.play(what, c) })
	i.compare()
	return true
}

// guard runs a part of the replay. An op that panics on what the recording gives it has parted from what it was.
func (i *Replayed) guard(fn func()) {
	defer func() {
		if p := recover(); p != nil {
			i.play.parts("it panics: %v", p)
		}
	}()
	fn()
}

// compare finds out whether the two have parted with the latest frame.
func (i *Replayed) compare() {
	if i.play.t != nil {
		i.Hash = uint64(i.play.t.sum)
	}
	switch {
	case i.play.part != "":
		i.Parted, i.Why = i.Events, i.play.part
	case i.Hash != i.Recorded:
		i.Parted, i.Why = i.Events, "it does something else with the same event"
	}
	if i.Why != "" && i.Changed {
		i.Why += " (the program has changed since it was recorded)"
	}
}

// mostBound is the greatest bound of an instance that is believed: a recording from elsewhere must not make a replay endless.
const mostBound = 1 << 20

func (r *replay) start(n uint64, c recordCursor) bool {
	now := Time(c.varint())
	var s recordedStart
	if err := decMode.Unmarshal(c.bytes(), &s); err != nil || c.bad || now < 0 || len(c.b) < 8 {
		return false
	}
	if max(s.Bounds.Activations, s.Bounds.Chain) > mostBound {
		return false
	}
	i := &Replayed{Graph: s.Graph, Version: s.Version, Role: s.Role, Key: s.Key, Self: s.Self, Started: time.UnixMilli(s.Wall).UTC(), last: now}
	r.by[n] = i
	r.out.Instances = append(r.out.Instances, i)
	tail := recordCursor{b: c.b[len(c.b)-8:]}
	i.Recorded = tail.fixed()
	i.play = &player{self: s.Self, now: now, reads: s.Reads, given: c}
	prog, err := r.o.Program(s.Graph, s.Version, s.Role)
	if err != nil {
		i.Why = err.Error()
		return true
	}
	i.Changed = prog.hash() != s.Program
	i.guard(func() {
		if err := i.begin(prog, &s, r.o.Observe); err != nil {
			i.play.parts("%v", err)
		} else if i.play.next(gaveNothing) && (i.play.given.bad || len(i.play.given.b) != 8) {
			i.play.parts("the end of the start does not decode")
		}
	})
	i.compare()
	return true
}

// begin starts the instance as it was started.
func (i *Replayed) begin(prog *Program, s *recordedStart, observe func(*Replayed, TickInfo)) error {
	opts := []Option{Key(s.Key), Bound(s.Bounds), func(set *settings) { set.play = i.play }}
	if s.Snapshot != nil {
		opts = append(opts, Restore(s.Snapshot))
	}
	if observe != nil {
		opts = append(opts, Observe(func(t TickInfo) { observe(i, t) }))
	}
	i.play.params = map[string][]byte{}
	for _, p := range s.Params {
		i.play.params[p.Name] = p.Value
	}
	_, err := Start(prog, playerHost{i.play}, opts...)
	return err
}
