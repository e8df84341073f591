package p2p

import (
	"sync"
	"time"

	"github.com/merograph/merograph/graph"
)

// writeBatch is how much of what waits is written together, about.
const writeBatch = 64 << 10

// A waiting is a frame in a queue.
type waiting struct {
	frame
	class class
	at    graph.Time // when it was queued: the deadline goes on meanwhile
	until graph.Time // of a reply: when nobody waits for it any more; 0 for never
}

// A sender is the bounded queue before the one writer of a stream: control first, then the node's own, then what it
// relays. It shares the bounds and the turns of an outbox with the other streams to its peer.
type sender struct {
	h       *Host
	box     *outbox
	peer    graph.Peer
	most    int
	bytes   int
	ordered bool // of one-way messages, whose order is kept: an own one takes along what was before it

	mu      sync.Mutex
	queue   rows[waiting]
	size    int
	account *account      // of the stream, for what others have us keep
	writes  bool          // a writer is at work
	flying  class         // what is being written, or none
	awaited class         // whose turn the writer waits for, or waited for last
	told    [classes]bool // what the outbox knows of this sender
	closed  bool
	last    bool          // what is queued is still written, and then the sender ends
	wake    chan struct{} // holds one: something was queued, or the sender was closed
	room    chan struct{} // holds one: something was taken, or the sender was closed
	better  chan struct{} // holds one: something better than what is awaited was queued, or the sender was closed
}

// open readies a sender to a peer. The caller holds the host's lock.
func (s *sender) open(h *Host, to graph.Peer, maxPayload int) {
	s.h, s.peer, s.box = h, to, h.outbox(to)
	s.most, s.bytes = h.limits.Queue, queueBytes(&h.limits, maxPayload)
	s.flying = classes
	s.wake, s.room, s.better = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
}

// queueBytes is how much may wait on one stream of a channel.
func queueBytes(l *Limits, maxPayload int) int { return max(l.QueueBytes, 4*maxPayload) }

type putResult int

const (
	putDone putResult = iota
	putFull
	putClosed
)

// put queues a frame. Control is taken over the count of messages, which others bound, and never over the bytes; what is
// relayed has half of both.
func (s *sender) put(w waiting) putResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.last {
		return putClosed
	}
	n, part := len(w.payload), 1
	if w.class == relayed {
		part = 2
	}
	if s.queue.len() >= s.most/part && w.class != control || n > 0 && !s.charge(n, part) {
		return putFull
	}
	if s.ordered && w.class == own {
		s.queue.merge(relayed, own)
	}
	s.queue.push(w.class, w, w.at)
	s.tell()
	signal(s.wake)
	if w.class < s.awaited {
		signal(s.better)
	}
	return putDone
}

// charge takes n bytes into the books of the stream, the peer and the host, or into none. The caller holds the lock.
func (s *sender) charge(n, part int) bool {
	most := max(s.box.most, int64(s.bytes))
	if s.size+n > s.bytes/part || s.box.bytes.Load()+int64(n) > most/int64(part) || s.h.count.queued.Load()+int64(n) > int64(s.h.limits.AllQueueBytes) {
		return false
	}
	if !s.account.take(n) {
		return false
	}
	s.size += n
	s.box.bytes.Add(int64(n))
	s.h.count.queued.Add(int64(n))
	return true
}

func (s *sender) discharge(n int) {
	if n == 0 {
		return
	}
	s.size -= n
	s.box.bytes.Add(int64(-n))
	s.h.count.queued.Add(int64(-n))
	s.account.give(n)
}

// tell keeps the outbox informed of the classes that this sender could write. The caller holds the lock.
func (s *sender) tell() {
	for c := range classes {
		if has := s.writes && (s.queue.row[c].len() > 0 || s.flying == c); has != s.told[c] {
			s.told[c] = has
			s.box.turns.set(c, has)
		}
	}
}

