package p2p

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/merograph/merograph/graph"
)

type inboundKey struct {
	peer    graph.Peer
	channel string // protocol id
}

// An inbound is a stream that a peer opened to us on a channel.
type inbound struct {
	h           *Host
	e           *endpoint
	from        graph.Peer
	s           stream
	out         sender        // replies
	active      atomic.Bool   // since endIdle looked last
	used        graph.Time    // as endIdle saw it; under the host's lock
	owed        atomic.Int32  // answers
	incarnation uint64        // of the peer's host, once it has said it; under the host's lock
	done        chan struct{} // closed when its last frame has been handed over

	writeOnce sync.Once
	writing   sync.WaitGroup
}

// accept is the handler of a libp2p stream. The goroutine, which libp2p made, is the stream's reader.
func (h *Host) accept(e *endpoint, s network.Stream) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		s.Reset()
		return
	}
	h.tasks.Add(1)
	h.mu.Unlock()
	defer h.tasks.Done()
	h.serve(e, s, graph.Peer(s.Conn().RemotePeer().String()))
}

// serve reads a stream to its end.
func (h *Host) serve(e *endpoint, s stream, from graph.Peer) {
	in := &inbound{h: h, e: e, from: from, s: s, done: make(chan struct{})}
	pays, ok := newAccount(s)
	if !ok {
		h.count.refuse(e.info.Name, refusedMemory)
		s.Reset()
		return
	}
	if !h.admit(in, pays) {
		h.count.refuse(e.info.Name, refusedStreams)
		s.Reset()
		return
	}
	h.count.accepted.Add(1)
	defer in.end()
	err := in.read()
	close(in.done)
	if err != nil {
		reason, code := refusedAs(err)
		if reason != "" {
			h.count.refuse(e.info.Name, reason)
			in.tell(code, err.(*badStream).detail)
		}
	}
}

// admit takes the stream into the books, when its peer has not too many.
func (h *Host) admit(in *inbound, pays *account) bool {
	k := inboundKey{in.from, string(in.e.id)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.inbound[k]) >= h.limits.StreamsPerPeer {
		return false
	}
	h.inbound[k] = append(h.inbound[k], in)
	in.out.open(h, in.from, in.e.info.MaxReply)
	in.out.account = pays
	in.active.Store(true)
	return true
}

// end takes the stream down, and out of the books once its reader has ended.
func (in *inbound) end() {
	in.s.Reset()
	in.out.close()
	k := inboundKey{in.from, string(in.e.id)}
	in.h.mu.Lock()
	defer in.h.mu.Unlock()
	in.h.inbound[k] = without(in.h.inbound[k], in)
	if len(in.h.inbound[k]) == 0 {
		delete(in.h.inbound, k)
	}
}

// tell says in words why the stream ends, and gives the other side a little time to read it before the reset.
func (in *inbound) tell(reason graph.Reason, detail string) {
	in.out.close()
	in.writing.Wait() // its last write is whole, or has failed
	f := frame{kind: graph.ErrorMsg, reason: reason, detail: detail}
	late := time.Now().Add(wordsTime)
	in.s.SetWriteDeadline(late)
	if _, err := in.s.Write(appendSized(nil, &f)); err != nil {
		return
	}
	in.s.CloseWrite()
	in.s.SetReadDeadline(late)
	io.CopyN(io.Discard, in.s, wordsBytes)
}

func (in *inbound) read() error {
	rd := newReader(in.s, frameBound(in.e.info.MaxRequest), in.out.account)
	f, err := rd.hello()
	if err != nil {
		return err
	}
	if err := in.check(&f); err != nil {
		return err
	}
	if !in.takeOver(f.incarnation) {
		return io.EOF
	}
	for {
		f, err := rd.next()
		if err != nil {
			return err
		}
		in.active.Store(true)
		if err := in.take(&f); err != nil {
			return err
		}
		for in.out.full() { // it asks and does not read
			<-in.out.room
		}
	}
}

// check compares what the two ends mean by the channel.
func (in *inbound) check(f *frame) error {
	c := &in.e.info
	var what string
	switch {
	case f.version != formatVersion:
		what = fmt.Sprintf("the caller speaks frames of version %d, this node of version %d", f.version, formatVersion)
	case f.role != c.From:
		what = fmt.Sprintf("the caller sends as role %q, here it is for role %q", f.role, c.From)
	case f.fingerprint != c.Fingerprint:
		what = fmt.Sprintf("the caller's messages have fingerprint %016x, this node's %016x", f.fingerprint, c.Fingerprint)
	default:
		in.h.count.solved(problemKey{in.from, string(in.e.id), false})
		return nil
	}
	what = fmt.Sprintf("channel %s: the two ends differ: %s: run the same version of %s on both", in.e.id, what, c.Name)
	in.h.problem(problemKey{in.from, string(in.e.id), false}, fmt.Sprintf("calls of %s are refused: %s", in.from, what))
	return &badStream{refusedMismatch, what}
}

