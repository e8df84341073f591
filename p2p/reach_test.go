package p2p

// The sleeps here are in a bubble of synctest: virtual time passes, and nobody waits.

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

func reaches(r Reach) func(*Config) { return func(c *Config) { c.Reach = r } }

// behindRelay opens a relay, a host that is reached through it, and one that calls it there.
func behindRelay(t *testing.T, more func(*Reach)) (private, caller *Host, at string) {
	t.Helper()
	net := newSimNet(t)
	relay := net.host(t, 0, reaches(Reach{Relay: true, Known: ReachPublic}))
	through := Reach{Through: []string{relay.Addrs()[0]}, Known: ReachPrivate}
	relayed := Reach{Relayed: true}
	more(&through)
	more(&relayed)
	private, caller = net.host(t, 1, reaches(through)), net.host(t, 2, reaches(relayed))
	for start := time.Now(); at == ""; time.Sleep(time.Second) {
		for _, a := range private.Addrs() {
			if strings.Contains(a, "/p2p-circuit/") {
				at = a
			}
		}
		if time.Since(start) > 10*time.Minute {
			t.Fatalf("no relay has taken it: %v", private.Addrs())
		}
	}
	return private, caller, at
}

func direct(h, to *Host) (n int) {
	for _, c := range h.host.Network().ConnsToPeer(to.id) {
		if !c.Stat().Limited {
			n++
		}
	}
	return n
}

// A host that nobody can dial is called through a relay.
func TestCallThroughRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		private, caller, at := behindRelay(t, func(*Reach) {})
		server(t, private, newEars())
		c := client(t, caller)
		if err := caller.Connect(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{private.ID(), "x"}); err != nil || got != "X" {
			t.Fatalf("got %q, %v", got, err)
		}
		if n := direct(caller, private); n != 0 || caller.host.Network().Connectedness(private.id) != network.Limited {
			t.Errorf("%d connections go around the relay", n)
		}
	})
}

// With hole punching the relayed connection is followed by a direct one, and the next streams go there.
func TestHolePunching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		private, caller, at := behindRelay(t, func(r *Reach) { r.HolePunch = true })
		server(t, private, newEars())
		c := client(t, caller)
		if err := caller.Connect(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); direct(caller, private) == 0; time.Sleep(time.Second) {
			if time.Since(start) > time.Minute {
				t.Fatal("the connection stays relayed")
			}
		}
		if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{private.ID(), "x"}); err != nil || got != "X" {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}

// Without Reach nobody is dialed through a relay.
func TestNoRelayUnlessAsked(t *testing.T) {
	a := testHost(t)
	at := "/ip4/127.0.0.1/tcp/1/p2p/" + string(peerOfNobody(t)) + "/p2p-circuit/p2p/" + string(peerOfNobody(t))
	if err := a.Connect(t.Context(), at); err == nil || !strings.Contains(err.Error(), "no transport") {
		t.Errorf("got %v", err)
	}
}

func TestBadReach(t *testing.T) {
	_, err := New(t.Context(), Config{Reach: Reach{Through: []string{"10.0.0.1", "/ip4/10.0.0.1/tcp/1"}, Known: "maybe"}, MDNS: true})
	for _, want := range []string{`"10.0.0.1"`, `"/ip4/10.0.0.1/tcp/1"`, `"maybe"`, "Network"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in: %v", want, err)
		}
	}
}

// What a host does for others, and what it may use of them, is what Reach says and nothing more. A relay that does not
// answer holds up nothing.
func TestServicesByConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		away := "/ip4/127.0.0.1/udp/1/quic-v1/p2p/" + string(peerOfNobody(t))
		for i, c := range []struct {
			reach Reach
			want  string // of what it answers to, in the end
		}{
			{Reach{}, ""},
			{Reach{Relayed: true}, "stop"},
			{Reach{Through: []string{away}}, "stop"},
			{Reach{HolePunch: true, Known: ReachPublic}, "stop dcutr"},
			{Reach{Relay: true, Known: ReachPublic}, "hop"},
			{Reach{AutoNAT: true, Known: ReachPublic}, "autonat"},
		} {
			h := net.host(t, i, reaches(c.reach))
			time.Sleep(time.Minute)
			var got []string
			for _, name := range []string{"hop", "stop", "dcutr", "autonat"} {
				if slices.ContainsFunc(h.host.Mux().Protocols(), func(id protocol.ID) bool {
					return strings.Contains(string(id), "/"+name) && !strings.Contains(string(id), "dial-back")
				}) {
					got = append(got, name)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%+v answers to %q, want %q", c.reach, s, c.want)
			}
		}
	})
}
