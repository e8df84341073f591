package p2p

import (
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

const newsID = "/merograph/talk/1/news"

// meshed waits until h knows that n others take part in a topic.
func meshed(t *testing.T, h *Host, name string, n int) {
	t.Helper()
	until(t, "the others are known to take part", func() bool { return len(h.router.ListPeers(name)) >= n })
}

func TestTopicAmongFour(t *testing.T) {
	hosts := make([]*Host, 4)
	hears := make([]*ears, 4)
	var first *Running
	for i := range hosts {
		hosts[i], hears[i] = testHost(t), newEars()
		server(t, hosts[i], hears[i])
		if i == 0 {
			first = client(t, hosts[0])
			continue
		}
		if err := hosts[i].Connect(t.Context(), hosts[i-1].Addrs()[0]); err != nil { // a line: the news is passed on
			t.Fatal(err)
		}
	}
	for i, h := range hosts {
		meshed(t, h, newsID, []int{1, 2, 2, 1}[i])
	}
	publish := func(s string) {
		if _, err := Ask[parcel, string](t.Context(), first, "publish", parcel{"", s}); err != nil {
			t.Fatal(err)
		}
	}
	warm(t, publish, hears[1:])
	// The same value three times is three publications.
	for range 3 {
		publish("same")
	}
	for i, e := range hears[1:] {
		until(t, "the same is heard", func() bool { return said(e, "same") >= 3 })
		if got := said(e, "same"); got != 3 {
			t.Errorf("host %d heard it %d times", i+1, got)
		}
	}
	hears[0].mu.Lock()
	defer hears[0].mu.Unlock()
	if len(hears[0].heard) != 0 {
		t.Errorf("the publisher heard itself: %q", hears[0].heard)
	}
}

// warm publishes until everyone hears: gossipsub makes its mesh at its next heartbeat, and what is published before is lost.
func warm(t *testing.T, publish func(string), hears []*ears) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, e := range hears {
		for said(e, "warm") == 0 {
			publish("warm")
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatal("nobody hears")
			}
		}
	}
}

func said(e *ears, what string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.heard {
		if s == what {
			n++
		}
	}
	return n
}

// A stranger's gossip that is too large, garbage, or of another meaning is refused, counted, and not passed on.
func TestTopicRefuses(t *testing.T) {
	h := testHost(t)
	e := newEars()
	server(t, h, e)
	s := stranger(t, h)
	router, err := pubsub.NewGossipSub(t.Context(), s, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(contentID), pubsub.WithMaxMessageSize(4<<20))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := router.Join(newsID)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the stranger sees the host", func() bool { return len(topic.ListPeers()) == 1 })
	good := helloOf(t, h, protocol.ID(newsID))
	envelope := func(fingerprint uint64, payload []byte) []byte {
		return appendFrame(nil, &frame{kind: graph.TopicMsg, fingerprint: fingerprint, incarnation: 1, sequence: 1, payload: payload})
	}
	for _, c := range []struct {
		name, reason string
		data         []byte
	}{
		{"too large", refusedTooLarge, envelope(good.fingerprint, text(strings.Repeat("x", 1<<10)))},
		{"garbage", refusedMalformed, []byte("garbage")},
		{"mismatch", refusedMismatch, envelope(good.fingerprint+1, text("x"))},
		{"not a text", graph.Malformed.String(), envelope(good.fingerprint, []byte{0xff})},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := count(h, "news", c.reason)
			if err := topic.Publish(t.Context(), c.data); err != nil {
				t.Fatal(err)
			}
			until(t, "counted", func() bool { return count(h, "news", c.reason) > before })
		})
	}
	if err := topic.Publish(t.Context(), envelope(good.fingerprint, text("fine"))); err != nil {
		t.Fatal(err)
	}
	if got := e.await(t, 1); got[0] != "fine" {
		t.Errorf("heard %q", got)
	}
}

func TestTopicWithoutRoom(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Limits.TopicMessage = 512 })
	_, err := h.Run(compile(t, talk(), "server"), graph.Bind("ears", newEars()))
	if err == nil || !strings.Contains(err.Error(), "news") {
		t.Fatalf("got %v", err)
	}
}

// Instances come and go; a topic that nobody uses is left, and can be joined again.
func TestTopicLeftAndJoined(t *testing.T) {
	a, b := testHost(t), testHost(t)
	if err := a.Connect(t.Context(), b.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	c := client(t, a, graph.Key("k"))
	for range 3 {
		e := newEars()
		s := server(t, b, e, graph.Key("k"))
		meshed(t, a, newsID+"/k", 1)
		if _, err := Ask[parcel, string](t.Context(), c, "publish", parcel{"", "x"}); err != nil {
			t.Fatal(err)
		}
		e.await(t, 1)
		s.Stop()
		until(t, "it has left", func() bool { return len(a.router.ListPeers(newsID+"/k")) == 0 })
	}
}
