package p2p

import (
	"bytes"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// FuzzStream: whatever a peer sends on a stream, the stream ends, and nothing of it stays in the books.
func FuzzStream(f *testing.F) {
	hello := frame{kind: helloMsg, version: formatVersion, fingerprint: 1, role: "client", incarnation: 7}
	var all []byte
	for _, s := range samples() {
		f.Add(appendSized(appendSized(nil, &hello), &s), true)
		all = appendSized(all, &s)
	}
	f.Add(all, false)
	f.Add(appendSized(appendSized(nil, &hello), &frame{kind: graph.RequestMsg, call: 1, payload: make([]byte, 9<<10)}), true)
	f.Fuzz(func(t *testing.T, b []byte, exchange bool) {
		h := bareHost()
		c := graph.ChannelInfo{Kind: graph.MessageKind, Name: "x", From: "client", To: "server", MaxRequest: 16 << 10, Fingerprint: 1}
		if exchange {
			c.Kind, c.MaxReply = graph.ExchangeKind, 1<<10
		}
		h.serve(&endpoint{id: "/merograph/fuzz/1/x", info: c}, still{bytes.NewReader(b)}, "peer")
		h.tasks.Wait()
		if len(h.inbound) != 0 || len(h.outboxes) != 0 || h.count.queued.Load() != 0 {
			t.Errorf("%d streams, %d outboxes and %d bytes stay", len(h.inbound), len(h.outboxes), h.count.queued.Load())
		}
	})
}

// FuzzEnvelope: a publication is taken only when it is what appendFrame writes, within the bounds of its topic.
func FuzzEnvelope(f *testing.F) {
	for _, s := range samples() {
		f.Add(appendFrame(nil, &s))
	}
	f.Add(appendFrame(nil, &frame{kind: graph.TopicMsg, fingerprint: 1, payload: text("x")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := bareHost()
		name := "/merograph/fuzz/1/x"
		h.topics = map[string]*topic{name: {e: &endpoint{id: protocol.ID(name), info: graph.ChannelInfo{Kind: graph.TopicKind, Name: "x", MaxRequest: 256, Fingerprint: 1}}}}
		m := &pubsub.Message{Message: &pb.Message{Data: b, Topic: &name}}
		if h.inspect(t.Context(), "neighbour", m) != pubsub.ValidationAccept {
			return
		}
		got, err := decodeFrame(b)
		if err != nil || got.kind != graph.TopicMsg || got.fingerprint != 1 || len(got.payload) > 256 || !bytes.Equal(appendFrame(nil, &got), b) {
			t.Errorf("%x is accepted: %+v, %v", b, got, err)
		}
	})
}
