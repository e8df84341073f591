package p2p

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/merograph/merograph/graph"
)

// dialTime is how long a connection and a stream may take to open.
const dialTime = 5 * time.Second

// wordsTime is how long the end of a stream may take that one side has refused in words.
const wordsTime = time.Second

// wordsBytes is how much of what it still sends is thrown away meanwhile.
const wordsBytes = 1 << 20

type linkKey struct {
	peer    graph.Peer
	channel string // protocol id
}

// A link is our kept stream to a peer on a channel: opened by its writer at the first use, kept until it breaks. A link
// that has failed is not used again; the next message begins a new one.
type link struct {
	h    *Host
	key  linkKey
	e    *endpoint
	out  sender
	done chan struct{} // closed when it has written and read its last

	mu      sync.Mutex
	s       stream
	calls   map[uint64]*sentCall // by the id on the wire
	ids     map[callOf]uint64
	lastID  uint64
	retired bool       // for being idle: the next message goes on a new link
	unsent  int        // frames in the queue of calls that have ended
	failed  bool       // no message goes into it any more
	active  bool       // since endIdle looked last
	used    graph.Time // as endIdle saw it; under the host's lock
	heard   bool       // the reader's own: a reply came
}

// A sentCall is a call of ours without its answer.
type sentCall struct {
	of      callOf
	key     string
	written bool
}

type callOf struct {
	r    *Running
	call uint64
}

// link gives the link of a key, and makes it when there is none; nil when there are too many, or when the host closes.
func (h *Host) link(key linkKey, e *endpoint) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.links[key]; l != nil || h.closed || len(h.links) >= h.limits.Links {
		return l
	}
	l := &link{h: h, key: key, e: e, done: make(chan struct{}), calls: map[uint64]*sentCall{}, ids: map[callOf]uint64{}}
	l.out.open(h, key.peer, e.info.MaxRequest)
	l.out.ordered, l.active = e.info.Kind == graph.MessageKind, true
	h.links[key] = l
	h.tasks.Go(l.run)
	return l
}

// send queues a message of an instance, and is false when the link has been retired. What else it gives is for the
// instance: None, or why not.
func (l *link) send(r *Running, m *graph.Message) (reason graph.Reason, detail string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return graph.Unreachable, "", false
	}
	if l.failed {
		return graph.Unreachable, "the connection has just broken", true
	}
	reason, detail = l.queue(r, m)
	return reason, detail, true
}

// queue puts a message of an instance into the queue, and a call into the books. The caller holds the lock.
func (l *link) queue(r *Running, m *graph.Message) (graph.Reason, string) {
	f := frame{kind: m.Kind, key: m.Key, once: m.Once, remaining: m.Remaining, payload: m.Payload}
	of := callOf{r, m.Call}
	switch m.Kind {
	case graph.RequestMsg:
		l.lastID++
		f.call = l.lastID
	case graph.CancelMsg:
		id, ok := l.ids[of]
		if !ok {
			return graph.None, ""
		}
		written := l.calls[id].written
		l.end(id)
		if !written {
			l.unsent++
			return graph.None, ""
		}
		f.call = id
	}
	l.active = true
	w := waiting{frame: f, class: classOf(m), at: l.h.now()}
	done := l.out.put(w)
	if done == putFull && l.unsent > 0 { // what nobody waits for takes no room from what somebody does
		l.unsent = 0
		l.out.drop(func(w *waiting) bool { return w.kind == graph.RequestMsg && l.calls[w.call] == nil })
		done = l.out.put(w)
	}
	switch done {
	case putFull:
		return graph.Busy, "the queue to it is full"
	case putClosed:
		return graph.Unreachable, "the connection has just broken"
	}
	if m.Kind == graph.RequestMsg {
		l.calls[f.call] = &sentCall{of: of, key: m.Key}
		l.ids[of] = f.call
	}
	return graph.None, ""
}

// end takes a call out of the books; the caller holds the lock.
func (l *link) end(id uint64) *sentCall {
	c := l.calls[id]
	if c != nil {
		delete(l.calls, id)
		delete(l.ids, c.of)
	}
	return c
}

// drop forgets the calls of an instance that has ended.
func (l *link) drop(r *Running) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.calls {
		if c.of.r == r {
			l.end(id)
		}
	}
}

