package p2p

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

const (
	echoID = protocol.ID("/merograph/talk/1/echo")
	slowID = protocol.ID("/merograph/talk/1/slow")
	noteID = protocol.ID("/merograph/talk/1/note")
)

// stranger is a bare libp2p host that knows where h is.
func stranger(t testing.TB, h *Host) host.Host {
	t.Helper()
	s, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Connect(t.Context(), *addrInfo(t, h)); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens a stream and says hello on it, changed by change.
func open(t testing.TB, s host.Host, h *Host, id protocol.ID, change ...func(*frame)) network.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	st, err := s.NewStream(ctx, h.id, id)
	if err != nil {
		t.Fatal(err)
	}
	hello := helloOf(t, h, id)
	for _, c := range change {
		c(&hello)
	}
	write(t, st, appendSized(nil, &hello))
	return st
}

func helloOf(t testing.TB, h *Host, id protocol.ID) frame {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.endpoints[id]
	if e == nil {
		t.Fatalf("%s does not take part in %s", h.self, id)
	}
	return frame{kind: helloMsg, version: formatVersion, fingerprint: e.info.Fingerprint, role: e.info.From, incarnation: 7}
}

func write(t testing.TB, s network.Stream, b []byte) {
	t.Helper()
	s.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.Write(b); err != nil {
		t.Fatal(err)
	}
}

// ended reads what the host says until it ends the stream.
func ended(t testing.TB, s network.Stream) (last frame) {
	t.Helper()
	s.SetReadDeadline(time.Now().Add(15 * time.Second))
	r := newReader(plain{s}, 1<<20, nil)
	for {
		f, err := r.next()
		if err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Fatal("the host does not end the stream")
			}
			return last
		}
		last = f
	}
}

// plain is a stream whose read deadline is the test's.
type plain struct{ network.Stream }

func (plain) SetReadDeadline(time.Time) error { return nil }

// text is a request or one-way payload: a CBOR text.
func text(s string) []byte { return appendText(nil, s) }

func requestOf(call uint64, s string) []byte {
	return appendSized(nil, &frame{kind: graph.RequestMsg, call: call, remaining: 10 * time.Second, payload: text(s)})
}

// honest gives a check that an honest peer's calls go on.
func honest(t *testing.T, h *Host) (fine func()) {
	t.Helper()
	a := testHost(t)
	c := client(t, a)
	learn(t, a, h)
	return func() {
		t.Helper()
		if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{h.ID(), "fine"}); err != nil || got != "FINE" {
			t.Fatalf("an honest peer got %q, %v", got, err)
		}
	}
}

func TestHostileBytes(t *testing.T) {
	huge := func() []byte {
		b := binary.AppendUvarint(nil, 100<<20)
		return append(b, make([]byte, 100<<10)...)
	}
	cases := []struct {
		name, reason string
		bytes        []byte
		half         bool // ends the stream after the bytes
	}{
		{"100 MB announced", refusedTooLarge, huge(), false},
		{"endless length", refusedTooLarge, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
		{"one byte over", refusedTooLarge, binary.AppendUvarint(nil, uint64(frameBound(1<<10))+1), false},
		{"truncated length", refusedTruncated, []byte{0x80}, true},
		{"truncated frame", refusedTruncated, requestOf(1, "hello")[:9], true},
		{"garbage", refusedMalformed, append([]byte{40}, []byte(strings.Repeat("GET / HTTP/1.1 ", 4))...), false},
		{"length 0", refusedMalformed, []byte{0}, false},
		{"long form of a length", refusedMalformed, []byte{0x85, 0x00}, false},
		{"unknown kind", refusedMalformed, []byte{3, 0x82, 9, 1}, false},
		{"a reply to nothing", refusedMalformed, appendSized(nil, &frame{kind: graph.ReplyMsg, call: 1}), false},
		{"a one-way message on an exchange", refusedMalformed, appendSized(nil, &frame{kind: graph.OneWayMsg}), false},
		{"a second hello", refusedMalformed, appendSized(nil, &frame{kind: helloMsg, version: 1}), false},
		{"call 0", refusedMalformed, requestOf(0, "x"), false},
	}
	h := testHost(t)
	server(t, h, newEars())
	fine, s := honest(t, h), stranger(t, h)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := count(h, "echo", c.reason)
			st := open(t, s, h, echoID)
			st.SetWriteDeadline(time.Now().Add(5 * time.Second))
			st.Write(c.bytes) // it may be cut short by the refusal
			if c.half {
				st.CloseWrite()
			}
			last := ended(t, st)
			until(t, "counted as "+c.reason, func() bool { return count(h, "echo", c.reason) == before+1 })
			if c.reason == refusedTooLarge && (last.kind != graph.ErrorMsg || last.call != 0 || last.reason != graph.TooLarge) {
				t.Errorf("the stranger is not told: %+v", last)
			}
			fine()
		})
	}
}

