package globalregistry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// The defects of the registry that this one was written after, each of which is a rule here. Those that are not below: that
// two roles are told apart, and that what is placed can be reached, is the compiler's; both roles run in every test.

// 1. Identity is the sender's: no field of a message, and no record of another, registers somebody else.
func TestDefectIdentityFromPayload(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{})
	victim := says("victim", "/v")
	for name, q := range map[string]any{
		"a field":            map[string]any{"peer": "victim", "from": "victim", "record": says("evil", "/e").Record},
		"another's record":   victim,
		"without signature":  Announcement{Record: Record{Addresses: []string{"/v"}}},
		"an altered address": Announcement{Record: Record{[]string{"/w"}, victim.Record.Seq, victim.Record.Signature}},
	} {
		f := w.Ask("evil", "s", "announce", q, &Handshake{})
		if ok := name == "a field"; ok != (f == nil) || f != nil && f.Reason != graph.Denied {
			t.Errorf("%s: %v", name, f)
		}
	}
	if _, ok := cohort(s).Get("victim"); ok || cohort(s).Len() != 1 {
		t.Errorf("the cohort is %v", cohort(s).All())
	}
	if w.Count("s", "announce", graph.ReplyMsg) != 1 {
		t.Error("an answer went to another")
	}
}

// 2. A refused announce leaves nothing behind: no row without addresses, no place that is counted.
func TestDefectHalfRegistered(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{}, setting{capacity: 1})
	for i := range 3 {
		p := graph.Peer(fmt.Sprint("p", i))
		f := w.Ask(p, "s", "announce", says(p, fmt.Sprintf("/ip4/8.8.%d.1/tcp/1", i)), &Handshake{})
		if (f == nil) != (i == 0) {
			t.Errorf("%s: %v", p, f)
		}
		counted(t, s)
	}
	if cohort(s).Len() != 1 || networksOf(s).Len() != 1 {
		t.Errorf("%v, %v", cohort(s).All(), networksOf(s).All())
	}
}

// 4 and 5. A row goes when its lease ends, unread; and at that very instant, taken or not, it is not shown.
func TestDefectLazyExpiry(t *testing.T) {
	h := &hand{now: graph.Time(time.Hour)}
	p, err := graph.Compile(Protocol(), "server")
	if err != nil {
		t.Fatal(err)
	}
	in, err := graph.Start(p, h, graph.Bind("addresses", []string(nil)), graph.Bind("context", ""), graph.Bind("access", Access{}), graph.Bind("ttl", MinTTL),
		graph.Bind("quota", Quota{}), graph.Bind("records", Records(oracle{self: "s"})), graph.Bind("members", Members(&admitted{})))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from graph.Peer, channel string, q any) {
		h.calls++
		if f := in.Deliver(graph.Message{Kind: graph.RequestMsg, Channel: channel, Peer: from, Call: h.calls, Remaining: time.Minute, Payload: graphtest.Encode(q)}); f != nil {
			t.Fatal(f)
		}
	}
	run := func() {
		for in.Next() {
		}
	}
	ask("old", "announce", says("old"))
	for i := range 30 {
		ask(graph.Peer(fmt.Sprint("old", i)), "announce", says(graph.Peer(fmt.Sprint("old", i))))
	}
	run()
	h.now = h.now.Add(MinTTL / 2)
	for i := range 3 {
		p := graph.Peer(fmt.Sprint("new", i))
		ask(p, "announce", says(p))
	}
	run()
	h.now = h.now.Add(MinTTL / 2)
	ask("new0", "sample", Wanted{3}) // these arrive at the instant at which the lease of old ends, and go before its expiry
	ask("new0", "view", PageWanted{})
	ask("old", "view", PageWanted{})
	h.sent = nil
	run()
	var c Cohort
	var v Page
	if len(h.sent) != 3 || cbor.Unmarshal(h.sent[0].Payload, &c) != nil || cbor.Unmarshal(h.sent[1].Payload, &v) != nil {
		t.Fatalf("%+v", h.sent)
	}
	if h.sent[2].Reason != graph.Denied {
		t.Errorf("one whose lease has ended reads on: %+v", h.sent[2])
	}
	if len(c.Members) != 2 || len(v.Members) != 3 {
		t.Errorf("a sample of %v, a view of %v", c.Members, v.Members)
	}
	for _, m := range append(c.Members, v.Members...) {
		if strings.HasPrefix(string(m.Peer), "old") || m.Left != MinTTL/2 {
			t.Errorf("%+v is shown", m)
		}
	}
	h.now = h.now.Add(MinTTL / 2)
	run()
	if n := graph.FeedOf[graph.Peer, Row](in, "cohort").Get().Len(); n != 0 {
		t.Errorf("%d rows are left, unread", n)
	}
}

