package p2p

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// BenchmarkCall is an echo through two graphs: Ask, Call, Reply, Reply.
func BenchmarkCall(b *testing.B) {
	x, y := testHost(b), testHost(b)
	server(b, y, newEars())
	c := client(b, x)
	learn(b, x, y)
	p := parcel{y.ID(), "hello"}
	if _, err := Ask[parcel, string](b.Context(), c, "echo", p); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	for b.Loop() {
		if _, err := Ask[parcel, string](ctx, c, "echo", p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallParallel is 64 at a time.
func BenchmarkCallParallel(b *testing.B) {
	x, y := testHost(b), testHost(b)
	server(b, y, newEars())
	c := client(b, x)
	learn(b, x, y)
	p := parcel{y.ID(), "hello"}
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := Ask[parcel, string](b.Context(), c, "echo", p); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkBareStream is the same echo on a kept libp2p stream with the same frames and payload codec, where the caller
// writes itself and a reader goroutine gives it the reply: what a program without a graph would do.
func BenchmarkBareStream(b *testing.B) {
	const id = protocol.ID("/bare/1")
	x, y := testHost(b), testHost(b)
	y.host.SetStreamHandler(id, func(s network.Stream) {
		r := newReader(s, 1<<20, nil)
		var buf []byte
		for {
			f, err := r.next()
			if err != nil {
				s.Reset()
				return
			}
			up := strings.ToUpper(string(f.payload[1:]))
			buf = appendSized(buf[:0], &frame{kind: graph.ReplyMsg, call: f.call, payload: text(up)})
			if _, err := s.Write(buf); err != nil {
				return
			}
		}
	})
	learn(b, x, y)
	s, err := x.host.NewStream(b.Context(), y.id, id)
	if err != nil {
		b.Fatal(err)
	}
	replies := make(chan frame, 1)
	go func() {
		r := newReader(s, 1<<20, nil)
		for {
			f, err := r.next()
			if err != nil {
				close(replies)
				return
			}
			replies <- f
		}
	}()
	call := func(n uint64, buf []byte) []byte {
		buf = appendSized(buf[:0], &frame{kind: graph.RequestMsg, call: n, remaining: 5 * time.Second, payload: text("hello")})
		if _, err := s.Write(buf); err != nil {
			b.Fatal(err)
		}
		if f := <-replies; f.call != n {
			b.Fatalf("got %+v", f)
		}
		return buf
	}
	n, buf := uint64(1), call(1, nil)
	b.ReportAllocs()
	for b.Loop() {
		n++
		buf = call(n, buf)
	}
	b.StopTimer()
	s.Reset()
	for range replies {
	}
}
