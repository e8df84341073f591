package p2p

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/merograph/merograph/graph"
)

func embedded(t *testing.T, opts ...libp2p.Option) host.Host {
	t.Helper()
	b, err := libp2p.New(append(opts, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// A libp2p host that the embedder brings carries programs, and is left open, connected and without handlers of ours.
func TestHostThatIsBrought(t *testing.T) {
	bare, other := embedded(t), testHost(t)
	if err := bare.Connect(t.Context(), *addrInfo(t, other)); err != nil {
		t.Fatal(err)
	}
	before := len(bare.Mux().Protocols())
	for range 2 { // again, after it was closed
		h, err := New(t.Context(), Config{Host: bare})
		if err != nil {
			t.Fatal(err)
		}
		if h.ID() != graph.Peer(bare.ID().String()) || len(h.Addrs()) == 0 {
			t.Errorf("it is %s at %v", h.ID(), h.Addrs())
		}
		if got := h.Connected().Get(); len(got) != 1 || got[0] != other.ID() {
			t.Errorf("connected: %v", got)
		}
		e := newEars()
		server(t, h, e)
		c := client(t, other)
		learn(t, other, h)
		if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{h.ID(), "x"}); err != nil || got != "X" {
			t.Fatalf("got %q, %v", got, err)
		}
		meshed(t, other, newsID, 1)
		c.Stop()
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		until(t, "the caller sees its stream end", func() bool { return other.Stats().Links == 0 })
		if got := bare.Mux().Protocols(); len(got) != before {
			t.Errorf("handlers stay: %v", got)
		}
		for _, c := range bare.Network().Conns() {
			for _, s := range c.GetStreams() {
				if strings.Contains(string(s.Protocol()), "sub/") {
					t.Errorf("a stream of %s stays", s.Protocol())
				}
			}
		}
		if len(bare.Network().Peers()) != 1 {
			t.Error("the embedder's connections are gone")
		}
	}
}

func TestHostThatIsBroughtAndWrong(t *testing.T) {
	key, _, err := crypto.GenerateECDSAKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Config{Host: embedded(t, libp2p.Identity(key))}); err == nil || !strings.Contains(err.Error(), "ed25519") {
		t.Errorf("a key of another kind: %v", err)
	}
	bare := embedded(t)
	for name, cfg := range map[string]Config{
		"listen":  {Listen: []string{"/ip4/127.0.0.1/tcp/0"}},
		"key":     {Key: make([]byte, 64)},
		"options": {Options: []libp2p.Option{libp2p.EnableRelay()}},
		"reach":   {Reach: Reach{Relayed: true}},
	} {
		cfg.Host = bare
		if _, err := New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "leave") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(bare.Network().ListenAddresses()) == 0 {
		t.Error("a refused host was closed")
	}
}
