package p2p

// The sleeps here are in a bubble of synctest: virtual time passes, and nobody waits.

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/merograph/merograph/graph"
)

// A stream that nobody uses is ended by its opener; the next call opens another, and is not lost.
func TestIdleStreamsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := simHosts(t, 2)
		a, b := hosts[0], hosts[1]
		e := newEars()
		server(t, b, e)
		c := client(t, a)
		learn(t, a, b)
		call := func() {
			t.Helper()
			if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"}); err != nil || got != "X" {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		call()
		time.Sleep(a.limits.IdleTime / 2)
		call()
		time.Sleep(a.limits.IdleTime * 3 / 4)
		if a.Stats().Links != 1 || a.Stats().StreamsOpened != 1 {
			t.Fatalf("a stream in use is closed: %+v", a.Stats())
		}
		time.Sleep(a.limits.IdleTime)
		synctest.Wait()
		b.mu.Lock()
		in := len(b.inbound)
		b.mu.Unlock()
		if n := a.Stats().Links; n != 0 || in != 0 || len(a.retired) != 0 || len(a.outboxes) != 0 {
			t.Errorf("%d links, %d retired, %d outboxes, and %d streams at the callee stay", n, len(a.retired), len(a.outboxes), in)
		}
		call()
		if n := a.Stats().StreamsOpened; n != 2 {
			t.Errorf("%d streams were opened", n)
		}
		for _, h := range hosts {
			if r := h.Stats().Refused; len(r) != 0 {
				t.Errorf("refused: %+v", r)
			}
		}
		// A call that takes longer than the bound keeps its stream.
		failed := make(chan error, 1)
		go func() {
			_, err := Ask[parcel, string](t.Context(), c, "slow", parcel{b.ID(), "x"})
			failed <- err
		}()
		<-e.begun
		for range 2 {
			a.endIdle(a.now().Add(time.Hour))
			b.endIdle(b.now().Add(time.Hour))
		}
		close(e.free)
		if err := <-failed; err != nil {
			t.Error(err)
		}
	})
}

// A peer that opens a stream, greets and falls silent loses it after a while.
func TestSilentPeerLosesItsStream(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	fine, st := honest(t, h), open(t, stranger(t, h), h, noteID)
	until(t, "it is accepted", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, in := range h.inbound[inboundKey{graph.Peer(st.Conn().LocalPeer().String()), string(noteID)}] {
			if in.incarnation != 0 {
				return true
			}
		}
		return false
	})
	h.endIdle(h.now())
	h.endIdle(h.now().Add(theirIdle*h.limits.IdleTime - time.Minute))
	if n := count(h, "note", refusedIdle); n != 0 {
		t.Errorf("%d too early", n)
	}
	h.endIdle(h.now().Add(theirIdle*h.limits.IdleTime + time.Minute))
	ended(t, st)
	if n := count(h, "note", refusedIdle); n != 1 {
		t.Errorf("%d were counted", n)
	}
	fine()
}