// A 100 MB frame takes no memory, whether it is announced on one stream or on many.
func TestHugeFrameTakesNoMemory(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	fine, s := honest(t, h), stranger(t, h)
	fine()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 20 {
		st := open(t, s, h, slowID)
		write(t, st, binary.AppendUvarint(nil, 100<<20))
		ended(t, st)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 20<<20 {
		t.Errorf("20 announcements of 100 MB took %d bytes", took)
	}
	if got := count(h, "slow", refusedTooLarge); got != 20 {
		t.Errorf("%d were counted", got)
	}
}

func TestBadPayloadIsAnswered(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	st := open(t, stranger(t, h), h, echoID)
	r := newReader(st, 1<<20, nil)
	for i, c := range []struct {
		payload []byte
		want    graph.Reason
	}{{[]byte{0xff}, graph.Malformed}, {make([]byte, 1<<10+1), graph.TooLarge}, {text("ok"), graph.None}} {
		write(t, st, appendSized(nil, &frame{kind: graph.RequestMsg, call: uint64(i + 1), payload: c.payload}))
		f, err := r.next()
		if err != nil || f.call != uint64(i+1) || f.reason != c.want {
			t.Fatalf("got %+v, %v, want %v", f, err, c.want)
		}
	}
}

func TestThousandStreams(t *testing.T) {
	h := testHost(t)
	e := newEars()
	server(t, h, e)
	fine, s := honest(t, h), stranger(t, h)
	var kept []network.Stream
	for i := range 1000 {
		st, err := s.NewStream(t.Context(), h.id, slowID)
		if err == nil {
			hello := helloOf(t, h, slowID)
			hello.incarnation = uint64(i)
			st.SetWriteDeadline(time.Now().Add(time.Second))
			_, err = st.Write(append(appendSized(nil, &hello), requestOf(1, "x")...))
		}
		if err == nil {
			kept = append(kept, st)
		}
	}
	h.mu.Lock()
	open := len(h.inbound[inboundKey{graph.Peer(s.ID().String()), string(slowID)}])
	h.mu.Unlock()
	if most := h.limits.StreamsPerPeer; open > most {
		t.Errorf("%d streams of one peer are open, the bound is %d", open, most)
	}
	// libp2p's own limit for one peer refuses some of them before we see them.
	until(t, "the rest is counted", func() bool { return count(h, "slow", refusedStreams) > 100 })
	fine()
	close(e.free)
	for _, st := range kept {
		st.Reset()
	}
}

// A peer that asks and never reads loses its stream when its replies do not go out, and costs nobody else anything.
func TestPeerThatNeverReads(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Limits.Queue, c.Limits.WriteTime = 16, 500*time.Millisecond })
	e := newEars()
	close(e.free)
	server(t, h, e)
	fine, st := honest(t, h), open(t, stranger(t, h), h, slowID)
	big := strings.Repeat("x", 60<<10)
	go func() {
		for i := uint64(1); ; i++ {
			st.SetWriteDeadline(time.Now().Add(20 * time.Second))
			if _, err := st.Write(requestOf(i, big)); err != nil {
				return
			}
		}
	}()
	until(t, "the host stops writing to it", func() bool { fine(); return count(h, "slow", refusedSlow) > 0 })
	until(t, "nothing waits", func() bool { return h.Stats().QueuedBytes == 0 })
}

// A host that never reads our calls costs us a timeout, and the others nothing.
func TestCalleeThatNeverReads(t *testing.T) {
	a, b := testHost(t), testHost(t)
	server(t, b, newEars())
	deaf, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deaf.Close() })
	deaf.SetStreamHandler(slowID, func(network.Stream) {})
	c := client(t, a)
	learn(t, a, b)
	to := graph.Peer(deaf.ID().String())
	if err := a.Learn(to, []string{deaf.Addrs()[0].String()}, time.Hour); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 60<<10)
	reasons := make(chan graph.Reason, 512)
	for range cap(reasons) {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := Ask[parcel, string](ctx, c, "slow", parcel{to, big})
			reasons <- graph.ReasonOf(err)
		}()
	}
	if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "fine"}); err != nil || got != "FINE" {
		t.Fatalf("got %q, %v", got, err)
	}
	seen := map[graph.Reason]int{}
	for range cap(reasons) {
		seen[<-reasons]++
	}
	if seen[graph.Busy] == 0 || seen[graph.Timeout] == 0 || seen[graph.None] != 0 {
		t.Errorf("got %v", seen)
	}
}

func TestSilentStreams(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	fine, s := honest(t, h), stranger(t, h)
	for range h.limits.StreamsPerPeer {
		st, err := s.NewStream(t.Context(), h.id, echoID)
		if err != nil {
			t.Fatal(err)
		}
		st.CloseWrite()
		io.Copy(io.Discard, st)
	}
	until(t, "counted", func() bool { return count(h, "echo", refusedSilent) == uint64(h.limits.StreamsPerPeer) })
	fine()
}