// drop takes out of the queue what is gone.
func (s *sender) drop(gone func(*waiting) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.queue.row {
		row := &s.queue.row[c]
		for range row.len() {
			if w := row.pop(); !gone(&w) {
				row.push(w)
			} else {
				s.discharge(len(w.payload))
			}
		}
	}
	s.tell()
}

// full reports whether as much waits as may.
func (s *sender) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.len() >= s.most && !s.closed
}

// quiet reports whether nothing waits and nothing is being written.
func (s *sender) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.len() == 0 && s.flying == classes
}

// take waits for frames, and for the turn of their class, and gives about a batch of that class; false when the sender
// has ended. The class counts as busy until the next take, when they have been written.
func (s *sender) take(frames []waiting) ([]waiting, bool) {
	clear(frames)
	frames = frames[:0]
	for {
		s.mu.Lock()
		s.flying = classes
		s.tell()
		c, overdue := s.queue.next(s.h.now)
		closed, last := s.closed, s.last
		s.awaits(c)
		s.mu.Unlock()
		if closed || last && c == classes {
			return nil, false
		}
		if c != classes {
			if !overdue && !s.box.turns.await(c, s.better) {
				continue
			}
			if frames = s.pick(frames); len(frames) > 0 {
				signal(s.room)
				return frames, true
			}
			continue
		}
		<-s.wake
	}
}

// awaits says whose turn the writer is going to wait for. A better frame that is queued meanwhile ends that wait: its class
// is then busy, and this writer alone can write it. The caller holds the lock.
func (s *sender) awaits(c class) {
	s.awaited = c
	select {
	case <-s.better: // of a wait before this one
	default:
	}
}

// pick takes about a batch of the class whose turn it is now.
func (s *sender) pick(frames []waiting) []waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _ := s.queue.next(s.h.now)
	if c == classes || s.closed {
		return frames
	}
	if s.flying = c; c != control {
		s.queue.served[c] = s.h.now()
	}
	row, n := &s.queue.row[c], 0
	for row.len() > 0 && n < writeBatch {
		w := row.pop()
		n += len(w.payload) + smallHead
		s.discharge(len(w.payload))
		frames = append(frames, w)
	}
	return frames
}

// smallHead is about what a frame has beside its payload.
const smallHead = 24

// finish has what is queued written, and takes nothing more.
func (s *sender) finish() {
	s.mu.Lock()
	s.last = true
	s.mu.Unlock()
	signal(s.wake)
}

// close ends the queue and gives what is left in it, in its order within each class.
func (s *sender) close() (left []waiting) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed, s.writes = true, false
	for c := range s.queue.row {
		for row := &s.queue.row[c]; row.len() > 0; {
			left = append(left, row.pop())
		}
	}
	s.discharge(s.size)
	s.tell()
	s.mu.Unlock()
	signal(s.wake)
	signal(s.room)
	signal(s.better)
	s.h.leaveOutbox(s.peer, s.box)
	return left
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// writeAll writes frames as they come, until the sender has ended or the stream fails. admit is asked for each frame
// right before it is handed over: it may change it, and with false leaves it out.
func (s *sender) writeAll(to stream, buf []byte, admit func(*waiting) bool) error {
	s.mu.Lock()
	s.writes = !s.closed
	s.tell()
	s.mu.Unlock()
	var frames []waiting
	for ok := true; ; {
		if frames, ok = s.take(frames); !ok {
			return nil
		}
		for i := range frames {
			if !admit(&frames[i]) {
				continue
			}
			buf = appendSized(buf, &frames[i].frame)
			frames[i].payload = nil
		}
		if err := s.flush(to, buf); err != nil {
			return err
		}
		buf = shrink(buf)
	}
}

// shrink keeps a buffer of the usual size and lets a large one go.
func shrink(b []byte) []byte {
	if cap(b) > 2*writeBatch {
		return nil
	}
	return b[:0]
}

// flush writes: a peer that does not read costs itself its stream.
func (s *sender) flush(to stream, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	to.SetWriteDeadline(time.Now().Add(s.h.limits.WriteTime))
	_, err := to.Write(b)
	return err
}
