package p2p

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/merograph/merograph/graph"
)

// writeBatch is how much of what waits is written together, about.
const writeBatch = 64 << 10

// A waiting is a frame in a queue.
type waiting struct {
	frame
	at graph.Time // when it was queued: the deadline goes on meanwhile
}

// A sender is the bounded queue before the one writer of a stream.
type sender struct {
	all    *atomic.Int64 // payload bytes over all senders of the host
	most   int
	bytes  int
	allMax int64
	time   time.Duration // for one write: a peer that does not read costs itself its stream

	mu     sync.Mutex
	queue  []waiting
	size   int
	closed bool
	last   bool          // what is queued is still written, and then the sender ends
	wake   chan struct{} // holds one: something was queued, or the sender was closed
	room   chan struct{} // holds one: the queue was emptied, or the sender was closed
}

func (s *sender) open(h *Host, maxPayload int) {
	s.all, s.allMax = &h.count.queued, int64(h.limits.AllQueueBytes)
	s.most, s.bytes = h.limits.Queue, max(h.limits.QueueBytes, 4*maxPayload)
	s.time = h.limits.WriteTime
	s.wake, s.room = make(chan struct{}, 1), make(chan struct{}, 1)
}

type putResult int

const (
	putDone putResult = iota
	putFull
	putClosed
)

// put queues a frame. With paid it takes it over the count of messages, which others bound; never over the bytes.
func (s *sender) put(w waiting, paid bool) putResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(w.payload)
	switch {
	case s.closed, s.last:
		return putClosed
	case len(s.queue) >= s.most && !paid, n > 0 && (s.size+n > s.bytes || s.all.Load()+int64(n) > s.allMax):
		return putFull
	}
	s.queue = append(s.queue, w)
	s.size += n
	s.all.Add(int64(n))
	signal(s.wake)
	return putDone
}

// full reports whether as much waits as may.
func (s *sender) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) >= s.most && !s.closed
}

// take waits for frames and gives all of them in place of spare, which it keeps; false when the sender has ended.
func (s *sender) take(spare []waiting) ([]waiting, bool) {
	clear(spare)
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, false
		}
		if q := s.queue; len(q) > 0 {
			s.queue = spare[:0]
			s.all.Add(int64(-s.size))
			s.size = 0
			s.mu.Unlock()
			signal(s.room)
			return q, true
		}
		last := s.last
		s.mu.Unlock()
		if last {
			return nil, false
		}
		<-s.wake
	}
}

// finish has what is queued written, and takes nothing more.
func (s *sender) finish() {
	s.mu.Lock()
	s.last = true
	s.mu.Unlock()
	signal(s.wake)
}

// close ends the queue and gives what is left in it.
func (s *sender) close() []waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	left := s.queue
	s.queue = nil
	s.all.Add(int64(-s.size))
	s.size = 0
	signal(s.wake)
	signal(s.room)
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
	var spare []waiting
	for {
		frames, ok := s.take(spare)
		if !ok {
			return nil
		}
		for i := range frames {
			if !admit(&frames[i]) {
				continue
			}
			buf = appendSized(buf, &frames[i].frame)
			frames[i].payload = nil
			if len(buf) >= writeBatch {
				if err := s.flush(to, buf); err != nil {
					return err
				}
				buf = buf[:0]
			}
		}
		if err := s.flush(to, buf); err != nil {
			return err
		}
		buf, spare = shrink(buf), frames
		if cap(spare) > 4*s.most {
			spare = nil
		}
	}
}

// shrink keeps a buffer of the usual size and lets a large one go.
func shrink(b []byte) []byte {
	if cap(b) > 2*writeBatch {
		return nil
	}
	return b[:0]
}

func (s *sender) flush(to stream, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	to.SetWriteDeadline(time.Now().Add(s.time))
	_, err := to.Write(b)
	return err
}