// run opens the stream and writes to it until the link fails.
func (l *link) run() {
	defer close(l.done)
	s, err := l.open()
	if err != nil {
		l.fail(graph.Unreachable, err.Error())
		return
	}
	l.h.count.opened.Add(1)
	pays, ok := newAccount(s)
	if !ok {
		s.Reset()
		l.h.count.refuse(l.e.info.Name, refusedMemory)
		l.fail(graph.Unreachable, "no memory for one more stream: raise Limits.Memory")
		return
	}
	l.mu.Lock()
	l.s = s
	failed := l.failed
	l.mu.Unlock()
	if failed {
		s.Reset()
		return
	}
	read := make(chan struct{})
	l.h.tasks.Go(func() { defer close(read); l.read(s, pays) }) // run itself is counted, so Close still waits
	hello := frame{kind: helloMsg, version: formatVersion, fingerprint: l.e.info.Fingerprint, role: l.e.info.From, incarnation: l.h.incarnation}
	if err := l.out.writeAll(s, appendSized(nil, &hello), l.admit); err != nil {
		select { // the callee may have said why it does not read any more
		case <-read:
		case <-time.After(wordsTime):
		}
		l.fail(graph.Lost, "the connection broke: "+err.Error())
	}
	s.CloseWrite() // of a link that has failed: nothing; of one that finishes: the callee reads to the end and closes
	late := time.AfterFunc(l.h.limits.WriteTime, func() { s.Reset() })
	<-read
	late.Stop()
	s.Reset()
	l.gone()
}

func (l *link) open() (stream, error) {
	if l.key.peer == l.h.self {
		ours, theirs := newPipe()
		if !l.h.spawn(func() { l.h.serve(l.e, theirs, l.h.self) }) {
			return nil, ErrClosed
		}
		return ours, nil
	}
	id, err := decodePeer(l.key.peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(l.h.ctx, dialTime)
	defer cancel()
	// Over a relay, when Reach allows it: its limits end the stream sooner or later, as a broken connection would.
	s, err := l.h.host.NewStream(network.WithAllowLimitedConn(ctx, "channels"), id, l.e.id)
	if err != nil {
		return nil, dialError(err, id, l.e)
	}
	return s, nil
}

func dialError(err error, id peer.ID, e *endpoint) error {
	return fmt.Errorf("no stream %s to %s: %s", e.id, id, strings.Join(strings.Fields(err.Error()), " "))
}

// admit marks a call as written, and takes off its deadline what it waited.
func (l *link) admit(w *waiting) bool {
	if w.kind == graph.OneWayMsg || w.kind == graph.CancelMsg {
		return true
	}
	l.mu.Lock()
	c := l.calls[w.call]
	if c == nil { // cancelled
		l.mu.Unlock()
		return false
	}
	if w.remaining > 0 {
		if w.remaining -= l.h.now().Sub(w.at); w.remaining <= 0 {
			l.end(w.call)
			l.mu.Unlock()
			l.answer(c, &graph.Message{Kind: graph.ErrorMsg, Reason: graph.Expired, Detail: "its deadline passed in the queue"})
			return false
		}
	}
	c.written = true
	l.mu.Unlock()
	return true
}

// read takes the replies until the stream ends.
func (l *link) read(s stream, pays *account) {
	rd := newReader(s, frameBound(l.e.info.MaxReply), pays)
	for {
		f, err := rd.next()
		if err != nil {
			reason, _ := refusedAs(err)
			if reason != "" {
				l.h.count.refuse(l.e.info.Name, reason)
			}
			l.broke(err)
			return
		}
		switch {
		case f.kind == graph.ErrorMsg && f.call == 0:
			l.refused(&f)
			return
		case f.kind == graph.ReplyMsg || f.kind == graph.ErrorMsg:
			l.reply(&f)
		default:
			l.h.count.refuse(l.e.info.Name, refusedMalformed)
			l.fail(graph.Lost, fmt.Sprintf("it sent a frame of kind %d, which is not a reply", f.kind))
			return
		}
	}
}

// refused ends the link because the callee said that it does not take the stream.
func (l *link) refused(f *frame) {
	reason, text := graph.Lost, "it ended the stream: "+f.reason.String()+": "+f.detail
	switch f.reason {
	case graph.Mismatch:
		reason, text = graph.Mismatch, f.detail
		l.h.count.refuse(l.e.info.Name, refusedMismatch)
		l.h.problem(problemKey{l.key.peer, l.key.channel, true}, fmt.Sprintf("%s refuses our calls: %s", l.key.peer, f.detail))
	case graph.Unreachable:
		reason, text = graph.Unreachable, f.detail
	}
	l.fail(reason, text)
}

func (l *link) reply(f *frame) {
	l.mu.Lock()
	c := l.end(f.call)
	l.active = true
	l.mu.Unlock()
	if c == nil {
		l.h.count.refuse(l.e.info.Name, refusedLate)
		return
	}
	if !l.heard {
		l.heard = true
		l.h.count.solved(problemKey{l.key.peer, l.key.channel, true})
	}
	m := &graph.Message{Kind: f.kind, Reason: f.reason, Retry: f.retry, Detail: f.detail, Payload: f.payload}
	if f.kind == graph.ErrorMsg && (f.reason == graph.None || f.reason >= graph.Reasons) {
		m.Reason = graph.Remote
	}
	l.answer(c, m)
}

func (l *link) answer(c *sentCall, m *graph.Message) {
	m.Channel, m.Peer, m.Key, m.Call = l.e.info.Name, l.key.peer, c.key, c.of.call
	c.of.r.in.Deliver(*m)
}
