package globalregistry

import (
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// channels are those on which a client asks a server.
var channels = []string{"announce", "leave", "sample", "view"}

// FuzzMessages has a stranger send any bytes to a server, on each channel, and a client hear any bytes for an answer. Nothing panics, nobody is
// registered who has not signed, and what a client knows was signed.
func FuzzMessages(f *testing.F) {
	good := says("x", "/ip4/8.8.8.8/tcp/1")
	for _, v := range []any{good, Parting{}, Wanted{}, PageWanted{Cookie: encodeCookie("12D3KooW"), N: 3}, Handshake{TTL: time.Hour, Heartbeat: -1, Context: "c"}, Handshake{Nonce: []byte{1}},
		Cohort{[]Shown{{"x", good.Record, time.Minute}}}, Page{Members: []Shown{{"y", good.Record, -1}}, Next: []byte{0}}} {
		f.Add(graphtest.Encode(v), uint8(0))
		f.Add(graphtest.Encode(v), uint8(3))
	}
	f.Add([]byte{0xff}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, on uint8) {
		w := graphtest.New(t)
		server := startServer(w, Access{}, &admitted{})
		client := startOf(w, "c", "", []graph.Peer{"liar"}, []string{"/ip4/9.9.9.9/tcp/1"})
		channel := channels[int(on)%len(channels)]
		w.Stranger("liar", func(m graph.Message) []graph.Message {
			if m.Kind != graph.RequestMsg || m.Channel != channel && on >= 8 {
				return nil
			}
			return graphtest.Reply(m, graphtest.Raw(b))
		})
		w.Stranger("x", func(graph.Message) []graph.Message { return nil })
		w.Ask("x", "s", channel, graphtest.Raw(b), new(cbor.RawMessage))
		w.Pass(5 * time.Minute)
		for _, r := range cohort(server).All() {
			if r.Member.Peer != "x" || (oracle{self: "s"}).Verify(r.Member.Peer, r.Member.Record) != nil {
				t.Errorf("registered: %+v", r.Member)
			}
		}
		for _, m := range knownTo(client).All() {
			if (oracle{self: "c"}).Verify(m.Peer, m.Record) != nil {
				t.Errorf("the client knows %+v", m)
			}
		}
		if l := lease(client); l.Next.Sub(w.Now()) > MaxTTL {
			t.Errorf("a server silences a client: %+v", l)
		}
	})
}

func knownTo(n *graphtest.Node) graph.View[graph.Peer, Member] {
	return graph.FeedOf[graph.Peer, Member](n.Instance, "known").Get()
}
