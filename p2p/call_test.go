package p2p

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

func listens(addrs ...string) func(*Config) { return func(c *Config) { c.Listen = addrs } }

func TestEcho(t *testing.T) {
	for name, addr := range map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"} {
		t.Run(name, func(t *testing.T) {
			a, b := testHost(t, listens(addr)), testHost(t, listens(addr))
			server(t, b, newEars())
			c := client(t, a)
			learn(t, a, b)
			got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "hello"})
			if err != nil || got != "HELLO" {
				t.Fatalf("got %q, %v", got, err)
			}
			if s := a.Stats(); s.BytesSentStreams == 0 || s.BytesReceivedStreams == 0 {
				t.Errorf("no bytes were counted: %+v", s)
			}
		})
	}
}

func TestCallsShareOneStream(t *testing.T) {
	a, b := testHost(t), testHost(t)
	server(t, b, newEars())
	c := client(t, a)
	learn(t, a, b)
	const n = 1000
	var all sync.WaitGroup
	errs := make(chan error, n)
	share := make(chan struct{}, 100) // below a peer's share of an inbox
	for i := range n {
		all.Go(func() {
			share <- struct{}{}
			defer func() { <-share }()
			want := fmt.Sprintf("CALL %d", i)
			got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), strings.ToLower(want)})
			if err != nil || got != want {
				errs <- fmt.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	if s := a.Stats(); s.StreamsOpened != 1 {
		t.Errorf("%d streams were opened for one channel to one peer", s.StreamsOpened)
	}
	if s := b.Stats(); s.StreamsAccepted != 1 {
		t.Errorf("%d streams were accepted", s.StreamsAccepted)
	}
}

func TestOneWaysInOrder(t *testing.T) {
	a, b := testHost(t), testHost(t)
	e := newEars()
	server(t, b, e)
	c := client(t, a)
	learn(t, a, b)
	const n = 100
	for i := range n {
		if _, err := Ask[parcel, string](t.Context(), c, "note", parcel{b.ID(), fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range e.await(t, n) {
		if s != fmt.Sprint(i) {
			t.Fatalf("heard %q in place %d", s, i)
		}
	}
}

// What was sent before Close is written, and read by the other side, before the connection ends.
func TestCloseLetsMessagesGo(t *testing.T) {
	a, b := testHost(t), testHost(t)
	e := newEars()
	server(t, b, e)
	c := client(t, a)
	learn(t, a, b)
	for i := range 50 {
		if _, err := Ask[parcel, string](t.Context(), c, "note", parcel{b.ID(), fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	e.await(t, 50)
}

func TestReplyTooLarge(t *testing.T) {
	a, b := testHost(t), testHost(t)
	server(t, b, newEars())
	c := client(t, a)
	learn(t, a, b)
	_, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "grow x"})
	wantReason(t, err, graph.TooLarge)
	_, err = Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), strings.Repeat("x", 2000)})
	wantReason(t, err, graph.TooLarge)
	if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "still"}); err != nil || got != "STILL" {
		t.Fatalf("got %q, %v", got, err)
	}
}

// hold makes a slow call and waits until the callee works on it.
func hold(t *testing.T, c *Running, to *Host, e *ears) <-chan error {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		_, err := Ask[parcel, string](t.Context(), c, "slow", parcel{to.ID(), "x"})
		failed <- err
	}()
	select {
	case <-e.begun:
	case err := <-failed:
		t.Fatalf("the slow call ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("the slow call did not begin")
	}
	return failed
}

func TestCalleeInstanceStops(t *testing.T) {
	a, b := testHost(t), testHost(t)
	e := newEars()
	s := server(t, b, e)
	c := client(t, a)
	learn(t, a, b)
	failed := hold(t, c, b, e)
	s.Stop()
	err := <-failed
	wantReason(t, err, graph.Lost)
	if !strings.Contains(err.Error(), "stopped") {
		t.Errorf("it does not say so: %v", err)
	}
	_, err = Ask[parcel, string](t.Context(), c, "slow", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Unreachable)
	server(t, b, e) // the kept stream serves the new instance
	if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "again"}); err != nil || got != "AGAIN" {
		t.Fatalf("got %q, %v", got, err)
	}
	failed = hold(t, c, b, e)
	close(e.free)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

func TestCalleeHostCloses(t *testing.T) {
	a, b := testHost(t), testHost(t)
	e := newEars()
	server(t, b, e)
	c := client(t, a)
	learn(t, a, b)
	failed := hold(t, c, b, e)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantReason(t, <-failed, graph.Lost)
	disconnected(t, a) // until then a call may yet be written, and then it is lost
	_, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Unreachable)
}

// disconnected waits until h has seen its last connection end.
func disconnected(t *testing.T, h *Host) {
	t.Helper()
	news := make(chan struct{}, 1)
	defer h.Connected().Watch(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})()
	late := time.After(20 * time.Second)
	for len(h.Connected().Get()) > 0 {
		select {
		case <-news:
		case <-late:
			t.Fatalf("still connected: %v", h.Connected().Get())
		}
	}
}