// hand is a host that does nothing by itself.
type hand struct {
	now   graph.Time
	sent  []graph.Message
	calls uint64
}

func (h *hand) Self() graph.Peer     { return "s" }
func (h *hand) Now() graph.Time      { return h.now }
func (h *hand) Wall() time.Time      { return time.Unix(0, int64(h.now)) }
func (h *hand) Uint64() uint64       { h.calls++; return h.calls * 0x9e3779b97f4a7c15 }
func (h *hand) Wake()                {}
func (h *hand) Send(m graph.Message) { h.sent = append(h.sent, m) }
func (h *hand) Work(*graph.Task)     {}

// 6. There is no sentinel time, and a lease that is restored on another clock keeps its distance.
func TestDefectAbsoluteClock(t *testing.T) {
	p, err := graph.Compile(Protocol(), "client")
	if err != nil {
		t.Fatal(err)
	}
	binds := []graph.Option{graph.Bind("servers", []graph.Peer{"s"}), graph.Bind("connected", []graph.Peer(nil)), graph.Bind("addresses", []string(nil)), graph.Bind("secret", []byte(nil)),
		graph.Bind("records", Records(oracle{self: "c"}))}
	for _, begin := range []graph.Time{0, 1, graph.Time(time.Hour)} {
		h := &hand{now: begin}
		in, err := graph.Start(p, h, binds...)
		if err != nil {
			t.Fatal(err)
		}
		for in.Next() {
		}
		if len(h.sent) != 1 {
			t.Fatalf("at %d it sends %v", begin, h.sent)
		}
		m := h.sent[0]
		in.Deliver(graph.Message{Kind: graph.ReplyMsg, Channel: m.Channel, Peer: "s", Call: m.Call, Payload: graphtest.Encode(Handshake{TTL: TTL, Heartbeat: Heartbeat})})
		for in.Next() {
		}
		b, err := in.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		other := &hand{now: graph.Time(1000 * time.Hour)}
		again, err := graph.Start(p, other, append(binds, graph.Restore(b))...)
		if err != nil {
			t.Fatal(err)
		}
		l, _ := graph.FeedOf[graph.Peer, Lease](again, "leases").Get().Get("s")
		if wait := l.Next.Sub(other.now); !l.Registered || wait < Heartbeat || wait > Heartbeat*21/20 {
			t.Errorf("begun at %d, restored: %+v", begin, l)
		}
	}
}

// 7 and 8. The client learns where the server is, and reads it from afar: TestRegister, TestReading, TestPages, TestLeave.
// 3. A repeated announce updates the addresses: TestAddressesChange; and what others hold, when they look again:
func TestDefectAddressesStay(t *testing.T) {
	w := graphtest.New(t)
	startServer(w, Access{}, &admitted{})
	mine := graph.NewFeed([]string{"/a"})
	w.Start(Protocol(), "client", "c", graph.Bind("servers", []graph.Peer{"s"}), graph.Bind("connected", []graph.Peer(nil)), graph.Bind("addresses", mine), graph.Bind("secret", []byte(nil)),
		graph.Bind("records", Records(oracle{self: "c"})))
	o := startClient(w, "o", "")
	at := func() string {
		m, _ := graph.FeedOf[graph.Peer, Member](o.Instance, "known").Get().Get("c")
		return fmt.Sprint(m.Record.Addresses)
	}
	w.Pass(time.Minute)
	if at() != "[/a]" {
		t.Errorf("it is known at %s", at())
	}
	mine.Set([]string{"/b"})
	w.Pass(Heartbeat + Heartbeat/10 + 2*lookSoon)
	if at() != "[/b]" {
		t.Errorf("it is known at %s", at())
	}
}
