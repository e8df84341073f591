package graph

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// weigher is a component that takes its time over a publication.
type weigher interface {
	Weigh(context.Context, int) (Verdict, error)
}

type scales struct{}

func (scales) Weigh(_ context.Context, v int) (Verdict, error) {
	if v > 9 {
		return Accept, errors.New("too heavy")
	}
	return Verdict(v), nil
}

// news is a topic whose receivers weigh what they hear before it is passed on.
func news() *Graph {
	g, r := one()
	in, v := askOf(r, "say")
	heard, done := Publish(v, r, Topic[int]("news", MaxRequest(9)), Anyone)
	w := Component[weigher](r, "scales")
	Relay(heard, Work(received(heard), w, "weigh", weigher.Weigh, time.Second))
	Reply(in, Op2(testOps, "sent", 1, func(_ *Tick, _ Done, v int) (int, error) { return v, nil })(done, v))
	return g
}

// hearNews has a node receive a publication, as a host that waits for the verdict when call is not 0.
func hearNews(n *node, call uint64, payload ...byte) *Failure {
	return n.in.Deliver(Message{Kind: TopicMsg, Channel: "news", Relay: "near", Call: call, Payload: payload})
}

// verdicts gives what a node has told its host, and forgets it.
func (w *world) verdicts() (all []Message) {
	for _, m := range w.sent {
		if m.Kind == VerdictMsg {
			all = append(all, m)
		}
	}
	w.sent = nil
	return all
}

func TestMeaning8_Relay(t *testing.T) {
	t.Run("the verdict goes to the host, after the work", func(t *testing.T) {
		for v, wanted := range []Verdict{Ignore, Accept, Reject} {
			w := newWorld(t)
			n := w.start(news(), "r", "a", Bind("scales", scales{}))
			hearNews(n, 7, byte(v))
			n.run()
			want(t, "verdicts before the work is done", len(w.verdicts()), 0)
			w.tasks[0].Run(t.Context())
			w.tasks[0].Done()
			n.run()
			got := w.verdicts()
			if len(got) != 1 {
				t.Fatalf("%d verdicts", len(got))
			}
			want(t, "verdict", got[0].Verdict, wanted)
			want(t, "of", got[0].Call, 7)
			want(t, "about whom", got[0].Peer, "near")
			n.quiet(t)
		}
	})
	t.Run("a host that does not wait is told nothing", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(news(), "r", "a", Bind("scales", scales{}))
		hearNews(n, 0, 1)
		w.settle()
		want(t, "verdicts", len(w.verdicts()), 0)
		n.quiet(t)
	})
	for name, said := range map[string]byte{
		"an activation that ends without a verdict ignores": 0x0a, // it fails, as malformed or otherwise
		"what is no verdict ignores":                        byte(Reject + 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			n := w.start(news(), "r", "a", Bind("scales", scales{}))
			hearNews(n, 7, said)
			n.run()
			w.tasks[0].Run(t.Context())
			w.tasks[0].Done()
			n.run()
			got := w.verdicts()
			if len(got) != 1 || got[0].Verdict != Ignore {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("bytes that do not decode are rejected", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(news(), "r", "a", Bind("scales", scales{}))
		hearNews(n, 7, 0xff)
		n.run()
		got := w.verdicts()
		if len(got) != 1 || got[0].Verdict != Reject {
			t.Errorf("got %+v", got)
		}
		n.quiet(t)
	})
	t.Run("what finds no room is ignored", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(news(), "r", "a", Bind("scales", scales{}), Bound(Bounds{Activations: 1}))
		hearNews(n, 7, 1)
		hearNews(n, 8, 1)
		n.run()
		got := w.verdicts()
		if len(got) != 1 || got[0].Call != 8 || got[0].Verdict != Ignore {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a snapshot keeps that the host waits", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(news(), "r", "a", Bind("scales", scales{}))
		hearNews(n, 7, 1)
		n.run()
		n.cut(t, Resume)
		w.tasks[0].Run(t.Context())
		w.tasks[0].Done()
		n.run()
		if got := w.verdicts(); len(got) != 1 || got[0].Verdict != Accept {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("faults", func(t *testing.T) {
		g := news()
		_, r := g, g.roles[0]
		in, v := askOf(r, "other")
		Reply(in, v)
		heard, _ := Publish(v, r, Topic[int]("more", MaxRequest(9)), Anyone)
		verdict := Op1(testOps, "verdict", 1, func(*Tick, *Received[int]) (Verdict, error) { return Accept, nil })(heard)
		Relay(heard, verdict)
		Relay(heard, verdict)
		got, _ := Send(v, Const(r, Peer("x")), r, OneWay[int]("m", MaxRequest(9)), Anyone)
		Relay(got, Op1(testOps, "verdict", 2, func(*Tick, *Received[int]) (Verdict, error) { return Accept, nil })(got))
		_, err := Compile(g, "r")
		if err == nil || !strings.Contains(err.Error(), "has a Relay line before this one") || !strings.Contains(err.Error(), "is not the wire of a publication") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a program says which topics it judges", func(t *testing.T) {
		p, err := Compile(news(), "r")
		if err != nil {
			t.Fatal(err)
		}
		want(t, "judged", p.Channels()[0].Judged, true)
		plain, r := one()
		in, v := askOf(r, "say")
		heard, _ := Publish(v, r, Topic[int]("news", MaxRequest(9)), Anyone)
		through[int](&trace{}, "x")(received(heard))
		Reply(in, v)
		if p, err = Compile(readAll(plain), "r"); err != nil {
			t.Fatal(err)
		}
		want(t, "judged", p.Channels()[0].Judged, false)
	})
}

// The trace of a recorded instance holds what it said of a publication.
func TestTraceHoldsVerdicts(t *testing.T) {
	sums := map[traceHash]bool{}
	for _, v := range []Verdict{Ignore, Accept, Reject} {
		var h traceHash
		h.message(&Message{Kind: VerdictMsg, Channel: "news", Call: 7, Verdict: v})
		sums[h] = true
	}
	want(t, "traces", len(sums), 3)
}
