package p2p

import (
	"context"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/merograph/merograph/graph"
)

// again opens streams one after the other and has each treated, until the test ends. What fails is tried again.
func again(ctx context.Context, s host.Host, h *Host, treat func(n uint64, st network.Stream)) {
	for n := uint64(1); ctx.Err() == nil; n++ {
		st, err := s.NewStream(ctx, h.id, slowID)
		if err != nil {
			continue
		}
		st.SetDeadline(time.Now().Add(10 * time.Second))
		treat(n, st)
	}
}

// The hostile peers of this test, each a host of its own with valid keys.
var hostiles = []struct {
	name  string
	treat func(hello frame) func(n uint64, st network.Stream)
}{
	{"garbage frames", func(hello frame) func(uint64, network.Stream) {
		return func(n uint64, st network.Stream) {
			defer st.Reset()
			hello.incarnation = n
			st.Write(append(appendSized(nil, &hello), strings.Repeat("GET / HTTP/1.1\r\n", 100)...))
			st.Read(make([]byte, 1))
		}
	}},
	{"endless frames", func(hello frame) func(uint64, network.Stream) {
		return func(_ uint64, st network.Stream) {
			defer st.Reset()
			st.Write(appendSized(nil, &hello))
			st.Write(binary.AppendUvarint(nil, 64<<10))
			for {
				if _, err := st.Write(make([]byte, 4<<10)); err != nil {
					return
				}
			}
		}
	}},
	{"a thousand streams", func(hello frame) func(uint64, network.Stream) {
		var kept []network.Stream
		return func(n uint64, st network.Stream) {
			hello.incarnation = n
			st.Write(append(appendSized(nil, &hello), requestOf(n, "x")...))
			if kept = append(kept, st); len(kept) == 1000 {
				for _, st := range kept {
					st.Reset()
				}
				kept = nil
			}
		}
	}},
	{"never reading", func(hello frame) func(uint64, network.Stream) {
		big := strings.Repeat("x", 60<<10)
		return func(_ uint64, st network.Stream) {
			defer st.Reset()
			st.Write(appendSized(nil, &hello))
			for i := uint64(1); ; i++ {
				if _, err := st.Write(requestOf(i, big)); err != nil {
					return
				}
			}
		}
	}},
	{"wrong fingerprint", func(hello frame) func(uint64, network.Stream) {
		return func(n uint64, st network.Stream) {
			defer st.Reset()
			hello.fingerprint = n
			st.Write(append(appendSized(nil, &hello), requestOf(1, "x")...))
			st.Read(make([]byte, 1))
		}
	}},
	{"silence", func(frame) func(uint64, network.Stream) {
		var kept []network.Stream
		return func(n uint64, st network.Stream) {
			st.Write([]byte{40}) // so that the lazy negotiation happens
			if kept = append(kept, st); len(kept) == 50 {
				for _, st := range kept {
					st.Reset()
				}
				kept = nil
			}
		}
	}},
}

// All of them at once, each as fast as it can: honest peers go on calling, and what the host holds for a hostile one stays
// within what the channels let it have.
func TestHostileAtOnce(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Limits.WriteTime = time.Second })
	e := newEars()
	close(e.free)
	server(t, h, e)
	fine := []func(){honest(t, h), honest(t, h), honest(t, h)}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var strangers []host.Host
	for _, bad := range hostiles {
		s := stranger(t, h)
		strangers = append(strangers, s)
		treat := bad.treat(helloOf(t, h, slowID))
		all.Go(func() { again(ctx, s, h, treat) })
	}
	unknown := stranger(t, h)
	all.Go(func() {
		for ctx.Err() == nil {
			if st, err := unknown.NewStream(ctx, h.id, "/merograph/talk/1/nothing"); err == nil {
				st.Write([]byte("x"))
				st.Reset()
			}
		}
	})
	reasons := []string{refusedMalformed, refusedMismatch, refusedStreams, graph.Busy.String()}
	calls, enough := 0, 30
	if testing.Short() {
		enough = 9 // the race detector makes the hostile ones as slow as the others
	}
	until(t, "every kind of refusal is counted", func() bool {
		for _, call := range fine {
			call()
			calls++
		}
		for _, s := range append(strangers, unknown) {
			within(t, h, s.ID())
		}
		if n := h.Stats().QueuedBytes; n > int64(len(strangers)*h.limits.AllQueueBytes/8) {
			t.Errorf("%d bytes wait", n)
		}
		for _, r := range reasons {
			if count(h, "slow", r) < 3 {
				return false
			}
		}
		return calls >= enough
	})
	cancel()
	for _, s := range append(strangers, unknown) {
		s.Close()
	}
	all.Wait()
	until(t, "nothing stays of them", func() bool {
		h.mu.Lock()
		in, boxes := 0, len(h.outboxes)
		for k, streams := range h.inbound {
			if k.channel == string(slowID) {
				in += len(streams)
			}
		}
		h.mu.Unlock()
		return in == 0 && boxes <= len(fine) && h.Stats().QueuedBytes == 0
	})
	for _, call := range fine {
		call()
	}
}
