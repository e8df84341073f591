package graph

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestConcurrent has many goroutines deliver, ask and set a feed while one runs the instance; the race detector watches.
func TestConcurrent(t *testing.T) { concurrent(t) }

// TestConcurrent_ARecordingEnds has the instance's recording reach its limit meanwhile.
func TestConcurrent_ARecordingEnds(t *testing.T) {
	rec := NewRecording(4000, func() {})
	concurrent(t, Record(rec))
	want(t, "ended", rec.Ended(), "its limit was reached")
}

func concurrent(t *testing.T, opts ...Option) {
	g := New("many", 1)
	c, s := g.Role("c"), g.Role("s")
	to, p := Param[Peer](c, "to"), Param[int](s, "p")
	in, v := askOf(c, "go")
	odd := Allow("odd ones", p, func(_ Peer, v int) bool { return v >= 0 })
	got, answer := Call(v, to, s, Exchange[int, int]("x", MaxRequest(16), MaxReply(16), Rate(1000000, 1000000)), time.Second, odd)
	table := Table(s, "t", self, Capacity(4), EvictOldest())
	table.Expose()
	Reply(got, Op2(testOps, "plus", 1, func(_ *Tick, v, p int) (int, error) { return v + p - p, nil })(put(valueOf(got), table), p))
	Reply(in, answer)
	own, ov := askOf(s, "own")
	Reply(own, ov)
	prog, err := Compile(g, "s")
	if err != nil {
		t.Fatal(err)
	}
	f := NewFeed(1)
	h := &nullHost{now: 1}
	n, err := Start(prog, h, append(opts, Bind("p", f))...)
	if err != nil {
		t.Fatal(err)
	}
	view := FeedOf[int, int](n, "t")
	var wg sync.WaitGroup
	answers := make(chan int, 1000)
	admitted := make(chan bool, 1000)
	for k := range 4 {
		wg.Go(func() {
			for i := range 100 {
				fail := n.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: Peer(fmt.Sprint(k)), Call: uint64(i), Payload: []byte{byte(i % 20)}})
				admitted <- fail == nil
				Submit(n, "own", i, time.Minute, func(v int, err error) { answers <- v })
				f.Set(i)
				_, _ = view.Get().Len(), n.Refused()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for n.Next() {
		}
	}
	want(t, "answers", len(answers), 400)
	replies := 0
	for range 400 {
		if <-admitted {
			replies++
		}
	}
	want(t, "replies", h.sent, replies)
	want(t, "bytes", n.Counters().Bytes, 0)
}

// setter is a host that changes a feed while the instance starts, after it was bound and before it is watched.
type setter struct {
	nullHost
	set func()
}

func (s *setter) Uint64() uint64 { s.set(); return 1 }

// tellsParam compiles a program that answers with its param p.
func tellsParam(t *testing.T) *Program {
	t.Helper()
	g, r := one()
	p := Param[int](r, "p")
	in, v := askOf(r, "a")
	Reply(in, Op2(testOps, "p", 1, func(_ *Tick, _, p int) (int, error) { return p, nil })(v, p))
	prog, err := Compile(g, "r")
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

func TestFeedChangesDuringStart(t *testing.T) {
	prog := tellsParam(t)
	f := NewFeed(1)
	n, err := Start(prog, &setter{set: func() { f.Set(2) }}, Bind("p", f))
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	Submit(n, "a", 1, time.Second, func(v int, _ error) { got = v })
	n.Next()
	want(t, "param", got, 2)
}

// TestStartThatFailsLeavesItsFeeds starts with what is no snapshot.
func TestStartThatFailsLeavesItsFeeds(t *testing.T) {
	prog := tellsParam(t)
	f, h := NewFeed(1), &nullHost{now: 1}
	if _, err := Start(prog, h, Bind("p", f), Restore([]byte{1})); err == nil {
		t.Error("it started")
	}
	want(t, "who watches", len(f.subs), 0)
	n, err := Start(prog, h, Bind("p", f))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "who watches", len(f.subs), 1)
	n.Stop()
	want(t, "who watches", len(f.subs), 0)
}
