package replicate

import (
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// delivery gives what a node knows of a peer.
func delivery(n *graphtest.Node, p graph.Peer) Delivery {
	d, _ := graph.FeedOf[graph.Peer, Delivery](n.Instance, "deliveries").Get().Get(p)
	return d
}

// pair is two nodes with authors of their own that know each other and hold the same.
func pair(t *testing.T) (w *graphtest.World, js []*journal, a, b *graphtest.Node, near [2]*graph.Feed[[]graph.Peer]) {
	t.Helper()
	w = graphtest.New(t)
	js = journals(t, 2, 2)
	a, near[0] = start(w, "a", js[0])
	b, near[1] = start(w, "b", js[1])
	near[0].Set([]graph.Peer{"b"})
	near[1].Set([]graph.Peer{"a"})
	w.Pass(time.Millisecond)
	return w, js, a, b, near
}

func publish(t *testing.T, w *graphtest.World, n *graphtest.Node, page []byte) {
	t.Helper()
	graph.Submit(n.Instance, "publish", Batch{page}, time.Minute, func(_ graph.Done, err error) {
		if err != nil {
			t.Error(err)
		}
	})
	w.Settle()
}

// DATA 3.5: queued is mine minus what the peer has acknowledged; who is told acknowledges within moments, in few messages.
func TestOutboxAcknowledged(t *testing.T) {
	w, js, a, _, _ := pair(t)
	for range 20 {
		publish(t, w, a, js[0].write(t, 0, 3, 10))
	}
	if n := Behind(delivery(a, "b").Acknowledged, js[0].Mine()); n == 0 {
		t.Error("acknowledged before anybody said so")
	}
	w.Pass(2 * acksEvery)
	if n := Behind(delivery(a, "b").Acknowledged, js[0].Mine()); n != 0 {
		t.Errorf("%d deltas are not acknowledged", n)
	}
	if n := w.Count("b", "ack", graph.OneWayMsg); n > 2 {
		t.Errorf("%d acknowledgements of one second", n)
	}
	if n := w.Count("a", "deliver", graph.RequestMsg); n != 0 {
		t.Errorf("%d deliveries of what was acknowledged", n)
	}
	w.Sent = nil
	if w.Pass(10 * time.Minute); w.Count("b", "ack", graph.OneWayMsg)+w.Count("a", "deliver", graph.RequestMsg) > 0 {
		t.Error("the outbox is not silent when all is acknowledged")
	}
}

// DATA 3.5: what is not acknowledged in time is delivered again, and the answer acknowledges what it brought.
func TestOutboxDelivers(t *testing.T) {
	w, js, a, _, _ := pair(t)
	w.Lose = func(_ graph.Peer, m graph.Message) bool { return m.Kind == graph.TopicMsg || m.Channel == "compare" }
	publish(t, w, a, js[0].write(t, 0, 200, 10))
	w.Pass(18 * time.Second)
	if n := w.Count("a", "deliver", graph.RequestMsg); n == 0 || js[0].Digest() != js[1].Digest() {
		t.Fatalf("%d deliveries did not do", n)
	}
	if d := delivery(a, "b"); Behind(d.Acknowledged, js[0].Mine()) != 0 || d.Retries == 0 || d.Open != 0 || d.Refused != "" {
		t.Errorf("after the delivery: %+v", d)
	}
}

// DATA 3.5: a peer acknowledges only what it synced.
func TestOutboxAcknowledgesTheSyncedAlone(t *testing.T) {
	w, js, a, _, _ := pair(t)
	if err := js[1].Close(); err != nil { // it takes nothing in any more
		t.Fatal(err)
	}
	publish(t, w, a, js[0].write(t, 0, 3, 10))
	w.Pass(5 * time.Minute)
	d := delivery(a, "b")
	if Behind(d.Acknowledged, js[0].Mine()) != 3 {
		t.Errorf("a journal that is closed has acknowledged: %+v", d)
	}
	if n := w.Count("a", "deliver", graph.RequestMsg); n != DefaultRetries || d.Retries != n || d.Refused != "" {
		t.Errorf("%d deliveries, want %d: %+v", n, DefaultRetries, d)
	}
	graph.Submit(a.Instance, "step", Step{}, time.Second, func(s Stepped, err error) {
		if want := (Stepped{Retried: 1, Batch: DefaultBatch, Sent: 3}); s != want || err != nil {
			t.Errorf("by hand: %+v, %v", s, err)
		}
	})
	w.Pass(time.Second)
	if n := w.Count("a", "deliver", graph.RequestMsg); n != DefaultRetries+1 {
		t.Errorf("%d deliveries after one by hand", n)
	}
}

// DATA 3.5: one peer's acknowledgement settles nothing for another, and who is away has failed nothing.
func TestOutboxPeerByPeer(t *testing.T) {
	w, js, a, _, near := pair(t)
	silent := 0
	w.Stranger("c", func(m graph.Message) []graph.Message { silent++; return nil })
	near[0].Set([]graph.Peer{"b", "c"})
	publish(t, w, a, js[0].write(t, 0, 3, 10))
	w.Pass(20 * time.Second)
	near[0].Set([]graph.Peer{"b"})
	w.Pass(time.Minute)
	w.Sent = nil
	w.Pass(3 * time.Hour)
	if b, c := delivery(a, "b"), delivery(a, "c"); Behind(b.Acknowledged, js[0].Mine()) != 0 || Behind(c.Acknowledged, js[0].Mine()) == 0 {
		t.Errorf("b %+v, c %+v", b, c)
	} else if c.Refused != "" || c.Open != 0 || !c.Away || w.Count("a", "deliver", graph.RequestMsg) > 0 {
		t.Errorf("who is away: %+v", c)
	}
	graph.Submit(a.Instance, "step", Step{Prune: true}, time.Second, func(s Stepped, err error) {
		if want := (Stepped{Batch: DefaultBatch, Pruned: 1}); s != want || err != nil {
			t.Errorf("pruned: %+v, %v", s, err)
		}
	})
	w.Settle()
	if c := delivery(a, "c"); c.Peer != "" {
		t.Errorf("after pruning: %+v", c)
	}
}

// DATA 3.5: failed is a refusal with a reason. Nobody is asked again and again about what it refuses.
func TestOutboxRefused(t *testing.T) {
	w := graphtest.New(t)
	l := journals(t, 1, 1)[0]
	a, near := start(w, "a", l)
	claim := uint64(0)
	w.Stranger("x", func(m graph.Message) []graph.Message {
		if m.Kind == graph.RequestMsg && m.Channel == "deliver" {
			return graphtest.Reply(m, Ack{Refused: "no witness"})
		}
		if m.Kind != graph.RequestMsg || m.Channel != "compare" {
			return nil
		}
		// Acknowledging more than fits, or what there is not, and ever more of it, harms nobody.
		claim++
		said := func(a Ack) graph.Message {
			return graph.Message{Kind: graph.OneWayMsg, Channel: "ack", Peer: m.Relay, Key: m.Key, Payload: graphtest.Encode(a)}
		}
		return []graph.Message{said(Ack{Tips: []dag.Tip{{Chain: dag.ID{1}, ID: dag.ID{2}, Seq: 1<<62 + claim}}}), said(Ack{Tips: make([]dag.Tip, maxAckTips+1)})}
	})
	near.Set([]graph.Peer{"x"})
	l.write(t, 0, 3, 10)
	w.Pass(10 * time.Minute)
	if d := delivery(a, "x"); d.Refused != "no witness" || w.Count("a", "deliver", graph.RequestMsg) != 1 {
		t.Errorf("%d deliveries: %+v", w.Count("a", "deliver", graph.RequestMsg), d)
	}
	if n := Behind(delivery(a, "x").Acknowledged, l.Mine()); n != 4 {
		t.Errorf("%d deltas are not acknowledged, want 4", n)
	}
}

// Who is back has all its tries again.
func TestOutboxBackAgain(t *testing.T) {
	w := graphtest.New(t)
	l := journals(t, 1, 1)[0]
	_, near := start(w, "a", l)
	w.Stranger("x", func(graph.Message) []graph.Message { return nil })
	l.write(t, 0, 3, 10)
	for round := 1; round <= 2; round++ {
		near.Set([]graph.Peer{"x"})
		w.Pass(10 * time.Minute)
		if n := w.Count("a", "deliver", graph.RequestMsg); n != round*DefaultRetries {
			t.Errorf("%d deliveries in round %d", n, round)
		}
		near.Set(nil)
		w.Pass(time.Minute)
	}
}

// A delivery whose past is unknown begins a round with who delivers.
func TestOutboxDoubts(t *testing.T) {
	w, js, _, b, near := pair(t)
	near[0].Set(nil)
	near[1].Set(nil)
	w.Pass(time.Millisecond)
	js[0].write(t, 0, 3, 10)
	page := js[0].write(t, 0, 3, 10)
	w.Sent = nil
	var a Ack
	if f := w.Ask("x", "b", "deliver", Batch{page}, &a); f != nil {
		t.Fatal(f)
	}
	if n := w.Count("b", "compare", graph.RequestMsg); n != 1 || len(b.Failures) > 0 {
		t.Errorf("%d comparisons, failures %v", n, b.Failures)
	}
}
