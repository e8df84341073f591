package p2p

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/merograph/merograph/graph"
)

// page is a stream that keeps what is written to it. While it is stuck a write waits.
type page struct {
	mu    sync.Mutex
	got   bytes.Buffer
	stuck chan struct{} // nil: not
}

func (p *page) Read([]byte) (int, error)         { select {} }
func (p *page) SetReadDeadline(time.Time) error  { return nil }
func (p *page) SetWriteDeadline(time.Time) error { return nil }
func (p *page) CloseWrite() error                { return nil }
func (p *page) Reset() error                     { return nil }
func (p *page) Write(b []byte) (int, error) {
	if p.stuck != nil {
		<-p.stuck
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.Write(b)
}

// said gives the payloads of the frames that were written, in order.
func (p *page) said(t *testing.T) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	r := newReader(still{bytes.NewReader(p.got.Bytes())}, 1<<20, nil)
	var all []string
	for {
		f, err := r.next()
		if err != nil {
			return strings.Join(all, " ")
		}
		all = append(all, strings.TrimSpace(string(f.payload)))
	}
}

// frames of a class, whose payload is a name and padding.
func saying(c class, name string, size int) waiting {
	f := frame{kind: graph.OneWayMsg, payload: []byte(name + strings.Repeat(" ", max(0, size-len(name))))}
	return waiting{frame: f, class: c}
}

func always(*waiting) bool { return true }

// opened gives a sender of h to the peer a.
func opened(h *Host, maxPayload int) *sender {
	s := &sender{}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.open(h, "a", maxPayload)
	return s
}

func (s *sender) say(t *testing.T, c class, names ...string) {
	t.Helper()
	for _, n := range names {
		w := saying(c, n, 40<<10)
		w.at = s.h.now()
		if got := s.put(w); got != putDone {
			t.Fatalf("%s: put gave %d", n, got)
		}
	}
}

// Control goes before the node's own, and that before what is relayed; within a class nothing is reordered.
func TestQueueGoesByClass(t *testing.T) {
	for name, c := range map[string]struct {
		ordered bool
		want    string
	}{
		"exchange": {false, "c1 c2 o1 o2 o3 r1 r2 r3"},
		"one-way":  {true, "c1 c2 r1 o1 r2 o2 o3 r3"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := bareHost()
				s := opened(h, 1<<20)
				s.ordered = c.ordered
				s.say(t, relayed, "r1")
				s.say(t, own, "o1")
				s.say(t, relayed, "r2")
				s.say(t, own, "o2", "o3")
				s.say(t, control, "c1", "c2")
				s.say(t, relayed, "r3")
				p := &page{}
				var all sync.WaitGroup
				all.Go(func() { s.writeAll(p, nil, always) })
				synctest.Wait()
				if got := p.said(t); got != c.want {
					t.Errorf("written: %s, want %s", got, c.want)
				}
				s.close()
				all.Wait()
				if len(h.outboxes) != 0 || h.count.queued.Load() != 0 {
					t.Errorf("%d outboxes and %d bytes stay", len(h.outboxes), h.count.queued.Load())
				}
			})
		})
	}
}

// What one stream relays waits while another stream to the same peer has something of the node's own, but never longer
// than patience.
func TestRelayedWaitsForOwnOnAnotherStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHost()
		mine, theirs, other := opened(h, 1<<20), opened(h, 1<<20), &sender{}
		h.mu.Lock()
		other.open(h, "b", 1<<20)
		h.mu.Unlock()
		busy, quiet, far := &page{stuck: make(chan struct{})}, &page{}, &page{}
		var all sync.WaitGroup
		all.Go(func() { mine.writeAll(busy, nil, always) })
		all.Go(func() { theirs.writeAll(quiet, nil, always) })
		all.Go(func() { other.writeAll(far, nil, always) })
		start := time.Now()
		mine.say(t, own, "o1")
		synctest.Wait()
		theirs.say(t, relayed, "r1")
		other.say(t, relayed, "x1")
		synctest.Wait()
		if got := quiet.said(t); got != "" {
			t.Errorf("%s is written before its turn", got)
		}
		if got := far.said(t); got != "x1" {
			t.Errorf("another peer's stream has %q", got)
		}
		busy.stuck <- struct{}{}
		synctest.Wait()
		if got := busy.said(t) + " " + quiet.said(t); got != "o1 r1" || time.Since(start) != 0 {
			t.Errorf("written: %q after %v", got, time.Since(start))
		}
		// The other stream is stuck for good: no starvation.
		mine.say(t, own, "o2")
		synctest.Wait()
		theirs.say(t, relayed, "r2")
		time.Sleep(patience)
		synctest.Wait()
		if got := quiet.said(t); got != "r1 r2" {
			t.Errorf("after %v: %q", time.Since(start), got)
		}
		theirs.say(t, control, "c")
		synctest.Wait()
		if got := quiet.said(t); got != "r1 r2 c" {
			t.Errorf("control waits: %q", got)
		}
		close(busy.stuck)
		for _, s := range []*sender{mine, theirs, other} {
			s.close()
		}
		all.Wait()
	})
}

