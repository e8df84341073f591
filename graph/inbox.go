package graph

import "sync"

type eventKind uint8

const (
	evMessage eventKind = iota + 1 // request, one-way, topic, cancel
	evAnswer                       // reply or error to a call
	evAsk
	evTask
	evFeed
)

// An event is what an instance takes from its inbox, or what an origin begins with.
type event struct {
	kind    eventKind
	arrived Time
	msg     Message
	ask     *asked
	task    uint64
	feed    int
	at      Time     // timers
	failure *Failure // the handler
	step    int
}

// inbox is the bounded queue before an instance. The host admits to it from any goroutine; the instance alone takes.
type inbox struct {
	mu      sync.Mutex
	in      *Instance
	queue   fifo[event] // of others
	ours    fifo[event] // the node's own, and answers: they go before what others ask for
	outside int
	bytes   int
	own     int // requests of the node, until their activations end
	shares  map[Peer]*share
	spare   *share              // an empty one, for the next
	swept   Time                // when idle shares were last let go
	expects map[uint64]expected // open calls and tasks: their answers were paid for when they were asked
	dirty   []bool              // feeds with a change in the queue
	refused map[refusedKey]uint64
	late    uint64 // answers and results that nobody waited for
	closed  bool
	next    *Instance // took over, by Resume
}

// expected is whose answer an open call waits for, and how long it may be.
type expected struct {
	from Peer
	max  int
}

type refusedKey struct {
	channel string
	reason  Reason
}

func (b *inbox) start(in *Instance) {
	b.in = in
	b.shares, b.expects, b.refused = map[Peer]*share{}, map[uint64]expected{}, map[refusedKey]uint64{}
	b.dirty = make([]bool, len(in.params))
}

// push appends; the caller holds the lock and wakes the host after it.
func (b *inbox) push(ev event) {
	ev.arrived = b.in.host.Now()
	if ev.kind == evMessage {
		b.queue.push(ev)
	} else {
		b.ours.push(ev)
	}
}

func (b *inbox) head() (Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ours.len() > 0 {
		return b.ours.peek().arrived, true
	}
	if b.queue.len() == 0 {
		return 0, false
	}
	return b.queue.peek().arrived, true
}

func (b *inbox) take() event {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ours.len() == 0 {
		return b.queue.pop()
	}
	ev := b.ours.pop()
	if ev.kind == evFeed {
		b.dirty[ev.feed] = false
	}
	return ev
}

func (b *inbox) feedChanged(param int) {
	b.mu.Lock()
	if b.closed || b.dirty[param] {
		b.mu.Unlock()
		return
	}
	b.dirty[param] = true
	b.push(event{kind: evFeed, feed: param})
	b.mu.Unlock()
	b.in.host.Wake()
}

func (b *inbox) expect(id uint64, from Peer, most int) {
	b.mu.Lock()
	b.expects[id] = expected{from, most}
	b.mu.Unlock()
}

func (b *inbox) unexpect(id uint64) {
	b.mu.Lock()
	delete(b.expects, id)
	b.mu.Unlock()
}

func (b *inbox) taskDone(id uint64) {
	b.mu.Lock()
	if next := b.next; next != nil {
		b.mu.Unlock()
		next.box.taskDone(id)
		return
	}
	if _, ok := b.expects[id]; !ok || b.closed {
		b.late++
		b.count("", Expired)
		b.mu.Unlock()
		return
	}
	delete(b.expects, id)
	b.push(event{kind: evTask, task: id})
	b.mu.Unlock()
	b.in.host.Wake()
}

// release gives back what an event of another peer was charged.
func (b *inbox) release(p Peer, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outside--
	b.bytes -= bytes
	if s := b.shares[p]; s != nil {
		s.count--
		s.bytes -= bytes
		if s.count == 0 && len(s.tokens) == 0 {
			delete(b.shares, p)
			b.spare = s
		}
	}
}

// releaseOwn gives back the place of a request of the node.
func (b *inbox) releaseOwn() {
	b.mu.Lock()
	b.own--
	b.mu.Unlock()
}

// count counts a refusal; the caller holds the lock. Names that no channel has count together, so that a stranger cannot
// make the table grow.
func (b *inbox) count(channel string, r Reason) {
	if !b.in.prog.known[channel] {
		channel = ""
	}
	b.refused[refusedKey{channel, r}]++
}

// close takes nothing more and gives the requests of the node that were waiting.
func (b *inbox) close() (asks []*asked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, ev := range b.ours.all() {
		if ev.ask != nil {
			asks = append(asks, ev.ask)
		}
	}
	b.queue, b.ours = fifo[event]{}, fifo[event]{}
	b.outside, b.bytes, b.own = 0, 0, 0
	clear(b.shares)
	clear(b.expects)
	return asks
}
