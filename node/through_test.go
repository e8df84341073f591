package node

import (
	"context"
	"crypto/ed25519"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// configured starts a node of the test's network with a configuration of its own.
func configured(t *testing.T, change func(*Config), opts ...Option) *Node {
	t.Helper()
	cfg := Default()
	cfg.Home, cfg.Network.Name = t.TempDir(), "test"
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	change(&cfg)
	n, err := New(cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n
}

func problem(s *State, part string) func() bool {
	return func() bool {
		return slices.ContainsFunc(s.Status().Problems, func(p string) bool { return strings.Contains(p, part) })
	}
}

// local is a configuration off the loopback, of a network that is this test's alone.
func local(t *testing.T, nodeType, secret string) func(*Config) {
	return func(c *Config) {
		c.NodeType, c.Swarm.Addrs = nodeType, []string{"/ip4/0.0.0.0/tcp/0"}
		c.Network = Network{Name: "local-" + filepath.Base(t.TempDir()) + "-" + strings.ReplaceAll(t.Name(), "/", "-") + strconv.FormatInt(time.Now().UnixNano(), 36), Secret: secret}
	}
}

// carries skips the test where two hosts cannot find each other by mDNS.
func carries(t *testing.T) {
	t.Helper()
	hosts := [2]*p2p.Host{}
	found := make(chan struct{}, 16)
	network := "probe-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	for i := range hosts {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		h, err := p2p.New(t.Context(), p2p.Config{Key: key, Listen: []string{"/ip4/0.0.0.0/tcp/0"}, Network: network, MDNS: true})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		h.Found().Watch(func() { found <- struct{}{} })
		hosts[i] = h
	}
	late := time.After(10 * time.Second)
	for len(hosts[0].Found().Get()) == 0 {
		select {
		case <-found:
		case <-late:
			t.Skip("the interfaces of this machine carry no multicast")
		}
	}
}

// A peer without a bootstrap finds the coordinator of its network nearby, and joins through it; the secret decides.
func TestJoinThroughTheLocalNetwork(t *testing.T) {
	carries(t)
	as := local(t, Coordinator, "rosebud")
	var network Network
	c := configured(t, func(cfg *Config) { as(cfg); network = cfg.Network })
	join := func(secret string) *State {
		return configured(t, func(cfg *Config) {
			as(cfg)
			cfg.NodeType, cfg.Network = Peer, Network{network.Name, secret}
		}).State()
	}
	stranger, p := join("xanadu"), join("rosebud")
	await(t, p, "registration", func() bool { ok, _ := p.registered(); return ok })
	await(t, p, "membership", member(p))
	await(t, stranger, "refusal", problem(stranger, "the network secret is missing or does not match"))
	st := p.Status()
	if !st.Discovery.MDNS || st.Discovery.Found == 0 || len(st.Problems) > 0 {
		t.Errorf("%+v", st)
	}
	if len(stranger.Members().Get()) > 0 || stranger.Status().Discovery.Registered {
		t.Errorf("a coordinator of another secret is a member: %v", stranger.Members().Get())
	}
	if !slices.Contains(p.Members().Get(), c.State().ID()) {
		t.Error("the coordinator that was found is no member")
	}
	if err := c.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	await(t, p, "its parting told", problem(p, "does not answer"))
}

// A peer all of whose places are taken by strangers that are away joins all the same.
func TestStrangersNearbyDoNotKeepAPeerOut(t *testing.T) {
	carries(t)
	as := local(t, Coordinator, "rosebud")
	c := configured(t, as)
	cfg := c.State().Config()
	cfg.Home, cfg.NodeType = t.TempDir(), Peer
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var strangers []graph.Peer
	for range globalregistry.MaxServers {
		strangers = append(strangers, someone(t))
	}
	n.State().through.Set(strangers)
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Stop(context.Background())
	await(t, n.State(), "membership", member(n.State()))
}

// Only coordinators among the found are joined through, as many as the registry takes, and those that are stay. Members are those
// that have registered this node.
func TestFoundCoordinators(t *testing.T) {
	offers := []string{announceID}
	never := func(graph.Peer) bool { return false }
	have := alsoFound([]graph.Peer{"x"}, []p2p.Nearby{{Peer: "a", Offers: offers}, {Peer: "b", Offers: []string{"/merograph/globalregistry/1/view"}}, {Peer: "c"}, {Peer: "x", Offers: offers}}, nil, never)
	if !slices.Equal(have, []graph.Peer{"x", "a"}) {
		t.Errorf("%v", have)
	}
	var many []p2p.Nearby
	for i := range 100 {
		many = append(many, p2p.Nearby{Peer: graph.Peer(rune('a' + i)), Offers: offers})
	}
	if have = alsoFound(have, many, nil, never); len(have) != globalregistry.MaxServers || have[0] != "x" {
		t.Errorf("%d: %v", len(have), have)
	}
	s := newState(Config{NodeType: Peer})
	s.mdns = true
	s.through.Set(have)
	if got := s.trusted([]globalregistry.Lease{{Server: "x"}, {Server: "a", Registered: true}}); !slices.Equal(got, []graph.Peer{"a"}) {
		t.Errorf("members are %v", got)
	}
}

// Where strangers have all places, a coordinator that is connected takes one that is idle, each another; nobody takes the place of one
// that is in use, and nobody who is not there takes any.
func TestFoundCoordinatorsTakeIdlePlaces(t *testing.T) {
	var have []graph.Peer
	var found []p2p.Nearby
	for i := range globalregistry.MaxServers {
		have = append(have, graph.Peer(rune('a'+i)))
	}
	connected := []graph.Peer{"v", "w", "x", "y"}
	for _, p := range append(slices.Clone(connected), "z") {
		found = append(found, p2p.Nearby{Peer: p, Offers: []string{announceID}})
	}
	idle := func(p graph.Peer) bool { return p == "b" || p == "d" || p >= "v" }
	now := alsoFound(have, found, connected, idle)
	for i, p := range now {
		switch taken := p != have[i]; {
		case taken && (have[i] != "b" && have[i] != "d" || !slices.Contains(connected, p)):
			t.Errorf("%s has the place of %s", p, have[i])
		case !taken && (p == "b" || p == "d"):
			t.Errorf("%s keeps its place", p)
		}
	}
	if now[1] == now[3] || len(now) != len(have) {
		t.Errorf("%v", now)
	}
}

// A place is idle when its server has not registered this node and is away; and, now and then, when it is there and refuses.
func TestIdleServers(t *testing.T) {
	leases := []globalregistry.Lease{{Server: "away"}, {Server: "here"}, {Server: "kept", Registered: true, LastError: "timeout"}, {Server: "liar", LastError: "it is of another network"}}
	for p, want := range map[graph.Peer]string{"away": "idle idle", "here": "busy busy", "kept": "busy busy", "liar": "busy idle", "new": "busy busy", "nobody": "idle idle"} {
		got := ""
		for _, failed := range []bool{false, true} {
			got += map[bool]string{false: " busy", true: " idle"}[isIdle(p, []graph.Peer{"here", "liar", "new"}, leases, failed)]
		}
		if got[1:] != want {
			t.Errorf("%s is%s, want %s", p, got, want)
		}
	}
}

// A found server whose addresses are forgotten is missing: nothing was dialed.
func TestServerWithoutAddressesIsMissing(t *testing.T) {
	h, err := p2p.New(t.Context(), p2p.Config{Key: newKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	s := newState(Config{NodeType: Peer})
	s.mdns, s.host = true, h
	nobody := someone(t)
	s.through.Set([]graph.Peer{nobody})
	if got := s.dialBootstrap(t.Context(), map[graph.Peer]string{}); len(got) != 1 || !strings.Contains(got[0], string(nobody)) || !strings.Contains(got[0], "its address is not known any more") {
		t.Errorf("missing: %q", got)
	}
}

// someone is a peer that is nowhere.
func someone(t *testing.T) graph.Peer {
	t.Helper()
	p, err := p2p.PeerOf(newKey(t).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Nodes look on the local network where they listen off the loopback, unless the configuration says otherwise.
func TestMDNSFollowsTheAddresses(t *testing.T) {
	for _, c := range []struct {
		mdns, at string
		want     bool
	}{
		{MDNSAuto, "/ip4/127.0.0.1/tcp/0", false}, {"", "/ip6/::1/tcp/0", false}, {MDNSAuto, "/ip4/0.0.0.0/tcp/0", true},
		{MDNSOn, "/ip4/127.0.0.1/tcp/0", true}, {MDNSOff, "/ip4/0.0.0.0/tcp/0", false},
	} {
		cfg := Default()
		cfg.Discovery.MDNS, cfg.Swarm.Addrs, cfg.Network.Secret = c.mdns, []string{"/ip4/127.0.0.1/udp/0/quic-v1", c.at}, "s"
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if n.mdns() != c.want {
			t.Errorf("%+v: %v", c, n.mdns())
		}
	}
	p := configured(t, func(c *Config) { c.NodeType = Peer }).State()
	if !problem(p, "give --bootstrap")() || p.Status().Discovery.MDNS {
		t.Errorf("%+v", p.Status())
	}
}

func embedded(t *testing.T, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// A node runs on a host that the embedder brings, as the peer that it is, and leaves it open; its home keeps to that peer.
func TestHostOfTheEmbedder(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	mine, home := embedded(t), t.TempDir()
	cfg := Default()
	cfg.Home, cfg.Network.Name, cfg.NodeType, cfg.Bootstrap = home, "test", Peer, c.State().Host().Addrs()
	n, err := New(cfg, WithHost(mine))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := n.State()
	if s.ID() != graph.Peer(mine.ID().String()) {
		t.Errorf("it is %s", s.ID())
	}
	await(t, s, "membership", member(s))
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(mine.Network().ListenAddresses()) == 0 {
		t.Error("the host is closed")
	}
	other, err := New(cfg, WithHost(embedded(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another node's") {
		t.Errorf("another host on that home: %v", err)
	}
}

func TestHostOfTheEmbedderThatDoesNotFit(t *testing.T) {
	cfg := Default()
	cfg.Network.Secret = ""
	if _, err := New(cfg, WithHost(embedded(t, libp2p.ListenAddrStrings("/ip4/0.0.0.0/tcp/0")))); err == nil || !strings.Contains(err.Error(), "secret") {
		t.Errorf("off the loopback without a secret: %v", err)
	}
	if _, err := New(cfg, WithHost(embedded(t)), WithLibp2p(libp2p.EnableRelay())); err == nil || !strings.Contains(err.Error(), "leave") {
		t.Errorf("with options: %v", err)
	}
	cfg.Reach.Relay = true
	if _, err := New(cfg, WithHost(embedded(t))); err == nil || !strings.Contains(err.Error(), "leave") {
		t.Errorf("with reach: %v", err)
	}
}

// A peer whose coordinator has started anew is registered again soon after it is connected, not a heartbeat later.
func TestRegisteredSoonAfterARestart(t *testing.T) {
	cfg := Default()
	cfg.Home, cfg.Network.Name = t.TempDir(), "test"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/" + l.Addr().String()[len("127.0.0.1:"):]}
	run := func() *Node {
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	c := run()
	p := start(t, t.TempDir(), c.State().Host().Addrs()).State()
	await(t, c.State(), "registration", lists(c.State(), p.ID()))
	if err := c.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the loss told", problem(p, "does not answer"))
	c = run()
	defer c.Stop(context.Background())
	began := time.Now()
	await(t, c.State(), "registration", lists(c.State(), p.ID()))
	if took := time.Since(began); took > globalregistry.Heartbeat/2 {
		t.Errorf("registered again after %v", took)
	}
}
