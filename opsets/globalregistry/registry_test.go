package globalregistry

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// admitted counts what the members component was asked.
type admitted struct {
	of   map[graph.Peer]int
	fail error
}

func (a *admitted) Admit(_ context.Context, m Member) (graph.Done, error) {
	if a.of == nil {
		a.of = map[graph.Peer]int{}
	}
	a.of[m.Peer]++
	return graph.Done{}, a.fail
}

// A setting is what a server of the tests is bound to beside what they ask for.
type setting struct {
	name     graph.Peer
	capacity int
	ttl      time.Duration
	quota    Quota
}

func startServer(w *graphtest.World, a Access, m Members, also ...setting) *graphtest.Node {
	set := setting{name: "s", capacity: Capacity}
	for _, o := range also {
		set = setting{cmp.Or(o.name, set.name), cmp.Or(o.capacity, set.capacity), o.ttl, o.quota}
	}
	return w.Start(protocol(set.capacity), "server", set.name, graph.Bind("addresses", []string{"/ip4/1.1.1.1/tcp/1"}), graph.Bind("context", "bafy"),
		graph.Bind("access", a), graph.Bind("members", m), graph.Bind("ttl", set.ttl), graph.Bind("quota", set.quota), graph.Bind("records", Records(oracle{self: set.name})))
}

func startClient(w *graphtest.World, self graph.Peer, secret string, addresses ...string) *graphtest.Node {
	return startOf(w, self, secret, []graph.Peer{"s"}, addresses)
}

func startOf(w *graphtest.World, self graph.Peer, secret string, servers []graph.Peer, addresses []string) *graphtest.Node {
	return w.Start(Protocol(), "client", self, graph.Bind("servers", servers), graph.Bind("connected", []graph.Peer(nil)), graph.Bind("addresses", addresses),
		graph.Bind("secret", []byte(secret)), graph.Bind("records", Records(oracle{self: self})))
}

func cohort(n *graphtest.Node) graph.View[graph.Peer, Row] {
	return graph.FeedOf[graph.Peer, Row](n.Instance, "cohort").Get()
}

// lease is the lease of a client's first server.
func lease(n *graphtest.Node) (l Lease) {
	if v := graph.FeedOf[graph.Peer, Lease](n.Instance, "leases").Get(); v.Len() > 0 {
		l = v.At(0)
	}
	return l
}

// says is the announcement of a peer, well signed.
func says(p graph.Peer, addresses ...string) Announcement {
	r, _ := oracle{self: p}.Sign(addresses, 1)
	return Announcement{Record: r}
}

func TestRegister(t *testing.T) {
	w := graphtest.New(t)
	m := &admitted{}
	s := startServer(w, Access{}, m)
	c := startClient(w, "c", "", "/ip4/2.2.2.2/tcp/2")
	w.Settle()
	if row, ok := cohort(s).Get("c"); !ok || row.Member.Record.Addresses[0] != "/ip4/2.2.2.2/tcp/2" {
		t.Fatalf("the cohort is %v", cohort(s).All())
	}
	l := lease(c)
	if !l.Registered || l.Context != "bafy" || l.Addresses[0] != "/ip4/1.1.1.1/tcp/1" || l.Failures != 0 || l.Heartbeat != Heartbeat {
		t.Fatalf("the lease is %+v", l)
	}
	if w.Count("c", "announce", graph.RequestMsg) != 1 {
		t.Error("announced more than once")
	}
	w.Pass(10 * time.Minute)
	if n := w.Count("c", "announce", graph.RequestMsg); n < 20 || n > 21 {
		t.Errorf("%d announces in ten minutes", n)
	}
	if m.of["c"] < 20 {
		t.Errorf("admitted %d times", m.of["c"])
	}
	w.Crash(c)
	w.Pass(TTL)
	if cohort(s).Len() != 0 {
		t.Error("a dead client outlives its lease")
	}
	if len(s.Failures)+len(c.Failures) > 0 {
		t.Errorf("failures: %v %v", s.Failures, c.Failures)
	}
}

// A failure to admit is counted and tried again with the next heartbeat; the registration stands.
func TestAdmitFails(t *testing.T) {
	w := graphtest.New(t)
	m := &admitted{fail: errors.New("no disk")}
	s := startServer(w, Access{}, m)
	startClient(w, "c", "")
	w.Settle()
	if cohort(s).Len() != 1 || len(s.Failures) != 1 || m.of["c"] != 1 {
		t.Fatalf("%d rows, failures %v, asked %d times", cohort(s).Len(), s.Failures, m.of["c"])
	}
	w.Pass(Heartbeat + Heartbeat/10)
	if m.of["c"] != 2 {
		t.Errorf("asked %d times after a heartbeat", m.of["c"])
	}
}

