package p2p

import (
	"errors"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// heldBy gives what the resource manager of h has in its books for a peer, and the peer's most.
func heldBy(t testing.TB, h *Host, p peer.ID) (now network.ScopeStat, most portion) {
	t.Helper()
	err := h.host.Network().ResourceManager().ViewPeer(p, func(s network.PeerScope) error { now = s.Stat(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return now, h.portions.ofPeer()
}

// heldOn gives what it has for all peers on a channel.
func heldOn(t testing.TB, h *Host, id protocol.ID) (now network.ScopeStat) {
	t.Helper()
	err := h.host.Network().ResourceManager().ViewProtocol(id, func(s network.ProtocolScope) error { now = s.Stat(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// within fails when more is held for a peer than the channels let it have.
func within(t testing.TB, h *Host, p peer.ID) {
	t.Helper()
	now, most := heldBy(t, h, p)
	if now.NumStreamsInbound > most.in || now.NumStreamsOutbound > most.out || now.Memory > most.memory {
		t.Errorf("%+v is held for one peer, the most is %+v", now, most)
	}
}

// What a peer may have is the sum of what the channels declare, at most an eighth of the memory.
func TestLimitsFollowFromTheChannels(t *testing.T) {
	var l Limits
	l.defaults()
	p := newPortions(&l)
	small := p.ofPeer()
	if small.in != otherStreams || small.memory != windowRoom+2*otherStreams*firstWindow {
		t.Errorf("without channels: %+v", small)
	}
	ask := graph.ChannelInfo{Kind: graph.ExchangeKind, In: true, MaxRequest: 1 << 10, MaxReply: 1 << 10}
	p.allot("/merograph/a/1/x", &ask)
	one := p.ofChannel("/merograph/a/1/x")
	if one.in != l.StreamsPerPeer || one.out != 0 || one.memory < int64(l.StreamsPerPeer*l.QueueBytes) {
		t.Errorf("one channel: %+v", one)
	}
	if got := p.ofPeer(); got.in != small.in+one.in || got.memory != small.memory+one.memory+int64(one.in)*firstWindow {
		t.Errorf("a peer: %+v", got)
	}
	ask.In, ask.Out = false, true
	p.allot("/merograph/a/1/x", &ask) // the other role
	if both := p.ofChannel("/merograph/a/1/x"); both.in != one.in || both.out != 2 || both.memory <= one.memory {
		t.Errorf("both roles: %+v", both)
	}
	p.allot("/merograph/a/1/news", &graph.ChannelInfo{Kind: graph.TopicKind, In: true, MaxRequest: 1 << 20})
	if got := p.ofChannel("/merograph/a/1/news"); got != (portion{}) {
		t.Errorf("a topic has no streams of its own: %+v", got)
	}
	for _, id := range []protocol.ID{"/merograph/a/1/y", "/merograph/a/1/z", "/merograph/a/1/w"} {
		p.allot(id, &graph.ChannelInfo{Kind: graph.ExchangeKind, In: true, MaxRequest: 1 << 20, MaxReply: 1 << 20})
	}
	most := p.ofPeer()
	if got := most.memory - windowRoom - firstWindow*int64(most.in+most.out); got != l.Memory/8 {
		t.Errorf("the channels of a peer may take %d, an eighth is %d", got, l.Memory/8)
	}
	l.Memory = 1 << 20
	p.sum()
	if got := p.ofPeer().memory; got < 1<<20+windowRoom {
		t.Errorf("%d bytes are less than one stream of a channel needs", got)
	}
}

// A peer that opens a thousand streams, on one channel or on all of them, is held within what the channels let it have.
func TestThousandStreamsAreHeld(t *testing.T) {
	h := testHost(t)
	e := newEars()
	server(t, h, e)
	fine, s := honest(t, h), stranger(t, h)
	var kept []network.Stream
	for i := range 1000 {
		id := []protocol.ID{slowID, echoID, noteID}[i%3]
		st, err := s.NewStream(t.Context(), h.id, id)
		if err != nil {
			continue
		}
		hello := helloOf(t, h, id)
		hello.incarnation = uint64(i)
		st.Write(appendSized(nil, &hello))
		kept = append(kept, st)
		if i%100 == 0 {
			within(t, h, s.ID())
		}
	}
	within(t, h, s.ID())
	for _, id := range []protocol.ID{slowID, echoID, noteID} {
		if now := heldOn(t, h, id); now.NumStreamsInbound > 2*h.limits.StreamsPerPeer { // the honest peer has some too
			t.Errorf("%s: %+v is held", id, now)
		}
	}
	fine()
	close(e.free)
	for _, st := range kept {
		st.Reset()
	}
	until(t, "all is given back", func() bool {
		now, _ := heldBy(t, h, s.ID())
		return now.NumStreamsInbound <= otherStreams && heldOn(t, h, slowID).NumStreamsInbound == 0
	})
}

// A peer that sends to the bound on each channel and reads nothing is held within what the channels let it have.
func TestFullChannelsAreHeld(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Limits.AllQueueBytes = 8 << 20 })
	e := newEars()
	close(e.free)
	server(t, h, e)
	fine, s := honest(t, h), stranger(t, h)
	big := strings.Repeat("x", 60<<10)
	for i := range uint64(h.limits.StreamsPerPeer) {
		for _, id := range []protocol.ID{slowID, noteID} {
			flood(t, s, h, id, i, func(call uint64) []byte {
				if id == slowID {
					return requestOf(call, big)
				}
				return appendSized(nil, &frame{kind: graph.OneWayMsg, payload: text(big)})
			})
		}
	}
	until(t, "replies to it are refused", func() bool {
		fine()
		within(t, h, s.ID())
		if n := h.Stats().QueuedBytes; n > int64(h.limits.AllQueueBytes/8) {
			t.Errorf("%d bytes wait for one peer, the bound is %d", n, h.limits.AllQueueBytes/8)
		}
		return count(h, "slow", refusedFull) > 0
	})
	if now := heldOn(t, h, slowID); now.Memory > h.portions.ofChannel(slowID).memory {
		t.Errorf("%+v is held on slow, the most for one peer is %+v", now, h.portions.ofChannel(slowID))
	}
}

// flood opens a stream as a host of its own incarnation and writes what next gives until the stream ends, and reads nothing.
func flood(t *testing.T, s host.Host, h *Host, id protocol.ID, incarnation uint64, next func(call uint64) []byte) {
	t.Helper()
	st := open(t, s, h, id, func(f *frame) { f.incarnation = incarnation })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for call := uint64(1); ; call++ {
			if _, err := st.Write(next(call)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { st.Reset(); <-ended })
}

// A narrowScope is a resource scope of few bytes.
type narrowScope struct {
	network.ResourceScope
	left int
}

func (n *narrowScope) ReserveMemory(size int, _ uint8) error {
	if size > n.left {
		return errors.New("full")
	}
	n.left -= size
	return nil
}

func (n *narrowScope) ReleaseMemory(size int) { n.left += size }

// Memory is charged before it is taken, and what does not fit ends the stream.
func TestAccount(t *testing.T) {
	scope := &narrowScope{left: 4 * accountStep}
	a := &account{scope: scope}
	if !a.take(1) || scope.left != 3*accountStep || !a.take(accountStep-1) || scope.left != 3*accountStep {
		t.Errorf("%d bytes are left", scope.left)
	}
	if !a.take(3*accountStep) || a.take(1) {
		t.Error("it gives other than it has")
	}
	a.give(4 * accountStep)
	if scope.left != 3*accountStep { // a step is kept
		t.Errorf("%d bytes are left", scope.left)
	}
	big := frame{kind: graph.OneWayMsg, payload: make([]byte, 5*accountStep)}
	r := newReader(still{strings.NewReader(string(appendSized(nil, &big)))}, 1<<20, a)
	var bad *badStream
	if _, err := r.next(); !errors.As(err, &bad) || bad.reason != refusedMemory {
		t.Errorf("got %v", err)
	}
	small := frame{kind: graph.OneWayMsg, payload: make([]byte, 2*accountStep)}
	two := appendSized(appendSized(nil, &small), &small)
	r = newReader(still{strings.NewReader(string(two))}, 1<<20, a)
	for range 2 {
		if _, err := r.next(); err != nil || a.used < len(small.payload) {
			t.Errorf("got %v, %d bytes are charged", err, a.used)
		}
	}
	if r.next(); a.used != 0 {
		t.Errorf("%d bytes stay charged", a.used)
	}
}

// The resource manager refuses one more than the channels let a peer have, of streams and of memory, as soon as a
// program runs; the refusals are counted.
func TestManagerRefusesAtTheLimits(t *testing.T) {
	h := testHost(t)
	manager := h.host.Network().ResourceManager()
	id, err := decodePeer(peerOfNobody(t))
	if err != nil {
		t.Fatal(err)
	}
	var scopes []network.StreamManagementScope
	openOne := func() network.StreamManagementScope {
		s, err := manager.OpenStream(id, network.DirInbound)
		if err != nil {
			return nil
		}
		scopes = append(scopes, s)
		return s
	}
	held := func() (n int) {
		for openOne() != nil {
			n++
		}
		return n
	}
	if n := held(); n != otherStreams {
		t.Errorf("%d streams are held without a program", n)
	}
	server(t, h, newEars())
	if n := held(); n != 3*h.limits.StreamsPerPeer {
		t.Errorf("%d more with three channels", n)
	}
	taken := 0
	for ; scopes[taken].SetProtocol(slowID) == nil; taken++ {
	}
	if taken != h.limits.StreamsPerPeer || count(h, "slow", refusedStreams) != 1 || count(h, "", refusedStreams) != 2 {
		t.Errorf("%d streams are held on a channel, counted: %+v", taken, h.Stats().Refused)
	}
	var memory int64
	for scopes[0].ReserveMemory(accountStep, network.ReservationPriorityAlways) == nil {
		memory += accountStep
	}
	if most := h.portions.ofChannel(slowID).memory; memory > most || memory < most-accountStep {
		t.Errorf("%d bytes are held on a channel, the most is %d", memory, most)
	}
	for _, s := range scopes {
		s.Done()
	}
}
