package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// retried is a client that calls a server with Retry, and answers with what the server saw.
func retried(l *trace, attempts int, serve func(in Wire[*Request[int, int]]) In[int]) *Graph {
	g := New("retried", 1)
	client, server := g.Role("client"), g.Role("server")
	to := Param[Peer](client, "to")
	in, v := askOf(client, "go")
	got, answer := Call(v, to, server, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Second, Anyone, Retry(attempts, 100*time.Millisecond, 400*time.Millisecond))
	Reply(got, serve(got))
	Reply(in, answer)
	return g
}

// flaky logs each attempt and its key.
func flaky(l *trace) func(in Wire[*Request[int, int]]) In[int] {
	return func(in Wire[*Request[int, int]]) In[int] {
		return Op1(testOps, "flaky", 1, func(_ *Tick, r *Request[int, int]) (int, error) {
			l.add("%d", r.Once)
			return r.Value + 1, nil
		})(in)
	}
}

func TestMeaning8_Retry(t *testing.T) {
	var l trace
	start := func(t *testing.T, attempts int) (*world, *node, *node) {
		w := newWorld(t)
		s := w.start(retried(&l, attempts, flaky(&l)), "server", "s")
		c := w.start(retried(&l, attempts, flaky(&l)), "client", "c", Bind("to", Peer("s")))
		l.take()
		return w, s, c
	}
	// fail answers the newest request with a failure of the network.
	fail := func(w *world, c *node, r Reason, after time.Duration) {
		m := w.sent[len(w.sent)-1]
		w.sent = nil
		c.in.Deliver(Message{Kind: ErrorMsg, Channel: "x", Peer: "s", Call: m.Call, Reason: r, Retry: after})
		c.run()
	}

	t.Run("a call that is lost is made again, with one key", func(t *testing.T) {
		w, _, c := start(t, 3)
		a := ask[int, int](c, "go", 1, time.Minute)
		c.run()
		first := w.sent[0]
		fail(w, c, Lost, 0)
		want(t, "sent at once", len(w.sent), 0)
		w.step(100 * time.Millisecond)
		c.run()
		want(t, "sent again", len(w.sent), 1)
		second := w.sent[0]
		want(t, "one key", second.Once == first.Once && first.Once != 0, true)
		want(t, "another call", second.Call != first.Call, true)
		w.settle()
		want(t, "answer", a.v, 2)
		want(t, "key at the callee", l.take(), fmt.Sprint(first.Once))
		want(t, "retried", c.in.Counters().Steps[2].Retried, 1)
		c.quiet(t)
	})
	t.Run("the last failure is the call's", func(t *testing.T) {
		w, _, c := start(t, 3)
		a := ask[int, int](c, "go", 1, time.Minute)
		c.run()
		for _, r := range []Reason{Lost, Unreachable, Busy} {
			want(t, "answered", a.n, 0)
			fail(w, c, r, 0)
			w.step(time.Second)
			c.run()
		}
		want(t, "reason", a.reason(), Busy)
		c.quiet(t)
	})
	t.Run("what is surely wrong is not tried again", func(t *testing.T) {
		for _, r := range []Reason{Denied, Malformed, TooLarge, Remote, Mismatch, NoReply, Expired} {
			w, _, c := start(t, 3)
			a := ask[int, int](c, "go", 1, time.Minute)
			c.run()
			fail(w, c, r, 0)
			want(t, "reason", a.reason(), r)
			c.quiet(t)
		}
	})
	t.Run("it waits as long as a busy peer asks for", func(t *testing.T) {
		w, _, c := start(t, 2)
		ask[int, int](c, "go", 1, time.Minute)
		c.run()
		fail(w, c, Busy, 7*time.Second)
		w.step(7*time.Second - 1)
		c.run()
		want(t, "too early", len(w.sent), 0)
		w.step(1)
		c.run()
		want(t, "in time", len(w.sent), 1)
		// Another call to the same peer meanwhile waits too, instead of failing.
		fail(w, c, Busy, 5*time.Second)
		b := ask[int, int](c, "go", 1, time.Minute)
		c.run()
		want(t, "not sent", len(w.sent), 0)
		w.step(5 * time.Second)
		w.settle()
		want(t, "answer", b.v, 2)
		c.quiet(t)
	})
	t.Run("a busy peer may have it wait a minute at most", func(t *testing.T) {
		w, _, c := start(t, 3)
		a := ask[int, int](c, "go", 1, 1000*time.Hour)
		c.run()
		fail(w, c, Busy, 900*time.Hour)
		w.step(time.Minute)
		w.settle()
		want(t, "answer", a.v, 2)
		c.quiet(t)
	})
	t.Run("a call whose deadline comes before a busy peer wants it fails at once", func(t *testing.T) {
		w, _, c := start(t, 3)
		a := ask[int, int](c, "go", 1, 3*time.Second)
		c.run()
		fail(w, c, Busy, 50*time.Second)
		want(t, "the one that was told", a.reason(), Busy)
		b := ask[int, int](c, "go", 1, 3*time.Second)
		c.run()
		want(t, "the next", b.reason(), Busy)
		want(t, "sent", len(w.sent), 0)
		c.quiet(t)
	})
	t.Run("each attempt has the call's timeout, and all end with the activation's deadline", func(t *testing.T) {
		w, _, c := start(t, 100)
		a := ask[int, int](c, "go", 1, 3*time.Second)
		begin := w.now
		for w.nodes = w.nodes[1:]; a.n == 0; { // the server is gone: nothing is answered
			w.pass(10 * time.Millisecond)
			w.sent = nil
		}
		took := w.now.Sub(begin)
		want(t, "reason", a.reason(), Timeout)
		if took > 3*time.Second || took < 2*time.Second {
			t.Errorf("it took %v", took)
		}
		c.quiet(t)
	})
	t.Run("waits grow to the greatest, with jitter", func(t *testing.T) {
		p := &retryPolicy{10, 100 * time.Millisecond, 400 * time.Millisecond}
		for i, most := range []time.Duration{100, 200, 400, 400, 400} {
			for _, random := range []uint64{0, 1 << 40, ^uint64(0)} {
				if d := p.wait(i+1, random); d > most*time.Millisecond || d < most*time.Millisecond/2 {
					t.Errorf("after attempt %d: %v", i+1, d)
				}
			}
		}
		want(t, "far", p.wait(500, 0), 400*time.Millisecond)
	})
	t.Run("an activation that ends while it waits sends nothing more", func(t *testing.T) {
		w, _, c := start(t, 3)
		ask[int, int](c, "go", 1, time.Minute)
		c.run()
		fail(w, c, Lost, 0)
		c.in.end(c.in.frames[0], &Failure{Reason: Local})
		w.step(time.Second)
		c.run()
		want(t, "sent", len(w.sent), 0)
		c.quiet(t)
	})
	t.Run("a Retry that does not try again is a fault", func(t *testing.T) {
		if err := check(retried(&l, 1, flaky(&l))); !strings.Contains(err.Error(), "at least two attempts") {
			t.Errorf("got %v", err)
		}
	})
}