func TestAddresses(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{})
	for name, addresses := range map[string][]string{
		"empty":    {""},
		"long":     {strings.Repeat("x", maxAddress+1)},
		"too many": make([]string, maxAddresses+1),
	} {
		if f := w.Ask(graph.Peer(name), "s", "announce", says(graph.Peer(name), addresses...), &Handshake{}); f == nil || f.Reason != graph.Malformed {
			t.Errorf("%s: %v", name, f)
		}
	}
	if f := w.Ask("none", "s", "announce", says("none"), &Handshake{}); f != nil {
		t.Errorf("no address at all: %v", f)
	}
	full := says("full", many(maxAddresses, maxAddress)...)
	full.Proof = make([]byte, 32)
	if f := w.Ask("full", "s", "announce", full, &Handshake{}); f != nil {
		t.Errorf("as many and as long as allowed: %v", f)
	}
	if f := w.Ask("big", "s", "announce", says("big", many(64, 200)...), &Handshake{}); f == nil || f.Reason != graph.TooLarge {
		t.Errorf("over the bound of the channel: %v", f)
	}
	// A client leaves out what a server would refuse.
	startClient(w, "c", "", append([]string{"", strings.Repeat("x", 1000), "/good"}, many(20, 20)...)...)
	w.Settle()
	if row, ok := cohort(s).Get("c"); !ok || len(row.Member.Record.Addresses) != maxAddresses || row.Member.Record.Addresses[0] != "/good" {
		t.Errorf("the client registered as %v", row)
	}
	if cohort(s).Len() != 3 {
		t.Errorf("the cohort has %d", cohort(s).Len())
	}
}

func many(n, size int) (out []string) {
	for range n {
		out = append(out, strings.Repeat("x", size))
	}
	return out
}

// A re-announce replaces the addresses at once.
func TestAddressesChange(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{})
	for _, a := range []string{"/a", "/b"} {
		if f := w.Ask("c", "s", "announce", says("c", a), &Handshake{}); f != nil {
			t.Fatal(f)
		}
		if row, _ := cohort(s).Get("c"); row.Member.Record.Addresses[0] != a {
			t.Errorf("registered as %v", row)
		}
	}
}

func TestSecret(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{Secret: []byte("right"), NonceKey: []byte{1}}, &admitted{})
	good, wrong, none := startClient(w, "good", "right"), startClient(w, "wrong", "left"), startClient(w, "none", "")
	w.Pass(time.Minute)
	if cohort(s).Len() != 1 || cohort(s).Key(0) != "good" || !lease(good).Registered {
		t.Fatalf("the cohort is %v", cohort(s).All())
	}
	for _, c := range []*graphtest.Node{wrong, none} {
		if l := lease(c); l.Registered || l.Failures < 3 || l.Until != 0 || !strings.Contains(l.LastError, "network secret") {
			t.Errorf("%s: %+v", c.Self(), l)
		}
		if n := w.Count(c.Self(), "announce", graph.RequestMsg); n > 30 {
			t.Errorf("%s shouts: %d announces in a minute", c.Self(), n)
		}
	}
	for _, m := range w.Sent {
		if strings.Contains(string(m.Payload), "right") {
			t.Error("the secret travels")
		}
	}
	// A proof of one client is worth nothing to another.
	var h Handshake
	if f := w.Ask("a", "s", "announce", says("a"), &h); f != nil || h.TTL != 0 || len(h.Nonce) == 0 || len(h.Addresses) > 0 || h.Context != "" {
		t.Fatalf("%v, %+v", f, h)
	}
	proof := prove([]byte("right"), "a", "s", h.Nonce)
	with := func(p graph.Peer) Announcement { a := says(p); a.Proof = proof; return a }
	var b Handshake
	if f := w.Ask("b", "s", "announce", with("b"), &b); f != nil || b.TTL != 0 || slices.Equal(b.Nonce, h.Nonce) {
		t.Errorf("another's proof: %v, %+v", f, b)
	}
	if f := w.Ask("a", "s", "announce", with("a"), &h); f != nil || h.TTL != TTL || h.Context != "bafy" {
		t.Errorf("its own: %v, %+v", f, h)
	}
	// A server that starts again has another nonce.
	w.Crash(s)
	w.Pass(Heartbeat + 10*time.Second)
	s = startServer(w, Access{Secret: []byte("right"), NonceKey: []byte{2}}, &admitted{})
	w.Pass(2 * Heartbeat)
	if _, ok := cohort(s).Get("good"); !ok {
		t.Errorf("after a restart: %+v", lease(good))
	}
}