// A class that has waited longer than patience has one turn, whatever else there is.
func TestNoClassStarves(t *testing.T) {
	var q rows[string]
	now := graph.Time(time.Hour)
	clock := func() graph.Time { return now }
	q.push(relayed, "r1", now)
	q.push(relayed, "r2", now)
	turns := ""
	for i := range 30 {
		q.push(own, fmt.Sprint("o", i), now)
		c, _ := q.next(clock)
		q.served[c] = now
		q.row[c].pop()
		turns += string("cor"[c])
		now = now.Add(patience / 10)
	}
	if strings.Count(turns, "r") != 2 || turns[11] != 'r' {
		t.Errorf("turns: %s", turns)
	}
}

// What is relayed has half of a queue, so that it cannot take the place of the node's own.
func TestRelayedHasHalfOfTheQueue(t *testing.T) {
	h := bareHost()
	h.limits.Queue, h.limits.QueueBytes = 8, 100
	s := opened(h, 0)
	for range 4 {
		s.put(saying(relayed, "r", 1))
	}
	if s.put(saying(relayed, "r", 1)) != putFull || s.put(saying(own, "o", 1)) != putDone {
		t.Error("half of the count")
	}
	b := opened(h, 0)
	if b.put(saying(relayed, "r", 51)) != putFull || b.put(saying(own, "o", 51)) != putDone {
		t.Error("half of the bytes")
	}
}

// All streams to one peer together have an eighth of the bytes that may wait.
func TestQueueOfOnePeer(t *testing.T) {
	h := bareHost()
	h.limits.QueueBytes, h.limits.AllQueueBytes = 100, 1600
	for i := range 2 {
		if opened(h, 0).put(saying(own, "o", 100)) != putDone {
			t.Fatal(i)
		}
	}
	if opened(h, 0).put(saying(own, "o", 1)) != putFull {
		t.Error("one peer has more than an eighth")
	}
	var other sender
	other.open(h, "b", 0)
	if other.put(saying(own, "o", 100)) != putDone {
		t.Error("another peer has nothing")
	}
}

// A reply that nobody waits for any more is not written, and counted.
func TestLateReplyIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHost()
		in := &inbound{h: h, e: &endpoint{id: "x", info: graph.ChannelInfo{Name: "x"}}, from: "a", s: &page{stuck: make(chan struct{})}}
		if !h.admit(in, nil) {
			t.Fatal("not admitted")
		}
		in.writing.Add(1)
		in.writeOnce.Do(func() {})
		go func() { defer in.writing.Done(); in.write() }()
		reply := func(s string, left time.Duration) {
			in.reply(&frame{kind: graph.ReplyMsg, call: 1, payload: []byte(s)}, h.now().Add(left))
		}
		reply("first", time.Second)
		synctest.Wait()
		reply("late", time.Second)
		reply("early", time.Minute)
		time.Sleep(2 * time.Second)
		close(in.s.(*page).stuck)
		synctest.Wait()
		if got := in.s.(*page).said(t); got != "first early" {
			t.Errorf("written: %q", got)
		}
		if n := h.count.refused[refusalKey{"x", "expired"}]; n != 1 {
			t.Errorf("%d are counted", n)
		}
		in.out.close()
		in.writing.Wait()
	})
}

// Publications of the node itself go before those that it makes in work for others, which have half of the room.
func TestPublicationsGoByClass(t *testing.T) {
	h := bareHost()
	h.limits.TopicQueue = 4
	q := &h.publish
	q.open(&h.limits, &h.count.queued)
	now := func() graph.Time { return 1 }
	put := func(c class, s string) bool { return q.put(c, publication{data: []byte(s)}, 1) }
	if !put(relayed, "r1") || !put(relayed, "r2") || put(relayed, "r3") || !put(own, "o1") || !put(own, "o2") || put(own, "o3") {
		t.Error("the bounds are others")
	}
	var got []string
	for {
		p, ok := q.take(now)
		if !ok {
			break
		}
		got = append(got, string(p.data))
	}
	if s := strings.Join(got, " "); s != "o1 o2 r1 r2" {
		t.Errorf("taken: %s", s)
	}
}

