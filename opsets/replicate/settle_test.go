package replicate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// acks hands a node an acknowledgement of a peer.
func acks(t *testing.T, w *graphtest.World, n *graphtest.Node, from graph.Peer, tips []dag.Tip) {
	t.Helper()
	if f := n.Instance.Deliver(graph.Message{Kind: graph.OneWayMsg, Channel: "ack", Peer: from, Payload: graphtest.Encode(Ack{Tips: tips})}); f != nil {
		t.Error(f)
	}
	w.Settle()
}

// alone is a node whose neighbour x says nothing.
func alone(t *testing.T) (w *graphtest.World, l *journal, n *graphtest.Node, near *graph.Feed[[]graph.Peer]) {
	t.Helper()
	w, l = graphtest.New(t), journals(t, 1, 1)[0]
	n, near = start(w, "a", l)
	w.Stranger("x", func(graph.Message) []graph.Message { return nil })
	near.Set([]graph.Peer{"x"})
	w.Pass(time.Millisecond)
	return w, l, n, near
}

// DATA 3.5: who acknowledges while this node goes on writing has acknowledged what it was told before. What is lost afterwards
// is delivered.
func TestOutboxSteadyWrites(t *testing.T) {
	w, js, a, _, _ := pair(t)
	for i := range 600 {
		publish(t, w, a, js[0].write(t, 0, 1, 10))
		w.Pass(200 * time.Millisecond)
		if d := delivery(a, "b"); d.Turn > 0 || d.Tries > 0 {
			t.Fatalf("after %d writes, all of them heard: %+v", i, d)
		}
	}
	w.Lose = func(_ graph.Peer, m graph.Message) bool { return m.Kind == graph.TopicMsg || m.Channel == "compare" }
	publish(t, w, a, js[0].write(t, 0, 1, 10))
	if w.Pass(30 * time.Second); w.Count("a", "deliver", graph.RequestMsg) == 0 || js[0].Digest() != js[1].Digest() {
		t.Errorf("a write that was lost was not delivered: %+v", delivery(a, "b"))
	}
}

// DATA 3.5: an acknowledgement that was overtaken takes nothing back. Who was away may have lost what it held, and is believed.
func TestOutboxOvertaken(t *testing.T) {
	w, l, a, near := alone(t)
	l.write(t, 0, 5, 10)
	early := l.Mine()
	l.write(t, 0, 3, 10)
	late := l.Mine()
	for _, tips := range [][]dag.Tip{late, early, nil} {
		if acks(t, w, a, "x", tips); !slices.Equal(delivery(a, "x").Acknowledged, late) {
			t.Errorf("after an acknowledgement of %v: %v, want %v", tips, delivery(a, "x").Acknowledged, late)
		}
	}
	near.Set(nil)
	w.Pass(10 * time.Second)
	near.Set([]graph.Peer{"x"})
	w.Pass(10 * time.Second)
	if d := delivery(a, "x"); !slices.Equal(d.Acknowledged, late) || d.Away {
		t.Errorf("one who is back has said nothing yet: %+v", d)
	}
	for _, c := range []struct{ says, want []dag.Tip }{{early, early}, {late, late}, {early, late}} {
		if acks(t, w, a, "x", c.says); !slices.Equal(delivery(a, "x").Acknowledged, c.want) {
			t.Errorf("one who is back says %v: %v, want %v", c.says, delivery(a, "x").Acknowledged, c.want)
		}
	}
}

// DATA 3.5: the outbox is of the neighbours. Others that acknowledge, or that compare and hold the same, take no place.
func TestOutboxStrangers(t *testing.T) {
	w, l, a, near := alone(t)
	l.write(t, 0, 3, 10)
	acks(t, w, a, "x", l.Mine())
	for i := range maxDeliveries + 10 {
		p := graph.Peer(fmt.Sprint("s", i))
		acks(t, w, a, p, l.Mine())
		var v Verdict
		if f := w.Ask(p, "a", "compare", Digest{l.Digest()}, &v); f != nil || !v.Equal {
			t.Fatal(f, v)
		}
		w.Pass(time.Second)
	}
	rows := graph.FeedOf[graph.Peer, Delivery](a.Instance, "deliveries").Get()
	if d, _ := rows.Get("x"); rows.Len() != 1 || Behind(d.Acknowledged, l.Mine()) != 0 {
		t.Errorf("%d rows for one neighbour: %+v", rows.Len(), d)
	}
	// A neighbour counts from its first word, before the outbox has looked at it.
	near.Set([]graph.Peer{"x", "y"})
	acks(t, w, a, "y", l.Mine())
	if d := delivery(a, "y"); Behind(d.Acknowledged, l.Mine()) != 0 {
		t.Errorf("a new neighbour: %+v", d)
	}
	// And so it does when it is the one who compares.
	near.Set([]graph.Peer{"x", "y", "z"})
	if f := w.Ask("z", "a", "compare", Digest{l.Digest()}, &Verdict{}); f != nil || Behind(delivery(a, "z").Acknowledged, l.Mine()) != 0 {
		t.Errorf("a new neighbour that compares: %v, %+v", f, delivery(a, "z"))
	}
}

// DATA 3.5: an answer that cannot be an acknowledgement ends its delivery, as a refusal.
func TestOutboxAnswersOutOfBounds(t *testing.T) {
	for name, tips := range map[string][]dag.Tip{
		"too many tips": make([]dag.Tip, maxAckTips+1),
		"no order":      {tip(2, 1, 1), tip(1, 1, 1)},
	} {
		w, l, a, _ := alone(t)
		w.Stranger("x", func(m graph.Message) []graph.Message {
			if m.Kind == graph.RequestMsg && m.Channel == "deliver" {
				return graphtest.Reply(m, Ack{Tips: tips})
			}
			return nil
		})
		l.write(t, 0, 3, 10)
		w.Pass(5 * time.Minute)
		d := delivery(a, "x")
		if d.Open != 0 || d.Refused == "" || len(d.Acknowledged) > 0 || w.Count("a", "deliver", graph.RequestMsg) != 1 || len(a.Failures) > 0 {
			t.Errorf("%s: %d deliveries, failures %v: %+v", name, w.Count("a", "deliver", graph.RequestMsg), a.Failures, d)
		}
		w.Stranger("x", func(graph.Message) []graph.Message { return nil })
		graph.Submit(a.Instance, "step", Step{}, time.Second, func(s Stepped, err error) {
			if s.Retried != 1 || err != nil {
				t.Errorf("%s: by hand: %+v, %v", name, s, err)
			}
		})
		w.Settle()
	}
}
