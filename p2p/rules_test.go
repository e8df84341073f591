package p2p

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/merograph/merograph/graph"
)

// ending is a stream of some bytes and then its end.
type ending struct {
	network.Stream
	r io.Reader
}

func (e ending) Read(b []byte) (int, error)      { return e.r.Read(b) }
func (e ending) SetReadDeadline(time.Time) error { return nil }

// A length is judged before the frame is read, and a frame takes the memory of what came, not of what was announced.
func TestAnnouncedLength(t *testing.T) {
	announced := func(n uint64, bound int) (*badStream, uint64) {
		s := ending{r: strings.NewReader(string(binary.AppendUvarint(nil, n)) + strings.Repeat("x", 100<<10))}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := newReader(s, bound, nil).next()
		runtime.ReadMemStats(&after)
		var bad *badStream
		if !errors.As(err, &bad) {
			t.Fatalf("got %v", err)
		}
		return bad, after.TotalAlloc - before.TotalAlloc
	}
	if bad, _ := announced(1<<20+1, 1<<20); bad.reason != refusedTooLarge {
		t.Errorf("over the bound: %v", bad)
	}
	if bad, took := announced(100<<20, 100<<20); bad.reason != refusedTruncated || took > 10<<20 {
		t.Errorf("a frame of 100 MB of which 100 kB came: %v, and it took %d bytes", bad, took)
	}
}

func TestStreamsOfOnePeer(t *testing.T) {
	h := bareHost()
	e, other := &endpoint{id: "one"}, &endpoint{id: "two"}
	for range h.limits.StreamsPerPeer {
		if !h.admit(&inbound{h: h, e: e, from: "a"}, nil) {
			t.Fatal("within the limit")
		}
	}
	if h.admit(&inbound{h: h, e: e, from: "a"}, nil) {
		t.Error("one more than the limit")
	}
	if !h.admit(&inbound{h: h, e: e, from: "b"}, nil) || !h.admit(&inbound{h: h, e: other, from: "a"}, nil) {
		t.Error("another peer, or another channel")
	}
}

func TestQueueIsBounded(t *testing.T) {
	h := bareHost()
	h.limits.Queue = 3
	var s sender
	s.open(h, "a", 1<<10)
	for range 3 {
		if s.put(waiting{class: own}) != putDone {
			t.Fatal("within the bound")
		}
	}
	if s.put(waiting{class: own}) != putFull || s.put(waiting{class: control}) != putDone {
		t.Error("over the count only what was paid for is taken")
	}
	if big := (waiting{class: control, frame: frame{payload: make([]byte, 2<<20)}}); s.put(big) != putFull {
		t.Error("over the bytes nothing is taken")
	}
}

// When a connection breaks, what was written is lost, and what was not is surely not run.
func TestLostOrUnreachable(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Limits.QueueBytes = 64 << 20 })
	deaf, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deaf.Close() })
	streams := make(chan network.Stream, 1)
	deaf.SetStreamHandler(slowID, func(s network.Stream) { streams <- s })
	c, to := client(t, h), graph.Peer(deaf.ID().String())
	if err := h.Learn(to, []string{deaf.Addrs()[0].String()}, time.Hour); err != nil {
		t.Fatal(err)
	}
	const calls = 200
	reasons := make(chan graph.Reason, calls)
	big := strings.Repeat("x", 60<<10)
	for range calls {
		go func() {
			_, err := Ask[parcel, string](t.Context(), c, "slow", parcel{to, big})
			reasons <- graph.ReasonOf(err)
		}()
	}
	s := <-streams
	links, _ := h.streams()
	until(t, "some are written and all have begun", func() bool {
		links[0].mu.Lock()
		defer links[0].mu.Unlock()
		written := 0
		for _, c := range links[0].calls {
			if c.written {
				written++
			}
		}
		return written > 0 && len(links[0].calls) == calls
	})
	s.Reset()
	seen := map[graph.Reason]int{}
	for range calls {
		seen[<-reasons]++
	}
	if seen[graph.Lost] == 0 || seen[graph.Unreachable] == 0 || len(seen) != 2 {
		t.Errorf("got %v", seen)
	}
}

// The rule of a topic is judged before a publication is passed on.
func TestTopicRuleBeforeRelay(t *testing.T) {
	h := testHost(t)
	g := graph.New("club", 1)
	r := g.Role("member")
	friend := peerOfNobody(t)
	friends := graph.Param[graph.Peer](r, "friend")
	said := graph.Ask[parcel, string](r, "publish")
	heard, done := graph.Publish(parcelOf(said), r, graph.Topic[string]("news", graph.MaxRequest(64)),
		graph.Allow("friends", friends, func(p, friend graph.Peer) bool { return p == friend }))
	graph.Reply(said, sent(done))
	graph.Op1(ops, "heard", 1, func(*graph.Tick, *graph.Received[string]) (graph.Done, error) { return graph.Done{}, nil })(heard)
	run(t, h, g, "member", graph.Bind("friend", friend))
	name := "/merograph/club/1/news"
	e := h.topics[name].e
	m := &pubsub.Message{Message: &pb.Message{Topic: &name, Data: appendFrame(nil, &frame{kind: graph.TopicMsg, fingerprint: e.info.Fingerprint, payload: text("x")})}}
	for from, want := range map[graph.Peer]pubsub.ValidationResult{friend: pubsub.ValidationAccept, peerOfNobody(t): pubsub.ValidationIgnore} {
		id, err := decodePeer(from)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.inspect(context.Background(), id, m); got != want {
			t.Errorf("from the friend %v: got %v", from == friend, got)
		}
	}
}

// What an instance's admission refused is told apart from what the host refused itself, while the instance runs and after.
func TestRefusalsOfTheHostAlone(t *testing.T) {
	h := testHost(t)
	r := server(t, h, newEars())
	r.Instance().Deliver(graph.Message{Kind: graph.RequestMsg, Channel: "echo", Peer: peerOfNobody(t), Call: 1, Payload: make([]byte, 2<<10)})
	h.count.refuse("echo", refusedTruncated)
	for _, when := range []string{"while it runs", "after it has ended"} {
		st := h.Stats()
		if len(st.Refused) != 2 || len(st.Own) != 1 || st.Own[0] != (Refusal{"echo", refusedTruncated, 1}) {
			t.Errorf("%s: %+v, of which the host's own %+v", when, st.Refused, st.Own)
		}
		r.Stop()
	}
}
