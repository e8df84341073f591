package p2p

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/merograph/merograph/graph"
)

// The name of the service scopes the search by network, in labels that DNS takes.
func TestMDNSIsScopedByNetwork(t *testing.T) {
	a, b := mdnsService("main"), mdnsService("a network with a long name, and spaces: "+strings.Repeat("x", 100))
	if a == b || a != mdnsService("main") {
		t.Errorf("%s and %s", a, b)
	}
	for _, s := range []string{a, b} {
		if !regexp.MustCompile(`^_[a-z0-9-]{1,62}\._udp$`).MatchString(s) {
			t.Errorf("%q is no service name", s)
		}
	}
}

// found tells h of a peer as libp2p's mDNS does.
func found(t *testing.T, h *Host, p graph.Peer, addrs ...string) {
	t.Helper()
	id, err := decodePeer(p)
	if err != nil {
		t.Fatal(err)
	}
	info := peer.AddrInfo{ID: id}
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			t.Fatal(err)
		}
		info.Addrs = append(info.Addrs, a)
	}
	finder{h}.HandlePeerFound(info)
}

// bareAddr is where h listens, without its identity.
func bareAddr(h *Host) string { return h.host.Addrs()[0].String() }

// A found peer is told in the feed, known with its addresses, and dialed.
func TestFoundPeers(t *testing.T) {
	a, b := testHost(t), testHost(t)
	news := make(chan struct{}, 16)
	defer a.Found().Watch(func() { news <- struct{}{} })()
	found(t, a, b.ID(), bareAddr(b))
	<-news
	if got := a.Found().Get(); len(got) != 1 || got[0].Peer != b.ID() {
		t.Errorf("found: %v", got)
	}
	until(t, "it is dialed", func() bool { return len(a.Connected().Get()) == 1 })
	found(t, a, b.ID(), bareAddr(b)) // again
	found(t, a, a.ID(), bareAddr(a)) // itself
	found(t, a, peerOfNobody(t))     // nowhere
	if got := a.Found().Get(); len(got) != 1 {
		t.Errorf("found: %v", got)
	}
}

// Anyone may announce anything: what is kept and what is dialed is bounded.
func TestFoundIsBounded(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Limits.Found = 3 })
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", i+1)
	}
	for range 10 {
		found(t, h, peerOfNobody(t), many...)
	}
	if got := len(h.Found().Get()); got != 3 {
		t.Errorf("%d are kept", got)
	}
	infos := h.Peers()
	if len(infos) != 3 {
		t.Errorf("%d are known", len(infos))
	}
	for _, p := range infos {
		if len(p.Addresses) > maxLearned {
			t.Errorf("%d addresses of one peer are kept", len(p.Addresses))
		}
	}
	if n := len(h.dials); n > foundDials {
		t.Errorf("%d are dialed", n)
	}
	full := testHost(t, func(c *Config) { c.Limits.ConnsLow, c.Limits.ConnsHigh = 1, 1 })
	other := testHost(t)
	if err := full.Connect(t.Context(), other.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	found(t, full, peerOfNobody(t), "/ip4/127.0.0.1/tcp/1")
	if n := len(full.dials); n != 0 {
		t.Errorf("%d are dialed by a host that has its connections", n)
	}
}

// Strangers that fill the feed do so for an hour after they were heard last, and no longer: then whoever is there is found.
func TestFoundStrangersMakeRoom(t *testing.T) {
	h, silent := testHost(t, func(c *Config) { c.Limits.Found = 3 }), testHost(t)
	if err := h.Connect(t.Context(), silent.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	until(t, "the connection is told", func() bool { return len(h.Connected().Get()) == 1 })
	note := func(p graph.Peer, now graph.Time) bool {
		id, err := decodePeer(p)
		if err != nil {
			t.Fatal(err)
		}
		return h.noteFound(id, now)
	}
	begin := h.now()
	loud, gone, late := peerOfNobody(t), peerOfNobody(t), peerOfNobody(t)
	for _, p := range []graph.Peer{loud, gone, silent.ID()} {
		if !note(p, begin) {
			t.Fatal("there is no room at the beginning")
		}
	}
	end := begin.Add(foundTime)
	if note(late, end-1) || len(h.heard) != 3 {
		t.Errorf("it is full, and takes one more; %d are heard", len(h.heard))
	}
	if !note(loud, end-1) || !note(late, end) {
		t.Error("one that was not heard for an hour keeps its place")
	}
	want := []graph.Peer{loud, late, silent.ID()}
	slices.Sort(want)
	var have []graph.Peer
	for _, n := range h.Found().Get() {
		have = append(have, n.Peer)
	}
	if !slices.Equal(have, want) || len(h.heard) != 3 {
		t.Errorf("found: %v, want %v; %d are heard", have, want, len(h.heard))
	}
}

// heard is a listener of libp2p's mDNS.
type heard chan struct{}

func (c heard) HandlePeerFound(peer.AddrInfo) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// multicasts skips the test on a machine whose interfaces carry no multicast.
func multicasts(t *testing.T) {
	t.Helper()
	c := make(heard, 1)
	for _, to := range []heard{c, make(heard, 1)} {
		s := mdns.NewMdnsService(testHost(t).host, "_merograph-probe._udp", to)
		defer s.Close()
		if err := s.Start(); err != nil {
			t.Skip("no multicast here: ", err)
		}
	}
	select {
	case <-c:
	case <-time.After(5 * time.Second):
		t.Skip("the interfaces of this machine carry no multicast")
	}
}

// Hosts of one network find each other; those of another do not.
func TestMDNSOnTheLocalNetwork(t *testing.T) {
	multicasts(t)
	of := func(network string) *Host {
		return testHost(t, func(c *Config) { c.Network, c.MDNS = network, true })
	}
	name := "test " + string(peerOfNobody(t))
	a, other, b := of(name), of(name+"x"), of(name)
	for _, h := range []*Host{a, b} {
		until(t, "the other is found and connected", func() bool { return len(h.Found().Get()) == 1 && len(h.Connected().Get()) == 1 })
	}
	if got := other.Found().Get(); len(got) != 0 {
		t.Errorf("another network found %v", got)
	}
}

// A host that cannot announce itself runs all the same, and says so.
func TestMDNSThatDoesNotStart(t *testing.T) {
	h := testHost(t, func(c *Config) { c.Listen, c.Network, c.MDNS = nil, "main", true })
	if got := h.Stats().Problems; len(got) != 1 || !strings.Contains(got[0], "local network") {
		t.Errorf("problems: %q", got)
	}
}