// What waits to be published is bounded in bytes, of which half may be relayed, and counts among what the host has queued.
func TestPublicationsAreBoundedInBytes(t *testing.T) {
	h := bareHost()
	h.limits.TopicMessage, h.limits.TopicQueueBytes = 100, 800
	q := &h.publish
	q.open(&h.limits, &h.count.queued)
	now := func() graph.Time { return 1 }
	put := func(c class, size int) bool { return q.put(c, publication{data: make([]byte, size)}, 1) }
	if !put(relayed, 400) || put(relayed, 1) || !put(own, 400) || put(own, 1) {
		t.Error("the bounds are others")
	}
	if got := h.Stats().QueuedBytes; got != 800 {
		t.Errorf("%d bytes are queued", got)
	}
	if _, ok := q.take(now); !ok || h.Stats().QueuedBytes != 400 || !put(own, 100) {
		t.Error("what was taken keeps its room")
	}
	h.count.queued.Add(int64(h.limits.AllQueueBytes) - 550)
	if put(own, 100) || !put(own, 50) {
		t.Error("it has another bound than all that the host has queued")
	}
	q.close()
	if got := h.Stats().QueuedBytes; got != int64(h.limits.AllQueueBytes)-550 || put(own, 1) {
		t.Errorf("%d bytes are queued after the close", got)
	}
}

// A queue has room for 4 of the largest publications, whatever its bound.
func TestLargePublicationsFit(t *testing.T) {
	h := bareHost()
	h.limits.TopicMessage, h.limits.TopicQueueBytes = 1000, 1
	h.publish.open(&h.limits, &h.count.queued)
	for i := range 5 {
		if got := h.publish.put(own, publication{data: make([]byte, 1000)}, 1); got != (i < 4) {
			t.Errorf("number %d: %v", i, got)
		}
	}
}

// The class of a message follows from its kind, and from whom its activation works for.
func TestClasses(t *testing.T) {
	for want, messages := range map[class][]graph.Message{
		control: {{Kind: graph.ReplyMsg}, {Kind: graph.ErrorMsg, Relayed: true}, {Kind: graph.CancelMsg, Relayed: true}},
		own:     {{Kind: graph.RequestMsg}, {Kind: graph.OneWayMsg}, {Kind: graph.TopicMsg}},
		relayed: {{Kind: graph.RequestMsg, Relayed: true}, {Kind: graph.OneWayMsg, Relayed: true}, {Kind: graph.TopicMsg, Relayed: true}},
	} {
		for _, m := range messages {
			if got := classOf(&m); got != want {
				t.Errorf("%+v is of class %d, want %d", m, got, want)
			}
		}
	}
}

// Calls that were given up before they were written leave their places in the queue to others.
func TestGivenUpCallsLeaveTheQueue(t *testing.T) {
	h := testHost(t)
	r := client(t, h)
	l := &link{h: h, e: r.channels["echo"], calls: map[uint64]*sentCall{}, ids: map[callOf]uint64{}}
	h.mu.Lock()
	h.limits.Queue = 4
	l.out.open(h, "a", 1<<10)
	h.mu.Unlock()
	defer l.out.close()
	ask := func(call uint64) graph.Reason {
		reason, _, _ := l.send(r, &graph.Message{Kind: graph.RequestMsg, Call: call, Payload: []byte{1}})
		return reason
	}
	for call := range uint64(4) {
		if got := ask(call + 1); got != graph.None {
			t.Fatal(got)
		}
	}
	if got := ask(5); got != graph.Busy {
		t.Fatalf("over the bound: %v", got)
	}
	for _, call := range []uint64{1, 3} {
		l.send(r, &graph.Message{Kind: graph.CancelMsg, Call: call})
	}
	if a, b, c := ask(6), ask(7), ask(8); a != graph.None || b != graph.None || c != graph.Busy {
		t.Errorf("after two were given up: %v, %v, %v", a, b, c)
	}
	if l.out.size != 4 || len(l.calls) != 4 {
		t.Errorf("%d bytes and %d calls are in the books", l.out.size, len(l.calls))
	}
}