func TestUnreachable(t *testing.T) {
	a, b := testHost(t), testHost(t)
	c := client(t, a)
	learn(t, a, b)
	gone := testHost(t)
	learn(t, a, gone)
	gone.Close()
	for name, p := range map[string]graph.Peer{"unknown": peerOfNobody(t), "gone": gone.ID(), "not a peer": "server", "no such channel": b.ID()} {
		t.Run(name, func(t *testing.T) {
			_, err := Ask[parcel, string](t.Context(), c, "echo", parcel{p, "x"})
			wantReason(t, err, graph.Unreachable)
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a sentence: %q", err)
			}
		})
	}
	if got := a.Stats().Links; got != 0 {
		t.Errorf("%d links stay to peers that nobody reached", got)
	}
}

func TestToOneself(t *testing.T) {
	h := testHost(t)
	e := newEars()
	server(t, h, e)
	c := client(t, h)
	if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{h.ID(), "me"}); err != nil || got != "ME" {
		t.Fatalf("got %q, %v", got, err)
	}
	_, err := Ask[parcel, string](t.Context(), c, "echo", parcel{h.ID(), "grow x"})
	wantReason(t, err, graph.TooLarge)
	for i := range 20 {
		if _, err := Ask[parcel, string](t.Context(), c, "note", parcel{h.ID(), fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range e.await(t, 20) {
		if s != fmt.Sprint(i) {
			t.Fatalf("heard %q in place %d", s, i)
		}
	}
	failed := hold(t, c, h, e)
	close(e.free)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

func TestKeys(t *testing.T) {
	a, b := testHost(t), testHost(t)
	red, blue := newEars(), newEars()
	server(t, b, red, graph.Key("red"))
	server(t, b, blue, graph.Key("blue"))
	cr, cb, cg := client(t, a, graph.Key("red")), client(t, a, graph.Key("blue")), client(t, a, graph.Key("green"))
	learn(t, a, b)
	for _, c := range []*Running{cr, cb} {
		if _, err := Ask[parcel, string](t.Context(), c, "note", parcel{b.ID(), c.Instance().Key()}); err != nil {
			t.Fatal(err)
		}
		if _, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := red.await(t, 1); got[0] != "red" {
		t.Errorf("red heard %q", got)
	}
	if got := blue.await(t, 1); got[0] != "blue" {
		t.Errorf("blue heard %q", got)
	}
	_, err := Ask[parcel, string](t.Context(), cg, "echo", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Denied)
	if count(b, "echo", refusedKey) != 1 {
		t.Errorf("the refusal was not counted: %+v", b.Stats().Refused)
	}
	if _, err := b.Run(compile(t, talk(), "server"), graph.Bind("ears", red), graph.Key("red")); err == nil {
		t.Error("a second instance of one role with one key runs")
	}
}

func TestAskContext(t *testing.T) {
	a, b := testHost(t), testHost(t)
	e := newEars()
	server(t, b, e)
	c := client(t, a)
	learn(t, a, b)
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := Ask[parcel, string](past, c, "echo", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Expired)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Ask[parcel, string](short, c, "slow", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Timeout)
	gone, cancel := context.WithCancel(t.Context())
	go func() { <-e.begun; cancel() }() // of this call, or of the one before, which may have expired on its way
	if _, err = Ask[parcel, string](gone, c, "slow", parcel{b.ID(), "x"}); err != context.Canceled {
		t.Fatalf("got %v", err)
	}
	c.Stop()
	_, err = Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Unreachable)
}

// A caller that stops waiting tells the callee, whose activation ends.
func TestCancelReachesTheCallee(t *testing.T) {
	a, b := testHost(t), testHost(t)
	e := newEars()
	s := server(t, b, e)
	c := client(t, a)
	learn(t, a, b)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := Ask[parcel, string](ctx, c, "slow", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Timeout)
	until(t, "the callee's activation ends", func() bool {
		open := -1
		if err := s.Do(t.Context(), func(in *graph.Instance) { open = in.Counters().Activations }); err != nil {
			t.Fatal(err)
		}
		return open == 0
	})
	s.openMu.Lock()
	defer s.openMu.Unlock()
	if len(s.open) != 0 {
		t.Errorf("%d requests stay open", len(s.open))
	}
}

func TestDo(t *testing.T) {
	h := testHost(t)
	c := client(t, h)
	var ran bool
	if err := c.Do(t.Context(), func(in *graph.Instance) { ran = in == c.Instance() }); err != nil || !ran {
		t.Fatal(err)
	}
	c.Stop()
	if err := c.Do(t.Context(), func(*graph.Instance) {}); err == nil {
		t.Fatal("a stopped instance does")
	}
	c.Stop() // again
}