// No answer of a server silences a client, or makes it shout.
func TestHostileServer(t *testing.T) {
	long := time.Duration(1) << 62
	for name, answer := range map[string]func(m graph.Message) []graph.Message{
		"forever": func(m graph.Message) []graph.Message {
			return graphtest.Reply(m, Handshake{TTL: long, Heartbeat: long})
		},
		"at once": func(m graph.Message) []graph.Message { return graphtest.Reply(m, Handshake{TTL: 1, Heartbeat: 1}) },
		"negative": func(m graph.Message) []graph.Message {
			return graphtest.Reply(m, Handshake{TTL: long, Heartbeat: -long})
		},
		"no lease": func(m graph.Message) []graph.Message { return graphtest.Reply(m, Handshake{TTL: -1}) },
		"nonces": func(m graph.Message) []graph.Message {
			return graphtest.Reply(m, Handshake{Nonce: binary.BigEndian.AppendUint64(nil, m.Call)})
		},
		"a long nonce": func(m graph.Message) []graph.Message { return graphtest.Reply(m, Handshake{Nonce: make([]byte, 4000)}) },
		"garbage": func(m graph.Message) []graph.Message {
			r := graphtest.Reply(m, 7)
			r[0].Payload = []byte{0xff, 0}
			return r
		},
		"busy": func(m graph.Message) []graph.Message {
			return []graph.Message{{Kind: graph.ErrorMsg, Channel: m.Channel, Peer: m.Relay, Call: m.Call, Reason: graph.Busy, Retry: long}}
		},
		"busy no more": func(m graph.Message) []graph.Message {
			return []graph.Message{{Kind: graph.ErrorMsg, Channel: m.Channel, Peer: m.Relay, Call: m.Call, Reason: graph.Busy, Retry: -long}}
		},
		"silence": func(m graph.Message) []graph.Message { return nil },
		"twice": func(m graph.Message) []graph.Message {
			r := graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat})
			return append(r, r...)
		},
		"much": func(m graph.Message) []graph.Message {
			return graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat, Addresses: many(20, 300), Context: strings.Repeat("x", 1000)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := graphtest.New(t)
			w.Stranger("s", func(m graph.Message) []graph.Message {
				if m.Kind != graph.RequestMsg {
					return nil
				}
				return answer(m)
			})
			c := startClient(w, "c", "secret")
			w.Pass(20 * time.Minute)
			n := w.Count("c", "announce", graph.RequestMsg)
			if l := lease(c); n < 10 || n > 20*60/10+atOnce+1 || len(l.Addresses) > maxAddresses || len(l.Context) > maxContext {
				t.Errorf("%d announces in twenty minutes, the lease is %+v", n, l)
			}
			if n := w.Count("c", "sample", graph.RequestMsg); n > 400 {
				t.Errorf("%d samples in twenty minutes", n)
			}
			if len(c.Failures) > 0 {
				t.Errorf("nobody handled %v", c.Failures[0])
			}
		})
	}
}

// A sample of a hostile server leaves a client with its bounds.
func TestHostileSample(t *testing.T) {
	w := graphtest.New(t)
	w.Stranger("s", func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "announce":
			return graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat})
		}
		shown := func(p graph.Peer, addresses ...string) Shown {
			return Shown{p, says(p, addresses...).Record, time.Hour}
		}
		forged := shown("forged", "/a")
		forged.Record.Addresses = []string{"/b"}
		borrowed := Shown{"borrowed", says("good", "/c").Record, TTL}
		over := shown("over")
		over.Left = -1
		c := Cohort{Members: []Shown{{Peer: "c"}, {}, shown(graph.Peer(strings.Repeat("x", 1000))), shown("long", many(20, 300)...), forged, borrowed, over,
			shown("good", "/c")}}
		for i := range 500 {
			c.Members = append(c.Members, shown(graph.Peer(fmt.Sprint("p", i))))
		}
		return graphtest.Reply(m, c)
	})
	c := startClient(w, "c", "")
	w.Pass(time.Second)
	known := graph.FeedOf[graph.Peer, Member](c.Instance, "known").Get()
	if known.Len() != SampleSize-7 {
		t.Errorf("it believes in %v", known.All())
	}
	for _, p := range []graph.Peer{"c", "long", "forged", "borrowed", "over", ""} {
		if m, ok := known.Get(p); ok {
			t.Errorf("it believes in %v", m)
		}
	}
	w.Pass(MaxTTL + lingering)
	if m, ok := known.Get("good"); !ok || m.Record.Addresses[0] != "/c" {
		t.Errorf("it does not know %v", m)
	}
}