// takeOver ends the streams that the same host opened before this one, and waits until they have been read to their end:
// what it sends here never overtakes what it sent there. It is false when a later stream has taken over already.
func (in *inbound) takeOver(incarnation uint64) bool {
	k := inboundKey{in.from, string(in.e.id)}
	var before []*inbound
	in.h.mu.Lock()
	in.incarnation = incarnation
	later := false
	for _, o := range in.h.inbound[k] {
		switch {
		case o == in:
			later = true
		case o.incarnation != incarnation:
		case later:
			in.h.mu.Unlock()
			return false
		default:
			before = append(before, o)
		}
	}
	in.h.mu.Unlock()
	for _, o := range before {
		o.s.Reset()
		o.out.close()
		<-o.done
	}
	return true
}

// take handles one frame; an error ends the stream.
func (in *inbound) take(f *frame) error {
	exchange := in.e.info.Kind == graph.ExchangeKind
	switch {
	case f.kind == graph.RequestMsg && exchange:
		return in.request(f)
	case f.kind == graph.CancelMsg && exchange:
		in.cancel(f.call)
	case f.kind == graph.OneWayMsg && in.e.info.Kind == graph.MessageKind:
		r, _ := in.h.callee(in.e, f.key)
		if r == nil {
			in.h.count.refuse(in.e.info.Name, refusedKey)
			return nil
		}
		r.in.Deliver(graph.Message{Kind: graph.OneWayMsg, Channel: in.e.info.Name, Peer: in.from, Key: f.key, Payload: f.payload})
	default:
		return &badStream{refusedMalformed, fmt.Sprintf("a frame of kind %d on the %s %s", f.kind, in.e.info.Kind, in.e.info.Name)}
	}
	return nil
}

func (in *inbound) request(f *frame) error {
	if f.call == 0 {
		return &badStream{refusedMalformed, "a request with call 0"}
	}
	r, any := in.h.callee(in.e, f.key)
	if r == nil {
		in.h.count.refuse(in.e.info.Name, refusedKey)
		reason, detail := graph.Denied, fmt.Sprintf("no instance with key %q here", f.key)
		if !any {
			reason, detail = graph.Unreachable, "nothing here answers "+string(in.e.id)
		}
		in.reply(&frame{kind: graph.ErrorMsg, call: f.call, reason: reason, detail: detail}, 0)
		return nil
	}
	m := graph.Message{Kind: graph.RequestMsg, Channel: in.e.info.Name, Peer: in.from, Key: f.key, Once: f.once, Remaining: f.remaining, Payload: f.payload}
	r.request(in, f.call, m)
	return nil
}

// cancel passes the hint on, when the call is still open.
func (in *inbound) cancel(call uint64) {
	all := in.h.callees(in.e)
	for _, r := range all {
		if r.cancelOpen(in, call) {
			return
		}
	}
}

// reply queues an answer, and starts the stream's writer with the first. An answer that does not fit becomes busy; one
// that still waits at until, unless that is 0, is not sent.
func (in *inbound) reply(f *frame, until graph.Time) {
	w := waiting{frame: *f, until: until}
	in.active.Store(true)
	in.writeOnce.Do(func() {
		in.writing.Add(1)
		if !in.h.spawn(func() { defer in.writing.Done(); in.write() }) {
			in.writing.Done()
		}
	})
	if in.out.put(w) == putFull {
		in.h.count.refuse(in.e.info.Name, refusedFull)
		w.frame = frame{kind: graph.ErrorMsg, call: f.call, reason: graph.Busy, retry: time.Second, detail: "replies to you wait already: read them"}
		in.out.put(w)
	}
}

// due drops an answer that nobody waits for any more: the caller's deadline has passed.
func (in *inbound) due(w *waiting) bool {
	if w.until != 0 && in.h.now() > w.until {
		in.h.count.refuse(in.e.info.Name, graph.Expired.String())
		return false
	}
	return true
}

func (in *inbound) write() {
	if err := in.out.writeAll(in.s, nil, in.due); err != nil {
		in.h.count.refuse(in.e.info.Name, refusedSlow)
		in.s.Reset()
		in.out.close()
	}
}
