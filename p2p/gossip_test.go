package p2p

// The sleeps here are in a bubble of synctest: virtual time passes, and nobody waits.

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// A publication is named by the BLAKE3 hash of its data, whoever hands it on.
func TestGossipIDIsTheHashOfTheData(t *testing.T) {
	const abc = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85" // BLAKE3 of "abc"
	for _, m := range []*pb.Message{{Data: []byte("abc")}, {Data: []byte("abc"), From: []byte("x"), Seqno: []byte{1}}} {
		if got := hex.EncodeToString([]byte(contentID(m))); got != abc {
			t.Errorf("got %s", got)
		}
	}
}

// envelope is a publication on a topic of h.
func envelope(t *testing.T, h *Host, topic, s string) []byte {
	f := helloOf(t, h, protocol.ID(topic))
	return appendFrame(nil, &frame{kind: graph.TopicMsg, fingerprint: f.fingerprint, incarnation: 1, sequence: 1, payload: text(s)})
}

// gossip joins a stranger to the topic of news by a router of its own.
func gossip(t *testing.T, h *Host, opts ...pubsub.Option) (*pubsub.PubSub, *pubsub.Topic) {
	t.Helper()
	router, err := pubsub.NewGossipSub(t.Context(), stranger(t, h), opts...)
	if err != nil {
		t.Fatal(err)
	}
	topic, err := router.Join(newsID)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the stranger sees the host", func() bool { return len(topic.ListPeers()) == 1 })
	return router, topic
}

// StrictNoSign: what carries an author, a number or a signature is refused, counted and not heard.
func TestGossipIsNotSigned(t *testing.T) {
	h := testHost(t)
	e := newEars()
	server(t, h, e)
	_, signed := gossip(t, h)
	if err := signed.Publish(t.Context(), envelope(t, h, newsID, "signed")); err != nil {
		t.Fatal(err)
	}
	until(t, "it is refused", func() bool {
		return count(h, "", pubsub.RejectUnexpectedSignature)+count(h, "", pubsub.RejectUnexpectedAuthInfo) > 0
	})
	_, plain := gossip(t, h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithMessageIdFn(contentID))
	if err := plain.Publish(t.Context(), envelope(t, h, newsID, "plain")); err != nil {
		t.Fatal(err)
	}
	if got := e.await(t, 1); got[0] != "plain" {
		t.Errorf("heard %q", got)
	}
}

// Only topics of this family are noted, and no announcement of more than so many.
func TestGossipSubscriptionsAreFiltered(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	router, _ := gossip(t, h)
	join := func(name string) {
		topic, err := router.Join(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := topic.Subscribe(); err != nil {
			t.Fatal(err)
		}
	}
	join("elsewhere")
	join("/merograph/other/1/x")
	join(newsID + "/after") // announced after the others
	until(t, "the stranger's subscription is noted", func() bool { return len(h.router.ListPeers(newsID+"/after")) == 1 })
	if n := len(h.router.ListPeers("elsewhere")); n != 0 {
		t.Errorf("%d peers are noted on a topic of another family", n)
	}
	many := make([]*pb.RPC_SubOpts, maxTopics+1)
	for i := range many {
		name, yes := fmt.Sprint("/merograph/", i), true
		many[i] = &pb.RPC_SubOpts{Topicid: &name, Subscribe: &yes}
	}
	filter := subscriptions()
	if _, err := filter.FilterIncomingSubscriptions(h.id, many); err == nil {
		t.Errorf("%d subscriptions at once are taken", len(many))
	}
	if got, err := filter.FilterIncomingSubscriptions(h.id, many[1:]); err != nil || len(got) != maxTopics {
		t.Errorf("%d of %d are taken, %v", len(got), maxTopics, err)
	}
}

// Floodsub goes around the filters of peers: a host does not speak it.
func TestNoFloodsub(t *testing.T) {
	h := testHost(t)
	var got []string
	for _, id := range h.host.Mux().Protocols() {
		if strings.Contains(string(id), "sub/") {
			got = append(got, string(id))
		}
	}
	if s := fmt.Sprint(got); len(got) != 2 || !strings.Contains(s, "/meshsub/1.2.0") || !strings.Contains(s, "/meshsub/1.1.0") {
		t.Errorf("it speaks %v", got)
	}
	server(t, h, newEars())
	old, err := pubsub.NewFloodSub(t.Context(), stranger(t, h))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := old.Join(newsID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topic.Subscribe(); err != nil {
		t.Fatal(err)
	}
	gossip(t, h) // who came later is known
	if n := len(h.router.ListPeers(newsID)); n != 0 {
		t.Errorf("%d floodsub peers take part", n)
	}
}

// clocked notes when it heard.
type clocked struct {
	mu    sync.Mutex
	heard []time.Time
}

func (c *clocked) hear(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, time.Now())
}

func (c *clocked) wait(context.Context, string) (string, error) { return "", nil }

// A publication goes to the mesh alone, not to every neighbour at once, and reaches everyone all the same.
func TestNoFloodPublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := simHosts(t, 24)
		ears := make([]*clocked, len(hosts))
		for i, h := range hosts {
			ears[i] = &clocked{}
			run(t, h, talk(), "server", graph.Bind("ears", ears[i]))
			for _, o := range hosts[:i] {
				if err := h.Connect(t.Context(), o.Addrs()[0]); err != nil {
					t.Fatal(err)
				}
			}
		}
		first := client(t, hosts[0])
		time.Sleep(10 * time.Second) // meshes are made at heartbeats
		start := time.Now()
		if _, err := Ask[parcel, string](t.Context(), first, "publish", parcel{"", "x"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		direct := 0
		for i, c := range ears[1:] {
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.heard) != 1 {
				t.Errorf("host %d heard it %d times", i+1, len(c.heard))
			} else if c.heard[0].Sub(start) < 75*time.Millisecond { // one hop takes 50
				direct++
			}
		}
		if direct == 0 || direct > pubsub.GossipSubDhi {
			t.Errorf("%d of %d were told by the publisher itself, the most of a mesh is %d", direct, len(hosts)-1, pubsub.GossipSubDhi)
		}
	})
}

// What is false for everyone is rejected; what depends on this node's view is ignored; the rest is passed on.
func TestGossipRejectsOrIgnores(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	good := envelope(t, h, newsID, "x")
	other := appendFrame(nil, &frame{kind: graph.TopicMsg, fingerprint: 1, payload: text("x")})
	for name, c := range map[string]struct {
		data []byte
		want pubsub.ValidationResult
	}{
		"fine":             {good, pubsub.ValidationAccept},
		"garbage":          {[]byte("garbage"), pubsub.ValidationReject},
		"another frame":    {requestOf(1, "x"), pubsub.ValidationReject},
		"too large":        {envelope(t, h, newsID, strings.Repeat("x", 1<<10)), pubsub.ValidationReject},
		"of other meaning": {other, pubsub.ValidationIgnore},
	} {
		topic := newsID
		m := &pubsub.Message{Message: &pb.Message{Data: c.data, Topic: &topic}}
		if got := h.inspect(t.Context(), "neighbour", m); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