// A full server says when to try again, and the client keeps to it.
func TestFull(t *testing.T) {
	w := graphtest.New(t)
	const capacity = 8
	s := startServer(w, Access{}, &admitted{}, setting{capacity: capacity})
	for i := range capacity {
		if f := w.Ask(graph.Peer(fmt.Sprintf("p%05d", i)), "s", "announce", says(graph.Peer(fmt.Sprintf("p%05d", i))), &Handshake{}); f != nil {
			t.Fatalf("client %d: %v", i, f)
		}
	}
	if f := w.Ask("late", "s", "announce", says("late"), &Handshake{}); f == nil || f.Reason != graph.Busy || f.RetryAfter != Heartbeat {
		t.Fatalf("a full server: %v", f)
	}
	if f := w.Ask("p00000", "s", "announce", says("p00000"), &Handshake{}); f != nil {
		t.Errorf("one that is there: %v", f)
	}
	c := startClient(w, "c", "")
	w.Pass(Heartbeat - time.Second)
	if n := w.Count("c", "announce", graph.RequestMsg); n != 1 || lease(c).Registered || lease(c).Failures != 1 {
		t.Errorf("%d announces before it was asked to, %d failures", n, lease(c).Failures)
	}
	w.Pass(TTL)
	if cohort(s).Len() != 1 || !lease(c).Registered {
		t.Errorf("%d are left, the lease is %+v", cohort(s).Len(), lease(c))
	}
}

func TestSample(t *testing.T) {
	const others = 40
	w := graphtest.New(t)
	startServer(w, Access{}, &admitted{})
	if f := w.Ask("stranger", "s", "sample", Wanted{4}, &Cohort{}); f == nil || f.Reason != graph.Denied {
		t.Errorf("a stranger: %v", f)
	}
	for i := range others + 1 {
		if f := w.Ask(graph.Peer(fmt.Sprintf("p%02d", i)), "s", "announce", says(graph.Peer(fmt.Sprintf("p%02d", i))), &Handshake{}); f != nil {
			t.Fatal(f)
		}
	}
	for _, n := range []int{-1, 0, 1, SampleSize, SampleSize + 1, 1 << 40} {
		var c Cohort
		if f := w.Ask("p00", "s", "sample", Wanted{n}, &c); f != nil || len(c.Members) != min(max(n, 0), SampleSize) {
			t.Errorf("%d wanted: %v, %d members", n, f, len(c.Members))
		}
	}
	// Each of the others is drawn as often as the rest, within five standard deviations, and nobody twice.
	drawn, rounds, per := map[graph.Peer]int{}, 2000, 8
	for range rounds {
		var c Cohort
		if f := w.Ask("p00", "s", "sample", Wanted{per}, &c); f != nil || len(c.Members) != per {
			t.Fatalf("%v, %v", f, c)
		}
		w.Pass(time.Second)
		if w.Sent = w.Sent[:0]; len(drawn) == 0 || drawn["p01"]%10 == 0 {
			for i := range others + 1 {
				w.Ask(graph.Peer(fmt.Sprintf("p%02d", i)), "s", "announce", says(graph.Peer(fmt.Sprintf("p%02d", i))), &Handshake{})
			}
		}
		seen := map[graph.Peer]bool{"p00": true}
		for _, m := range c.Members {
			if seen[m.Peer] {
				t.Fatalf("%s twice, or itself", m.Peer)
			}
			seen[m.Peer] = true
			drawn[m.Peer]++
		}
	}
	mean := float64(rounds*per) / others
	for p, n := range drawn {
		if d := float64(n) - mean; d*d > 25*mean {
			t.Errorf("%s was drawn %d times of %.0f", p, n, mean)
		}
	}
	if len(drawn) != others {
		t.Errorf("%d of %d were ever drawn", len(drawn), others)
	}
}

// A client that misses all answers until its lease has ended knows that it is not registered.
func TestLeaseEnds(t *testing.T) {
	w := graphtest.New(t)
	startServer(w, Access{}, &admitted{})
	c := startClient(w, "c", "")
	w.Settle()
	w.Lose = func(from graph.Peer, _ graph.Message) bool { return from == "s" }
	w.Pass(TTL - Heartbeat/2)
	if !lease(c).Registered {
		t.Error("gives up before its lease has ended")
	}
	w.Pass(Heartbeat)
	if l := lease(c); l.Registered || l.Failures == 0 {
		t.Errorf("%+v", l)
	}
	w.Lose = nil
	w.Pass(Heartbeat)
	if !lease(c).Registered {
		t.Errorf("%+v", lease(c))
	}
}

func TestDrawings(t *testing.T) {
	g := Protocol()
	for _, role := range []string{"client", "server"} {
		golden(t, role+".txt", g.Text(role))
	}
	golden(t, "graph.mermaid", g.Mermaid(""))
}

// golden compares with a file of testdata, or writes it when UPDATE is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("the drawing differs from %s (%v); look at it, then UPDATE=1 go test:\n%s", path, err, got)
	}
}
